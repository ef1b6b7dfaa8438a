"""The released UniCalli's column rule, reproduced for comparison (its process_image_row).

A box opens a new column where its left edge lies more than 50 pixels right of the left edge of
the box before it, in the order of left edges: a chain rule, not a distance from the column. Boxes
of a column are read by their upper edge. The released code then cuts a column where the gap to
the next box exceeds 1.5 times its mean gap; ``runs`` does that, with the case of a mean gap of
zero or less, which touching characters have and where the released code cuts almost everywhere.

Keeps out: our own rule.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from pipelines.order.places import Chain, Places

NEW_COLUMN_PX: Final = 50
MAX_GAP: Final = 1.5


def released_columns(places: Places) -> list[Chain]:
    """The columns from right to left, each from above; every box stands in one."""
    columns: list[Chain] = []
    order = sorted(range(len(places.x)), key=lambda i: (places.left[i], i))
    for i in order:
        if columns and places.left[i] - places.left[columns[-1][-1]] <= NEW_COLUMN_PX:
            columns[-1].append(i)
        else:
            columns.append([i])
    return [sorted(column, key=lambda i: (places.top[i], i)) for column in reversed(columns)]


def runs(places: Places, column: Chain) -> list[Chain]:
    """A column cut where the gap exceeds 1.5 times its mean gap, as the released loader does."""
    gaps = [float(places.top[b] - places.bottom[a]) for a, b in pairwise(column)]
    if not gaps:
        return [list(column)]
    limit = MAX_GAP * sum(gaps) / len(gaps)
    pieces: list[Chain] = [[column[0]]]
    for i, gap in zip(column[1:], gaps, strict=True):
        if gap > limit:
            pieces.append([i])
        else:
            pieces[-1].append(i)
    return pieces
