"""How near a mask of ink comes to the truth: the measures of the DIBCO contests.

Holds: F-measure, pseudo-F-measure, PSNR and DRD of one mask (H-DIBCO 2010 and later reports), and
the share of strokes that a step in between has lost.

Keeps out: the binarizers (``pipelines.imaging.binarization``), and the pages they are tried on
(``tests.benchmarks``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from skimage.morphology import skeletonize

Ink = npt.NDArray[np.uint8]
"""(H, W), 255 where there is ink and 0 elsewhere."""

_BLOCK_PX = 8
_REACH_PX = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class BinarizationScores:
    """The four measures of one mask.

    Attributes:
        f_measure: Harmonic mean of precision and recall, 0 to 100.
        pseudo_f_measure: The same with recall measured on the skeleton of the truth, so that a
            stroke counts by its length and not by its width; 0 to 100 (Ntirogiannis, Gatos and
            Pratikakis, DAS 2008; H-DIBCO 2010).
        psnr: Peak signal-to-noise ratio in decibels; infinite for a perfect mask.
        drd: Distance reciprocal distortion: wrong pixels weighted by how little the truth
            around them resembles them, over the blocks of the truth that are not uniform
            (Lu, Kot and Shi 2004). 0 is perfect, infinite if the truth has no such block.
    """

    f_measure: float
    pseudo_f_measure: float
    psnr: float
    drd: float


def binarization_scores(ink: Ink, truth: Ink) -> BinarizationScores:
    """Compare a mask with the truth; in both, more than 127 is ink.

    Raises:
        ValueError: If the two differ in shape.
    """
    found, true = _both(ink, truth)
    hits = int((found & true).sum())
    precision = hits / max(1, int(found.sum()))
    recall = hits / max(1, int(true.sum()))
    bones = np.asarray(skeletonize(true), np.bool_)  # type: ignore[no-untyped-call]
    pseudo_recall = int((found & bones).sum()) / max(1, int(bones.sum()))
    wrong = int((found ^ true).sum())
    return BinarizationScores(
        f_measure=100 * _harmonic_mean(precision, recall),
        pseudo_f_measure=100 * _harmonic_mean(precision, pseudo_recall),
        psnr=10 * math.log10(true.size / wrong) if wrong else math.inf,
        drd=_drd(found, true),
    )


def lost_strokes(before: Ink, after: Ink, truth: Ink) -> float:
    """Share of the true ink in ``before`` that ``after`` has no more, in [0, 1].

    What a restoration eats, apart from what was lost before it began.

    Raises:
        ValueError: If the shapes differ.
    """
    had, true = _both(before, truth)
    has, _ = _both(after, truth)
    held = had & true
    return int((held & ~has).sum()) / max(1, int(held.sum()))


def _both(ink: Ink, truth: Ink) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    if ink.shape != truth.shape:
        raise ValueError(
            f"A mask of shape {ink.shape} cannot be compared with a truth of shape "
            f"{truth.shape}; both must be masks of the same page."
        )
    return ink > 127, truth > 127


def _harmonic_mean(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0


def _drd(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> float:
    wrong = found ^ true
    if not wrong.any():
        return 0.0
    steps = np.arange(-_REACH_PX, _REACH_PX + 1)
    away = np.hypot(steps[:, None], steps[None])
    weights = np.where(away > 0, 1 / np.maximum(away, 1), 0)
    weights /= weights.sum()
    # Neighbours that differ from the wrong pixel; beyond the edge nothing differs.
    ink = true.astype(np.float32)
    kernel = weights.astype(np.float32)
    near_ink = cv2.filter2D(ink, -1, kernel, borderType=cv2.BORDER_CONSTANT)
    inside = cv2.filter2D(np.ones_like(ink), -1, kernel, borderType=cv2.BORDER_CONSTANT)
    distortion = np.where(found, inside - near_ink, near_ink)[wrong].sum(dtype=np.float64)
    height, width = (side // _BLOCK_PX * _BLOCK_PX for side in true.shape)
    blocks = true[:height, :width].reshape(
        height // _BLOCK_PX, _BLOCK_PX, width // _BLOCK_PX, _BLOCK_PX
    )
    mixed = int((blocks.any(axis=(1, 3)) & ~blocks.all(axis=(1, 3))).sum())
    return float(distortion) / mixed if mixed else math.inf
