"""What time does to ink: rubbings from weathered stone, and brush on old paper.

Holds: :func:`age`, which turns clean ink into the picture a scanner would take of it, and
:func:`wear`, which chooses the parameters for an amount of wear. Modelled on rubbings of Han and
Tang steles: white grain in clouds, ragged patches where the face has flaked off, cracks that run
through several characters, strokes worn shallow, strips pasted side by side; and for paper: dry
strokes, pale ink, stains, folds and foxing.

Keeps out: each kind of damage by itself (``pipelines.imaging.damage``), which characters stand
where (``pipelines.composition``), and the way back to ink (``pipelines.imaging.ink``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.imaging import damage
from pipelines.imaging.damage import Field, clouds

Gray = npt.NDArray[np.uint8]
Rgb = npt.NDArray[np.uint8]


class Medium(StrEnum):
    """What carries the ink."""

    RUBBING = "rubbing"
    PAPER = "paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgingParams:
    """How much of each kind of damage. All pixels are pixels of the page; zero turns a kind off.

    Attributes:
        medium: Rubbing (light characters on a dark ground) or paper (dark on light).
        stroke_blur_px: How far corners and thin strokes round off.
        weight: Strokes thicker (positive) or thinner, as a share of the blur, in [-0.4, 0.4].
        weight_variation: The same, varying over the page.
        roughness: Raggedness of stroke edges, in [0, 1].
        effaced: How shallow strokes become where the page is most worn, in [0, 1].
        flying_white: Share of strokes that run dry (飛白), in [0, 1].
        uneven_ink: Variation of the darkness of ink, in [0, 1].
        pits_share: Share of the ground covered by grain.
        pit_px: Width of the finest grain.
        flakes_per_megapixel: Ragged patches where ground and strokes are lost.
        flake_px: Their usual radius.
        cracks: Lines that run across the page.
        crack_px: Their width.
        scratches: Short straight thin lines.
        seams_x: Where strips were pasted side by side: broken vertical lines.
        frame_px: Bare paper around a rubbing, or the dark bed of the scanner around a sheet.
        ground: Grey level of the ground: the ink of a rubbing, or paper.
        ink: Grey level of characters.
        tint: Red, green and blue of a full grey level, as shares.
        stains: Discoloured areas.
        folds: Straight creases over the full page.
        foxing_per_megapixel: Small brown spots.
        gradient: Loss of light from one side to the other, in [0, 1].
        blur_px: Sigma of the lens.
        noise: Standard deviation of the sensor in grey levels.
        jpeg_quality: 1 to 100; 0 leaves the picture uncompressed.
    """

    medium: Medium = Medium.RUBBING
    stroke_blur_px: float = 1.2
    weight: float = 0.0
    weight_variation: float = 0.1
    roughness: float = 0.4
    effaced: float = 0.2
    flying_white: float = 0.0
    uneven_ink: float = 0.1
    pits_share: float = 0.02
    pit_px: float = 1.6
    flakes_per_megapixel: float = 3.0
    flake_px: float = 28.0
    cracks: int = 1
    crack_px: float = 3.0
    scratches: int = 4
    seams_x: tuple[int, ...] = ()
    frame_px: int = 0
    ground: int = 22
    ink: int = 222
    tint: tuple[float, float, float] = (1.0, 0.99, 0.97)
    stains: int = 0
    folds: int = 0
    foxing_per_megapixel: float = 0.0
    gradient: float = 0.08
    blur_px: float = 0.6
    noise: float = 5.0
    jpeg_quality: int = 85


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """The picture, and how much of the ink is lost.

    Attributes:
        image: (H, W, 3) RGB.
        loss: (H, W) grey levels: 255 where a stroke cannot be told from its ground any more.
    """

    image: Rgb
    loss: Gray


def wear(medium: Medium, amount: float, rng: np.random.Generator) -> AgingParams:
    """Parameters for a page that is ``amount`` worn, varied from page to page.

    Args:
        medium: Rubbing or paper.
        amount: 0 nearly fresh, 0.5 plainly aged yet legible throughout, 1 some characters lost.
        rng: Source of the variation.
    """
    vary = float(rng.uniform(0.8, 1.2))
    amount = min(max(amount, 0.0), 1.0)
    if medium is Medium.RUBBING:
        return AgingParams(
            medium=medium,
            weight=float(rng.uniform(-0.08, 0.12)),
            weight_variation=0.05 + 0.12 * amount,
            roughness=0.2 + 0.55 * amount,
            effaced=0.45 * amount * vary,
            uneven_ink=0.1 + 0.15 * amount,
            pits_share=0.09 * amount**2 * vary,
            pit_px=float(rng.uniform(1.2, 1.8)),
            flakes_per_megapixel=7.0 * amount * vary,
            flake_px=float(rng.uniform(10, 14)) + 14 * amount,
            cracks=int(rng.poisson(0.9 * amount)),
            crack_px=1.2 + 2.3 * amount,
            scratches=int(rng.poisson(6 * amount)),
            ground=int(rng.integers(14, 40)),
            ink=int(rng.integers(205, 240)),
            gradient=0.05 + 0.1 * amount,
            blur_px=float(rng.uniform(0.4, 0.8)),
            noise=3.0 + 5.0 * amount,
            jpeg_quality=int(rng.integers(70, 92)),
        )
    # Paper yellows along one line from bleached to tea; hue hardly varies beside it.
    yellow = float(rng.uniform(0, 1))
    return AgingParams(
        medium=medium,
        stroke_blur_px=1.0,
        weight=float(rng.uniform(-0.08, 0.12)),
        weight_variation=0.05 + 0.1 * amount,
        roughness=0.15 + 0.3 * amount,
        effaced=0.25 * amount * vary,
        flying_white=0.5 * amount * vary,
        uneven_ink=0.15 + 0.3 * amount,
        pits_share=0.003 * amount,
        flakes_per_megapixel=1.0 * amount * vary,
        flake_px=float(rng.uniform(7, 12)),
        cracks=0,
        scratches=int(rng.poisson(2 * amount)),
        ground=int(rng.integers(196, 234)),
        ink=int(rng.integers(26, 56)),
        tint=(1.0, 0.965 - 0.055 * yellow, 0.88 - 0.14 * yellow),
        stains=int(rng.poisson(0.5 + 3 * amount)),
        folds=int(rng.poisson(1.2 * amount)),
        foxing_per_megapixel=25 * amount * vary,
        gradient=0.06 + 0.14 * amount,
        blur_px=float(rng.uniform(0.4, 0.9)),
        noise=2.0 + 4.0 * amount,
        jpeg_quality=int(rng.integers(70, 92)),
    )


def age(ink: Gray, params: AgingParams, rng: np.random.Generator) -> Aged:
    """The picture of clean ink after time and the scanner have passed over it.

    Args:
        ink: (H, W) white (255) on black (0); not modified.
        params: What happens to it.
        rng: All randomness; the same state gives the same picture.

    Returns:
        The picture, as large as the ink, and where strokes are lost.
    """
    shape = (ink.shape[0], ink.shape[1])
    worn = clouds(shape, 160, rng)
    strokes = _strokes(ink, worn, params, rng)
    if params.flying_white:
        strokes *= 1 - np.float32(params.flying_white) * damage.dry_streaks(shape, rng)
    flakes = int(rng.poisson(params.flakes_per_megapixel * ink.size / 1e6))
    patches = damage.patches(shape, flakes, params.flake_px, rng)
    lines = np.maximum(
        np.maximum(
            damage.cracks(shape, params.cracks, params.crack_px, rng),
            damage.seams(shape, params.seams_x, rng),
        ),
        damage.scratches(shape, params.scratches, rng),
    )
    if params.medium is Medium.RUBBING:
        hollow = np.maximum(
            np.maximum(patches, lines), damage.grain(worn, params.pits_share, params.pit_px, rng)
        )
        light = _rubbing(strokes, hollow, params, rng)
        lost = np.maximum(np.maximum(patches, lines), 1 - 2 * strokes)
        lost = np.maximum(lost, _crowded(ink, hollow))
    else:
        covered = strokes * (1 - patches) * (1 - np.float32(0.7) * lines)
        light = _sheet(covered, worn, params, rng)
        lost = 1 - 2 * covered
    loss = np.where(ink > 127, np.clip(lost, 0, 1) * 255, 0).astype(np.uint8)
    return Aged(image=_scanned(light, params, rng), loss=loss)


def _strokes(ink: Gray, worn: Field, params: AgingParams, rng: np.random.Generator) -> Field:
    """Strokes in [0, 1], their edges moved and frayed, shallow where the page is worn."""
    shape = (ink.shape[0], ink.shape[1])
    soft = ink.astype(np.float32) / 255
    if params.stroke_blur_px:
        soft = np.asarray(cv2.GaussianBlur(soft, (0, 0), params.stroke_blur_px), np.float32)
    # Moving the threshold on a blurred edge erodes or dilates; noise on it frays the edge.
    soft += np.float32(params.weight - 0.5) + np.float32(params.weight_variation) * worn
    if params.roughness:
        soft += np.float32(0.16 * params.roughness) * clouds(shape, 2.6, rng)
    strokes = np.clip(soft * 3 + 0.5, 0, 1)
    if params.effaced:
        shallow = np.clip(worn + np.float32(0.35) * clouds(shape, 12, rng) - 0.6, 0, 1)
        strokes *= 1 - np.float32(params.effaced) * shallow
    return np.asarray(strokes, np.float32)


def _inking(shape: tuple[int, int], params: AgingParams, rng: np.random.Generator) -> Field:
    """How much ink the pad or the brush left, around 1."""
    swing = np.clip(clouds(shape, 45, rng), -1.5, 1.5)
    return np.asarray(1 + params.uneven_ink * swing, np.float32)


def _rubbing(strokes: Field, hollow: Field, params: AgingParams, rng: np.random.Generator) -> Field:
    """Grey levels of paper tamped with ink: white where the stone is hollow."""
    shape = (strokes.shape[0], strokes.shape[1])
    # Tamped ink is not flat: the ground is lighter where the pad passed once less.
    ground = params.ground * np.clip(_inking(shape, params, rng), 0.4, None)
    white = np.maximum(strokes, hollow)
    return np.asarray(ground + (params.ink - ground) * white, np.float32)


def _crowded(ink: Gray, hollow: Field) -> Field:
    """How white the ground around a stroke is: a whole stroke on a white ground is lost too."""
    is_ground = (ink <= 127).astype(np.float32)
    near = (15, 15)
    ground = cv2.boxFilter(is_ground, -1, near)
    white = cv2.boxFilter(is_ground * hollow, -1, near)
    return np.asarray(1.25 * white / np.maximum(ground, 0.05), np.float32)


def _sheet(covered: Field, worn: Field, params: AgingParams, rng: np.random.Generator) -> Field:
    """Grey levels of brush on paper."""
    shape = (covered.shape[0], covered.shape[1])
    ink = params.ink + 70 * np.clip(_inking(shape, params, rng) - 1, -0.3, 1)
    paper = params.ground + 3 * clouds(shape, 3.0, rng) + 5 * worn
    specks = damage.grain(worn, params.pits_share, params.pit_px, rng)
    dark = np.maximum(covered, np.float32(0.35) * specks)
    light: Field = np.asarray(paper + (ink - paper) * dark, np.float32)
    if params.stains:
        light *= damage.stains(shape, params.stains, rng)
    spots = int(rng.poisson(params.foxing_per_megapixel * covered.size / 1e6))
    if spots or params.folds:
        light *= damage.spots_and_folds(shape, spots, params.folds, rng)
    return light


def _framed(light: Field, params: AgingParams, rng: np.random.Generator) -> Field:
    """The object inside what lies around it; its edge is not quite straight."""
    height, width = light.shape
    edge = params.frame_px
    around = np.float32(228 if params.medium is Medium.RUBBING else 40)
    wave = clouds((height, width), 150, rng) * np.float32(min(0.8, edge / 6))
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None]
    inside = np.minimum(
        np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns)
    )
    share = np.clip(inside + wave - edge, 0, 1)
    return np.asarray(around + (light - around) * share, np.float32)


def _scanned(light: Field, params: AgingParams, rng: np.random.Generator) -> Rgb:
    """Grey levels of the object as a colour picture: lamp, lens, sensor, file."""
    height, width = light.shape
    if params.frame_px:
        light = _framed(light, params, rng)
    if params.gradient:
        angle = float(rng.uniform(0, 2 * np.pi))
        rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * np.float32(np.sin(angle))
        columns = np.linspace(-1, 1, width, dtype=np.float32)[None] * np.float32(np.cos(angle))
        shade = 0.5 + 0.5 * np.clip(rows + columns, -1, 1)
        light = np.asarray(light * (1 - params.gradient * shade), np.float32)
    if params.blur_px:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), params.blur_px), np.float32)
    if params.noise:
        noise = rng.standard_normal((height, width), dtype=np.float32)
        light = light + np.float32(params.noise) * noise
    grey = np.clip(light, 0, 255)
    image = np.empty((height, width, 3), np.uint8)
    for channel, share in enumerate(params.tint):
        np.multiply(grey, np.float32(share), out=image[..., channel], casting="unsafe")
    if not params.jpeg_quality:
        return image
    flags = [cv2.IMWRITE_JPEG_QUALITY, params.jpeg_quality]
    _, packed = cv2.imencode(".jpg", image[..., ::-1], flags)
    unpacked = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    assert unpacked is not None, "OpenCV reads what it has just written"
    return np.ascontiguousarray(unpacked[..., ::-1], np.uint8)
