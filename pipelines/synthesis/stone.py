"""碑: what a rubbing shows of an inscribed stone, as paper tamped with ink gives it back.

Holds: ``StoneParams``, ``choose_stone_params`` and ``rub``. Modelled on rubbings of a Han and a
Tang stele, looked at and measured at full size: grain of two to five pixels that covers up to a
third of the ground, thinning and thickening in clouds; strokes that fray and break in worn places;
wide strokes whose middle stayed black (雙鉤, the paper did not reach the bottom of the cut); chips
that start at the edges of strokes; ragged losses of an em; dotted cracks; the dark bands and thin
white lines where strips were pasted into an album; cloth showing in the ink.

Keeps out: paper and silk (``sheet``), lamp and lens (``scanning``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.synthesis.fields import Field, Shape, clouds, covering, grain, islands, stroke_width
from pipelines.synthesis.surfaces import Surface

Ink = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoneParams:
    """What happened to the stone and to its rubbing. Shares in [0, 1], pixels of the page.

    Attributes:
        pits_share: Share of the ground that the grain covers.
        pit_px: Width of a grain.
        pits_variation: How much the share differs from place to place.
        pits_near_strokes: How many times more grain there is at strokes, beyond once.
        roughness: Raggedness of stroke edges.
        sharpness: Slope of their edges: 2 soft, 5 hard.
        weight: Strokes thicker (positive) or thinner.
        shallow: How thin strokes are worn where the stone is most worn.
        hollow_share: Share of the middle of wide strokes that stayed black.
        chips_per_character: Losses that start at strokes.
        chip_px: Their usual radius.
        losses_per_megapixel: Large losses of ground and strokes.
        loss_px: Their usual radius.
        floor_share: Share of a loss where ink caught on its floor.
        cracks: Lines across the page.
        crack_px: Their width.
        ground: Grey level of ink.
        ground_variation: How uneven the ink is, in grey levels.
        paper: Grey level of bare paper.
        tint: Red, green and blue of bare paper, as shares.
        cloth: How much of the pad's cloth shows, in grey levels.
        band_px: Width of the dark bands between pasted strips; 0 for none.
        band_lift: Grey levels by which such a band is lighter than the ground.
        has_strip_lines: Thin white lines beside the bands.
        border_px: Bare paper around the rubbing.
        screen: Noise of a printed reproduction, in grey levels.
        contrast: 1 as photographed; 3 nearly two levels, as reproduced.
    """

    pits_share: float = 0.08
    pit_px: float = 2.6
    pits_variation: float = 0.6
    pits_near_strokes: float = 0.0
    roughness: float = 0.5
    sharpness: float = 3.5
    weight: float = 0.0
    shallow: float = 0.3
    hollow_share: float = 0.2
    chips_per_character: float = 0.15
    chip_px: float = 9.0
    losses_per_megapixel: float = 1.0
    loss_px: float = 60.0
    floor_share: float = 0.2
    cracks: int = 1
    crack_px: float = 3.0
    ground: float = 20.0
    ground_variation: float = 6.0
    paper: float = 222.0
    tint: tuple[float, float, float] = (1.0, 0.95, 0.86)
    cloth: float = 4.0
    band_px: float = 0.0
    band_lift: float = 0.0
    has_strip_lines: bool = False
    border_px: int = 0
    screen: float = 0.0
    contrast: float = 1.0


def choose_stone_params(wear: float, em_px: float, rng: np.random.Generator) -> StoneParams:
    """Parameters of a stone that is ``wear`` worn: 0 fresh, 0.5 plainly aged, 1 some text lost.

    Two kinds alternate: coarse stone reproduced in two levels, and fine stone photographed in
    grey; sizes grow with the em, since a page of larger characters is a closer look at the stone.
    Grains are about a hundredth of the em on the Han stele, a fiftieth on the Tang one.
    """
    vary = float(rng.uniform(0.6, 1.4))
    scale = float(np.clip(em_px / 110, 0.55, 1.8))
    is_coarse = bool(rng.random() < 0.5)
    grain_px = float(rng.uniform(0.009, 0.015) if is_coarse else rng.uniform(0.018, 0.036)) * em_px
    grain_px = float(np.clip(grain_px, 1.1, 3.4 if is_coarse else 6.0))
    return StoneParams(
        pits_share=min(0.3, (0.26 if is_coarse else 0.018) * wear * vary),
        pit_px=grain_px,
        pits_variation=float(rng.uniform(0.35, 0.6) if is_coarse else rng.uniform(0.7, 1.1)),
        pits_near_strokes=float(rng.uniform(0, 0.3) if is_coarse else rng.uniform(1, 5)),
        roughness=0.25 + 0.6 * wear,
        sharpness=float(rng.uniform(3.5, 6) if is_coarse else rng.uniform(2.2, 3.5)),
        weight=float(rng.uniform(-0.1, 0.1)),
        shallow=0.7 * wear * vary,
        hollow_share=float(rng.uniform(0, 0.08) if is_coarse else rng.uniform(0.1, 0.5)),
        chips_per_character=0.5 * wear * vary,
        chip_px=float(rng.uniform(4, 9)) * scale,
        losses_per_megapixel=float(rng.uniform(0.4, 3.0)) * wear,
        loss_px=float(rng.uniform(15, 42)) * scale,
        floor_share=float(rng.uniform(0, 0.06) if is_coarse else rng.uniform(0.15, 0.4)),
        cracks=int(rng.poisson(1.2 * wear)),
        crack_px=float(rng.uniform(1.5, 4)) * scale,
        ground=float(rng.uniform(20, 60) if is_coarse else rng.uniform(6, 30)),
        ground_variation=float(rng.uniform(1, 5)),
        paper=float(rng.uniform(225, 248) if is_coarse else rng.uniform(195, 238)),
        tint=_tint(is_coarse, rng),
        cloth=float(rng.uniform(0, 4)),
        band_px=float(rng.uniform(3, 14)) if rng.random() < 0.6 else 0.0,
        band_lift=0.0 if is_coarse else float(rng.uniform(-6, 36)),
        has_strip_lines=bool(rng.random() < 0.7),
        border_px=int(rng.integers(6, 30)) if rng.random() < 0.4 else 0,
        screen=float(rng.uniform(0, 16)) if is_coarse else 0.0,
        contrast=float(rng.uniform(1.3, 2.0) if is_coarse else 1.0),
    )


def _tint(is_coarse: bool, rng: np.random.Generator) -> tuple[float, float, float]:
    """Bare paper: white or a little blue in print, from white to tan in a photograph."""
    if is_coarse:
        blue = float(rng.uniform(-0.03, 0.03))
        return (1.0 - max(blue, 0), 0.99, 1.0 + min(blue, 0))
    warm = float(rng.uniform(0, 1))
    return (1.0, 0.985 - 0.06 * warm, 0.96 - 0.18 * warm)


def rub(
    ink: Ink,
    rules: Ink,
    strips_x: tuple[int, ...],
    characters: int,
    params: StoneParams,
    rng: np.random.Generator,
) -> Surface:
    """The rubbing of what is cut into a stone.

    Args:
        ink: (H, W) strokes, white on black; not modified.
        rules: (H, W) rules and frames, cut into the stone like strokes.
        strips_x: Where strips of an album meet.
        characters: How many there are, for the number of chips.
        params: What happened.
        rng: All randomness.
    """
    shape = (ink.shape[0], ink.shape[1])
    worn = clouds(shape, 0.13 * min(shape), rng)
    noise = _Noise(
        fine=grain(shape, 0.55 * params.pit_px, rng),
        middle=grain(shape, 1.5 * params.pit_px, rng),
        coarse=clouds(shape, 3.2 * params.pit_px, rng),
    )
    laid, strokes = _strokes(ink, worn, noise, params)
    cut = strokes
    if rules.any():
        cut = np.maximum(strokes, _strokes(rules, worn, noise, params)[1])
    filled = _filled(ink, noise, params, rng)
    bands = _bands(shape, strips_x, params, rng)
    share = _pit_shares(ink, worn, strips_x, params, rng)
    # Grains of several sizes: a quarter of those on real stone are single pixels, a tenth are
    # larger than sixteen (measured on the Han stele).
    mixed = np.float32(0.8) * noise.fine[::-1] + np.float32(0.6) * noise.middle[:, ::-1]
    pits = covering(mixed, share, 4.5)
    flaws = _flaws(ink, characters, noise, params, rng)
    bare = np.maximum(cut * (1 - filled), pits * (1 - bands))
    floor = flaws
    if params.floor_share:
        floor = flaws * (1 - np.float32(0.9) * covering(noise.middle[::-1], params.floor_share, 3))
    white = np.maximum(bare, floor)
    white *= 1 - np.float32(0.7) * bands
    light = _inked(white, bands, strips_x, noise, params, rng)
    written = (laid * np.float32(255)).astype(np.uint8)
    inked = written > 127
    damage = ((white > 0.5) != inked) | (flaws > 0.5)
    lost = np.maximum(1 - 2 * strokes, flaws)
    lost = np.maximum(lost, _crowded(inked, np.maximum(pits, flaws)))
    return Surface(
        light=np.stack([light * np.float32(share) for share in params.tint]),
        ink=written,
        damage=np.where(damage, 255, 0).astype(np.uint8),
        loss=np.where(inked, np.clip(lost, 0, 1) * 255, 0).astype(np.uint8),
    )


@dataclass(frozen=True, slots=True)
class _Noise:
    """Three sizes of noise over one page; turned over, each serves for several purposes."""

    fine: Field
    middle: Field
    coarse: Field


def _strokes(ink: Ink, worn: Field, noise: _Noise, params: StoneParams) -> tuple[Field, Field]:
    """Strokes in [0, 1] as they were cut, frayed and moved; and as they are, thin and broken."""
    width = stroke_width(ink)
    soft = cv2.GaussianBlur(ink, (0, 0), min(1.3, 0.22 * width)).astype(np.float32)
    soft *= np.float32(params.sharpness / 255)
    soft += np.float32(params.sharpness * (params.weight * 0.5 - 0.5) + 0.5)
    rough = noise.middle + noise.coarse
    rough *= np.float32(0.07 * params.roughness * params.sharpness)
    thin = np.clip(worn * np.float32(0.5) + np.float32(0.1), 0, 1)
    thin *= np.float32(0.42 * params.shallow * min(1.0, width / 7))
    left = soft + rough * (1 + 2 * thin) - thin * np.float32(params.sharpness)
    soft += rough
    return np.clip(soft, 0, 1, out=soft), np.clip(left, 0, 1, out=left)


def _filled(ink: Ink, noise: _Noise, params: StoneParams, rng: np.random.Generator) -> Field:
    """Black texture in the middle of wide strokes, more in some characters than in others."""
    shape = (ink.shape[0], ink.shape[1])
    if params.hollow_share < 0.01:
        return np.zeros(shape, np.float32)
    deep = cv2.distanceTransform((ink > 127).astype(np.uint8), cv2.DIST_L2, 3)
    middle = np.clip((deep - np.float32(1.7)) / np.float32(2.5), 0, 1)
    local = np.clip(params.hollow_share * (1 + 0.9 * clouds(shape, 70, rng)), 0.0, 0.7)
    mixed = np.float32(0.8) * noise.fine[:, ::-1] + np.float32(0.6) * noise.middle[::-1, ::-1]
    return covering(mixed, local * middle, 5.0)


def _bands(
    shape: Shape, strips_x: tuple[int, ...], params: StoneParams, rng: np.random.Generator
) -> Field:
    """Where strips overlap: upright bands that wander a pixel or two."""
    drawn = np.zeros(shape, np.uint8)
    if params.band_px:
        for x in strips_x:
            lean = float(rng.normal(0, 2.5))
            width = max(1, round(params.band_px * rng.uniform(0.5, 1.3)))
            cv2.line(drawn, (x, 0), (round(x + lean), shape[0]), 255, width, cv2.LINE_AA)
    return np.divide(drawn, 255, dtype=np.float32)


def _pit_shares(
    ink: Ink,
    worn: Field,
    strips_x: tuple[int, ...],
    params: StoneParams,
    rng: np.random.Generator,
) -> Field:
    """Share of grain from place to place, at an eighth of the resolution."""
    small = (ink.shape[0] // 8 + 1, ink.shape[1] // 8 + 1)
    cloudy = 0.5 * cv2.resize(worn, (small[1], small[0])) + 0.7 * clouds(small, 11, rng)
    cloudy += 0.5 * clouds(small, 4, rng)
    share = params.pits_share * np.exp(
        params.pits_variation * cloudy - params.pits_variation**2 / 2
    )
    # The face of the stone breaks first where it was cut.
    near = cv2.resize(ink, (small[1], small[0]), interpolation=cv2.INTER_AREA)
    near = cv2.GaussianBlur(near, (0, 0), 1.2).astype(np.float32) / np.float32(255)
    share *= 1 + np.float32(params.pits_near_strokes) * np.clip(near * 3, 0, 1)
    # Each strip was rubbed for itself.
    for left, right in zip((0, *strips_x), (*strips_x, ink.shape[1]), strict=True):
        share[:, left // 8 : right // 8 + 1] *= float(rng.uniform(0.75, 1.3))
    return np.asarray(np.clip(share, 0, 0.42), np.float32)


def _flaws(
    ink: Ink, characters: int, noise: _Noise, params: StoneParams, rng: np.random.Generator
) -> Field:
    """Chips at strokes, large losses, cracks: where the face of the stone is gone."""
    shape = (ink.shape[0], ink.shape[1])
    edges = np.argwhere(ink[::4, ::4] > 127) * 4
    chips = int(rng.poisson(params.chips_per_character * characters)) if len(edges) else 0
    chosen = edges[rng.integers(0, len(edges), chips)][:, ::-1] if chips else np.zeros((0, 2))
    near = chosen + rng.normal(0, params.chip_px, (chips, 2))
    losses = int(rng.poisson(params.losses_per_megapixel * ink.size / 1e6))
    anywhere = rng.uniform((0, 0), (shape[1], shape[0]), (losses, 2))
    places = np.concatenate([near, anywhere])
    radii = np.concatenate(
        [
            params.chip_px * rng.lognormal(0, 0.5, chips),
            params.loss_px * rng.lognormal(0, 0.6, losses),
        ]
    )
    gone = islands(shape, places, radii, rng)
    return np.maximum(gone, _cracks(shape, noise, params, rng)) if params.cracks else gone


def _cracks(shape: Shape, noise: _Noise, params: StoneParams, rng: np.random.Generator) -> Field:
    """Broken lines that wander across the page; most are rows of dots."""
    height, width = shape
    drawn = np.zeros(shape, np.uint8)
    steps = 160
    for _ in range(params.cracks):
        angle = float(rng.uniform(0, np.pi))
        bend = np.cumsum(rng.normal(0, 0.05, steps)) + rng.normal(0, 0.35, steps) + angle
        pace = 1.3 * (width + height) / steps
        walk = np.cumsum(np.stack([np.cos(bend), np.sin(bend)], 1) * pace, axis=0)
        walk += rng.uniform((0, 0), (width, height)) - walk[int(rng.integers(0, steps))]
        widths = params.crack_px * rng.lognormal(-0.3, 0.6, steps)
        shown = wander_on(steps, float(rng.uniform(0.35, 0.9)), rng)
        points = np.round(walk * 16).astype(int)
        for index in np.flatnonzero(shown[:-1]):
            start, end = points[index].tolist(), points[index + 1].tolist()
            thick = max(1, round(float(widths[index])))
            cv2.line(drawn, start, end, 255, thick, cv2.LINE_AA, 4)
    frayed: Field = cv2.GaussianBlur(drawn, (0, 0), 1.2).astype(np.float32) / np.float32(255)
    frayed += np.float32(0.28) * noise.middle[::-1] - np.float32(0.42)
    frayed *= np.float32(5)
    return np.asarray(np.clip(frayed + np.float32(0.5), 0, 1) * (drawn > 0), np.float32)


def wander_on(count: int, share: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """On and off in runs, on for about a share of the time."""
    smooth = np.convolve(rng.normal(0, 1, count + 6), np.ones(7) / np.sqrt(7), "valid")
    return np.asarray(smooth > np.quantile(smooth, 1 - share), np.bool_)


def _inked(
    white: Field,
    bands: Field,
    strips_x: tuple[int, ...],
    noise: _Noise,
    params: StoneParams,
    rng: np.random.Generator,
) -> Field:
    """Grey levels: the tamped ground, cloth in it, bare paper, pasted bands, the border."""
    shape = (white.shape[0], white.shape[1])
    ground = clouds(shape, 110, rng) + np.float32(0.5) * clouds(shape, 26, rng)
    ground *= np.float32(params.ground_variation)
    if params.cloth:
        thread = grain((1, shape[1]), 2.2, rng) + grain((shape[0], 1), 2.2, rng)
        ground += np.float32(0.5 * params.cloth) * (thread + noise.fine)
    if params.band_px:
        woven = np.float32(params.band_lift) * (1 + np.float32(0.3) * noise.fine)
        ground += bands * woven
    ground += np.float32(params.ground)
    np.clip(ground, 0, 120, out=ground)
    paper = np.float32(params.paper) + np.float32(5) * clouds(shape, 90, rng)
    light: Field = np.asarray(ground + (paper - ground) * white, np.float32)
    if params.has_strip_lines:
        np.maximum(light, _strip_lines(shape, strips_x, params, rng), out=light)
    if params.border_px:
        light = _bordered(light, noise, params, rng)
    if params.screen:
        # The screen of a printed reproduction: noise from pixel to pixel, strongest in the dark.
        light += noise.fine[::-1, ::-1] * (np.float32(params.screen) * (1 - light / 300))
    if params.contrast > 1:
        light = np.asarray((light - 127) * np.float32(params.contrast) + 127, np.float32)
        np.clip(light, 0, params.paper + 10, out=light)
    return light


def _strip_lines(
    shape: Shape, strips_x: tuple[int, ...], params: StoneParams, rng: np.random.Generator
) -> Field:
    """Thin light lines along the edges of strips, that come and go."""
    drawn = np.zeros(shape, np.uint8)
    ys = np.linspace(0, shape[0], 61).astype(int).tolist()
    for x in strips_x:
        side = x + round((params.band_px / 2 + 1) * float(rng.choice([-1.0, 1.0])))
        for index in np.flatnonzero(wander_on(60, float(rng.uniform(0.15, 0.9)), rng)):
            level = int(rng.integers(60, 230))
            cv2.line(drawn, (side, ys[index]), (side, ys[index + 1]), level, 1)
    return np.multiply(drawn, params.paper / 255, dtype=np.float32)


def _bordered(light: Field, noise: _Noise, params: StoneParams, rng: np.random.Generator) -> Field:
    """Bare paper around the rubbing; the edge of the ink is nearly straight, and rough."""
    height, width = light.shape
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None]
    inside = np.minimum(
        np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns)
    )
    inside += clouds((height, width), 200, rng) * np.float32(1.3) + noise.middle
    share = np.clip(inside - np.float32(params.border_px), 0, 1)
    around = np.float32(params.paper + 8)
    return np.asarray(around + (light - around) * share, np.float32)


def _crowded(inked: npt.NDArray[np.bool_], hollow: Field) -> Field:
    """How white the ground around a stroke is: a whole stroke on a white ground is lost too."""
    is_ground = (~inked).astype(np.float32)
    near = (15, 15)
    ground = cv2.boxFilter(is_ground, -1, near)
    white = cv2.boxFilter(is_ground * hollow, -1, near)
    return np.asarray(
        np.clip(
            np.float32(1.6) * white / np.maximum(ground, np.float32(0.05)) - np.float32(0.4), 0, 1
        ),
        np.float32,
    )
