"""Chains: runs of boxes of which each is the nearest below the one before, and the reverse.

The first step to columns, and the safest: two boxes are linked only if each prefers the other.
Where a column forks into the two rows of a note, no link is made.

Keeps out: joining chains across gaps and rows (``clusters``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.order.params import OrderParams
from pipelines.order.places import Chain, Floats, Ints, Places, pairs_sharing


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Boxes that share width: the upper and the lower of each pair, and what they share."""

    upper: Ints
    lower: Ints
    across: Floats
    down: Floats


def chains(places: Places, node: Chain, params: OrderParams) -> list[Chain]:
    """The chains of some boxes, from above."""
    members = np.asarray(node)
    pairs = _pairs(places, members)
    narrow = np.minimum(places.width[pairs.upper], places.width[pairs.lower])
    low = np.minimum(places.height[pairs.upper], places.height[pairs.lower])
    fits = (pairs.across >= params.min_overlap * narrow) & (
        pairs.down <= params.max_row_overlap * low
    )
    fits &= -pairs.down <= params.max_link_gap * places.size
    upper, lower = pairs.upper[fits], pairs.lower[fits]
    gap = np.maximum(places.top[lower] - places.bottom[upper], 0.0)
    cost = gap + np.abs(places.x[upper] - places.x[lower])
    down = _best(upper, places.rank[lower], cost)
    up = _best(lower, -places.rank[upper], cost)
    mutual = np.intersect1d(down, up)
    beside = _Neighbours(places, members, pairs)
    follows = {
        int(i): int(j)
        for i, j in zip(upper[mutual], lower[mutual], strict=True)
        if not beside.forks(int(i), int(j), params)
    }
    heads = sorted(set(members.tolist()) - set(follows.values()), key=lambda i: places.rank[i])
    found = []
    for head in heads:
        chain = [head]
        while chain[-1] in follows:
            chain.append(follows[chain[-1]])
        found.append(chain)
    return found


def lean_of(places: Places, found: list[Chain], params: OrderParams) -> float:
    """How far columns drift to the right a pixel down: the middle slope of long chains.

    0 where there is too little to tell, or where columns do not lean alike: a few slanted ones
    among upright ones and chains that turn into the row of a note do not count.
    """
    slopes, weights = [], []
    for chain in found:
        if len(chain) >= 4:
            members = np.asarray(chain)
            x, y = places.x[members], places.y[members]
            # The middle of the slopes between halves: one odd box does not turn a column.
            half = len(chain) // 2
            rise = y[half:].mean() - y[:half].mean()
            slopes.append((np.median(x[-half:]) - np.median(x[:half])) / max(rise, 1e-9))
            weights.append(len(chain))
    if sum(weights) < max(6, 0.3 * len(places.x)):
        return 0.0
    order = np.argsort(slopes)
    reach = np.cumsum(np.asarray(weights)[order]) / sum(weights)
    low, lean, high = np.asarray(slopes)[order][np.searchsorted(reach, [0.25, 0.5, 0.75])]
    is_common = low * high > 0 and high - low <= max(0.05, 0.5 * abs(lean))
    return float(lean) if is_common and 0.02 < abs(lean) < 0.7 else 0.0


def _pairs(places: Places, members: Ints) -> _Pairs:
    a, b = pairs_sharing(places.left[members], places.right[members])
    a, b = members[a], members[b]
    is_above = places.rank[a] < places.rank[b]
    upper, lower = np.where(is_above, a, b), np.where(is_above, b, a)
    across = np.minimum(places.right[a], places.right[b]) - np.maximum(
        places.left[a], places.left[b]
    )
    down = np.minimum(places.bottom[a], places.bottom[b]) - np.maximum(places.top[a], places.top[b])
    return _Pairs(upper, lower, across, down)


def _best(owner: Ints, tie: Ints, cost: Floats) -> Ints:
    """The place of the cheapest entry of each owner."""
    order = np.lexsort((tie, cost, owner))
    is_first = np.ones(len(order), bool)
    is_first[1:] = owner[order][1:] != owner[order][:-1]
    return np.asarray(order[is_first], np.int64)


class _Neighbours:
    """For each box the boxes that share its width."""

    def __init__(self, places: Places, members: Ints, pairs: _Pairs) -> None:
        self.places = places
        owner = np.concatenate([pairs.upper, pairs.lower])
        other = np.concatenate([pairs.lower, pairs.upper])
        across = np.concatenate([pairs.across, pairs.across])
        order = np.argsort(owner, kind="stable")
        self.other, self.across = other[order], across[order]
        self.start = np.searchsorted(owner[order], np.arange(members.max() + 2))

    def forks(self, i: int, j: int, params: OrderParams) -> bool:
        """Whether one of two linked boxes stands over or under two that are side by side."""
        p = self.places
        for wide, narrow in ((i, j), (j, i)):
            if p.width[narrow] > params.note_width * p.width[wide]:
                continue
            near = slice(self.start[wide], self.start[wide + 1])
            k, across = self.other[near], self.across[near]
            lower = np.minimum(p.height[k], p.height[narrow])
            shared = np.minimum(p.bottom[k], p.bottom[narrow]) - np.maximum(p.top[k], p.top[narrow])
            apart = np.minimum(p.right[k], p.right[narrow]) - np.maximum(p.left[k], p.left[narrow])
            is_beside = (
                (across >= params.join_overlap * p.width[k])
                & (p.width[k] <= params.note_width * p.width[wide])
                & (apart <= 0.25 * np.minimum(p.width[k], p.width[narrow]))
                & (shared > 0.5 * lower)
                & (k != i)
                & (k != j)
            )
            if bool(is_beside.any()):
                return True
        return False
