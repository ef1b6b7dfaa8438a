"""How well boxes were found: each true box with at most one found box, at an overlap asked for.

Holds: matching, and precision, recall and F1 over pages.

Keeps out: what finds boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float32]
"""(N, 4) left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Found:
    """Counts over one page or many; they add up."""

    matched: int = 0
    found: int = 0
    true: int = 0

    def __add__(self, other: Found) -> Found:
        return Found(self.matched + other.matched, self.found + other.found, self.true + other.true)

    @property
    def precision(self) -> float:
        """Share of found boxes that are right; 1 if nothing was found."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of true boxes that were found; 1 if there are none."""
        return self.matched / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """Twice the matches over found and true boxes; 1 on an empty page left empty."""
        total = self.found + self.true
        return 2 * self.matched / total if total else 1.0


def overlaps(a: Boxes, b: Boxes) -> Boxes:
    """Intersection over union of every pair, (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(x[:, 2:] - x[:, :2], 0, None).prod(axis=1) for x in (a, b)]
    joint = areas[0][:, None] + areas[1][None] - shared
    return np.asarray(shared / np.maximum(joint, 1e-9), np.float32)


def matches(
    found: Sequence[Sequence[float]], true: Sequence[Sequence[float]], overlap: float
) -> npt.NDArray[np.bool_]:
    """Which found boxes are right: best pairs first, each true box once."""
    a = np.asarray(found, np.float32).reshape(-1, 4)
    b = np.asarray(true, np.float32).reshape(-1, 4)
    right = np.zeros(len(a), bool)
    if not len(a) or not len(b):
        return right
    table = overlaps(a, b)
    is_free = np.ones(len(b), bool)
    for place in np.argsort(-table, axis=None, kind="stable"):
        i, j = divmod(int(place), len(b))
        if table[i, j] < overlap:
            break
        if is_free[j] and not right[i]:
            right[i], is_free[j] = True, False
    return right


def compare(
    found: Sequence[Sequence[float]], true: Sequence[Sequence[float]], overlap: float = 0.5
) -> Found:
    """Counts of one page."""
    return Found(int(matches(found, true, overlap).sum()), len(found), len(true))
