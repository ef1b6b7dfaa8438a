"""What a real scan looks like, measured on it: its bare ground, its ink, and how the two meet.

Holds: ``Scan`` and :func:`read_scan`, which measures one; ``Surface`` and :func:`surface_of`, which
makes it as large as a page.

Keeps out: filling the ground in (``ground``), setting new ink (``inlay``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.errors import MaterialError
from pipelines.geometry import Box
from pipelines.imaging.ink import normalize_ink
from pipelines.imaging.scaling import cropped
from pipelines.records import Polarity
from pipelines.synthesis.fields import stroke_width
from training.families.creativesynth.ground import (
    Field,
    GroundParams,
    Mask,
    bare_ground,
    masked_blur,
)

Rgb = npt.NDArray[np.uint8]
Ink = npt.NDArray[np.uint8]

REACH_PX = 8
"""How far from the edge of a stroke its softness is measured."""
SMOOTHED_SHARE = 0.2
"""Over what share of a stroke's width its edges are smoothed, to see how rough they are."""
STROKE_REACH_PX = 3
"""How far outside of its edge a stroke is still seen."""


@dataclass(frozen=True, kw_only=True)
class SurfaceParams:
    """How a scan is measured and made as large as a page.

    Attributes:
        working_px: Longest side at which a scan is measured; a larger one is made smaller.
        min_ink: Share of a scan that is ink, below which it is blank: nothing says what ink looks
            like there.
        margin: Share of the ink on each side beyond which a scan is margin, border or bed.
        halo: How far around ink the ground is taken for touched by it, in widths of a stroke.
        core: Depth from which a stroke is full ink, as a share of half its width.
        speck: Share of the way from ground to ink beyond which a place is a speck and says
            nothing of the light.
        rule: Length from which something straight is a rule, as a share of the side along it.
        ink_light_px: Sigma of the blur that parts the tone of ink from its grain.
        ink_piece_px: Side of the pieces that ink's grain is laid of.
        most_enlarged: How much a scan is enlarged so that its strokes are as wide as the page's.
        most_mirrored: Share of a page that may lie beyond the scan and is mirrored instead of
            scaling the scan by so little; scaling blurs grain.
    """

    working_px: int = 2200
    min_ink: float = 0.003
    margin: float = 0.01
    halo: float = 0.4
    core: float = 0.5
    speck: float = 0.3
    rule: float = 0.12
    ink_light_px: float = 30.0
    ink_piece_px: int = 8
    most_enlarged: float = 1.2
    most_mirrored: float = 0.15
    ground: GroundParams = field(default_factory=GroundParams)


@dataclass(frozen=True)
class Scan:
    """What was measured on a real picture, inside its margins; all of one size.

    Attributes:
        picture: (h, w, 3) as it came.
        ink: (h, w) 255 where it is written on.
        untouched: (h, w) 255 where the ground is the scan's own: no ink, seal or rule is near.
        ground: (h, w, 3) bare, 0 to 255.
        ink_light: (h, w, 3) the tone of full ink near each place.
        ink_grain: (h, w, 3) by how much ink differs from that tone, where ``core``.
        core: (h, w) where a stroke is full ink.
        cover: How much ink covers at each whole distance from the edge of a stroke, from
            ``-REACH_PX`` (outside) to ``REACH_PX`` (inside), rising from 0 to 1.
        roughness: By how much edges leave their smoothed course, in widths of a stroke.
        stroke_px: Usual width of its strokes.
        polarity: Which of ink and ground is light.
    """

    picture: Rgb
    ink: Ink
    untouched: Ink
    ground: Field
    ink_light: Field
    ink_grain: Field
    core: Mask
    cover: npt.NDArray[np.float64]
    roughness: float
    stroke_px: float
    polarity: Polarity


@dataclass(frozen=True)
class Surface:
    """What new ink is set into, of a page's size; fields as in :class:`Scan`.

    ``picture``, ``ink`` and ``untouched`` are the part of the scan that it was made of.
    """

    picture: Rgb
    ink: Ink
    untouched: Ink
    ground: Field
    ink_light: Field
    ink_grain: Field
    cover: npt.NDArray[np.float64]
    roughness: float
    polarity: Polarity


_DEFAULT = SurfaceParams()


