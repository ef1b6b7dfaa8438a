"""The boxes of one page as arrays, and what every step of ordering asks of them.

Holds: ``Places``, made upright (``upright``) where the columns of a page lean, and the pairs of
boxes that share width, found by sorting instead of by comparing each with each.

Keeps out: any decision about order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Chain = list[int]
"""Indices of boxes from top to bottom."""


@dataclass(frozen=True, slots=True)
class Places:
    """Edges, sides and middles of N boxes, each (N,), and the page's usual character size.

    ``rank`` is the place of each box from above (from the right on a tie), so that of any two
    boxes exactly one is below the other.
    """

    left: Floats
    top: Floats
    right: Floats
    bottom: Floats
    width: Floats
    height: Floats
    x: Floats
    y: Floats
    rank: Ints
    size: float

    def extent(self, chain: Sequence[int]) -> tuple[float, float]:
        """Top and bottom of some boxes."""
        members = np.asarray(chain)
        return float(self.top[members].min()), float(self.bottom[members].max())

    def full_width(self, chain: Sequence[int]) -> float:
        """The width that the broader boxes of a chain have; thin strokes do not count."""
        widths = np.sort(self.width[np.asarray(chain)])
        return float(widths[int(0.75 * (len(widths) - 1))])

    def axis(self, chain: Sequence[int], y: float, count: int = 4) -> float:
        """Where the middle line of a chain runs at a height: over its nearest broad boxes."""
        members = np.asarray(chain)
        broad = members[self.width[members] >= 0.5 * self.full_width(chain)]
        nearest = broad[np.argsort(np.abs(self.y[broad] - y), kind="stable")[:count]]
        return middle(self.x[nearest])


def middle(values: Floats) -> float:
    """The median; several times as fast as numpy's for a handful of values."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def places_of(boxes: Sequence[Box]) -> Places:
    """Boxes as arrays."""
    edges = np.array([(b.left, b.top, b.right, b.bottom) for b in boxes], np.float64)
    return _places(edges[:, 0], edges[:, 1], edges[:, 2], edges[:, 3])


def upright(places: Places, lean: float) -> Places:
    """The same boxes sheared so that a column that drifts ``lean`` pixels a pixel stands."""
    shift = lean * (places.y - float(places.y.mean()))
    return _places(places.left - shift, places.top, places.right - shift, places.bottom)


def _places(left: Floats, top: Floats, right: Floats, bottom: Floats) -> Places:
    width, height = right - left, bottom - top
    x, y = (left + right) / 2, (top + bottom) / 2
    rank = np.empty(len(x), np.int64)
    # Lower edge and width part boxes with one middle, so that their sequence does not matter.
    rank[np.lexsort((width, bottom, -x, y))] = np.arange(len(x))
    size = float(np.median(np.maximum(width, height)))
    return Places(left, top, right, bottom, width, height, x, y, rank, size)


def pairs_sharing(low: Floats, high: Floats) -> tuple[Ints, Ints]:
    """Each pair of intervals that share more than an end, once: two arrays of indices."""
    order = np.argsort(low, kind="stable")
    start = np.arange(len(order))
    stop = np.searchsorted(low[order], high[order], side="left")
    count = np.maximum(stop - start - 1, 0)
    first = np.repeat(start, count)
    second = first + 1 + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return order[first], order[second]


def spans_of(values: Sequence[tuple[float, float]]) -> Floats:
    """Pairs as an (N, 2) array, of shape (0, 2) for none."""
    return np.array(values, np.float64).reshape(-1, 2)
