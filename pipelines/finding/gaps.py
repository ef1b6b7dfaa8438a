"""Gaps in columns: writing between two found characters that the learned eye has passed over.

Holds: :func:`gaps_in_columns`, the stretches between vertical neighbours that are long and inked
enough to hold characters, and :func:`parted`, which cuts one by the rhythm of its ink.

Keeps out: columns as people read them (``pipelines.columns``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipelines.geometry import Box
from pipelines.imaging.ink import Ink
from pipelines.imaging.rhythm import RhythmParams, cut


@dataclass(frozen=True, slots=True, kw_only=True)
class GapParams:
    """What a gap is. Sizes are in the middle height of the two characters around it.

    Attributes:
        min_height: Lowest gap that may hold a character.
        max_height: Highest gap that still belongs to one column.
        overlap: Shared width of the neighbours, as a share of the narrower.
        like_size: Ratio of the neighbours' widths up to which they are of one column.
        min_ink: Ink in a gap, as a share of the neighbours' density.
        rhythm: How a gap is cut.
    """

    min_height: float = 0.7
    max_height: float = 4.0
    overlap: float = 0.5
    like_size: float = 2.2
    min_ink: float = 0.5
    rhythm: RhythmParams = field(default=RhythmParams(steadiness=1.5))


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch between two characters and the height that characters have there."""

    box: Box
    pitch: float


def gaps_in_columns(boxes: Sequence[Box], small: Ink, params: GapParams) -> list[Gap]:
    """The inked stretches between vertical neighbours.

    Args:
        boxes: Found characters.
        small: (H, W) uint8, 0 and 1, on which the boxes are; not modified.
        params: What a gap is.
    """
    if len(boxes) < 2:
        return []
    a = np.array([(b.left, b.top, b.right, b.bottom) for b in boxes], np.float64)
    widths, heights = a[:, 2] - a[:, 0], a[:, 3] - a[:, 1]
    usual = float(np.median(np.maximum(widths, heights)))
    gaps = []
    for index in range(len(a)):
        left, top, right, bottom = a[index]
        shared = np.minimum(right, a[:, 2]) - np.maximum(left, a[:, 0])
        below = (a[:, 1] + a[:, 3]) / 2 > (top + bottom) / 2
        below &= shared > 0.3 * np.minimum(widths, widths[index])
        below[index] = False
        if not below.any():
            continue
        after = int(np.flatnonzero(below)[np.argmin(a[below, 1])])
        pitch = float(max(np.sqrt(heights[index] * heights[after]), 0.6 * usual))
        height = a[after, 1] - bottom
        ratio = widths[index] / widths[after]
        if (
            not params.min_height * pitch <= height <= params.max_height * pitch
            or shared[after] < params.overlap * min(widths[index], widths[after])
            or not 1 / params.like_size <= ratio <= params.like_size
        ):
            continue
        box = Box(
            int(min(left, a[after, 0])),
            int(bottom),
            int(max(right, a[after, 2])),
            int(a[after, 1]),
        )
        if _density(small, box) >= params.min_ink * min(
            _density(small, boxes[index]), _density(small, boxes[after])
        ):
            gaps.append(Gap(box, pitch))
    return gaps


def parted(gap: Gap, small: Ink, params: GapParams) -> list[Box]:
    """The cells of a gap, as wide as the gap."""
    box = gap.box
    profile = small[box.top : box.bottom, box.left : box.right].sum(axis=1, dtype=np.float64)
    if not profile.any():
        return []
    spans = cut(profile[None], gap.pitch, params.rhythm)[0].spans
    return [Box(box.left, box.top + start, box.right, box.top + end) for start, end in spans]


def _density(small: Ink, box: Box) -> float:
    return float(small[box.top : box.bottom, box.left : box.right].mean())
