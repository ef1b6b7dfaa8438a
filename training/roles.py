"""What any model may promise to the rest: to read columns, or to write them.

Holds: the ``Recogniser`` protocol, what goes in and comes out of it, and ``WrittenColumn``.
UniCalli, the second reader and the nearest-glyph baseline all keep it, so that every evaluation
can print them side by side on the same crops.

Keeps out: records and tables (``training.readings``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One character as read.

    Attributes:
        text: Canonical character, empty where the reader refuses to name one.
        score: In [0, 1], of the best candidate.
        margin: Its distance to the second.
        candidates: Characters with scores, best first.
        alone: What the reader named before it heeded another one, with its score; None where it
            heeded none.
    """

    text: str
    score: float
    margin: float
    candidates: tuple[tuple[str, float], ...]
    alone: tuple[str, float] | None = None


NOTHING = Proposal(text="", score=0.0, margin=0.0, candidates=())
"""Of a box in which a reader sees nothing it can name."""


@dataclass(frozen=True)
class ColumnInk:
    """A column as a reader gets it.

    Attributes:
        ink: (H, W), white on black.
        boxes: Its characters from top to bottom.
        second: What another reader read in each box, if one was asked before; a reader may heed
            it or not.
        picture: The same part of the page as it is, (H, W) grey or (H, W, 3) RGB, if it is known.
        known: What is certain, a character a box and "" where nothing is: a person approved it,
            or another copy of the text has it. A reader may complete the column from it.
    """

    ink: npt.NDArray[np.uint8]
    boxes: tuple[Box, ...]
    second: tuple[Proposal, ...] = ()
    picture: npt.NDArray[np.uint8] | None = None
    known: tuple[str, ...] = ()


class Recogniser(Protocol):
    """Reads columns whose characters are already found."""

    def read_columns(self, columns: Sequence[ColumnInk]) -> list[list[Proposal]]:
        """One proposal a box, in the order given."""
        ...


@dataclass(frozen=True, kw_only=True)
class WrittenColumn:
    """A column that a model wrote, one cell a character from top to bottom.

    Attributes:
        text: What it says.
        ink: (cell * N, cell), white on black.
        box_map: The same size: where the model itself means its characters to stand.
        boxes: Extent of each character's ink, in pixels of ``ink``.
    """

    text: str
    ink: npt.NDArray[np.uint8]
    box_map: npt.NDArray[np.uint8]
    boxes: tuple[Box, ...]
