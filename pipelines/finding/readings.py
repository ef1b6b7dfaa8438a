"""Readings beside a character (furigana): small writing close at its right, no part of the text.

Holds: :func:`beside_larger`, which finds them by size and nearness. The halves of a double-column
note (雙行夾注) are safe: beside each stands one of its own size.

Keeps out: notes in their own columns (``pipelines.columns``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.geometry import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingParams:
    """What a reading is.

    Attributes:
        like_size: Its width and longer side over those of the character it explains, at most.
        reach: Its distance from that character, in widths of it, at most.
        shared: Share of its height beside that character, at least.
    """

    like_size: float = 0.6
    reach: float = 0.25
    shared: float = 0.4


def beside_larger(boxes: Sequence[Box], params: ReadingParams) -> set[int]:
    """Indices of the boxes that stand close at the right of a much larger one."""
    a = np.array([(b.left, b.top, b.right, b.bottom) for b in boxes], np.float64).reshape(-1, 4)
    widths, heights = a[:, 2] - a[:, 0], a[:, 3] - a[:, 1]
    sizes = np.maximum(widths, heights)
    small: set[int] = set()
    for index, (left, top, right, bottom) in enumerate(a):
        is_larger = sizes * params.like_size > sizes[index]
        is_larger &= widths * params.like_size > widths[index]
        away = left - a[:, 2]
        is_near = (away < params.reach * widths) & (away > -0.3 * widths)
        is_near &= (left + right) / 2 > a[:, 2] - 0.1 * widths
        shared = np.minimum(a[:, 3], bottom) - np.maximum(a[:, 1], top)
        if (is_larger & is_near & (shared > params.shared * heights[index])).any():
            small.add(index)
    return small
