"""What the ink says of boxes: where its edges are, and what no box holds.

Holds: :func:`fitted`, which draws each box to the ink that is its own, and :func:`left_over`, the
pieces of ink outside all boxes.

Keeps out: where boxes come from (``pipelines.finding.detector``, ``pipelines.finding.cells``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from pipelines.imaging.ink import Ink

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceParams:
    """How boxes are drawn to ink. Shares are of a box's own sides.

    Attributes:
        own_share: Share of a piece of ink inside a box from which the piece is its own.
        reach: How far an own piece may draw an edge outwards.
        foreign_rim: Depth of the rim in which foreign ink does not count.
        speck_share: Area of a piece, of the box's, under which it does not draw edges.
        min_ink: Ink of a character, as a share of its box, at least.
    """

    own_share: float = 0.62
    reach: float = 0.16
    foreign_rim: float = 0.12
    speck_share: float = 0.004
    min_ink: float = 0.03


@dataclass(frozen=True, slots=True)
class Pieces:
    """Connected ink: ``labels`` (H, W), 0 where there is none; ``stats`` (count, 5) of OpenCV."""

    labels: Labels
    stats: Labels


def pieces_of(small: Ink) -> Pieces:
    """The connected pieces of ink, (H, W) uint8, 0 and not 0."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(small, connectivity=8)
    return Pieces(np.asarray(labels, np.int32), np.asarray(stats, np.int32))


def fitted(
    box: tuple[float, float, float, float], pieces: Pieces, params: EvidenceParams
) -> Box | None:
    """A box drawn to its ink, or None if it holds hardly any.

    Pieces that lie mostly inside count whole, and may draw an edge a little outwards. Of the
    others, which touch a neighbour, counts what is inside, unless it only fringes the box.
    """
    height, width = pieces.labels.shape
    left, top = max(0, round(box[0])), max(0, round(box[1]))
    right, bottom = min(width, round(box[2])), min(height, round(box[3]))
    if right <= left or bottom <= top:
        return None
    view = pieces.labels[top:bottom, left:right]
    counts = np.bincount(view.ravel())
    counts[0] = 0
    area = view.size
    if counts.sum() < params.min_ink * area:
        return None
    names = np.flatnonzero(counts)
    inside = counts[names]
    stats = pieces.stats[names]
    is_own = inside >= params.own_share * stats[:, cv2.CC_STAT_AREA]
    is_speck = inside < max(2, params.speck_share * area)
    w, h = right - left, bottom - top
    edges = []
    own = stats[is_own & ~is_speck]
    if len(own):
        x, y = own[:, cv2.CC_STAT_LEFT], own[:, cv2.CC_STAT_TOP]
        edges.append(
            (
                max(x.min(), left - params.reach * w),
                max(y.min(), top - params.reach * h),
                min((x + own[:, cv2.CC_STAT_WIDTH]).max(), right + params.reach * w),
                min((y + own[:, cv2.CC_STAT_HEIGHT]).max(), bottom + params.reach * h),
            )
        )
    foreign = names[~is_own & ~is_speck]
    if foreign.size:
        is_foreign = np.zeros(len(counts), bool)
        is_foreign[foreign] = True
        mask = is_foreign[view]
        rim_x, rim_y = int(params.foreign_rim * w), int(params.foreign_rim * h)
        core = mask[rim_y : h - rim_y, rim_x : w - rim_x]
        if core.any():
            # Foreign ink that reaches the core is a stroke shared with a neighbour.
            ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            edges.append((left + xs[0], top + ys[0], left + xs[-1] + 1, top + ys[-1] + 1))
    if not edges:
        return None
    a = np.array(edges)
    drawn = (a[:, 0].min(), a[:, 1].min(), a[:, 2].max(), a[:, 3].max())
    return Box(*(int(np.floor(v)) for v in drawn[:2]), *(int(np.ceil(v)) for v in drawn[2:]))


def left_over(pieces: Pieces, boxes: list[Box], share: float) -> list[int]:
    """Labels of the pieces of which less than ``share`` lies in any box."""
    covered = np.zeros(pieces.labels.shape, bool)
    for box in boxes:
        covered[max(0, box.top) : box.bottom, max(0, box.left) : box.right] = True
    inside = np.bincount(pieces.labels[covered], minlength=len(pieces.stats))
    outside = inside < share * pieces.stats[:, cv2.CC_STAT_AREA]
    outside[0] = False
    return [int(label) for label in np.flatnonzero(outside)]
