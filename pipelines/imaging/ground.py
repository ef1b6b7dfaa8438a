"""The ground that ink stands on: where it begins, and how light falls on it.

Holds: the frame inside uniform margins, what of them may hold ink, and the light of the ground as
a wide median, against which uneven lighting and stains that are broader than strokes level out.

Keeps out: the threshold between ink and ground (``pipelines.imaging.binarization``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.geometry import Box
from pipelines.imaging.scaling import Gray, shrink_factor, shrunk


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundParams:
    """What ground looks like; measured on rubbings of two steles and on the 15 CODH pages.

    Attributes:
        side_px: Longest side of the copy on which the light of the ground is estimated.
        window: Width of the window of that estimate, as a share of the copy's short side.
        column_window: The same as a share of its long side, at least: in the picture of a single
            column the short side is no wider than a character, whose ink would fill the window.
        margin_tolerance: Grey levels around the border's own within which a row is margin.
        max_margin: Share of the picture that a margin may take on one side.
    """

    side_px: int = 256
    window: float = 0.25
    column_window: float = 0.12
    margin_tolerance: float = 16.0
    max_margin: float = 0.4


_DEFAULT = GroundParams()


def content_frame(gray: Gray, params: GroundParams = _DEFAULT) -> Box:
    """The part of a picture inside its uniform margins, scan beds and padding.

    A row or column belongs to the margin while nearly all of it has the grey of the picture's
    border on that side. White padding around a rubbing, which fools tests of corners and
    borders, goes this way.
    """
    height, width = gray.shape
    left, top, right, bottom = 0, 0, width, height
    for _ in range(2):  # a margin on one side may hide the uniform part of another
        view = gray[top:bottom, left:right]
        first, last = _margin(view, params)
        top, bottom = top + first, bottom - last
        view = gray[top:bottom, left:right]
        first, last = _margin(view.T, params)
        left, right = left + first, right - last
    return Box(left, top, right, bottom)


def written_frame(gray: Gray, frame: Box, params: GroundParams = _DEFAULT) -> Box:
    """The content frame with those margins back that have the ground's own grey.

    The ends of strokes reach into them, in the picture of a single column most of all, and there
    is nothing in them to mislead anybody.
    """
    height, width = gray.shape
    ground = float(np.median(gray[frame.top : frame.bottom, frame.left : frame.right]))

    def is_other(margin: Gray) -> bool:
        return margin.size > 0 and abs(float(np.median(margin)) - ground) > params.margin_tolerance

    return Box(
        frame.left if is_other(gray[:, : frame.left]) else 0,
        frame.top if is_other(gray[: frame.top]) else 0,
        frame.right if is_other(gray[:, frame.right :]) else width,
        frame.bottom if is_other(gray[frame.bottom :]) else height,
    )


def _margin(view: Gray, params: GroundParams) -> tuple[int, int]:
    """How many rows at the start and end of a picture are margin."""
    limit = int(view.shape[0] * params.max_margin)
    counts = []
    for rows in (view[:limit], view[::-1][:limit]):
        if rows.shape[0] == 0:
            return 0, 0
        grey = float(np.median(rows[: max(1, limit // 40)]))
        uniform = (np.abs(rows.astype(np.int16) - grey) <= params.margin_tolerance).mean(axis=1)
        outside = np.flatnonzero(uniform < 0.9)
        # A whole side of one grey is the page's own ground, not a margin around it.
        counts.append(int(outside[0]) if outside.size else 0)
    return counts[0], counts[1]


def ground_light(gray: Gray, params: GroundParams = _DEFAULT) -> Gray:
    """The light of the ground, at a small size: a wide median, in which ink is the minority."""
    small = shrunk(gray, shrink_factor(gray.shape, params.side_px))
    window = max(min(small.shape) * params.window, max(small.shape) * params.column_window)
    return wide_median(small, int(window))


def wide_median(small: Gray, window_px: int) -> Gray:
    """A median whose window continues the border beyond it; at most 255 pixels wide."""
    window = min(255, window_px) | 1
    if window == 1:
        return small
    half = window // 2
    padded = cv2.copyMakeBorder(small, half, half, half, half, cv2.BORDER_REPLICATE)
    wide = cv2.medianBlur(padded, window)
    return np.asarray(wide[half : half + small.shape[0], half : half + small.shape[1]], np.uint8)


def levelled(gray: Gray, ground: Gray) -> Gray:
    """Grey relative to the ground, halved: 128 is ground, less is darker."""
    size = (gray.shape[1], gray.shape[0])
    full = cv2.resize(ground, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.addWeighted(gray, 0.5, full, -0.5, 128.0), np.uint8)
