"""Doubt: how sure each neighbour relation is, and why a column should be looked at.

A relation is sure if the next character is near, under the one before it, and clearly nearer
than any rival: a box of another column that could follow just as well.

Keeps out: making the order. Confidences are ratios of distances, compared with the doubts of a
person looking at drawn pages; they are no probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from pipelines.order.notes import note_certainty
from pipelines.order.places import Chain, Floats, Ints, Places

REASONS = {
    "rival": "another character could follow just as well",
    "gap": "there is a wide gap between two characters",
    "aside": "two characters stand beside each other",
    "shift": "the next character does not stand under the one before it",
    "note": "a note in two rows is read right row first",
    "crowded": "another column stands closer than characters are wide",
    "lone": "a character stands alone",
    "small": "the characters are much smaller than the others, perhaps a gloss",
    "tiers": "the page may be read in tiers or straight down",
    "lines": "a person drew one column around characters that stand side by side",
    "empty": "a person drew this column, but no character was found in it: draw its characters",
    "layout": "a person says that the layout of this page is wrong",
}
"""What each doubt means, as annotators read it."""

CROWDED = 0.6
"""Distance of two columns, in widths of their characters, under which they may be one."""
UNRIVALLED = 0.6
"""Least confidence of a neighbour that stands out of line if no other could follow."""


def link_confidences(places: Places, column: Chain) -> tuple[Floats, list[str]]:
    """For each pair of neighbours in a column the confidence in [0, 1] and the reason of doubt."""
    a, b = np.asarray(column[:-1]), np.asarray(column[1:])
    if not a.size:
        return np.empty(0), []
    p = places
    width = max(p.full_width(column), 1e-9)
    narrower = np.minimum(p.width[a], p.width[b])
    offset = np.abs(p.x[a] - p.x[b])
    shared = np.minimum(p.right[a], p.right[b]) - np.maximum(p.left[a], p.left[b])
    under = np.maximum(
        np.clip(shared / narrower / 0.5, 0, 1), np.exp(-((offset / width / 0.6) ** 2))
    )
    gap = np.maximum(p.top[b] - p.bottom[a], 0) / p.size
    near = np.exp(-np.maximum(0.0, gap - 2.5) / 3)
    lower = np.minimum(p.height[a], p.height[b])
    level = np.clip(
        (np.minimum(p.bottom[a], p.bottom[b]) - np.maximum(p.top[a], p.top[b])) / lower, 0, 1
    )
    aside = 1 - np.clip(level - 0.3, 0, 0.7) / 0.7 * np.clip(1.5 * offset / width, 0, 1)
    rival = _rivals(p, column, a, b)
    # Out of line is no doubt where nothing else could follow.
    under = np.where(rival >= 1, np.maximum(under, UNRIVALLED), under)
    note = np.ones(len(a))
    for k in np.flatnonzero(p.y[b] < p.y[a]):
        # From the foot of a note's right row to the head of its left one: the rest says nothing.
        note[k] = note_certainty(p, column, int(k))
        under[k] = near[k] = aside[k] = rival[k] = 1.0
    named = {"shift": under, "gap": near, "aside": aside, "note": note, "rival": rival}
    values = np.stack(list(named.values()))
    names = list(named)
    return np.asarray(values.prod(axis=0)), [names[k] for k in values.argmin(axis=0)]


def _rivals(places: Places, column: Chain, a: Ints, b: Ints) -> Floats:
    """1 where the next box is much nearer than any box of another column, 0.5 where as near."""
    p = places
    others = np.setdiff1d(np.arange(len(p.x)), np.asarray(column))
    if not others.size:
        return np.ones(len(a))
    dx = np.abs(p.x[others][None] - p.x[a][:, None])
    rise = p.top[others][None] - p.bottom[a][:, None]
    is_below = p.y[others][None] > p.y[a][:, None]
    far = np.where(is_below, np.maximum(rise, 0) + 2 * dx, np.inf).min(axis=1)
    mine = np.maximum(p.top[b] - p.bottom[a], 0) + 2 * np.abs(p.x[a] - p.x[b])
    floor = 0.25 * p.size
    return np.asarray(np.clip((far + floor) / (mine + floor), 0, 1))


def crowded(places: Places, columns: Sequence[Chain]) -> set[int]:
    """Places of columns that stand beside the next one at less than a character's width.

    They may be one column, or the rows of a note.
    """
    found: set[int] = set()
    for k, (first, second) in enumerate(pairwise(columns)):
        (top, bottom), (high, low) = places.extent(first), places.extent(second)
        start, end = max(top, high), min(bottom, low)
        if end > start and _are_close(places, first, second, (start, end)):
            found |= {k, k + 1}
    return found


def _are_close(places: Places, a: Chain, b: Chain, span: tuple[float, float]) -> bool:
    width = max(places.full_width(a), places.full_width(b))
    for y in np.linspace(*span, 9)[1:-1:2]:
        if abs(places.axis(a, y, 2) - places.axis(b, y, 2)) < CROWDED * width:
            return True
    if span[1] - span[0] > 3 * places.size:
        return False
    # Where they share little more than a note's height, one may come from above it and the
    # other run on below.
    sides = []
    for members in (np.asarray(a), np.asarray(b)):
        near = members[
            (places.y[members] > span[0] - 2 * places.size)
            & (places.y[members] < span[1] + 2 * places.size)
        ]
        if not near.size:
            return False
        sides.append((float(places.left[near].min()), float(places.right[near].max())))
    (left, right), (other_left, other_right) = sides
    shared = min(right, other_right) - max(left, other_left)
    return shared > 0.5 * min(right - left, other_right - other_left)


def worst(reasons: Sequence[tuple[float, str]]) -> tuple[float, str]:
    """The lowest confidence and its reason; (1, "") for none."""
    return min(reasons, default=(1.0, ""), key=lambda item: item[0])
