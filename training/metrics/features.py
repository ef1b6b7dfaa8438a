"""Distances of what a network sees in two sets of pictures.

Holds: the Fréchet distance of two clouds of features (Heusel et al. 2017), and the distance of
two pictures at several levels of a network (Zhang et al. 2018). Which network decides what the
figure may be called: FID and LPIPS are these two formulas on the official weights of their papers
and on nothing else (``training.metrics.official``). On UniCalli's own eye they are called *eye
Fréchet distance* and *eye distance* (``training.families.unicalli.eye``).

Keeps out: networks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional as F

Floats = npt.NDArray[np.float64]


def frechet_distance(one: Floats, other: Floats) -> float:
    """Squared distance of two normal distributions fitted to (N, D) and (M, D), at least 0.

    It shrinks as N and M grow: compare only what was taken from as many pictures.

    Raises:
        ValueError: If a side has fewer than two pictures.
    """
    if min(len(one), len(other)) < 2:
        raise ValueError(
            f"A spread needs at least two pictures on each side; got {len(one)} and {len(other)}."
        )
    apart = np.square(one.mean(axis=0) - other.mean(axis=0)).sum()
    first, second = (np.atleast_2d(np.cov(cloud, rowvar=False)) for cloud in (one, other))
    root = _square_root(first)
    # trace((AB)^1/2) by the symmetric matrix A^1/2 B A^1/2, which has the same eigenvalues.
    shared = np.sqrt(np.clip(np.linalg.eigvalsh(root @ second @ root), 0, None)).sum()
    return float(max(0.0, apart + np.trace(first) + np.trace(second) - 2 * shared))


def level_distances(one: Sequence[Tensor], other: Sequence[Tensor]) -> Floats:
    """How far apart pictures are at all levels of a network, one figure a pair, at least 0.

    At every place features are scaled to length one; squared differences are averaged over
    places, and summed over levels with the same weight.

    Args:
        one: Levels of N pictures, each (N, channels, h, w).
        other: The same of those that they are compared with.
    """
    parts = [
        (F.normalize(a, dim=1) - F.normalize(b, dim=1)).square().sum(dim=1).mean(dim=(1, 2))
        for a, b in zip(one, other, strict=True)
    ]
    return np.asarray(sum(parts[1:], parts[0]).double().numpy(), np.float64)


def _square_root(symmetric: Floats) -> Floats:
    values, vectors = np.linalg.eigh(symmetric)
    scaled: Floats = vectors * np.sqrt(np.clip(values, 0, None))
    return np.asarray(scaled @ vectors.T, np.float64)
