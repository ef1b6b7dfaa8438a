"""How well a reader reads characters that were found for it.

Holds: accuracy, F1 and any mean with a bootstrap interval, and the paired difference of two
readers.

Keeps out: corrections to whole drafts (``pipelines.corrections``), which also count characters
that were never found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share in [0, 1], or a mean, with its 95 % bootstrap interval over groups."""

    value: float
    low: float
    high: float
    count: int


def accuracy(is_right: Sequence[bool], groups: Sequence[str], rng: np.random.Generator) -> Share:
    """Share of characters read right.

    Args:
        is_right: One entry a character.
        groups: What is drawn again together: the column or work of each character.
        rng: Source of the resampling.
    """
    return _bootstrap(np.asarray(is_right, np.float64), groups, rng)


def mean(values: Sequence[float], groups: Sequence[str], rng: np.random.Generator) -> Share:
    """Mean of any figure that every item has one of, such as a distance."""
    return _bootstrap(np.asarray(values, np.float64), groups, rng)


def difference(
    is_right: Sequence[bool],
    is_right_before: Sequence[bool],
    groups: Sequence[str],
    rng: np.random.Generator,
) -> Share:
    """Accuracy of one reader minus another's on the same characters."""
    gain = np.asarray(is_right, np.float64) - np.asarray(is_right_before, np.float64)
    return _bootstrap(gain, groups, rng)


def f1(
    is_right: Sequence[bool],
    is_named: Sequence[bool],
    groups: Sequence[str],
    rng: np.random.Generator,
) -> Share:
    """Harmonic mean of precision, over what was named, and recall, over all.

    With R right, M named and N in all, that is 2 R / (M + N).
    """
    right = np.asarray(is_right, np.float64)
    asked = (np.asarray(is_named, np.float64) + 1) / 2
    return _bootstrap(right, groups, rng, weights=asked)


def _bootstrap(
    values: npt.NDArray[np.float64],
    groups: Sequence[str],
    rng: np.random.Generator,
    weights: npt.NDArray[np.float64] | None = None,
) -> Share:
    """Sum of values over sum of weights, which are 1 if none are given."""
    if len(values) == 0:
        return Share(value=float("nan"), low=float("nan"), high=float("nan"), count=0)
    asked = np.ones(len(values)) if weights is None else weights
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(member, weights=values)
    sizes = np.bincount(member, weights=asked)
    drawn = rng.integers(0, len(sums), (RESAMPLES, len(sums)))
    shares = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return Share(
        value=float(values.sum() / asked.sum()),
        low=float(low),
        high=float(high),
        count=len(values),
    )
