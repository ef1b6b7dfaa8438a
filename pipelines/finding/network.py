"""The detector's network for OpenCV, built from its weights: no torch, no second file.

Holds: :func:`load_network` and :func:`to_onnx`, for any page size.

Keeps out: what a graph is made of (``graph``); what the network is asked and answers
(``detector``); its training (``training.detector``), whose ``network.Detector`` names the weights
and is held to this by a test.
"""

from __future__ import annotations

from pathlib import Path

import cv2

from pipelines.finding.graph import Graph, Weights, opened

WEIGHTS_FILE = "detector.safetensors"


def load_network(folder: Path) -> cv2.dnn.Net:
    """The network of a checkpoint folder.

    Raises:
        ModelError: If its weights are missing, are no safetensors, or are not a detector's.
    """
    return opened(folder / WEIGHTS_FILE, to_onnx, "detector", "detector.tiny")


def to_onnx(weights: Weights) -> bytes:
    """The network as ONNX: input ``ink`` (1, 1, H, W), output ``maps`` (1, 5, H / 4, W / 4).

    Args:
        weights: By the names of ``training.detector.network.Detector``.

    Raises:
        KeyError: If one is missing.
    """
    graph = Graph(weights)
    x4 = graph.down(graph.down("ink", "down2"), "down4")
    x8 = graph.down(x4, "down8")
    x16 = graph.down(x8, "down16")
    x32 = graph.down(x16, "down32")
    y16 = graph.merged(graph.conv(x32, "side32"), x16, "side16", "up16")
    y8 = graph.merged(y16, x8, "side8", "up8")
    y4 = graph.merged(y8, x4, "side4", "up4")
    graph.conv(y4, "answer", output="maps")
    return graph.finish(
        "detector", ("ink", [1, 1, "height", "width"]), ("maps", [1, 5, "rows", "columns"])
    )
