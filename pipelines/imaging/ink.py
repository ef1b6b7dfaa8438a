"""Ink off paper, stone or rubbing: white (255) on black (0), whatever the original looked like.

Holds: the order in which a page is normalized, after UniCalli's appendix C.1 and beyond it. Red
seals go to a layer of their own; margins are stripped and uneven light is levelled; the polarity
is the one whose mask scores better, judged for insets apart; the better of three thresholds parts
ink from ground; frames, rules and scan beds are taken off; damage is mended and remembered; and
the lean of what is left is measured.

Everything but the threshold, the vote and the masks is found on copies of bounded size, so a page
costs no more than about twice its decoding. The profile ``unicalli`` does what the released code
does instead, for comparison.

Keeps out: bytes (``pipelines.imaging.codec``), each step by itself (the modules imported here),
and where characters stand (``pipelines.characters``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from pipelines.imaging.binarization import (
    BinarizationParams,
    Method,
    best_threshold,
    ink_mask,
    otsu_level,
)
from pipelines.imaging.grain import GrainParams, smoothed
from pipelines.imaging.ground import (
    GroundParams,
    content_frame,
    ground_light,
    levelled,
    written_frame,
)
from pipelines.imaging.lines import LineParams, find_lines
from pipelines.imaging.polarity import (
    PolarityParams,
    find_insets,
    ink_edges,
    is_ink_dark,
    scored,
)
from pipelines.imaging.released import ReleasedParams, released_ink
from pipelines.imaging.restoration import RestorationParams, restored
from pipelines.imaging.scaling import cropped, enlarged_box, shrink_factor, shrunk
from pipelines.imaging.seals import SealParams, find_seals, seal_mask, without_red
from pipelines.imaging.skew import Skew, SkewParams, estimate_skew
from pipelines.records import Polarity, PolarityRegion

Gray = npt.NDArray[np.uint8]
"""(H, W), 0 black to 255 white."""

Ink = npt.NDArray[np.uint8]
"""(H, W), 255 where there is ink and 0 elsewhere."""


class Profile(StrEnum):
    """Whose normalization: this project's, or the released UniCalli's for comparison."""

    BEITIE = "beitie"
    UNICALLI = "unicalli"


@dataclass(frozen=True, slots=True, kw_only=True)
class InkParams:
    """The numbers of the normalization, each with the step that it belongs to.

    Attributes:
        profile: Whose normalization; ``unicalli`` uses ``released`` and nothing else.
        working_side_px: Longest side of the copy on which polarity and threshold are judged.
        min_contrast: Grey levels between ink and ground below which a page counts as blank.
        edge_contrast: Grey levels from the ground from which a margin holds a frame or an edge.
    """

    profile: Profile = Profile.BEITIE
    working_side_px: int = 1024
    min_contrast: float = 12.0
    edge_contrast: float = 60.0
    seals: SealParams = field(default_factory=SealParams)
    grain: GrainParams = field(default_factory=GrainParams)
    ground: GroundParams = field(default_factory=GroundParams)
    polarity: PolarityParams = field(default_factory=PolarityParams)
    binarization: BinarizationParams = field(default_factory=BinarizationParams)
    lines: LineParams = field(default_factory=LineParams)
    restoration: RestorationParams = field(default_factory=RestorationParams)
    skew: SkewParams = field(default_factory=SkewParams)
    released: ReleasedParams = field(default_factory=ReleasedParams)


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalizedInk:
    """What :func:`normalize_ink` returns.

    Attributes:
        ink: (H, W) uint8 of the input's size, ink 255 on 0.
        damage: (H, W) uint8, 255 where ink was taken away as damage or filled in.
        seal: (H, W) uint8, 255 where a red seal lies, or None if there is none.
        seals: One box for each red seal.
        polarity: What the original looked like; of a page of both kinds, most of it.
        polarity_confidence: In [0, 1]; 0 when both candidates score alike or the page is blank.
        dark_on_light_score: Appendix C.1 score of the mask of dark ink, at most 1.
        light_on_dark_score: The same for light ink.
        regions: Each part of one polarity, the main one first; none on a blank page.
        background: Grey of the ground, 0 to 255.
        ink_fraction: Share of the page that is ink, in [0, 1].
        noise_score: Share of the first mask's pixels that were damage, in [0, 1].
        damage_fraction: Share of the page in ``damage``.
        line_fraction: Share of the page in frames, rules and scan beds that were taken off.
        skew: How far the writing leans; the picture has not been turned.
        method: How ink was parted from ground.
    """

    ink: Ink
    damage: Ink
    seal: Ink | None
    seals: tuple[Box, ...]
    polarity: Polarity
    polarity_confidence: float
    dark_on_light_score: float
    light_on_dark_score: float
    regions: tuple[PolarityRegion, ...]
    background: int
    ink_fraction: float
    noise_score: float
    damage_fraction: float
    line_fraction: float
    skew: Skew
    method: Method


_DEFAULT = InkParams()
_STRAIGHT = Skew(degrees=0.0, confidence=0.0)


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
    if params.profile is Profile.UNICALLI:
        return _as_released(gray, params)
    red = find_seals(image, params.seals)
    gray = without_red(gray, image, red)
    insets = find_insets(gray, params.polarity)
    parts = []
    if insets:
        parts = [(box, _part(cropped(gray, box), params)) for box in insets]
        parts = [(box, part) for box, part in parts if part.polarity_confidence > 0]
        gray = _without(gray, [box for box, _ in parts])
    main = _part(gray, params)
    ink, damage = main.ink, main.damage
    for box, part in parts:
        cropped(ink, box)[...] = part.ink
        cropped(damage, box)[...] = part.damage
    regions = [_region(box, part) for box, part in ((main.box, main), *parts)]
    kept = cv2.countNonZero(ink)
    return NormalizedInk(
        ink=ink,
        damage=damage,
        seal=seal_mask(image, red) if red.seals else None,
        seals=red.seals,
        polarity=main.polarity,
        polarity_confidence=main.polarity_confidence,
        dark_on_light_score=main.dark,
        light_on_dark_score=main.light,
        regions=tuple(region for region in regions if region.confidence > 0),
        background=main.background,
        ink_fraction=kept / gray.size,
        noise_score=main.noise_score,
        damage_fraction=cv2.countNonZero(damage) / gray.size,
        line_fraction=main.line_count / gray.size,
        skew=estimate_skew(ink, params.skew) if kept else _STRAIGHT,
        method=main.method,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The ink of a part of the page that has one polarity."""

    ink: Ink
    damage: Ink
    box: Box
    polarity: Polarity
    polarity_confidence: float
    dark: float = 0.0
    light: float = 0.0
    background: int
    noise_score: float = 0.0
    line_count: int = 0
    method: Method = Method.OTSU


