"""The detector's network for OpenCV, built from its weights: no torch, no second file.

Holds: :func:`load_network`, and :func:`to_onnx`, which writes the graph node by node with the norms
folded into the convolutions: nothing but Conv, Relu, Add and Resize, for any page size.

Keeps out: what the network is asked and answers (``pipelines.finding.detector``); its training
(``training.detector``), whose ``network.Detector`` names the weights and is held to this by a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors import SafetensorError
from safetensors.numpy import load_file

from pipelines.errors import ModelError

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, npt.NDArray[Any]]

WEIGHTS_FILE = "detector.safetensors"

OPSET = 13

NORM_EPS = np.float32(1e-5)
"""What torch's BatchNorm2d adds to the variance."""


def load_network(folder: Path) -> cv2.dnn.Net:
    """The network of a checkpoint folder.

    Raises:
        ModelError: If its weights are missing, are no safetensors, or are not a detector's.
    """
    file = folder / WEIGHTS_FILE
    try:
        graph = to_onnx(load_file(file))
        return cv2.dnn.readNetFromONNX(np.frombuffer(graph, np.uint8))
    except (OSError, SafetensorError, KeyError, cv2.error) as error:
        raise ModelError(
            f"{file} holds no detector ({str(error).strip()}). Install the package again, or write "
            f"the folder with python -m training train --recipe detector.tiny."
        ) from error


def to_onnx(weights: Weights) -> bytes:
    """The network as ONNX: input ``ink`` (1, 1, H, W), output ``maps`` (1, 5, H / 4, W / 4).

    Args:
        weights: By the names of ``training.detector.network.Detector``.

    Raises:
        KeyError: If one is missing.
    """
    graph = _Graph(weights)
    x4 = graph.down(graph.down("ink", "down2"), "down4")
    x8 = graph.down(x4, "down8")
    x16 = graph.down(x8, "down16")
    x32 = graph.down(x16, "down32")
    y16 = graph.merged(graph.conv(x32, "side32"), x16, "side16", "up16")
    y8 = graph.merged(y16, x8, "side8", "up8")
    y4 = graph.merged(y8, x4, "side4", "up4")
    graph.conv(y4, "answer", output="maps")
    sizes = ["height", "width"]
    made = helper.make_graph(
        graph.nodes,
        "detector",
        [helper.make_tensor_value_info("ink", TensorProto.FLOAT, [1, 1, *sizes])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, [1, 5, "rows", "columns"])],
        graph.constants,
    )
    proto = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    return bytes(proto.SerializeToString())


class _Graph:
    """Nodes and constants in the making; each method adds one step and names its result."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._count = 0

    def down(self, x: str, level: str) -> str:
        """A level on the way down: its first block halves the size, others may follow."""
        if f"{level}.conv.weight" in self.weights:
            return self.block(x, level, stride=2)
        count = 0
        while f"{level}.{count}.conv.weight" in self.weights:
            x = self.block(x, f"{level}.{count}", stride=1 if count else 2)
            count += 1
        if not count:
            raise KeyError(f"{level}.0.conv.weight")
        return x

    def block(self, x: str, name: str, stride: int) -> str:
        """Convolution with its norm folded in, then the rectifier."""
        factor = self._get(f"{name}.norm.weight") / np.sqrt(
            self._get(f"{name}.norm.running_var") + NORM_EPS
        )
        weight = self._get(f"{name}.conv.weight") * factor[:, None, None, None]
        bias = self._get(f"{name}.norm.bias") - self._get(f"{name}.norm.running_mean") * factor
        return self._node("Relu", [self._convolution(x, weight, bias, stride)])

    def conv(self, x: str, name: str, output: str = "") -> str:
        """A convolution with a bias and nothing after it."""
        weight, bias = self._get(f"{name}.weight"), self._get(f"{name}.bias")
        return self._convolution(x, weight, bias, 1, output)

    def merged(self, deep: str, fine: str, side: str, up: str) -> str:
        """The deeper map at twice its size plus the finer one, and a block over both."""
        large = self._node(
            "Resize",
            [deep, "", self._constant(np.array([1, 1, 2, 2], np.float32))],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        return self.block(self._node("Add", [large, self.conv(fine, side)]), up, stride=1)

    def _convolution(
        self, x: str, weight: Floats, bias: Floats, stride: int, output: str = ""
    ) -> str:
        side = weight.shape[2]
        return self._node(
            "Conv",
            [x, self._constant(weight), self._constant(bias)],
            output,
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[side // 2] * 4,
        )

    def _get(self, name: str) -> Floats:
        return np.asarray(self.weights[name], np.float32)

    def _constant(self, array: Floats) -> str:
        self._count += 1
        name = f"w{self._count}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        self._count += 1
        name = output or f"x{self._count}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name
