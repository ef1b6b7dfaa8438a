"""Small pages with known truth, drawn from plain shapes: no fonts, no files.

A "character" is a handful of strokes that fill its cell like one: bars across and down, a slanting
stroke, sometimes parts that do not touch, which a finder must keep together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.geometry import Box


@dataclass(frozen=True)
class DrawnPage:
    """``ink`` white on black; ``columns`` the boxes of its ink from right to left, top down."""

    ink: np.ndarray
    columns: tuple[tuple[Box, ...], ...]

    @property
    def boxes(self) -> list[Box]:
        return [box for column in self.columns for box in column]


def draw_character(rng: np.random.Generator, size: int) -> np.ndarray:
    """One character, (size, size) uint8, its ink reaching all four sides."""
    ink = np.zeros((size, size), np.uint8)
    stroke = max(2, size // 12)
    last = size - 1
    for y in (0, size // 2 + int(rng.integers(-size // 10, size // 10 + 1)), last - stroke):
        left, right = rng.integers(0, size // 6, 2)
        cv2.rectangle(ink, (int(left), y), (last - int(right), y + stroke), 255, -1)
    x = int(rng.integers(size // 3, 2 * size // 3))
    top = 0 if rng.random() < 0.7 else size // 5
    cv2.rectangle(ink, (x, top), (x + stroke, last), 255, -1)
    cv2.line(ink, (last - 1, size // 4), (size // 8, last - 1), 255, stroke)
    cv2.rectangle(ink, (0, size // 3), (stroke, size // 2), 255, -1)
    return ink


def draw_page(
    rng: np.random.Generator,
    lengths: Sequence[int] = (6, 6, 4, 6),
    *,
    size: int = 48,
    column_gap: int = 20,
    gap: int = 8,
    margin: int = 30,
    jitter: float = 0.0,
) -> DrawnPage:
    """A page of columns from right to left.

    Args:
        rng: Shapes and sizes.
        lengths: Characters of each column, the rightmost first.
        size: Side of a character in pixels.
        column_gap: Blank between columns.
        gap: Blank between characters; negative lets them overlap.
        margin: Blank around the page.
        jitter: Standard deviation of sizes and places, in character sizes.
    """
    width = 2 * margin + len(lengths) * (size + column_gap) - column_gap
    height = 2 * margin + max(lengths) * (size + gap) - gap + 2 * size
    ink = np.zeros((height, width), np.uint8)
    columns = []
    for index, length in enumerate(lengths):
        left = width - margin - size - index * (size + column_gap)
        top = margin
        column = []
        for _ in range(length):
            side = max(12, round(size * (1 + jitter * float(rng.normal()))))
            x = int(np.clip(left + (size - side) // 2, 0, width - side))
            y = min(top, height - side)
            view = ink[y : y + side, x : x + side]
            np.maximum(view, draw_character(rng, side), out=view)
            column.append(Box(x, y, x + side, y + side))
            top += side + gap
        columns.append(tuple(column))
    bottom = max(box.bottom for column in columns for box in column) + margin
    return DrawnPage(ink[:bottom].copy(), tuple(columns))


def as_scan(
    ink: np.ndarray,
    rng: np.random.Generator,
    *,
    is_dark_ink: bool = True,
    contrast: int = 150,
    noise: float = 6.0,
    shade: float = 0.0,
) -> np.ndarray:
    """The ink as a grey scan on paper or rubbing, with noise and light falling off to the left."""
    ground = 200.0 if is_dark_ink else 45.0
    sign = -1 if is_dark_ink else 1
    soft = cv2.GaussianBlur(ink, (0, 0), 0.8).astype(np.float64) / 255
    grey = ground + sign * contrast * soft + rng.normal(0, noise, ink.shape)
    grey *= 1 - shade * np.linspace(1, 0, ink.shape[1])
    return np.clip(grey, 0, 255).astype(np.uint8)
