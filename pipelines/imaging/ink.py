"""Ink off paper, stone or rubbing: white (255) on black (0), whatever the original looked like.

Holds: the normalization of UniCalli's appendix C.1. Two candidate masks, dark ink on light
ground and light ink on dark ground, are scored by their foreground ratio and by how much more
Canny edge lies inside them than outside; the better one is the ink. Around it stands what real
scans need: uniform margins are stripped before polarity is judged, uneven light is levelled,
and scan beds, rule lines and specks are taken off the mask.

Polarity is judged on a copy of bounded size; only the threshold and the removal of specks see
every pixel, so a page costs no more than a few times its decoding.

Keeps out: bytes (``pipelines.imaging.codec``), and where characters stand
(``pipelines.characters``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from pipelines.records import Polarity

Gray = npt.NDArray[np.uint8]
"""(H, W), 0 black to 255 white."""

Ink = npt.NDArray[np.uint8]
"""(H, W), 255 where there is ink and 0 elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InkParams:
    """The numbers of the normalization.

    The foreground range, its centre, the two weights and the Canny thresholds are those of
    UniCalli's released code for appendix C.1; the other values are this project's, measured on
    rubbings of two steles and on the 15 CODH pages.

    Attributes:
        working_side_px: Longest side of the copy on which polarity is judged.
        light_side_px: Longest side of the copy on which the ground's light is estimated.
        light_window: Width of the window of that estimate, as a share of the copy's short side.
        min_contrast: Grey levels between ink and ground below which a page counts as blank.
        margin_tolerance: Grey levels around the border's own within which a row is margin.
        max_margin: Share of the picture that a margin may take on one side.
        line_length: Length from which a straight run may be a rule, as a share of the long side.
        line_aspect: Length over width from which it is one.
        bed_width: Width from which ink at the border is scan bed, as a share of the short side.
        bed_length: Length from which it is, as a share of the side.
        speck_side_px: Longest side of the copy on which specks are found.
        speck_strokes: Side of the largest speck, in stroke widths.
        weathered_share: Share of ink in specks from which strokes are rebuilt by majority.
        vote_strokes: Side of the window of that vote, in stroke widths.
        max_vote_px: The most it may be.
    """

    working_side_px: int = 1024
    light_side_px: int = 256
    light_window: float = 0.25
    median_px: int = 3
    min_contrast: float = 12.0
    min_foreground: float = 0.03
    max_foreground: float = 0.35
    best_foreground: float = 0.19
    ratio_weight: float = 0.7
    edge_weight: float = 0.3
    canny_low: int = 50
    canny_high: int = 150
    clahe_clip: float = 2.0
    clahe_tiles: int = 8
    margin_tolerance: float = 16.0
    max_margin: float = 0.4
    line_length: float = 0.28
    line_aspect: float = 25.0
    bed_width: float = 0.045
    bed_length: float = 0.15
    speck_side_px: int = 2048
    speck_strokes: float = 0.9
    weathered_share: float = 0.05
    vote_strokes: float = 0.5
    max_vote_px: int = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedInk:
    """What :func:`normalize_ink` returns.

    Attributes:
        ink: (H, W) uint8 of the input's size, ink 255 on 0.
        polarity: What the original looked like.
        polarity_confidence: In [0, 1]; 0 when both candidates score alike or the page is blank.
        dark_on_light_score: Appendix C.1 score of the mask of dark ink, at most 1.
        light_on_dark_score: The same for light ink.
        background: Grey of the ground, 0 to 255.
        ink_fraction: Share of the page that is ink, in [0, 1].
        noise_score: Share of the first mask's pixels that were specks, in [0, 1].
    """

    ink: Ink
    polarity: Polarity
    polarity_confidence: float
    dark_on_light_score: float
    light_on_dark_score: float
    background: int
    ink_fraction: float
    noise_score: float


_DEFAULT = InkParams()


