"""Single kinds of damage as fields over a page: clouds, patches, cracks, grain, stains.

Holds: functions that draw one kind each, as float32 arrays in [0, 1] unless they say otherwise.

Keeps out: how kinds combine into a picture (``pipelines.imaging.aging``).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Shape = tuple[int, int]


def clouds(shape: Shape, scale_px: float, rng: np.random.Generator) -> Field:
    """Smooth noise of about zero mean and unit deviation, features of ``scale_px``."""
    height, width = shape
    rows, columns = int(height / scale_px) + 4, int(width / scale_px) + 4
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    full = (max(height, round(rows * scale_px)), max(width, round(columns * scale_px)))
    grown = cv2.resize(grid, (full[1], full[0]), interpolation=cv2.INTER_CUBIC)
    top = int(rng.integers(0, full[0] - height + 1))
    left = int(rng.integers(0, full[1] - width + 1))
    # Cubic interpolation between unit normals leaves a deviation of about 0.77 (measured).
    return np.multiply(grown[top : top + height, left : left + width], 1.3, dtype=np.float32)


def dry_streaks(shape: Shape, rng: np.random.Generator) -> Field:
    """Where the brush ran dry: fine upright streaks in a few areas."""
    height, width = shape
    # Streaks follow the brush; without its path the commonest direction stands in.
    grid = rng.standard_normal((height // 9 + 2, width // 2 + 2), dtype=np.float32)
    streaks = cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
    areas = np.clip(clouds(shape, 70, rng) - 0.2, 0, 1)
    return np.clip(streaks * 1.5 - 0.1, 0, 1).astype(np.float32) * areas


def patches(shape: Shape, count: int, radius_px: float, rng: np.random.Generator) -> Field:
    """Where the face has flaked off: ragged islands of about that radius."""
    height, width = shape
    lost = np.zeros(shape, np.float32)
    for _ in range(count):
        radius = radius_px * float(rng.lognormal(0, 0.45))
        across, down = radius * float(rng.uniform(0.5, 1)), radius * float(rng.uniform(0.5, 1.6))
        x, y = float(rng.uniform(0, width)), float(rng.uniform(0, height))
        left, right = max(0, int(x - 2 * across)), min(width, int(x + 2 * across) + 1)
        top, bottom = max(0, int(y - 2 * down)), min(height, int(y + 2 * down) + 1)
        if right - left < 2 or bottom - top < 2:
            continue
        rows = ((np.arange(top, bottom, dtype=np.float32) - y) / down)[:, None]
        columns = ((np.arange(left, right, dtype=np.float32) - x) / across)[None]
        hill = 1.1 - (rows * rows + columns * columns)
        near = (bottom - top, right - left)
        hill += 0.55 * clouds(near, max(4.0, radius / 3), rng) + 0.35 * clouds(near, 3.0, rng)
        window = lost[top:bottom, left:right]
        np.maximum(window, np.clip(hill * 2, 0, 1), out=window)
    return lost


def cracks(shape: Shape, count: int, width_px: float, rng: np.random.Generator) -> Field:
    """Lines that wander across the whole page, more often across than down."""
    height, width = shape
    drawn = np.zeros(shape, np.uint8)
    steps = 60
    for _ in range(count):
        angle = float(rng.uniform(-0.5, 0.5)) + (np.pi / 2 if rng.random() < 0.35 else 0)
        start = rng.uniform((0, 0), (width, height))
        turns = np.cumsum(rng.normal(0, 0.16, steps)) * 0.6 + rng.normal(0, 0.25, steps) + angle
        pace = (width + height) / steps
        walk = start + np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1) * pace, axis=0)
        walk -= walk[int(rng.integers(0, steps))] - start
        widths = np.clip(width_px * rng.lognormal(0, 0.4, steps), 1, None)
        points = [(int(x), int(y)) for x, y in walk]
        # Some cracks are filled again, or were there before the stone was cut: faint ones.
        level = int(rng.integers(110, 256))
        for one, other, thick in zip(points[:-1], points[1:], widths[1:], strict=True):
            cv2.line(drawn, one, other, level, max(1, round(float(thick))), cv2.LINE_AA)
    return _broken(drawn, rng) if count else drawn.astype(np.float32)


def seams(shape: Shape, places_x: Sequence[int], rng: np.random.Generator) -> Field:
    """Where strips were pasted side by side: long upright lines, mostly faint, that come and go."""
    height, _ = shape
    drawn = np.zeros(shape, np.uint8)
    for place in places_x:
        top = 0
        while top < height:
            bottom = top + 1 + int(rng.uniform(0.08, 0.45) * height)
            if rng.random() < 0.6:
                x, level = place + int(rng.integers(-2, 3)), int(20 + 150 * rng.random() ** 2)
                lean = int(rng.integers(-2, 3))
                cv2.line(drawn, (x, top), (x + lean, bottom), level, 1, cv2.LINE_AA)
            top = bottom
    return np.divide(drawn, 255, dtype=np.float32)


def scratches(shape: Shape, count: int, rng: np.random.Generator) -> Field:
    """Short straight thin lines."""
    height, width = shape
    drawn = np.zeros(shape, np.uint8)
    for _ in range(count):
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        angle, length = float(rng.uniform(0, np.pi)), float(rng.uniform(20, 140))
        end = int(x + length * np.cos(angle)), int(y + length * np.sin(angle))
        cv2.line(drawn, (x, y), end, int(rng.integers(110, 230)), 1, cv2.LINE_AA)
    return np.divide(drawn, 255, dtype=np.float32)


def _broken(drawn: npt.NDArray[np.uint8], rng: np.random.Generator) -> Field:
    """Drawn lines with gaps and frayed edges."""
    shape = (drawn.shape[0], drawn.shape[1])
    share = np.clip(0.9 + 0.6 * clouds(shape, 3.5, rng), 0, 1)
    return np.multiply(drawn, share / 255, dtype=np.float32)


def grain(worn: Field, share: float, grain_px: float, rng: np.random.Generator) -> Field:
    """Pits of the stone, in clouds that follow ``worn``; ``share`` of the page on average."""
    if not share:
        return np.zeros_like(worn)
    shape = (worn.shape[0], worn.shape[1])
    fine = clouds(shape, grain_px, rng) + 0.6 * clouds(shape, 2.2 * grain_px, rng)
    fine += 0.6 * worn + 0.5 * clouds(shape, 30, rng)
    level = np.float32(np.quantile(fine[::7, ::7], 1 - min(share, 0.9)))
    return np.clip((fine - level) * np.float32(2.2), 0, 1)


def stains(shape: Shape, count: int, rng: np.random.Generator) -> Field:
    """Shade of discoloured areas, 1 where there is none."""
    height, width = shape
    # A quarter of the resolution is enough for what is tens of pixels wide.
    small = (height // 4 + 1, width // 4 + 1)
    mask = np.full(small, -2.0, np.float32)
    rows, columns = np.mgrid[: small[0], : small[1]].astype(np.float32)
    for _ in range(count):
        radius = float(rng.uniform(0.05, 0.2)) * small[1]
        x, y = float(rng.uniform(0, small[1])), float(rng.uniform(0, small[0]))
        np.maximum(mask, 1 - np.hypot(columns - x, rows - y) / radius, out=mask)
    mask += 0.3 * clouds(small, 12, rng)
    # Water leaves its dirt at the rim.
    rim = np.exp(-(mask**2) / 0.006)
    shade = 1 - 0.09 * np.clip(mask * 4, 0, 1) - 0.08 * rim
    return np.asarray(cv2.resize(shade, (width, height)), np.float32)


def spots_and_folds(shape: Shape, spots: int, folds: int, rng: np.random.Generator) -> Field:
    """Shade of foxing and of creases over the full height, 1 where there is none."""
    height, width = shape
    marks = np.zeros(shape, np.uint8)
    for _ in range(spots):
        place = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        cv2.circle(marks, place, int(rng.integers(1, 4)), int(rng.integers(50, 160)), -1)
    for _ in range(folds):
        x = int(rng.uniform(0.1, 0.9) * width)
        lean = int(rng.normal(0, 0.004 * height))
        cv2.line(marks, (x, 0), (x + lean, height), int(rng.integers(60, 130)), 2, cv2.LINE_AA)
    soft = cv2.GaussianBlur(marks, (0, 0), 1.0)
    return 1 - soft.astype(np.float32) * np.float32(0.45 / 255)
