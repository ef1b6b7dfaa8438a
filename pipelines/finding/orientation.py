"""Which way up a page stands: from the characters found on it, before anybody reads them.

A scan may lie on its side or upside down, and a film may have been scanned from the back. Each
of these is one of the eight ways to lay a sheet on the glass. A small network looks at single
characters by themselves and says which way each seems to stand; a page goes by many of them, so
that 田 and 一, which look alike either way, do no harm.

Holds: :func:`orientation_of`, ``Orientation``, and the network that OpenCV runs; trained by
``python -m training train --recipe orientation.tiny``, its card beside its weights.

Keeps out: turning anything. What a person put on the glass is theirs to turn; they are told.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.finding.graph import Graph, Weights, opened
from pipelines.geometry import Box
from pipelines.imaging.ink import Ink
from pipelines.windows import fit_cell

CHECKPOINT = Path(__file__).with_name("checkpoints") / "orientation-1"
WEIGHTS_FILE = "orientation.safetensors"

CELL_PX = 32
"""Side of the cell in which a character is shown to the network."""

WAYS = 8
"""Four turns by a right angle, and the same four seen from the back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrientationParams:
    """When a page is said to stand wrongly.

    Attributes:
        most: Characters looked at, spread over the page.
        least: Fewer characters than this say nothing.
        margin: By how much the wrong way must be likelier than the right one, in natural
            logarithms, in the mean over the characters. What the network cannot tell has a mean
            near 0.
        evidence: The same summed over the characters: a few of them must be the surer. A page
            that would be both mirrored and turned, which hardly happens, must have it twice.
    """

    most: int = 80
    least: int = 8
    margin: float = 0.6
    evidence: float = 20.0


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a page lies.

    Attributes:
        turn_deg: 0, 90, 180 or 270: what it would have to be turned by, clockwise.
        is_mirrored: Whether it is seen from the back, and to be mirrored left to right, turned.
        margin: How much likelier that is than an upright page, as ``OrientationParams.margin``
            counts it; 0 for an upright page and where too little was seen.
    """

    turn_deg: int = 0
    is_mirrored: bool = False
    margin: float = 0.0

    @property
    def is_upright(self) -> bool:
        """Whether nothing is to be turned."""
        return not self.turn_deg and not self.is_mirrored

    @property
    def explanation(self) -> str:
        """What to do about it, as a sentence for archivists; empty for an upright page."""
        if self.is_upright:
            return ""
        steps = [f"turn it by {self.turn_deg} degrees clockwise"] if self.turn_deg else []
        if self.is_mirrored:
            steps.append("mirror it")
        seems = "mirrored" if self.is_mirrored else "turned"
        return f"the page seems to be {seems}: {' and '.join(steps)}, and add it again"


_DEFAULT = OrientationParams()


def orientation_of(
    ink: Ink, boxes: Sequence[Box], params: OrientationParams = _DEFAULT
) -> Orientation:
    """How a page lies, by the look of its characters.

    Args:
        ink: (H, W) uint8, ink 255 on 0; not modified.
        boxes: Its characters, wherever they stand.
        params: When it is said to lie wrongly.

    Raises:
        ModelError: If the bundled weights are missing or unreadable.
    """
    if len(boxes) < params.least:
        return Orientation()
    chosen = np.linspace(0, len(boxes) - 1, min(params.most, len(boxes))).round().astype(int)
    cells = np.stack(
        [
            fit_cell(ink[b.top : b.bottom, b.left : b.right], CELL_PX)
            for b in (boxes[int(index)] for index in chosen)
        ]
    )
    means = log_chances(cells).mean(axis=0)
    way = int(means.argmax())
    margin = float(means[way] - means[0])
    needed = params.evidence * (2 if way > WAYS // 2 else 1)
    if margin < params.margin or margin * len(cells) < needed:
        return Orientation()
    # The network names what was done to the page: mirrored, then turned anticlockwise.
    return Orientation(turn_deg=90 * (way % 4), is_mirrored=way >= 4, margin=round(margin, 4))


def log_chances(cells: Ink) -> npt.NDArray[np.float32]:
    """Natural logarithms of how likely each character lies each way: (N, S, S) to (N, 8).

    Way k is turned anticlockwise by k right angles; way k + 4 is mirrored left to right before.
    """
    network = _network()
    network.setInput(np.divide(cells[:, None], 255, dtype=np.float32))
    answer = np.asarray(network.forward(), np.float32).reshape(len(cells), WAYS)
    answer = answer - answer.max(axis=1, keepdims=True)
    return np.asarray(answer - np.log(np.exp(answer).sum(axis=1, keepdims=True)), np.float32)


def to_onnx(weights: Weights) -> bytes:
    """The network as ONNX: input ``ink`` (N, 1, 32, 32), output ``ways`` (N, 8, 1, 1).

    Args:
        weights: By the names of ``training.detector.orientation.Orienter``.

    Raises:
        KeyError: If one is missing.
    """
    graph = Graph(weights)
    x = "ink"
    for level in ("down2", "down4", "down8", "down16"):
        x = graph.down(x, level)
    graph.mean(graph.conv(x, "answer"), output="ways")
    return graph.finish(
        "orientation", ("ink", ["N", 1, CELL_PX, CELL_PX]), ("ways", ["N", WAYS, 1, 1])
    )


def load_network(folder: Path) -> cv2.dnn.Net:
    """The network of a checkpoint folder.

    Raises:
        ModelError: If its weights are missing, are no safetensors, or are another network's.
    """
    return opened(folder / WEIGHTS_FILE, to_onnx, "eye for orientation", "orientation.tiny")


class _Networks(threading.local):
    """One network a thread: OpenCV's keeps the picture it works on inside."""

    network: cv2.dnn.Net | None = None


_NETWORKS = _Networks()


def _network() -> cv2.dnn.Net:
    if _NETWORKS.network is None:
        _NETWORKS.network = load_network(CHECKPOINT)
    return _NETWORKS.network
