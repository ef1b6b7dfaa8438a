"""How far a page leans, and setting it upright.

Holds: the angle at which columns of writing, rules and frames stand sharpest when they are
projected, with a confidence, and the turned page.

Keeps out: the lean of single columns (``pipelines.columns``), and quarter turns, which the file
tells (``pipelines.imaging.codec``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.imaging.scaling import shrink_factor, shrunk

Floats = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class SkewParams:
    """How skew is measured and from when on it matters.

    Attributes:
        side_px: Longest side of the copy on which the angle is measured.
        max_deg: Largest lean looked for.
        step_deg: Step of the search; the peak is refined between steps.
        min_strength: Strength of the columns' line below which nothing is claimed, in [0, 1].
        min_deg: Lean below which a page counts as straight: over a page's height a column then
            steps aside by less than half its distance to the next.
        min_confidence: Confidence from which a page is turned.
    """

    side_px: int = 400
    max_deg: float = 6.0
    step_deg: float = 0.5
    min_strength: float = 0.3
    min_deg: float = 0.7
    min_confidence: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """A lean: ``degrees`` clockwise in the scan; ``confidence`` in [0, 1]."""

    degrees: float
    confidence: float


_DEFAULT = SkewParams()


def estimate_skew(ink: Picture, params: SkewParams = _DEFAULT) -> Skew:
    """How far the writing leans.

    The projections across and down the page are taken for each angle; the sharper they are, the
    more stands in line. Both must agree, because a hand may lean its columns and leave its rows
    level, and so must the two halves of the page, because a wall or a picture has no one lean.

    Args:
        ink: (H, W) ink 255 on 0, rules and frames included; not modified.
        params: How it is measured.
    """
    small = shrunk(ink, shrink_factor(ink.shape, params.side_px)) > 80
    height, width = small.shape
    rows, columns = np.nonzero(small)
    if len(rows) < 200 or min(height, width) < 32:
        return Skew(degrees=0.0, confidence=0.0)
    steps = round(2 * params.max_deg / params.step_deg) + 1
    angles = np.linspace(-params.max_deg, params.max_deg, steps, dtype=np.float64)
    down = rows.astype(np.float64) - height / 2
    across = columns.astype(np.float64) - width / 2
    # Leaning columns step aside on their way down; level rows rise on their way across.
    column_deg, column_height = _peak(angles, _sharpness(across, down, angles, 1.0))
    strength = min(1.0, column_height / 0.5)
    if strength < params.min_strength or abs(column_deg) > params.max_deg - params.step_deg:
        return Skew(degrees=round(column_deg, 2), confidence=0.0)
    near = angles[np.abs(angles - column_deg) <= 2]
    upper = down < np.median(down)
    halves = [
        _peak(near, _sharpness(across[part], down[part], near, 1.0))[0] for part in (upper, ~upper)
    ]
    row_deg, row_height = _peak(angles, _sharpness(down, across, angles, -1.0))
    agreement = max(0.0, 1 - max(abs(half - column_deg) for half in halves) / 1.5)
    if row_height > 0.15:  # rows, rules across or a frame: they must lean as the columns do
        agreement *= max(0.0, 1 - abs(row_deg - column_deg) / 1.5)
    else:
        agreement *= 0.8
    return Skew(degrees=round(column_deg, 2), confidence=round(strength * agreement, 3))


def _sharpness(places: Floats, along: Floats, angles: Floats, sign: float) -> Floats:
    """For each angle, how uneven the projection of ink is: its variation over its mean."""
    size = int(np.ptp(places)) + 1
    values = np.empty(len(angles))
    for index, angle in enumerate(angles):
        moved = places + sign * math.tan(math.radians(float(angle))) * along
        bins = np.bincount((moved - moved.min()).astype(np.int64))
        steps = np.diff(bins.astype(np.float64))
        values[index] = float((steps**2).sum()) / (len(places) ** 2 / size)
    return values


def _peak(angles: Floats, values: Floats) -> tuple[float, float]:
    """The angle of the highest value, refined between steps, and how far it stands out."""
    best = int(values.argmax())
    usual = float(np.median(values))
    height = (float(values[best]) - usual) / max(usual, 1e-9)
    if 0 < best < len(angles) - 1:
        left, middle, right = values[best - 1 : best + 2]
        bend = left - 2 * middle + right
        shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
        return float(angles[best] + shift * (angles[1] - angles[0])), height
    return float(angles[best]), height


def is_worth_turning(skew: Skew, params: SkewParams = _DEFAULT) -> bool:
    """Whether the lean is sure and large enough to matter."""
    return skew.confidence >= params.min_confidence and abs(skew.degrees) >= params.min_deg


def turned(image: Picture, degrees: float) -> Picture:
    """A copy turned counter-clockwise by ``degrees``, the canvas grown so that nothing is lost.

    The corners that come in are filled with the middle grey or colour of the picture's border.
    """
    height, width = image.shape[:2]
    matrix, size = _turn(width, height, degrees)
    rim = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    fill = np.median(rim, axis=0)
    value = tuple(float(v) for v in np.atleast_1d(fill))
    return np.asarray(
        cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=value), np.uint8
    )


def scan_point(
    x: float, y: float, skew_deg: float, scan_width: int, scan_height: int
) -> tuple[float, float]:
    """Where a point of the turned page lies on the scan of that size, the inverse of turning."""
    matrix, _ = _turn(scan_width, scan_height, skew_deg)
    back = cv2.invertAffineTransform(matrix)
    return (
        float(back[0, 0] * x + back[0, 1] * y + back[0, 2]),
        float(back[1, 0] * x + back[1, 1] * y + back[1, 2]),
    )


def _turn(width: int, height: int, degrees: float) -> tuple[Floats, tuple[int, int]]:
    """The affine map of a turn about the middle, and the size of the grown canvas."""
    if degrees == 0:
        return np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), (width, height)
    sine, cosine = (abs(f(math.radians(degrees))) for f in (math.sin, math.cos))
    size = (math.ceil(width * cosine + height * sine), math.ceil(width * sine + height * cosine))
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = np.asarray(cv2.getRotationMatrix2D(middle, degrees, 1.0), np.float64)
    matrix[:, 2] += (np.array(size) - (width, height)) / 2
    return matrix, size
