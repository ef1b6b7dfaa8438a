"""The page beside this one, of which the picture shows a strip: its halves are no characters.

Holds: :func:`cut_off`, which finds the column at the picture's left or right edge whose
characters the edge cuts through.

Keeps out: scan beds and frames (``pipelines.imaging``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.geometry import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class FacingParams:
    """When a column at the edge is cut off.

    Attributes:
        touching: Share of its characters that reach the edge, at least.
        narrow: Their middle width over that of the page's other characters, at most.
        min_count: Characters it has, at least.
        min_columns: Widths of a character that the written part spans, at least: of a crop of a
            column or two everything may touch the edge.
    """

    touching: float = 0.5
    narrow: float = 0.85
    min_count: int = 3
    min_columns: float = 5.0


def cut_off(boxes: Sequence[Box], width: int, params: FacingParams) -> set[int]:
    """Indices of the boxes that belong to a cut column; ``width`` is that of the picture."""
    if len(boxes) < 2 * params.min_count:
        return set()
    left = np.array([box.left for box in boxes])
    right = np.array([box.right for box in boxes])
    usual = float(np.median(right - left))
    if right.max() - left.min() < params.min_columns * usual:
        return set()
    cut: set[int] = set()
    for touches, near in (
        (left <= 1, (left + right) / 2 <= usual),
        (right >= width - 1, (left + right) / 2 >= width - usual),
    ):
        column = np.flatnonzero(near)
        others = np.flatnonzero(~near)
        if len(column) < params.min_count or not len(others):
            continue
        narrow = np.median((right - left)[column]) / np.median((right - left)[others])
        if touches[column].mean() >= params.touching and narrow <= params.narrow:
            cut |= {int(index) for index in column}
    return cut
