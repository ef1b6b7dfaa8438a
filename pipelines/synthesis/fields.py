"""Random fields over a page: smooth clouds, fine grain with an exact share, and ragged islands.

Holds: functions that return float32 arrays of the page's size. All randomness comes in.

Keeps out: what a field stands for (``stone``, ``sheet``).
"""

from __future__ import annotations

from statistics import NormalDist

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Shape = tuple[int, int]

_SHARES = np.concatenate([[1e-6], np.linspace(1e-3, 0.999, 400), [1 - 1e-6]])
_LEVELS = np.array([NormalDist().inv_cdf(1 - share) for share in _SHARES])
_TABLE = np.interp(np.arange(256) / 255, _SHARES, _LEVELS).astype(np.float32)


def clouds(shape: Shape, scale_px: float, rng: np.random.Generator) -> Field:
    """Smooth noise of about zero mean and unit deviation, features of ``scale_px``."""
    height, width = shape
    if scale_px >= 24:
        # A quarter of the resolution shows the same, in a fifth of the time.
        small = clouds((height // 4 + 1, width // 4 + 1), scale_px / 4, rng)
        return np.asarray(cv2.resize(small, (width, height)), np.float32)
    rows, columns = int(height / scale_px) + 4, int(width / scale_px) + 4
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    x, y = rng.uniform(0, 1, 2)
    # The affine map reads the small grid at a random offset, without a larger picture between.
    step = np.array([[1 / scale_px, 0, 1 + x], [0, 1 / scale_px, 1 + y]], np.float64)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    grown = cv2.warpAffine(grid, step, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    # Cubic interpolation between unit normals leaves a deviation of about 0.77 (measured).
    return np.multiply(grown, 1.3, dtype=np.float32)


def grain(shape: Shape, grain_px: float, rng: np.random.Generator) -> Field:
    """Noise of zero mean and unit deviation whose grains are about ``grain_px`` wide."""
    height, width = shape
    raw = np.frombuffer(rng.bytes(height * width), np.uint8).reshape(shape)
    sigma = max(0.35, grain_px / 2.4)
    soft: Field = np.asarray(
        cv2.GaussianBlur(raw.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT),
        np.float32,
    )
    soft -= np.float32(127.5)
    soft /= np.float32(max(float(soft[::5, ::5].std()), 1e-3))
    return soft


def covering(noise: Field, share: Field | float, sharpness: float) -> Field:
    """Where unit noise covers a given share of the surface, in [0, 1], edges antialiased.

    Args:
        noise: Of zero mean and unit deviation.
        share: Of each place, in [0, 1]; a smaller array is stretched over the noise.
        sharpness: Slope of the edge, in levels of the noise; 2 soft, 6 hard.
    """
    at = np.asarray(share, np.float32)
    if at.shape == noise.shape:
        # A table of 256 levels is ten times as fast as interpolation, and fine enough here.
        level = _TABLE[np.clip(at * np.float32(255), 0, 255).astype(np.uint8)]
    else:
        level = np.interp(at, _SHARES, _LEVELS).astype(np.float32)
        if level.ndim:
            level = np.asarray(cv2.resize(level, (noise.shape[1], noise.shape[0])), np.float32)
    found = noise - level
    found *= np.float32(sharpness)
    found += np.float32(0.5)
    return np.asarray(np.clip(found, 0, 1, out=found), np.float32)


def islands(
    shape: Shape,
    places: npt.NDArray[np.float64],
    radii_px: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> Field:
    """Ragged islands around places, in [0, 1]: coasts frayed at three scales, with outliers.

    Args:
        shape: Of the page.
        places: (N, 2) x and y.
        radii_px: (N,) about how far each reaches.
        rng: All randomness.
    """
    height, width = shape
    lost = np.zeros(shape, np.float32)
    for (x, y), radius in zip(places, radii_px, strict=True):
        across, down = radius * rng.uniform(0.5, 1.1), radius * rng.uniform(0.6, 1.5)
        turn = rng.uniform(0, np.pi)
        reach = 1.9 * max(across, down)
        left, right = max(0, int(x - reach)), min(width, int(x + reach) + 1)
        top, bottom = max(0, int(y - reach)), min(height, int(y + reach) + 1)
        if right - left < 3 or bottom - top < 3:
            continue
        ys = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(y)
        xs = np.arange(left, right, dtype=np.float32)[None] - np.float32(x)
        u = (xs * np.cos(turn) + ys * np.sin(turn)) / np.float32(across)
        v = (ys * np.cos(turn) - xs * np.sin(turn)) / np.float32(down)
        hill = np.float32(0.75) - np.sqrt(u * u + v * v)
        near = (bottom - top, right - left)
        hill += np.float32(0.28) * clouds(near, max(4.0, radius / 2), rng)
        hill += np.float32(0.2) * clouds(near, max(3.0, radius / 6), rng)
        hill += np.float32(0.11) * clouds(near, 2.2, rng)
        window = lost[top:bottom, left:right]
        slope = np.float32(max(2.5, radius / 5))
        np.maximum(window, np.clip(hill * slope + np.float32(0.5), 0, 1), out=window)
    return lost


def stroke_width(ink: npt.NDArray[np.uint8]) -> float:
    """Usual width of the strokes in pixels: twice their area over the length of their edges.

    What frays or spreads by a fixed number of pixels would swallow the hairlines of small print;
    callers keep such numbers below a share of this.
    """
    inked = ink[::2] > 127
    edges = int(np.count_nonzero(inked[:, 1:] != inked[:, :-1]))
    # Runs along rows are longer than strokes are wide: by about pi / 2 over all directions.
    return max(1.0, 2 * int(np.count_nonzero(inked)) / max(1, edges) / 1.4)
