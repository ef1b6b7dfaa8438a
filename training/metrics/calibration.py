"""Whether a score of 0.8 is right eight times in ten.

Holds: the expected calibration error (Guo et al. 2017).

Keeps out: accuracy (``training.metrics.recognition``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