def normalize_ink(image: npt.NDArray[np.uint8], params: InkParams = _DEFAULT) -> NormalizedInk:
    """Find the ink of a page.

    Args:
        image: (H, W) grey or (H, W, 3) RGB, at least one pixel; not modified.
        params: The numbers of the normalization.

    Returns:
        The ink, white on black, and what is known of the original. A blank page gives empty ink
        and a polarity confidence of 0.

    Raises:
        ValueError: If the array is not of such a shape and of type uint8.
    """
    gray = _gray(image)
    height, width = gray.shape
    factor = _factor(gray, params.working_side_px)
    small = _shrunk(gray, factor)
    frame = content_frame(small, params)
    inside = _crop(small, frame)
    ground = _ground(inside, params)
    level = _levelled(inside, ground)
    threshold, contrast = _threshold(level)
    background = int(np.median(ground))
    if contrast < params.min_contrast:
        return _blank(gray.shape, background)
    dark, light = mask_scores(inside, level <= threshold, params)
    is_dark_ink = dark >= light
    background = _ground_grey(inside, level, threshold, is_dark_ink)

    # The shrunk copy lacks the last few rows and columns; they belong to its last ones.
    large = Box(
        frame.left * factor,
        frame.top * factor,
        width if frame.right == small.shape[1] else frame.right * factor,
        height if frame.bottom == small.shape[0] else frame.bottom * factor,
    )
    mask = _full_mask(_crop(gray, large), ground, threshold, is_dark_ink, params)
    _erase_lines_and_beds(mask, params)
    mask, removed, kept = _erase_specks(mask, params)
    ink = np.zeros_like(gray)
    _crop(ink, large)[...] = mask
    return NormalizedInk(
        ink=ink,
        polarity=Polarity.DARK_ON_LIGHT if is_dark_ink else Polarity.LIGHT_ON_DARK,
        polarity_confidence=min(1.0, abs(dark - light)),
        dark_on_light_score=dark,
        light_on_dark_score=light,
        background=background,
        ink_fraction=kept / gray.size,
        noise_score=removed / (removed + kept) if removed + kept else 0.0,
    )


def content_frame(gray: Gray, params: InkParams = _DEFAULT) -> Box:
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


def _margin(view: Gray, params: InkParams) -> tuple[int, int]:
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


def mask_scores(
    gray: Gray, dark_mask: npt.NDArray[np.bool_], params: InkParams = _DEFAULT
) -> tuple[float, float]:
    """The appendix C.1 scores of a mask of dark ink and of its complement.

    Each is ``ratio_weight`` times the closeness of the foreground ratio to
    ``best_foreground`` (1 there, 0 from the ends of the range on) plus ``edge_weight`` times
    what the density of Canny edges inside the mask exceeds that outside.
    """
    clahe = cv2.createCLAHE(params.clahe_clip, (params.clahe_tiles, params.clahe_tiles))
    edges = cv2.Canny(clahe.apply(gray), params.canny_low, params.canny_high) > 0
    reach = (params.max_foreground - params.min_foreground) / 2
    edge_total, size = int(edges.sum()), edges.size
    dark_count = int(dark_mask.sum())
    edge_dark = int((edges & dark_mask).sum())

    def score(count: int, edge_count: int) -> float:
        off = abs(count / size - params.best_foreground)
        # Beyond the range the paper's closeness is 0 for both masks; a slight slope keeps the
        # rarer one ahead on pages that are mostly damage.
        closeness = 1 - off / reach if off < reach else -0.1 * (off - reach)
        inside = edge_count / count if count else 0.0
        outside = (edge_total - edge_count) / (size - count) if count < size else 0.0
        return params.ratio_weight * closeness + params.edge_weight * max(inside - outside, 0.0)

    return score(dark_count, edge_dark), score(size - dark_count, edge_total - edge_dark)