def read_scan(picture: Rgb, name: str, params: SurfaceParams = _DEFAULT, seed: int = 0) -> Scan:
    """Measure a real scan: a few seconds, once for all pages that are set into it.

    Args:
        picture: (H, W) grey or (H, W, 3) RGB; not modified.
        name: For messages.
        params: The numbers.
        seed: Which pieces fill the ground in.

    Raises:
        MaterialError: With ``reason`` blank_scan, if there is hardly any ink.
    """
    colour = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    shrink = min(1.0, params.working_px / max(colour.shape[:2]))
    if shrink < 1:
        colour = cv2.resize(colour, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    colour = np.asarray(colour, np.uint8)
    found = normalize_ink(colour)
    if found.ink_fraction < params.min_ink or not found.polarity_confidence:
        raise MaterialError(
            f"{name} is blank: {found.ink_fraction:.2%} of it is ink, where {params.min_ink:.1%} "
            f"is the least that shows what ink looks like on it. Give a scan with writing.",
            reason="blank_scan",
        )
    box = _written(found.ink, params.margin)
    colour, ink = cropped(colour, box).copy(), cropped(found.ink, box).copy()
    seals = cropped(found.seal, box) if found.seal is not None else np.zeros_like(ink)
    values = colour.astype(np.float32)
    width = max(1.5, stroke_width(ink))
    contrast = _contrast(colour, ink)
    marks = np.maximum(np.maximum(ink, seals), _rules(contrast, params.rule))
    side = 2 * int(np.ceil(params.halo * width)) + 1
    halo = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    inked = cv2.dilate(marks, halo) > 0
    light = masked_blur(
        values, (~inked & (contrast < params.speck)).astype(np.float32), params.ground.light_px
    )
    ground = bare_ground(values, light, inked, np.random.default_rng(seed), params.ground)
    # Pits in a stroke belong to its grain.
    closing = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    whole = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, closing, iterations=max(1, int(width / 5)))
    distance = signed_distance(np.asarray(whole, np.uint8))
    core = distance >= max(1.0, params.core * width / 2)
    if not core.any():
        core = whole > 0
    ink_light = masked_blur(values, core.astype(np.float32), params.ink_light_px)
    return Scan(
        picture=colour,
        ink=ink,
        untouched=np.where(inked, 0, 255).astype(np.uint8),
        ground=ground,
        ink_light=ink_light,
        ink_grain=values - ink_light,
        core=core,
        cover=_cover(values, ground, ink_light, distance),
        roughness=roughness(ink),
        stroke_px=width,
        polarity=found.polarity,
    )


def surface_of(
    scan: Scan, shape: tuple[int, int], stroke_px: float, rng: np.random.Generator,
    params: SurfaceParams = _DEFAULT,
) -> Surface:  # fmt: skip
    """A scan as large as a page: turned over, moved, and scaled to cover it.

    Within bounds its strokes come to be as wide as the page's, so that grain stands to strokes as
    it does in the scan.

    Args:
        scan: From :func:`read_scan`.
        shape: Height and width of the page.
        stroke_px: Usual width of the page's strokes.
        rng: How the scan is turned and moved, and which pieces make ink's grain.
        params: The numbers.
    """
    height, width = shape
    had = scan.ink.shape
    covering = max(height / had[0], width / had[1])
    scale = max(covering, min(stroke_px / scan.stroke_px, params.most_enlarged))
    if abs(scale - 1) <= params.most_mirrored:
        scale = 1.0
    taken = (min(had[0], round(height / scale)), min(had[1], round(width / scale)))
    top = int(rng.integers(0, had[0] - taken[0] + 1))
    left = int(rng.integers(0, had[1] - taken[1] + 1))
    turns = [bool(turn) for turn in rng.integers(0, 2, 2)]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LANCZOS4
    # Of the page's height and width; less only where the rest is mirrored.
    filled = (width, height) if scale != 1 else (min(width, taken[1]), min(height, taken[0]))

    def fitted(values: Rgb | Field) -> Rgb | Field:
        part: Any = values[top : top + taken[0], left : left + taken[1]]
        part = np.ascontiguousarray(part[:: -1 if turns[0] else 1, :: -1 if turns[1] else 1])
        if part.shape[1::-1] != filled:
            part = cv2.resize(part, filled, interpolation=how)
        down, across = height - filled[1], width - filled[0]
        whole: Rgb | Field = cv2.copyMakeBorder(part, 0, down, 0, across, cv2.BORDER_REFLECT)
        return whole

    ink = np.asarray(fitted(scan.ink), np.uint8)
    return Surface(
        picture=np.asarray(fitted(scan.picture), np.uint8),
        ink=np.where(ink > 127, 255, 0).astype(np.uint8),
        untouched=np.asarray(fitted(scan.untouched), np.uint8),
        ground=np.asarray(np.clip(fitted(scan.ground).astype(np.float32), 0, 255), np.float32),
        ink_light=np.asarray(fitted(scan.ink_light), np.float32),
        ink_grain=_pieces(scan.ink_grain, scan.core, shape, params.ink_piece_px, rng),
        cover=scan.cover,
        roughness=scan.roughness,
        polarity=scan.polarity,
    )


def signed_distance(ink: Ink) -> Field:
    """(H, W) pixels from the edge of a stroke, positive inside; edges lie between pixels."""
    inside = np.asarray(ink > 127, np.uint8)
    deep = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.where(inside > 0, deep - 0.5, 0.5 - away).astype(np.float32)