def _part(gray: Gray, params: InkParams) -> _Part:
    height, width = gray.shape
    gray = smoothed(gray, params.grain)
    factor = shrink_factor(gray.shape, params.working_side_px)
    small = shrunk(gray, factor)
    frame = content_frame(small, params.ground)
    inside = cropped(small, frame)
    ground = ground_light(inside, params.ground)
    level = levelled(inside, ground)
    otsu, contrast = otsu_level(level)
    background = int(np.median(ground))
    if 2 * contrast < params.min_contrast:
        # Nothing inside the margins; a lone frame or the edge of a page was stripped with them.
        edge = np.abs(small.astype(np.int16) - background) >= params.edge_contrast
        return _Part(
            ink=np.zeros_like(gray),
            damage=np.zeros_like(gray),
            box=Box(0, 0, width, height),
            polarity=Polarity.DARK_ON_LIGHT if background >= 128 else Polarity.LIGHT_ON_DARK,
            polarity_confidence=0.0,
            background=background,
            line_count=int(np.count_nonzero(edge)) * factor**2,
        )
    is_dark = level <= otsu
    edges = ink_edges(inside, params.polarity)
    dark, light = scored(edges, is_dark, params.polarity), scored(edges, ~is_dark, params.polarity)
    is_dark_ink = is_ink_dark(dark, light, is_dark, params.polarity)
    ground_pixels = inside[~is_dark if is_dark_ink else is_dark]
    written = written_frame(small, frame, params.ground)
    if written != frame:
        frame, inside = written, cropped(small, written)
        ground = ground_light(inside, params.ground)
    threshold = best_threshold(
        inside,
        ground,
        otsu,
        is_dark_ink=is_dark_ink,
        polarity=params.polarity,
        params=params.binarization,
    )
    # The shrunk copy lacks the last few rows and columns; they belong to its last ones.
    box = enlarged_box(frame, factor, small.shape, gray.shape)
    mask = ink_mask(cropped(gray, box), threshold, is_dark_ink=is_dark_ink)
    lines = find_lines(mask, params.lines)
    line_count = 0
    if lines is not None:
        total = cv2.countNonZero(mask)
        cv2.subtract(mask, lines, dst=mask)
        line_count = total - cv2.countNonZero(mask)
    # Placed before it is mended: once instead of once for the ink and once for the damage.
    mask = _placed(mask, box, gray.shape)
    mended = restored(mask, params.restoration, is_stone=not is_dark_ink)
    return _Part(
        ink=mended.ink,
        damage=mended.damage,
        box=box,
        polarity=Polarity.DARK_ON_LIGHT if is_dark_ink else Polarity.LIGHT_ON_DARK,
        polarity_confidence=min(1.0, abs(dark - light)),
        dark=dark,
        light=light,
        background=int(np.median(ground_pixels)) if ground_pixels.size else background,
        noise_score=mended.noise_score,
        line_count=line_count,
        method=threshold.method,
    )


