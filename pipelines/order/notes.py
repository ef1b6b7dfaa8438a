"""Notes 雙行夾注: two rows of small characters inside a column, the right row read first.

Holds: reading the boxes of one column in order (``read``), and recognizing a row that stands
beside a column as the second row of a note in it (``is_note_row``).

Keeps out: which boxes make a column (``clusters``).
"""

from __future__ import annotations

import numpy as np

from pipelines.order.params import OrderParams
from pipelines.order.places import Bools, Chain, Floats, Ints, Places, middle

OFF_AXIS = 0.08
"""Least distance of a note's row from the axis of its column, in widths of the column."""
FAR_OFF_AXIS = 0.2
"""The same for a box that is as broad as the column's own."""
FEWEST = 2
"""Boxes of a note that have one beside them, at least."""
BESIDE = 0.4
"""Share of the lower of two boxes at which they stand beside each other."""
APART = 0.3
"""Distance of two such boxes, in widths of the column, at least: strokes lie nearer."""
TALLEST = 1.8
"""Height of a row's last characters over the middle height of the note, at most."""


def read(places: Places, column: Chain, params: OrderParams) -> Chain:
    """The boxes of one column in order: from above, the right row of a note before its left."""
    ordered = _downwards(places, column)
    if len(ordered) < 2:
        return ordered
    width = broad_width(places, ordered)
    sides = _sides(places, ordered, width, params)
    result: Chain = []
    start = 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and sides[end]:
            end += 1
        if end == start:
            result.append(ordered[start])
            start += 1
            continue
        run = list(zip(ordered[start:end], sides[start:end], strict=True))
        before, note, after = _note_of(places, run, width)
        result += before
        result += [i for i, side in note if side > 0] + [i for i, side in note if side < 0]
        result += after
        start = end
    return result


def note_certainty(places: Places, ordered: Chain, turn: int) -> float:
    """How sure it is that reading goes up again after ``ordered[turn]``: a note's second row.

    Sure where both rows have several boxes and nearly the same extent.
    """
    right, left = ordered[: turn + 1], ordered[turn + 1 :]
    edge = (places.x[right[-1]] + places.x[left[0]]) / 2
    top, bottom = float(places.top[left[0]]), float(places.bottom[right[-1]])
    reach = 0.5 * places.size
    first = [i for i in right if places.top[i] > top - reach and places.x[i] > edge]
    second = [i for i in left if places.bottom[i] < bottom + reach and places.x[i] < edge]
    if len(first) < 2 or len(second) < 2:
        return 0.3
    (high, low), (other_high, other_low) = places.extent(first), places.extent(second)
    shared = min(low, other_low) - max(high, other_high)
    return 0.75 if shared >= 0.6 * max(low - high, other_low - other_high) else 0.3


def is_note_row(places: Places, row: Chain, column: Chain, params: OrderParams) -> float | None:
    """How far off the column's axis a note of ``row`` and part of ``column`` would stand.

    None if they make no note. Both rows are narrow, share heights, stand on different sides of
    the axis and as far from it. A gloss fails the last: the characters that it stands beside are
    in the middle.
    """
    width = broad_width(places, column)
    if places.full_width(row) > params.note_width * width:
        return None
    top, bottom = places.extent(row)
    members = np.asarray(column)
    beside = members[(places.y[members] > top) & (places.y[members] < bottom)]
    rest = np.setdiff1d(members, beside)
    if not beside.size or not rest.size:
        return None
    if places.full_width(beside.tolist()) > params.note_width * width:
        return None
    low, high = places.extent(beside.tolist())
    near = rest[(places.bottom[rest] > low - 2 * width) & (places.top[rest] < high + 2 * width)]
    if not near.size or min(bottom, high) - max(top, low) < 0.5 * min(bottom - top, high - low):
        return None
    axis = places.axis(near.tolist(), (top + bottom) / 2)
    here, there = middle(places.x[beside]), middle(places.x[row])
    apart = abs(here - there) / width
    off_centre = abs((here + there) / 2 - axis) / width
    stand_apart = (here - axis) * (there - axis) < 0 and abs(here - axis) >= 0.05 * width
    if not stand_apart or not 0.3 <= apart <= params.note_spread:
        return None
    return off_centre if off_centre <= params.note_centre else None