def _gray(image: npt.NDArray[np.uint8]) -> Gray:
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.size == 0:
        raise ValueError(
            f"A page is a uint8 array of shape (H, W) or (H, W, 3) with at least one pixel; got "
            f"{image.dtype} of shape {image.shape}. Decode it with pipelines.imaging.codec."
        )
    if image.ndim == 2:
        return image
    if image.shape[2] != 3:
        raise ValueError(f"A colour page has three channels, RGB; got shape {image.shape}.")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _factor(gray: Gray, side_px: int) -> int:
    """The whole number by which to shrink a picture so that no side is longer than asked."""
    return -(-max(gray.shape) // side_px)


def _shrunk(gray: Gray, factor: int) -> Gray:
    """A copy shrunk by a whole number: far faster than by any other, and exact."""
    height, width = gray.shape[0] // factor, gray.shape[1] // factor
    if factor == 1 or height == 0 or width == 0:
        return gray
    view = gray[: height * factor, : width * factor]
    return np.asarray(cv2.resize(view, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _enlarged(gray: Gray, factor: int, shape: tuple[int, ...]) -> Gray:
    """The inverse of :func:`_shrunk`: every pixel repeated, the last ones up to the shape."""
    height, width = gray.shape
    if factor > 1 and (height, width) != shape:
        size = (width * factor, height * factor)
        gray = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    down, across = shape[0] - gray.shape[0], shape[1] - gray.shape[1]
    if down or across:
        edge = cv2.BORDER_REPLICATE
        gray = np.asarray(cv2.copyMakeBorder(gray, 0, down, 0, across, edge), np.uint8)
    return gray


def _crop(gray: Gray, box: Box) -> Gray:
    return gray[box.top : box.bottom, box.left : box.right]


def _ground(gray: Gray, params: InkParams) -> Gray:
    """The light of the ground, at a small size: a wide median, in which ink is the minority."""
    small = _shrunk(gray, _factor(gray, params.light_side_px))
    window = min(255, int(min(small.shape) * params.light_window)) | 1
    half = window // 2
    padded = cv2.copyMakeBorder(small, half, half, half, half, cv2.BORDER_REPLICATE)
    wide = cv2.medianBlur(padded, window) if window > 1 else padded
    return np.asarray(wide[half : half + small.shape[0], half : half + small.shape[1]], np.uint8)


def _levelled(gray: Gray, ground: Gray) -> Gray:
    """Grey relative to the ground: 128 is ground, less is darker."""
    size = (gray.shape[1], gray.shape[0])
    full = cv2.resize(ground, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.addWeighted(gray, 0.5, full, -0.5, 128.0), np.uint8)


def _threshold(level: Gray) -> tuple[int, float]:
    """Otsu's threshold and the contrast it parts, in grey levels of the original."""
    threshold = int(cv2.threshold(level, 0, 255, cv2.THRESH_OTSU)[0])
    histogram = np.bincount(level.ravel(), minlength=256).astype(np.float64)
    values = np.arange(256)
    low, high = histogram[: threshold + 1], histogram[threshold + 1 :]
    if low.sum() == 0 or high.sum() == 0:
        return threshold, 0.0
    dark = (low * values[: threshold + 1]).sum() / low.sum()
    light = (high * values[threshold + 1 :]).sum() / high.sum()
    return threshold, 2 * float(light - dark)


def _ground_grey(gray: Gray, level: Gray, threshold: int, is_dark_ink: bool) -> int:
    outside = gray[level > threshold] if is_dark_ink else gray[level <= threshold]
    return int(np.median(outside)) if outside.size else int(np.median(gray))


def _full_mask(
    gray: Gray, ground: Gray, threshold: int, is_dark_ink: bool, params: InkParams
) -> Ink:
    """The candidate mask at full size: :func:`_levelled` and its threshold in one comparison."""
    smooth = cv2.medianBlur(gray, params.median_px) if min(gray.shape) > params.median_px else gray
    bound = np.clip(ground.astype(np.int16) + 2 * (threshold - 128), 0, 255).astype(np.uint8)
    full = cv2.resize(bound, (gray.shape[1], gray.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.compare(smooth, full, cv2.CMP_LE if is_dark_ink else cv2.CMP_GT))


def _erase_lines_and_beds(mask: Ink, params: InkParams) -> None:
    """Take rule lines, and broad areas that touch the border, off ``mask`` in place.

    Both are found on a small copy; what stands out by more than a character's longest stroke,
    or is broader than any stroke, is not writing.
    """
    factor = _factor(mask, params.working_side_px // 2)
    # Half cover keeps strokes about as wide as they are; any cover would join them.
    small = (_shrunk(mask, factor) > 80).astype(np.uint8)
    erase = _beds(small, params) | _lines(small, params)
    if erase.any():
        mask[_enlarged(erase, factor, mask.shape) > 0] = 0


def _beds(small: Ink, params: InkParams) -> Ink:
    """Broad areas at the border: scan bed, facing page, paper around a rubbing."""
    height, width = small.shape
    side = max(5, int(min(small.shape) * params.bed_width)) | 1
    framed = cv2.copyMakeBorder(small, side, side, side, side, cv2.BORDER_REPLICATE)
    kernel = np.ones((side, side), np.uint8)
    broad = cv2.morphologyEx(framed, cv2.MORPH_OPEN, kernel)[side:-side, side:-side]
    beds = np.zeros_like(small)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(broad, connectivity=8)
    for label in range(1, count):
        x, y, across, down = (int(v) for v in stats[label, :4])
        touches = x == 0 or y == 0 or x + across == width or y + down == height
        if touches and max(across / width, down / height) >= params.bed_length:
            beds[labels == label] = 1
    grown = cv2.dilate(beds, np.ones((5, 5), np.uint8))
    return np.asarray(cv2.bitwise_and(grown, small), np.uint8)


def _lines(small: Ink, params: InkParams) -> Ink:
    """Thin straight runs longer than any stroke: frames and the rules between columns."""
    length = max(24, int(max(small.shape) * params.line_length))
    lines = np.zeros_like(small)
    for turned in (False, True):
        view = np.ascontiguousarray(small.T if turned else small)
        if view.shape[0] < length:
            continue
        # Rules lean a little: let a run step aside by a pixel on its way down.
        wide = cv2.dilate(view, np.ones((1, 3), np.uint8))
        runs = cv2.morphologyEx(wide, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(runs, connectivity=8)
        thin = np.zeros(count, np.uint8)
        aspect = stats[:, cv2.CC_STAT_HEIGHT] ** 2 / np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
        thin[1:] = aspect[1:] >= params.line_aspect
        found = thin[labels]
        lines |= found.T if turned else found
    return lines


@dataclass(frozen=True, slots=True)
class _Specks:
    """Where the specks of a mask are, on a copy of bounded size."""

    labels: npt.NDArray[np.int32]
    keep: npt.NDArray[np.bool_]
    factor: int
    stroke_px: float
    share: float


def _specks(mask: Ink, params: InkParams) -> _Specks:
    """Components smaller than a dot of the brush, with the width of the page's strokes."""
    factor = _factor(mask, params.speck_side_px)
    small = (_shrunk(mask, factor) > 0).astype(np.uint8)
    count, found, stats, _ = cv2.connectedComponentsWithStats(small, connectivity=8)
    labels = np.asarray(found, np.int32)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    areas[0] = 0
    if count == 1:
        return _Specks(labels, np.zeros(1, np.bool_), factor, 0.0, 0.0)
    inner = cv2.erode(small, np.ones((3, 3), np.uint8))
    edges = np.bincount(labels[(small > inner)], minlength=count)
    widths = 2 * areas / np.maximum(edges, 1)
    order = np.argsort(widths)
    # The width of the component to which the middle ink pixel belongs: specks weigh little.
    middle = np.searchsorted(np.cumsum(areas[order]), areas.sum() / 2)
    stroke = float(widths[order[min(int(middle), count - 1)]])
    keep = areas > (params.speck_strokes * stroke) ** 2
    return _Specks(labels, keep, factor, stroke * factor, float(areas[~keep].sum() / areas.sum()))


def _erase_specks(mask: Ink, params: InkParams) -> tuple[Ink, int, int]:
    """The mask without specks, the ink pixels removed, and those kept.

    Where specks are many, the stone is weathered: strokes are then rebuilt by a majority vote
    of each pixel's surroundings before specks are counted again.
    """
    total = cv2.countNonZero(mask)
    if total == 0:
        return mask, 0, 0
    specks = _specks(mask, params)
    if specks.share > params.weathered_share:
        window = int(np.clip(params.vote_strokes * specks.stroke_px, 3, params.max_vote_px)) | 1
        mask = np.asarray(cv2.medianBlur(mask, window), np.uint8)
        specks = _specks(mask, params)
    table = np.where(specks.keep, 255, 0).astype(np.uint8)
    kept = _enlarged(np.take(table, specks.labels), specks.factor, mask.shape)
    mask = np.asarray(cv2.bitwise_and(mask, kept), np.uint8)
    count = cv2.countNonZero(mask)
    return mask, max(0, total - count), count


def _blank(shape: tuple[int, ...], background: int) -> NormalizedInk:
    return NormalizedInk(
        ink=np.zeros(shape, np.uint8),
        polarity=Polarity.DARK_ON_LIGHT if background >= 128 else Polarity.LIGHT_ON_DARK,
        polarity_confidence=0.0,
        dark_on_light_score=0.0,
        light_on_dark_score=0.0,
        background=background,
        ink_fraction=0.0,
        noise_score=0.0,
    )
