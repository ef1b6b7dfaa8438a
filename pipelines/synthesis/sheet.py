"""紙絹: brush and print on paper or silk, and what the years do to them.

Holds: ``SheetParams``, ``choose_sheet_params`` and ``soak``: fibres, chain lines or weave; ink
that bleeds, pales and runs dry along the stroke (飛白); the other side showing through; water
stains with their rims, foxing, worm holes, folds; seals over the ink.

Keeps out: rubbings (``stone``), lamp and lens (``scanning``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.synthesis.fields import Field, Shape, clouds, covering, grain, stroke_width
from pipelines.synthesis.surfaces import Surface

Ink = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetParams:
    """What the sheet is and what happened to it. Shares in [0, 1], pixels of the page.

    Attributes:
        paper_rgb: Colour of the sheet.
        cover_rgb: Colour of the cloth around a title slip.
        ink_rgb: Colour of full ink.
        is_silk: Woven silk instead of paper.
        fibre: Texture of the sheet, in grey levels.
        chain_px: Distance of chain lines (簾紋); 0 for none.
        bleed_px: How far ink spreads.
        roughness: Raggedness of stroke edges.
        weight: Strokes thicker (positive) or thinner.
        ink_variation: How much paler a drying brush writes, and how uneven ink is.
        dryness: How much a drying brush leaves white.
        fading: How pale ink became where the sheet is most worn.
        show_through: How much the other side shows.
        stains: Water stains.
        foxing_per_megapixel: Brown spots.
        worm_holes: Holes and channels eaten into the sheet.
        backing: Grey level seen through a hole.
        folds: Straight creases over the full height.
        rubbed: How much ink and paper are rubbed off in patches.
        seal_rgb: Colour of seal paste.
        is_binary: Reproduced in two levels, as in facsimiles.
    """

    paper_rgb: tuple[float, float, float] = (228.0, 216.0, 190.0)
    cover_rgb: tuple[float, float, float] = (52.0, 62.0, 84.0)
    ink_rgb: tuple[float, float, float] = (38.0, 36.0, 34.0)
    is_silk: bool = False
    fibre: float = 3.0
    chain_px: float = 0.0
    bleed_px: float = 1.0
    roughness: float = 0.3
    weight: float = 0.0
    ink_variation: float = 0.2
    dryness: float = 0.1
    fading: float = 0.2
    show_through: float = 0.08
    stains: int = 1
    foxing_per_megapixel: float = 5.0
    worm_holes: int = 0
    backing: float = 200.0
    folds: int = 1
    rubbed: float = 0.1
    seal_rgb: tuple[float, float, float] = (186.0, 52.0, 40.0)
    is_binary: bool = False


def choose_sheet_params(
    wear: float,
    *,
    is_silk: bool = False,
    is_indigo: bool = False,
    is_written: bool = True,
    rng: np.random.Generator,
) -> SheetParams:
    """Parameters of a sheet that is ``wear`` worn: 0 fresh, 0.5 plainly aged, 1 some text lost.

    Args:
        wear: How much happened.
        is_silk: Silk instead of paper.
        is_indigo: Gold on indigo paper.
        is_written: By brush, whose ink varies and runs dry, or printed.
        rng: Source of the variation.
    """
    vary = float(rng.uniform(0.6, 1.4))
    tea = float(rng.uniform(0, 1)) if not is_silk else float(rng.uniform(0.8, 1.6))
    light = float(rng.uniform(222, 248)) - 25 * wear - (28 if is_silk else 0)
    covers = ((52.0, 62.0, 84.0), (96.0, 74.0, 52.0), (140.0, 112.0, 72.0), (60.0, 58.0, 54.0))
    black = float(rng.uniform(18, 52)) + 12 * wear
    params = SheetParams(
        paper_rgb=(light, light * (0.972 - 0.06 * tea), light * (0.93 - 0.19 * tea)),
        cover_rgb=covers[int(rng.integers(0, len(covers)))],
        ink_rgb=(black + 4, black + 1, black - 3),
        is_silk=is_silk,
        fibre=float(rng.uniform(1.5, 4.5)),
        chain_px=float(rng.uniform(3.0, 6.0)) if rng.random() < 0.3 and not is_silk else 0.0,
        bleed_px=float(rng.uniform(0.6, 1.7)),
        roughness=float(rng.uniform(0.1, 0.5)) + 0.2 * wear,
        weight=float(rng.uniform(-0.1, 0.14)),
        ink_variation=float(rng.uniform(0.1, 0.5) if is_written else rng.uniform(0.05, 0.3)),
        dryness=float(rng.uniform(0, 0.7) if is_written else rng.uniform(0, 0.25)),
        fading=0.5 * wear * vary,
        show_through=float(rng.uniform(0, 0.22)) if rng.random() < 0.6 else 0.0,
        stains=int(rng.poisson(2.5 * wear)),
        foxing_per_megapixel=30 * wear * vary if rng.random() < 0.5 else 0.0,
        worm_holes=int(rng.poisson(5 * wear)) if rng.random() < 0.4 else 0,
        backing=float(rng.choice([30.0, 120.0, 205.0, 235.0])),
        folds=int(rng.poisson(1.2 * wear)),
        rubbed=0.5 * wear * vary,
        seal_rgb=(
            float(rng.uniform(165, 205)),
            float(rng.uniform(40, 80)),
            float(rng.uniform(30, 62)),
        ),
        is_binary=bool(rng.random() < 0.06),
    )
    if not is_indigo:
        return params
    gold, blue = float(rng.uniform(0.75, 1.0)), float(rng.uniform(0.8, 1.3))
    return replace(
        params,
        paper_rgb=(30 * blue, 38 * blue, 66 * blue),
        ink_rgb=(214 * gold, 180 * gold, 104 * gold),
        show_through=0.0,
        is_binary=False,
    )


def soak(
    ink: Ink,
    rules: Ink,
    seals: Ink,
    wetness: Field,
    slip: Ink | None,
    params: SheetParams,
    rng: np.random.Generator,
) -> Surface:
    """The sheet with everything on it.

    Args:
        ink: (H, W) strokes, white on black; not modified.
        rules: (H, W) frames and rules, in the same ink.
        seals: (H, W) seal paste.
        wetness: (h, w) of any size: how wet the brush was in each place, 0 to 1.
        slip: (H, W) 255 on the slip of a cover, None on a page.
        params: What happened.
        rng: All randomness.
    """
    shape = (ink.shape[0], ink.shape[1])
    worn = clouds(shape, 0.15 * min(shape), rng)
    dry = 1 - np.asarray(cv2.resize(wetness, (shape[1], shape[0])), np.float32)
    strokes, kept = _strokes(ink, worn, dry, params, rng)
    drawn = (
        np.maximum(strokes * kept, _ruled(rules, params, rng)) if rules.any() else strokes * kept
    )
    paper = _paper(shape, worn, params, rng)
    spots = _spots(shape, params, rng)
    holes = _holes(shape, params, rng)
    if params.show_through and slip is None:
        other = cv2.flip(np.maximum(ink, rules), 1)
        behind = cv2.GaussianBlur(cv2.resize(other, (shape[1] // 2, shape[0] // 2)), (0, 0), 1.6)
        paper -= cv2.resize(behind, (shape[1], shape[0])).astype(np.float32) * np.float32(
            params.show_through * 0.35
        )
    light = np.empty((3, *shape), np.float32)
    shade = paper * (1 / np.float32(255))
    cover = None
    if slip is not None:
        cover = 1 - slip.astype(np.float32) / np.float32(255)
        thread = grain((1, shape[1]), 2.0, rng) + grain((shape[0], 1), 2.0, rng)
        shade += cover * thread * np.float32(0.035)
    paste = seals.astype(np.float32) * np.float32(0.82 / 255) if seals.any() else None
    for channel in range(3):
        colour = np.float32(params.paper_rgb[channel])
        sheet = shade * colour
        if cover is not None:
            sheet = shade * (colour + cover * (np.float32(params.cover_rgb[channel]) - colour))
        sheet *= 1 - spots * np.float32((0.10, 0.2, 0.32)[channel])
        if paste is not None:
            sheet *= 1 - paste * np.float32(1 - params.seal_rgb[channel] / 255)
        sheet += (np.float32(params.ink_rgb[channel]) - sheet) * drawn
        if params.worm_holes:
            behind_hole = params.backing * params.paper_rgb[channel] / max(params.paper_rgb)
            sheet += (np.float32(behind_hole) - sheet) * holes
        light[channel] = sheet
    visible = drawn * (1 - holes)
    if params.is_binary:
        # A copier cuts well below the middle, or pale strokes would vanish.
        grey = light.mean(axis=0)
        paper_grey, ink_grey = float(np.median(grey[::4, ::4])), params.ink_rgb[1]
        cut = np.float32(paper_grey - 0.3 * (paper_grey - ink_grey))
        light[:] = (np.clip((grey - cut) * np.float32(0.2) + 0.5, 0, 1) * 252)[None]
        visible = np.clip((visible - np.float32(0.3)) * 10 + np.float32(0.5), 0, 1)
    written = (strokes * np.float32(255)).astype(np.uint8)
    inked = written > 127
    damage = (holes > 0.5) | (spots > 0.25) | ((visible < 0.4) & inked)
    lost = np.clip(1 - 2.2 * visible, 0, 1)
    return Surface(
        light=light,
        ink=written,
        damage=np.where(damage, 255, 0).astype(np.uint8),
        loss=np.where(inked, lost * 255, 0).astype(np.uint8),
    )


def _strokes(
    ink: Ink, worn: Field, dry: Field, params: SheetParams, rng: np.random.Generator
) -> tuple[Field, Field]:
    """How much ink lies in each place, and how much of it is kept."""
    shape = (ink.shape[0], ink.shape[1])
    width = stroke_width(ink)
    spread = min(params.bleed_px, 0.24 * width)
    soft = cv2.GaussianBlur(ink, (0, 0), max(0.35, spread)).astype(np.float32)
    soft *= np.float32(1 / 255)
    fibres = grain(shape, 2.4, rng)
    soft += np.float32(0.09 * params.roughness) * fibres
    soft += np.float32(params.weight * min(0.5, 0.08 * width) - 0.46)
    strokes = np.clip(soft * np.float32(3.0) + np.float32(0.5), 0, 1)
    uneven = np.clip(np.float32(0.7) * dry + np.float32(0.22) * clouds(shape, 60, rng), 0, 1)
    tone = 1 - np.float32(params.ink_variation) * uneven
    tone -= np.float32(params.fading) * np.clip(worn * np.float32(0.5) - np.float32(0.1), 0, 0.9)
    kept = np.asarray(tone, np.float32)
    if params.dryness > 0.02:
        kept = kept * (1 - _flown(ink, dry, params.dryness, rng))
    if params.rubbed > 0.02:
        gone = np.clip(worn * np.float32(0.6) + np.float32(0.2), 0, 1)
        gone *= np.float32(0.5 * params.rubbed)
        kept = kept * (1 - np.float32(0.85) * covering(fibres, gone, 2.0))
    return np.asarray(strokes, np.float32), np.asarray(np.clip(kept, 0, 1), np.float32)


def _flown(ink: Ink, dry: Field, dryness: float, rng: np.random.Generator) -> Field:
    """飛白: streaks that run along the stroke, in some strokes, more towards their ends.

    Lines of equal distance from the edge of a stroke run along it; noise that hangs on that
    distance and changes slowly over the page makes streaks that follow every bend.
    """
    height, width = ink.shape
    deep = cv2.distanceTransform((ink > 96).astype(np.uint8), cv2.DIST_L2, 3)
    layers, cell = 24, 10
    rows, columns = height // cell + 2, width // cell + 2
    stack = rng.standard_normal((layers * rows, columns), dtype=np.float32)
    # Neighbouring layers share half of their noise, so that a streak is about two pixels wide.
    layer = np.minimum(np.floor(deep * np.float32(0.8)), layers - 1)
    map_x, map_y = np.meshgrid(
        np.arange(width, dtype=np.float32) / cell, np.arange(height, dtype=np.float32) / cell
    )
    map_y += layer * np.float32(rows)
    streaks = cv2.remap(stack, map_x, map_y, cv2.INTER_LINEAR)
    areas = np.float32(1.6) * dry + np.float32(0.5) * clouds((height, width), 55, rng)
    share = np.clip(areas + np.float32(1.6 * dryness - 1.7), 0, 1)
    return np.asarray(np.clip((streaks - 0.1) * 2.2, 0, 1) * share, np.float32)


def _ruled(rules: Ink, params: SheetParams, rng: np.random.Generator) -> Field:
    """Frames and rules as a worn block prints them: broken, uneven."""
    shape = (rules.shape[0], rules.shape[1])
    soft = cv2.GaussianBlur(rules, (0, 0), 0.8).astype(np.float32) * np.float32(1 / 255)
    soft += np.float32(0.12) * grain(shape, 3.0, rng) + np.float32(0.22) * clouds(shape, 40, rng)
    return np.asarray(np.clip((soft - np.float32(0.35)) * 2.5, 0, 0.92) * (rules > 0), np.float32)


def _paper(shape: Shape, worn: Field, params: SheetParams, rng: np.random.Generator) -> Field:
    """Light of the bare sheet around 255: fibres, chain lines or weave, toning, stains, folds."""
    sheet = grain(shape, 2.6, rng) * np.float32(params.fibre) + worn * np.float32(4)
    sheet += clouds(shape, 9, rng) * np.float32(0.6 * params.fibre)
    if params.is_silk:
        weave = _threads(shape[0], rng)[:, None] + _threads(shape[1], rng)[None]
        sheet += weave * np.float32(rng.uniform(2.0, 4.5))
    if params.chain_px:
        lines = np.sin(np.arange(shape[0]) * (2 * np.pi / params.chain_px))[:, None]
        sheet += lines.astype(np.float32) * np.float32(rng.uniform(1.0, 2.5))
    sheet += np.float32(252)
    edge = np.minimum(
        np.minimum(*np.ogrid[: shape[0], : shape[1]]),
        np.minimum(*np.ogrid[shape[0] - 1 : -1 : -1, shape[1] - 1 : -1 : -1]),
    ).astype(np.float32)
    sheet -= np.float32(rng.uniform(0, 26)) * np.exp(edge * np.float32(-1 / (0.05 * min(shape))))
    if params.stains:
        sheet *= _stains(shape, params.stains, rng)
    if params.folds:
        sheet -= _folds(shape, params.folds, rng)
    return sheet


def _threads(count: int, rng: np.random.Generator) -> Field:
    """Light across parallel threads, of unequal width and colour: no two looms beat alike."""
    steps = (2 * np.pi / rng.uniform(2.6, 4.0)) * (1 + 0.25 * rng.standard_normal(count))
    uneven = grain((1, count), 2.0, rng)[0]
    return np.asarray(np.sin(np.cumsum(steps)) + 0.6 * uneven, np.float32)


def _stains(shape: Shape, count: int, rng: np.random.Generator) -> Field:
    """Shade of water stains, 1 where there is none; dirt gathers at the rim."""
    height, width = shape
    small = (height // 4 + 1, width // 4 + 1)
    inside = np.full(small, -2.0, np.float32)
    ys, xs = np.ogrid[: small[0], : small[1]]
    for _ in range(count):
        radius = float(rng.uniform(0.08, 0.4)) * min(small)
        # Water comes in from the edges.
        x = float(rng.choice([0.0, 1.0, rng.uniform(0, 1)])) * small[1]
        y = float(rng.choice([0.0, 1.0, rng.uniform(0, 1)])) * small[0]
        np.maximum(inside, 1 - np.hypot(xs - x, ys - y).astype(np.float32) / radius, out=inside)
    inside += np.float32(0.16) * clouds(small, 25, rng) + np.float32(0.05) * clouds(small, 6, rng)
    rim = np.exp(-(inside**2) / np.float32(0.0012))
    depth = float(rng.uniform(0.03, 0.12))
    shade = 1 - depth * np.clip(inside * 6, 0, 1) - 0.9 * depth * rim
    return np.asarray(cv2.resize(shade.astype(np.float32), (width, height)), np.float32)


def _folds(shape: Shape, count: int, rng: np.random.Generator) -> Field:
    """Grey levels taken by creases: a dark line with a light shoulder."""
    drawn = np.zeros(shape, np.float32)
    for _ in range(count):
        x = float(rng.uniform(0.06, 0.94)) * shape[1]
        lean = float(rng.normal(0, 0.004)) * shape[0]
        for shift, level in ((0, 34), (2, -16)):
            start, end = (
                (round((x + shift) * 16), 0),
                (round((x + shift + lean) * 16), shape[0] * 16),
            )
            cv2.line(drawn, start, end, level, 2, cv2.LINE_8, 4)
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), 1.2), np.float32)


def _spots(shape: Shape, params: SheetParams, rng: np.random.Generator) -> Field:
    """Foxing: brown spots with soft edges, in [0, 1]."""
    count = int(rng.poisson(params.foxing_per_megapixel * shape[0] * shape[1] / 1e6))
    drawn = np.zeros((shape[0] // 2 + 1, shape[1] // 2 + 1), np.uint8)
    for _ in range(count):
        place = int(rng.uniform(0, drawn.shape[1])), int(rng.uniform(0, drawn.shape[0]))
        cv2.circle(drawn, place, int(1 + rng.gamma(1.2, 1.6)), int(rng.integers(70, 255)), -1)
    if not count:
        return np.zeros(shape, np.float32)
    soft = cv2.GaussianBlur(drawn, (0, 0), 1.3)
    return np.asarray(cv2.resize(soft, (shape[1], shape[0])), np.float32) * np.float32(1 / 255)


def _holes(shape: Shape, params: SheetParams, rng: np.random.Generator) -> Field:
    """Worm holes and the channels between them, in [0, 1]."""
    drawn = np.zeros(shape, np.uint8)
    for _ in range(params.worm_holes):
        x, y = rng.uniform((0, 0), (shape[1], shape[0]))
        angle, width = float(rng.uniform(0, 2 * np.pi)), int(rng.integers(4, 11))
        for _ in range(int(rng.integers(1, 14))):
            angle += float(rng.normal(0, 0.7))
            there = x + width * 1.4 * np.cos(angle), y + width * 1.4 * np.sin(angle)
            cv2.line(
                drawn,
                (round(x), round(y)),
                (round(there[0]), round(there[1])),
                255,
                width,
                cv2.LINE_AA,
            )
            x, y = there
    if not params.worm_holes:
        return drawn.astype(np.float32)
    return np.asarray(drawn, np.float32) * np.float32(1 / 255)
