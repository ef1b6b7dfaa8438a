"""The scanner or camera: what lies around the object, the lamp, the lens, the sensor, the file.

Holds: ``ScanParams``, ``choose_scan_params`` and ``scan``.

Keeps out: the object (``stone``, ``sheet``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.synthesis.fields import Field, Shape

Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanParams:
    """How the picture was taken.

    Attributes:
        bed_px: What is seen around the object on left, top, right and bottom.
        bed: Its grey level.
        leaves: Edges of leaves beneath that look out at the left.
        gutter_x: Where facing pages meet; negative for none.
        gradient: Loss of light from one side to the other, in [0, 1].
        vignette: Loss of light in the corners, in [0, 1].
        blur_px: Sigma of the lens.
        noise: Deviation of the sensor in grey levels.
        is_grey: Without colour.
        jpeg_quality: 1 to 100; 0 leaves the picture uncompressed.
    """

    bed_px: tuple[int, int, int, int] = (0, 0, 0, 0)
    bed: float = 40.0
    leaves: int = 0
    gutter_x: int = -1
    gradient: float = 0.08
    vignette: float = 0.05
    blur_px: float = 0.6
    noise: float = 3.0
    is_grey: bool = False
    jpeg_quality: int = 85


def choose_scan_params(
    wear: float, shape: tuple[int, int], has_bed: bool, gutter_x: int, rng: np.random.Generator
) -> ScanParams:
    """Parameters of a picture, varied from page to page."""
    is_flat = bool(rng.random() < 0.75)  # a scanner; else a camera
    bed = rng.uniform(0, 0.03, 4) * min(shape) * (rng.random(4) < 0.7) * has_bed
    return ScanParams(
        bed_px=(int(bed[0]), int(bed[1]), int(bed[2]), int(bed[3])),
        bed=float(rng.choice([8.0, 30.0, 110.0, 150.0, 215.0])),
        leaves=int(rng.integers(0, 7)),
        gutter_x=gutter_x,
        gradient=float(rng.uniform(0, 0.06) if is_flat else rng.uniform(0.05, 0.3)),
        vignette=float(rng.uniform(0, 0.03) if is_flat else rng.uniform(0, 0.15)),
        blur_px=float(rng.uniform(0.3, 1.0)),
        noise=float(rng.uniform(1, 4)) + 2 * wear,
        is_grey=bool(rng.random() < 0.2),
        jpeg_quality=int(rng.integers(55, 95)),
    )


def scan(light: Field, params: ScanParams, rng: np.random.Generator) -> Rgb:
    """The picture of an object, (H, W, 3) RGB.

    Args:
        light: (3, H, W) grey levels, float32; not modified.
        params: How it was taken.
        rng: All randomness.
    """
    height, width = light.shape[1:]
    shade = _lamp((height, width), params, rng)
    # One draw of noise serves all channels; a tile of it, shifted, is as good as a page of it.
    tile = rng.standard_normal((256, 256), dtype=np.float32) * np.float32(params.noise)
    rows = np.arange(height) + int(rng.integers(0, 256))
    noise = np.tile(tile, (1, width // 256 + 1))[:, :width][rows % 256]
    tones = rng.uniform(120, 215, 4)
    planes = [light.mean(axis=0)] if params.is_grey else list(light)
    seen = []
    for plane, leaf_tint in zip(planes, (1.0, 0.95, 0.86), strict=False):
        lit = np.asarray(plane * shade, np.float32)
        _surround(lit, params, tones * leaf_tint)
        if params.blur_px:
            lit = np.asarray(cv2.GaussianBlur(lit, (0, 0), params.blur_px), np.float32)
        lit += noise
        seen.append(np.clip(lit, 0, 255, out=lit).astype(np.uint8))
    picture = np.asarray(cv2.merge(seen if len(seen) == 3 else seen * 3), np.uint8)
    if not params.jpeg_quality:
        return picture
    flags = [cv2.IMWRITE_JPEG_QUALITY, params.jpeg_quality]
    _, packed = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), flags)
    unpacked = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    assert unpacked is not None, "OpenCV reads what it has just written"
    return np.asarray(cv2.cvtColor(unpacked, cv2.COLOR_BGR2RGB), np.uint8)


def _lamp(shape: Shape, params: ScanParams, rng: np.random.Generator) -> Field:
    """How much light falls on each place, around 1."""
    height, width = shape
    angle = float(rng.uniform(0, 2 * np.pi))
    ys = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    xs = np.linspace(-1, 1, width, dtype=np.float32)[None]
    ramp = ys * np.float32(np.sin(angle) / 2) + xs * np.float32(np.cos(angle) / 2)
    shade = 1 - np.float32(params.gradient) * np.clip(ramp + np.float32(0.5), 0, 1)
    shade -= np.float32(params.vignette / 2) * (xs * xs + ys * ys)
    if params.gutter_x >= 0:
        away = np.abs(np.arange(width, dtype=np.float32) - params.gutter_x) / (0.02 * width)
        shade *= (1 - 0.55 * np.exp(-away)).astype(np.float32)
    return np.asarray(shade, np.float32)


def _surround(plane: Field, params: ScanParams, tones: npt.NDArray[np.float64]) -> None:
    """Put the bed and the edges of leaves beneath around the object, in place."""
    height, width = plane.shape
    left, top, right, bottom = params.bed_px
    for edge in (np.s_[:top], np.s_[height - bottom :], np.s_[:, :left], np.s_[:, width - right :]):
        plane[edge] = params.bed
    if left > 8:
        # Leaves beneath look out at the fore edge.
        for leaf in range(min(params.leaves, left // 3)):
            strip = np.s_[top : height - bottom, left - 3 * leaf - 3 : left - 3 * leaf]
            plane[strip] = tones[leaf % len(tones)]
