"""Which of two masks is ink: dark on light ground, or light on dark.

Holds: the score of UniCalli's appendix C.1 for both masks, and the places where a page turns
the other way round: a rubbing pasted on a sheet with a colophon, a label on a dark cover.

Keeps out: the masks themselves (``pipelines.imaging.binarization``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from pipelines.imaging.ground import wide_median
from pipelines.imaging.scaling import Gray, cropped, enlarged_box, shrink_factor, shrunk

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolarityParams:
    """The numbers of the judgement.

    The foreground range, its centre, the two weights and the Canny and CLAHE numbers are those
    of UniCalli's released code for appendix C.1; the others are this project's.

    Attributes:
        undecided: Difference of both scores under which specks are asked.
        speck: Side of the largest speck, as a share of the page's short side.
        speck_ratio: How much more area the specks of one kind must take.
        speck_share: Share of the page that they must take at least.
        inset_side_px: Longest side of the copy on which insets are looked for.
        inset_window: Width of the median that takes writing off that copy, as a share of its
            short side.
        inset_contrast: Grey levels between the grounds of a page and of an inset, at least.
        inset_share: Share of the page that an inset takes, at least.
        inset_fill: Share of its own box that it fills, at least: pasted sheets are rectangles,
            weathered places and stains are not.
    """

    min_foreground: float = 0.03
    max_foreground: float = 0.35
    best_foreground: float = 0.19
    ratio_weight: float = 0.7
    edge_weight: float = 0.3
    canny_low: int = 50
    canny_high: int = 150
    clahe_clip: float = 2.0
    clahe_tiles: int = 8
    undecided: float = 0.05
    speck: float = 0.012
    speck_ratio: float = 2.0
    speck_share: float = 0.002
    inset_side_px: int = 256
    inset_window: float = 0.1
    inset_contrast: float = 70.0
    inset_share: float = 0.04
    inset_fill: float = 0.9


_DEFAULT = PolarityParams()


def mask_scores(
    gray: Gray, dark_mask: Mask, params: PolarityParams = _DEFAULT
) -> tuple[float, float]:
    """The appendix C.1 scores of a mask of dark ink and of its complement.

    Each is ``ratio_weight`` times the closeness of the foreground ratio to
    ``best_foreground`` (1 there, 0 from the ends of the range on) plus ``edge_weight`` times
    what the density of Canny edges inside the mask exceeds that outside.
    """
    edges = ink_edges(gray, params)
    return scored(edges, dark_mask, params), scored(edges, ~dark_mask, params)


def ink_edges(gray: Gray, params: PolarityParams = _DEFAULT) -> Mask:
    """Canny edges of the equalized picture, as the score counts them."""
    clahe = cv2.createCLAHE(params.clahe_clip, (params.clahe_tiles, params.clahe_tiles))
    return np.asarray(cv2.Canny(clahe.apply(gray), params.canny_low, params.canny_high) > 0)


def scored(edges: Mask, mask: Mask, params: PolarityParams = _DEFAULT) -> float:
    """The appendix C.1 score of one mask over edges from :func:`ink_edges`, at most 1."""
    size, count = mask.size, int(np.count_nonzero(mask))
    edge_total = int(np.count_nonzero(edges))
    edge_count = int(np.count_nonzero(edges & mask))
    reach = (params.max_foreground - params.min_foreground) / 2
    off = abs(count / size - params.best_foreground)
    # Beyond the range the paper's closeness is 0 for both masks; a slight slope keeps the
    # rarer one ahead on pages that are mostly damage.
    closeness = 1 - off / reach if off < reach else -0.1 * (off - reach)
    inside = edge_count / count if count else 0.0
    outside = (edge_total - edge_count) / (size - count) if count < size else 0.0
    return params.ratio_weight * closeness + params.edge_weight * max(inside - outside, 0.0)


def is_ink_dark(
    dark: float, light: float, is_dark: Mask, params: PolarityParams = _DEFAULT
) -> bool:
    """Whether the dark mask is the ink: by the scores, or by specks where these do not tell.

    On stone so weathered that both masks hold more than ink ever does, both score nothing. But
    wear leaves specks the colour of the ink, for there is more ground to be pitted than ink.

    Args:
        dark: Score of the dark mask.
        light: Score of its complement.
        is_dark: The dark mask itself.
        params: From which difference on the scores tell.
    """
    if abs(dark - light) < params.undecided:
        of_dark, of_light = _specks(is_dark, params), _specks(~is_dark, params)
        least, most = sorted((of_dark, of_light))
        if most > max(params.speck_ratio * least, params.speck_share * is_dark.size):
            return of_dark > of_light
    return dark >= light


def _specks(mask: Mask, params: PolarityParams) -> int:
    """Pixels in pieces too small for a stroke."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    return int(areas[areas < (params.speck * min(mask.shape)) ** 2].sum())


def find_insets(gray: Gray, params: PolarityParams = _DEFAULT) -> list[Box]:
    """Rectangles whose ground is as light as the page's is dark, or the other way round.

    They are found on a copy without writing: what is left are the grounds, and those of a page
    of one kind differ less than ``inset_contrast``. Weathered stone and stains are ragged; only
    what fills its box counts.
    """
    factor = shrink_factor(gray.shape, params.inset_side_px)
    small = shrunk(gray, factor)
    plain = wide_median(small, int(min(small.shape) * params.inset_window))
    threshold = cv2.threshold(plain, 0, 255, cv2.THRESH_OTSU)[0]
    is_light = plain > threshold
    if is_light.all() or not is_light.any():
        return []
    if float(plain[is_light].mean() - plain[~is_light].mean()) < params.inset_contrast:
        return []
    minority = is_light if is_light.mean() <= 0.5 else ~is_light
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        minority.astype(np.uint8), connectivity=4
    )
    boxes = []
    for label in range(1, count):
        x, y, across, down, area = (int(v) for v in stats[label])
        box = Box(x, y, x + across, y + down)
        if area < params.inset_share * plain.size or area < params.inset_fill * box.area:
            continue
        # The outermost pixels of the box mix both grounds.
        inner = box.padded(-1, -1) if min(across, down) > 8 else box
        if float(np.mean(cropped((labels == label).astype(np.uint8), inner))) > 0.5:
            boxes.append(enlarged_box(inner, factor, plain.shape, gray.shape))
    return boxes
