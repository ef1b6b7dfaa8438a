"""The grain of a page: paper fibres, sensor noise and the pores of stone, and smoothing it.

Holds: how strong the grain is, and a median just wide enough for it.

Keeps out: pits and flakes, which are as wide as strokes (``pipelines.imaging.restoration``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.imaging.scaling import Gray


@dataclass(frozen=True, slots=True, kw_only=True)
class GrainParams:
    """From which grain on a page is smoothed; measured on real rubbings and synthetic pages.

    Attributes:
        levels: Deviations of the ground, in grey levels, from which each median is used.
        sides_px: Sides of these medians.
    """

    levels: tuple[float, ...] = (6.0, 12.0, 18.0)
    sides_px: tuple[int, ...] = (3, 5, 7)


_DEFAULT = GrainParams()


def ground_noise(gray: Gray) -> float:
    """Deviation of the finest grain in grey levels.

    From the middle of the second differences along some rows, which strokes hardly touch.
    """
    view = gray[:: max(1, gray.size // 200_000)].astype(np.int16)
    if view.shape[1] < 3:
        return 0.0
    second = view[:, :-2] - 2 * view[:, 1:-1] + view[:, 2:]
    return float(np.median(np.abs(second))) / (0.6745 * 6**0.5)


def smoothed(gray: Gray, params: GrainParams = _DEFAULT) -> Gray:
    """The page under the median that its grain asks for; itself where the grain is fine."""
    noise = ground_noise(gray)
    side = max(
        (s for level, s in zip(params.levels, params.sides_px, strict=True) if noise >= level),
        default=0,
    )
    if side < 3 or min(gray.shape) <= side:
        return gray
    return np.asarray(cv2.medianBlur(gray, side), np.uint8)
