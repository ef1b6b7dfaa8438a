"""Whether a score of 0.8 is right eight times in ten, and whether low scores are the wrong ones.

Holds: the expected calibration error (Guo et al. 2017), the area under the curve.

Keeps out: accuracy (``training.metrics.recognition``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BINS = 10


def expected_calibration_error(scores: Sequence[float], is_right: Sequence[bool]) -> float:
    """Mean distance of score and share right over ten bins of equal width, in [0, 1].

    Args:
        scores: In [0, 1].
        is_right: Whether what was scored was right; nan is returned for no scores at all.
    """
    given, right = np.asarray(scores, np.float64), np.asarray(is_right, np.float64)
    if not len(given):
        return float("nan")
    bins = np.minimum((given * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    distances = np.abs(
        np.bincount(bins, given, minlength=BINS) - np.bincount(bins, right, minlength=BINS)
    )
    return float(distances.sum() / counts.sum())


def area_under_curve(doubts: npt.ArrayLike, is_wrong: npt.ArrayLike) -> float:
    """Chance that a wrong item is doubted more than a right one, ties counting half.

    Args:
        doubts: Any numbers, the higher the more doubtful.
        is_wrong: Whether each was wrong; nan is returned if all are, or none.
    """
    given, wrong = np.asarray(doubts, np.float64), np.asarray(is_wrong, np.bool_)
    wrongs, rights = int(wrong.sum()), int((~wrong).sum())
    if not wrongs or not rights:
        return float("nan")
    _, places, counts = np.unique(given, return_inverse=True, return_counts=True)
    # Rank of each distinct value: the mean of the places its equals take.
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[places][wrong].sum() - wrongs * (wrongs + 1) / 2) / (wrongs * rights))
