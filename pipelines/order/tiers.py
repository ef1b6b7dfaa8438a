"""Tiers: pages that are not read in one sweep of columns, such as spreads, registers and tables.

A page is parted like a fold-out, by evidence and never by a fixed distance: at gutters, blank
from top to bottom and far wider than the usual blank between columns (right part first), and at
bands, blank across neighbouring columns and taller than those columns' own gaps (upper part
first). A column with wide spacing of its own, such as a title beside a table, is not crossed.

What looks like tiers and is not: verse, whose caesuras stand at one height in every column, and
a raised head, which stands over its own column.

Keeps out: how boxes make columns (``clusters``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pipelines.order.bands import Bands, boxes_of
from pipelines.order.params import OrderParams
from pipelines.order.places import Chain, Places, middle

Columns = Callable[[Chain], list[Chain]]
"""The columns of some boxes, from right to left."""

MAX_COLUMNS = 150
"""Columns of a page, at most: more are specks, which lie in no tiers."""
MAX_DEPTH = 5
"""Partings within one another, at most: a panel of a table below a heading needs four."""


@dataclass(frozen=True, slots=True)
class Part:
    """A column in reading order.

    ``certainty`` in [0, 1] is how sure its place on the page is; ``is_gloss`` marks small
    characters beside the column before.
    """

    chain: Chain
    certainty: float = 1.0
    is_gloss: bool = False


def parts(
    places: Places, node: Chain, columns: Columns, params: OrderParams, depth: int = 0
) -> list[Part]:
    """The columns of some boxes in reading order; ``depth`` counts how often they were parted."""
    found = columns(node)
    if len(found) > MAX_COLUMNS:
        return [Part(chain, certainty=0.4) for chain in found]
    if len(found) < 2 or depth == MAX_DEPTH:
        return [Part(chain) for chain in found]
    gutters = _gutters(places, found, params)
    if gutters:
        bounds = [0, *gutters, len(found)]
        result = []
        for start, end in zip(bounds, bounds[1:], strict=False):
            result += parts(places, boxes_of(found[start:end]), columns, params, depth + 1)
        return result
    run = Bands(places, found, params).best()
    if run is None:
        return [Part(chain) for chain in found]
    if not run.cuts:
        return [
            Part(chain, run.certainty if run.start <= k < run.end else 1.0)
            for k, chain in enumerate(found)
        ]
    result = []
    if run.start:
        result += parts(places, boxes_of(found[: run.start]), columns, params, depth + 1)
    inside = boxes_of(found[run.start : run.end])
    edges = [-np.inf, *run.cuts, np.inf]
    for low, high in zip(edges, edges[1:], strict=False):
        tier = [i for i in inside if low <= places.y[i] < high]
        result += [
            replace(part, certainty=min(part.certainty, run.certainty))
            for part in parts(places, tier, columns, params, depth + 1)
        ]
    if run.end < len(found):
        result += parts(places, boxes_of(found[run.end :]), columns, params, depth + 1)
    return result


def _gutters(places: Places, found: list[Chain], params: OrderParams) -> list[int]:
    """Places among the columns, from the right, before which a gutter stands."""
    left = np.array([places.left[chain].min() for chain in found])
    right = np.array([places.right[chain].max() for chain in found])
    blank = np.minimum.accumulate(left)[:-1] - np.maximum.accumulate(right[::-1])[::-1][1:]
    usual = middle(np.maximum(blank, 0))
    need = max(params.gutter_width * places.size, params.gutter_gaps * usual)
    wide = np.flatnonzero(blank >= need) + 1
    # A page of columns that stand far apart has no gutters: they are the exception.
    return [int(k) for k in wide] if len(wide) <= max(1, len(blank) // 2) else []
