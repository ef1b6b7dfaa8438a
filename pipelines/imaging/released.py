"""The binarizer of the released UniCalli, number for number, as the profile ``unicalli``.

Holds: what the authors' code does to a page (appendix C.1), so that ours can be compared with it
on the same pages: grey, median, CLAHE, one threshold in both polarities, opening and closing,
small components dropped, and the score by foreground ratio and Canny edges. Ties go to dark ink.

Keeps out: everything the release does not do (margins, light, seals, lines, restoration), which
is ``pipelines.imaging.ink``.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]
Ink = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedParams:
    """The constants of the released code.

    Attributes:
        median_px: Side of the median.
        clahe_clip: Clip limit of the contrast equalization.
        clahe_tiles: Tiles a side.
        is_adaptive: Whether the threshold is the adaptive Gaussian one instead of Otsu's.
        adaptive_block_px: Block of the adaptive threshold.
        adaptive_offset: Grey levels below the block's mean.
        kernel_px: Side of the square of opening and closing.
        min_component_px: Pixels below which a component is dropped.
        canny_low: Lower threshold of the edges.
        canny_high: Upper threshold.
        min_foreground: Lower end of the range of foreground ratios.
        max_foreground: Upper end.
        ratio_weight: Weight of the closeness to the middle of that range.
        edge_weight: Weight of the edges inside beyond those outside.
    """

    median_px: int = 3
    clahe_clip: float = 2.0
    clahe_tiles: int = 8
    is_adaptive: bool = False
    adaptive_block_px: int = 25
    adaptive_offset: int = 10
    kernel_px: int = 3
    min_component_px: int = 64
    canny_low: int = 50
    canny_high: int = 150
    min_foreground: float = 0.03
    max_foreground: float = 0.35
    ratio_weight: float = 0.7
    edge_weight: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedInk:
    """The better mask, white on black, with both scores; ``is_dark_ink`` where dark won."""

    ink: Ink
    is_dark_ink: bool
    dark_score: float
    light_score: float


_DEFAULT = ReleasedParams()


def released_ink(gray: Gray, params: ReleasedParams = _DEFAULT) -> ReleasedInk:
    """Binarize as the released code does.

    Args:
        gray: (H, W) grey; not modified.
        params: The constants.
    """
    tiles = (params.clahe_tiles, params.clahe_tiles)
    smooth = cv2.medianBlur(gray, params.median_px)
    level = np.asarray(cv2.createCLAHE(params.clahe_clip, tiles).apply(smooth), np.uint8)
    dark = _tidied(_threshold(level, cv2.THRESH_BINARY_INV, params), params)
    light = _tidied(_threshold(level, cv2.THRESH_BINARY, params), params)
    edges = np.asarray(cv2.Canny(level, params.canny_low, params.canny_high), np.uint8)
    dark_score, light_score = _score(dark, edges, params), _score(light, edges, params)
    is_dark_ink = dark_score >= light_score
    return ReleasedInk(
        ink=dark if is_dark_ink else light,
        is_dark_ink=is_dark_ink,
        dark_score=dark_score,
        light_score=light_score,
    )


def _threshold(level: Gray, kind: int, params: ReleasedParams) -> Ink:
    if not params.is_adaptive:
        return np.asarray(cv2.threshold(level, 0, 255, kind | cv2.THRESH_OTSU)[1], np.uint8)
    mean = cv2.ADAPTIVE_THRESH_GAUSSIAN_C
    block, offset = params.adaptive_block_px, params.adaptive_offset
    return np.asarray(cv2.adaptiveThreshold(level, 255, mean, kind, block, offset), np.uint8)


def _tidied(mask: Ink, params: ReleasedParams) -> Ink:
    kernel = np.ones((params.kernel_px, params.kernel_px), np.uint8)
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel), np.uint8)
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel), np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    keep = np.where(stats[:, cv2.CC_STAT_AREA] >= params.min_component_px, 255, 0)
    keep[0] = 0
    return np.asarray(keep.astype(np.uint8)[labels], np.uint8)


def _score(mask: Ink, edges: npt.NDArray[np.uint8], params: ReleasedParams) -> float:
    ink, edge = mask > 0, edges > 0
    middle = (params.min_foreground + params.max_foreground) / 2
    reach = (params.max_foreground - params.min_foreground) / 2
    closeness = 1 - min(abs(float(ink.mean()) - middle) / reach, 1)
    inside = float(edge[ink].mean()) if ink.any() else 0.0
    outside = float(edge[~ink].mean()) if not ink.all() else 0.0
    return params.ratio_weight * closeness + params.edge_weight * max(inside - outside, 0.0)