def roughness(ink: Ink) -> float:
    """By how much the edges of strokes leave their smoothed course, in widths of a stroke.

    Smoothed over a share of that width, so that thick and thin strokes compare.
    """
    width = stroke_width(ink)
    distance = signed_distance(ink)
    smooth = cv2.GaussianBlur(distance, (0, 0), max(0.5, SMOOTHED_SHARE * width))
    edge = np.abs(distance) <= 1
    return float(np.abs((distance - smooth)[edge]).mean()) / width if edge.any() else 0.0


def _written(ink: Ink, margin: float) -> Box:
    """The box that holds all but a small share of the ink on each side."""
    bounds = []
    for axis in (0, 1):
        share = np.cumsum((ink > 0).sum(axis=axis, dtype=np.int64))
        first, last = np.searchsorted(share, [margin * share[-1], (1 - margin) * share[-1]])
        bounds.append((int(first), int(last) + 1))
    return Box(bounds[0][0], bounds[1][0], bounds[0][1], bounds[1][1])


def _contrast(picture: Rgb, ink: Ink) -> Field:
    """How far each place is on the way from the grey of the ground, 0, to that of ink, 1."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    ground = cv2.medianBlur(cv2.resize(grey, None, fx=0.125, fy=0.125).astype(np.uint8), 15)
    ground = cv2.resize(ground, grey.shape[::-1]).astype(np.float32)
    usual = float(np.median(grey[ink == 0]))
    away = float(np.median(grey[ink > 0])) - usual
    # Where flakes are broad the median is one of flakes; no light or stain changes so much.
    ground = np.clip(ground, usual - 0.25 * abs(away), usual + 0.25 * abs(away))
    return np.asarray((grey - ground) / (away if abs(away) > 1 else 1.0), np.float32)


def _rules(contrast: Field, length: float) -> Ink:
    """Frames and rules: what is straight over a long way, however faint or broken."""
    faint = np.where(contrast > 0.2, 255, 0).astype(np.uint8)
    found = np.zeros_like(faint)
    for axis in (0, 1):
        long = max(40, int(length * faint.shape[axis]))
        size = (1, 7) if axis == 0 else (7, 1)
        closed = cv2.morphologyEx(faint, cv2.MORPH_CLOSE, np.ones(size[::-1], np.uint8))
        whole = np.ones((long, 1) if axis == 0 else (1, long), np.uint8)
        found = np.maximum(found, cv2.morphologyEx(closed, cv2.MORPH_OPEN, whole))
    return np.asarray(found, np.uint8)


def _pieces(
    grain: Field, core: Mask, shape: tuple[int, int], side: int, rng: np.random.Generator
) -> Field:
    """Grain of a whole page out of small pieces of ink, overlapping by half.

    Pieces fade into one another by weights whose squares sum to one, so that the variance stays.
    """
    height, width = shape
    total = cv2.integral(core.astype(np.uint8))
    count = total[side:, side:] - total[:-side, side:] - total[side:, :-side]
    count = count + total[:-side, :-side]
    places = np.argwhere(count >= min(0.9 * side * side, float(count.max())))
    half = side // 2
    fade = np.sin((np.arange(side) + 0.5) * np.pi / side).astype(np.float32)
    window = (fade[:, None] * fade[None])[..., None]
    rows, columns = height // half + 2, width // half + 2
    drawn = places[rng.integers(0, len(places), (rows, columns))]
    masked = grain * core[..., None]
    pieces = np.lib.stride_tricks.sliding_window_view(masked, (side, side, 3))[:, :, 0]
    made = np.zeros(((rows + 1) * half, (columns + 1) * half, 3), np.float32)
    for row in range(rows):
        chosen = pieces[drawn[row, :, 0], drawn[row, :, 1]] * window
        for column in range(columns):
            corner = np.s_[row * half : row * half + side, column * half : column * half + side]
            made[corner] += chosen[column]
    return made[half : half + height, half : half + width]


def _cover(
    picture: Field, ground: Field, ink_light: Field, distance: Field
) -> npt.NDArray[np.float64]:
    """How much ink covers at each distance from an edge, 0 to 1."""
    away = ink_light - ground
    strength = (away**2).sum(axis=2)
    shown = ((picture - ground) * away).sum(axis=2) / np.maximum(strength, 1.0)
    places = np.clip(np.round(distance), -REACH_PX, REACH_PX).astype(np.int64) + REACH_PX
    clear = strength > 0.25 * float(np.median(strength))
    count = np.bincount(places[clear], minlength=2 * REACH_PX + 1)
    total = np.bincount(places[clear], weights=shown[clear], minlength=2 * REACH_PX + 1)
    mean = np.where(count > 50, total / np.maximum(count, 1), np.nan)
    known = np.flatnonzero(~np.isnan(mean))
    mean = np.interp(np.arange(len(mean)), known, mean[known])
    # What is seen beyond a few pixels is the specks of the ground, not the stroke.
    specks = mean[REACH_PX - STROKE_REACH_PX]
    mean[: REACH_PX - STROKE_REACH_PX] = specks
    mean = np.maximum.accumulate(np.clip(mean - specks, 0, None))
    return np.asarray(mean / max(float(mean[-1]), 1e-3), np.float64)