def broad_width(places: Places, column: Chain) -> float:
    """The width of a column's own characters, also where most of it is note."""
    widths = np.sort(places.width[np.asarray(column)])
    return float(max(widths[int(0.9 * (len(widths) - 1))], 0.8 * widths[-1]))


def _sides(places: Places, ordered: Chain, width: float, params: OrderParams) -> list[int]:
    """For each box 1 right of the axis, -1 left of it, 0 for what stands in the column itself."""
    members = np.asarray(ordered)
    is_narrow = places.width[members] <= params.note_width * width
    off = (places.x[members] - _axes(places, members, is_narrow)) / width
    is_aside = (is_narrow & (np.abs(off) >= OFF_AXIS)) | (np.abs(off) >= FAR_OFF_AXIS)
    return [int(np.sign(value)) if aside else 0 for value, aside in zip(off, is_aside, strict=True)]


def _axes(places: Places, members: Ints, is_narrow: Bools) -> Floats:
    """Where the column's axis runs at each box: by its broad boxes that have none beside them."""
    top, bottom = places.top[members], places.bottom[members]
    left, right = places.left[members], places.right[members]
    shared = np.minimum.outer(bottom, bottom) - np.maximum.outer(top, top)
    lower = np.minimum.outer(bottom - top, bottom - top)
    apart = np.minimum.outer(right, right) <= np.maximum.outer(left, left)
    is_single = ~((shared > BESIDE * lower) & apart).any(axis=1)
    is_guide = ~is_narrow & is_single
    guides = members[is_guide if is_guide.any() else ~is_narrow]
    guides = guides[np.argsort(places.y[guides], kind="stable")]
    x = places.x[guides]
    smooth = np.array([middle(x[max(0, k - 1) : k + 2]) for k in range(len(x))])
    return np.asarray(np.interp(places.y[members], places.y[guides], smooth), np.float64)


def _note_of(
    places: Places, run: list[tuple[int, int]], width: float
) -> tuple[Chain, list[tuple[int, int]], Chain]:
    """What stands in a run of boxes beside the axis before its note, the note, and what follows.

    Without two boxes beside each other there is no note: strokes stand aside by themselves.
    """
    partnered = [
        any(_stand_beside(places, i, j, width) for j, other in run if other == -side)
        for i, side in run
    ]
    if sum(partnered) < FEWEST:
        return [i for i, _ in run], [], []
    first = partnered.index(True)
    last = len(run) - 1 - partnered[::-1].index(True)
    usual = middle(places.height[[i for (i, _), p in zip(run, partnered, strict=True) if p]])
    while first > 0 and places.height[run[first - 1][0]] <= TALLEST * usual:
        first -= 1
    while last + 1 < len(run) and places.height[run[last + 1][0]] <= TALLEST * usual:
        last += 1
    return [i for i, _ in run[:first]], run[first : last + 1], [i for i, _ in run[last + 1 :]]


def _stand_beside(places: Places, a: int, b: int, width: float) -> bool:
    shared = min(places.bottom[a], places.bottom[b]) - max(places.top[a], places.top[b])
    across = min(places.right[a], places.right[b]) - max(places.left[a], places.left[b])
    narrower = min(places.width[a], places.width[b])
    lower = min(places.height[a], places.height[b])
    is_apart = abs(places.x[a] - places.x[b]) >= APART * width
    return bool(is_apart and shared > BESIDE * lower and across < 0.25 * narrower)


def _downwards(places: Places, column: Chain) -> Chain:
    """Boxes from above; of two at one height without shared width the right one first."""
    ordered = sorted(column, key=lambda i: int(places.rank[i]))
    for k in range(len(ordered) - 1):
        a, b = ordered[k], ordered[k + 1]
        shared = min(places.bottom[a], places.bottom[b]) - max(places.top[a], places.top[b])
        is_level = shared > 0.6 * min(places.height[a], places.height[b])
        if is_level and places.left[b] >= places.right[a]:
            ordered[k], ordered[k + 1] = b, a
    return ordered
