"""What any model may promise to the rest: to read columns.

Holds: the ``Recogniser`` protocol and what goes in and comes out of it. UniCalli, the second
reader and the nearest-glyph baseline all keep it, so that every evaluation can print them side
by side on the same crops.

Keeps out: records and tables (``training.readings``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box


@dataclass(frozen=True)
class ColumnInk:
    """A column as a reader gets it: (H, W) ink, white on black, and boxes from top to bottom."""

    ink: npt.NDArray[np.uint8]
    boxes: tuple[Box, ...]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One character as read.

    Attributes:
        text: Canonical character, empty where the reader refuses to name one.
        score: In [0, 1], of the best candidate.
        margin: Its distance to the second.
        candidates: Characters with scores, best first.
    """

    text: str
    score: float
    margin: float
    candidates: tuple[tuple[str, float], ...]


class Recogniser(Protocol):
    """Reads columns whose characters are already found."""

    def read_columns(self, columns: Sequence[ColumnInk]) -> list[list[Proposal]]:
        """One proposal a box, in the order given."""
        ...