def _region(box: Box, part: _Part) -> PolarityRegion:
    return PolarityRegion(box=box, polarity=part.polarity, confidence=part.polarity_confidence)


def _placed(mask: Ink, box: Box, shape: tuple[int, ...]) -> Ink:
    if mask.shape == shape:
        return mask
    placed = np.zeros(shape, np.uint8)
    cropped(placed, box)[...] = mask
    return placed


def _without(gray: Gray, boxes: list[Box]) -> Gray:
    """The page with insets painted over in the grey of what surrounds them."""
    if not boxes:
        return gray
    plain = gray.copy()
    outside = np.ones(gray[::8, ::8].shape, np.bool_)
    for box in boxes:
        outside[box.top // 8 : -(-box.bottom // 8), box.left // 8 : -(-box.right // 8)] = False
    grey = int(np.median(gray[::8, ::8][outside])) if outside.any() else 128
    for box in boxes:
        around = box.padded(8, 8).clipped(gray.shape[1], gray.shape[0]) or box
        cropped(plain, around)[...] = grey
    return plain


def _as_released(gray: Gray, params: InkParams) -> NormalizedInk:
    found = released_ink(gray, params.released)
    polarity = Polarity.DARK_ON_LIGHT if found.is_dark_ink else Polarity.LIGHT_ON_DARK
    confidence = min(1.0, abs(found.dark_score - found.light_score))
    whole = Box(0, 0, gray.shape[1], gray.shape[0])
    ground = gray[found.ink == 0]
    return NormalizedInk(
        ink=found.ink,
        damage=np.zeros_like(gray),
        seal=None,
        seals=(),
        polarity=polarity,
        polarity_confidence=confidence,
        dark_on_light_score=found.dark_score,
        light_on_dark_score=found.light_score,
        regions=(PolarityRegion(box=whole, polarity=polarity, confidence=confidence),),
        background=int(np.median(ground)) if ground.size else int(np.median(gray)),
        ink_fraction=cv2.countNonZero(found.ink) / gray.size,
        noise_score=0.0,
        damage_fraction=0.0,
        line_fraction=0.0,
        skew=_STRAIGHT,
        method=Method.ADAPTIVE if params.released.is_adaptive else Method.OTSU,
    )


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
