"""Clusters: chains joined to columns, across gaps, beside strays, and with the rows of notes.

Chains are joined nearest first, by the blank between their ends and the distance of their middle
lines, and only where they can stand in one column: side by side just as the rows of a note.
What is left over joins the column whose axis passes through it.

Keeps out: the order inside a column (``notes``) and between columns (``tiers``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.order.notes import broad_width, is_note_row
from pipelines.order.params import OrderParams
from pipelines.order.places import Chain, Floats, Ints, Places, middle, pairs_sharing


def clusters(places: Places, found: list[Chain], params: OrderParams) -> list[Chain]:
    """The columns that some chains make, in no order, nor their boxes."""
    groups = _joined(places, found, params)
    groups = _with_strays(places, groups, params)
    return _with_note_rows(places, groups, params)


def interleave(
    places: Places, a: Chain, b: Chain, params: OrderParams, column_width: float = 0.0
) -> bool:
    """Whether two chains share heights and a middle line: one column, tangled boxes.

    Where they share hardly more than a character's height, one drifts into the other, and the
    middle lines may lie further apart. ``column_width`` is that of the column they may be in,
    where it is known: two thin strokes alone do not tell.
    """
    (top_a, bottom_a), (top_b, bottom_b) = places.extent(a), places.extent(b)
    top, bottom = max(top_a, top_b), min(bottom_a, bottom_b)
    if bottom <= top:
        return False
    lines = []
    for chain in (np.asarray(a), np.asarray(b)):
        near = chain[(places.bottom[chain] > top) & (places.top[chain] < bottom)]
        lines.append(middle(places.x[near]) if near.size else np.inf)
    width = max(places.full_width(a), places.full_width(b), column_width)
    is_end = bottom - top <= min(places.size, 0.5 * min(bottom_a - top_a, bottom_b - top_b))
    reach = params.drift if is_end else params.tangle_offset
    return abs(lines[0] - lines[1]) <= reach * width


@dataclass(frozen=True, slots=True)
class _Ends:
    """Extents of C chains and of their ends, each (C,)."""

    top: Floats
    bottom: Floats
    left: Floats
    right: Floats
    width: Floats
    tail: Floats
    head: Floats
    tail_y: Floats
    head_y: Floats


def _ends(places: Places, found: list[Chain]) -> _Ends:
    """``tail`` and ``head`` are (C, 4): left, right, middle, and the edge next to the gap."""

    def end(chain: Chain, edge: float) -> tuple[float, float, float, float]:
        three = np.asarray(chain)
        return (
            float(places.left[three].min()),
            float(places.right[three].max()),
            middle(places.x[three]),
            edge,
        )

    extents = np.array([places.extent(chain) for chain in found])
    return _Ends(
        top=extents[:, 0],
        bottom=extents[:, 1],
        left=np.array([places.left[chain].min() for chain in found]),
        right=np.array([places.right[chain].max() for chain in found]),
        width=np.array([places.full_width(chain) for chain in found]),
        tail=np.array([end(c[-3:], float(places.bottom[c[-1]])) for c in found]),
        head=np.array([end(c[:3], float(places.top[c[0]])) for c in found]),
        tail_y=np.array([places.y[c[-1]] for c in found]),
        head_y=np.array([places.y[c[0]] for c in found]),
    )


def _joints(
    places: Places, found: list[Chain], params: OrderParams
) -> list[tuple[float, int, int]]:
    """Which chain may continue which, cheapest first: (cost, upper, lower)."""
    e = _ends(places, found)
    overlap = np.minimum.outer(e.bottom, e.bottom) - np.maximum.outer(e.top, e.top)
    shared = np.minimum.outer(e.tail[:, 1], e.head[:, 1]) - np.maximum.outer(
        e.tail[:, 0], e.head[:, 0]
    )
    narrower = np.minimum.outer(e.tail[:, 1] - e.tail[:, 0], e.head[:, 1] - e.head[:, 0])
    offset = np.abs(np.subtract.outer(e.tail[:, 2], e.head[:, 2]))
    gap = np.maximum(e.head[None, :, 3] - e.tail[:, None, 3], 0.0)
    width = np.maximum.outer(e.width, e.width)
    is_below = e.tail_y[:, None] < e.head_y[None, :]
    stands_under = is_below & (overlap <= 0.5 * places.size)
    stands_under &= shared >= params.join_overlap * narrower
    drifts_under = is_below & (overlap <= places.size) & (offset <= params.drift * width)
    drifts_under &= gap <= 1.5 * places.size
    cost = np.where(stands_under, gap + offset, np.inf)
    cost = np.minimum(cost, np.where(drifts_under, gap + offset + 0.5 * width, np.inf))
    np.fill_diagonal(cost, np.inf)
    upper, lower = np.nonzero(np.isfinite(cost))
    found_joints = [(float(cost[a, b]), int(a), int(b)) for a, b in zip(upper, lower, strict=True)]
    for a, b in zip(*pairs_sharing(e.left, e.right), strict=True):
        if overlap[a, b] <= 0:
            continue
        if interleave(places, found[a], found[b], params):
            found_joints.append((0.0, int(min(a, b)), int(max(a, b))))
        elif (offset_of_rests := _shared_note(places, found[a], found[b], params)) is not None:
            found_joints.append((offset_of_rests, int(min(a, b)), int(max(a, b))))
    return sorted(found_joints)


def _joined(places: Places, found: list[Chain], params: OrderParams) -> list[Chain]:
    parent = list(range(len(found)))

    def root(k: int) -> int:
        while parent[k] != k:
            k = parent[k]
        return k

    members = {k: np.array([k]) for k in parent}
    fit = _Fit(places, found, params)
    refused: set[tuple[int, int]] = set()
    for _, a, b in _joints(places, found, params):
        first, second = root(a), root(b)
        # Two groups that did not fit do not fit later: they only grow.
        pair = (min(first, second), max(first, second))
        if first == second or pair in refused:
            continue
        if fit.make_a_column(members[first], members[second]):
            parent[second] = first
            members[first] = np.concatenate([members[first], members.pop(second)])
        else:
            refused.add(pair)
    return [[i for k in group for i in found[k]] for group in members.values()]


class _Fit:
    """Which chains may stand in one column: side by side only as the rows of a note."""

    def __init__(self, places: Places, found: list[Chain], params: OrderParams) -> None:
        self.places, self.found, self.params = places, found, params
        extents = np.array([places.extent(chain) for chain in found])
        self.top, self.bottom = extents[:, 0], extents[:, 1]
        self.width = np.array([broad_width(places, chain) for chain in found])

    def make_a_column(self, first: Ints, second: Ints) -> bool:
        """Whether two groups of chains, each of which fits, fit together."""
        full = float(max(self.width[first].max(), self.width[second].max()))
        top = np.maximum.outer(self.top[first], self.top[second])
        bottom = np.minimum.outer(self.bottom[first], self.bottom[second])
        beside = np.nonzero(bottom - top > 0.5 * self.places.size)
        return all(
            self.stand_beside(
                self.found[first[a]], self.found[second[b]], (top[a, b], bottom[a, b]), full
            )
            for a, b in zip(*beside, strict=True)
        )

    def stand_beside(self, a: Chain, b: Chain, span: tuple[float, float], full: float) -> bool:
        return interleave(self.places, a, b, self.params, full) or _are_rows(
            self.places, a, b, span, full, self.params
        )


def _are_rows(
    places: Places,
    a: Chain,
    b: Chain,
    span: tuple[float, float],
    full: float,
    params: OrderParams,
) -> bool:
    """Whether two chains are narrow where they stand beside each other, and together a column."""
    lines, widths = [], []
    for chain in (np.asarray(a), np.asarray(b)):
        near = chain[(places.y[chain] > span[0]) & (places.y[chain] < span[1])]
        if not near.size:
            return False
        lines.append(middle(places.x[near]))
        widths.append(middle(places.width[near]))
    is_narrow = max(widths) <= params.note_width * full
    return is_narrow and abs(lines[0] - lines[1]) <= params.note_spread * full


def _shared_note(places: Places, a: Chain, b: Chain, params: OrderParams) -> float | None:
    """How far one chain's axis lies off the other's if each ends in one row of the same note.

    None if they do not: the one comes from above and runs on in one row, the other row runs on
    below.
    """
    upper, lower = sorted((a, b), key=lambda chain: places.extent(chain)[0])
    top, bottom = places.extent(lower)[0], places.extent(upper)[1]
    above = [i for i in upper if places.bottom[i] <= top + 0.3 * places.height[i]]
    below = [i for i in lower if places.top[i] >= bottom - 0.3 * places.height[i]]
    if not above or not below or bottom >= places.extent(lower)[1]:
        return None
    full = max(broad_width(places, above), broad_width(places, below), middle(places.width))
    y = (top + bottom) / 2
    offset = abs(places.axis(above, y) - places.axis(below, y))
    if offset > params.note_centre * full:
        return None
    rows = [[i for i in upper if i not in above], [i for i in lower if i not in below]]
    if not all(rows) or not _are_rows(places, rows[0], rows[1], (top, bottom), full, params):
        return None
    middles = [middle(places.x[row]) for row in rows]
    centre = (places.axis(above, y) + places.axis(below, y)) / 2
    return offset if abs(sum(middles) / 2 - centre) <= params.note_centre * full else None


def _with_strays(places: Places, groups: list[Chain], params: OrderParams) -> list[Chain]:
    """Groups of one or two boxes put into the column whose axis passes through them."""
    large = [k for k, group in enumerate(groups) if len(group) >= 4]
    homes: dict[int, int] = {}
    for k, stray in enumerate(groups):
        if len(stray) > 2:
            continue
        x, y = float(places.x[stray].mean()), float(places.y[stray].mean())
        longer = float(np.maximum(places.width[stray], places.height[stray]).max())
        offsets = []
        for other in large:
            top, bottom = places.extent(groups[other])
            width = places.full_width(groups[other])
            if top - places.size <= y <= bottom + places.size and longer >= 0.6 * width:
                offsets.append((abs(x - places.axis(groups[other], y)) / width, other))
        offsets.sort()
        if offsets and offsets[0][0] <= params.attach_offset:
            is_clear = len(offsets) == 1 or offsets[0][0] < 0.9 * offsets[1][0]
            if is_clear:
                homes[k] = offsets[0][1]
    for stray_group, home in homes.items():
        groups[home] = groups[home] + groups[stray_group]
    return [group for k, group in enumerate(groups) if k not in homes]


def _with_note_rows(places: Places, groups: list[Chain], params: OrderParams) -> list[Chain]:
    """Columns with the second row of their notes, which stood beside as a column of its own."""
    taken: set[int] = set()
    order = sorted(range(len(groups)), key=lambda k: len(groups[k]))
    for k in order:
        homes = []
        for other in order:
            if other != k and other not in taken and len(groups[other]) > len(groups[k]):
                off_centre = is_note_row(places, groups[k], groups[other], params)
                if off_centre is not None:
                    homes.append((off_centre, other))
        if homes:
            groups[min(homes)[1]] += groups[k]
            taken.add(k)
    return [group for k, group in enumerate(groups) if k not in taken]
