"""``order_columns``: boxes to columns from right to left, characters from top to bottom.

The same page at any resolution, at any place and with its boxes in any sequence gives the same
order. Where the evidence is thin the column says so, and why.

Keeps out: where characters stand (``pipelines.characters``), and what they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipelines.geometry import Box
from pipelines.order.chains import chains, lean_of
from pipelines.order.clusters import clusters
from pipelines.order.doubt import REASONS, crowded, link_confidences, worst
from pipelines.order.notes import broad_width, read
from pipelines.order.params import OrderParams
from pipelines.order.places import Chain, Places, middle, places_of, upright
from pipelines.order.released import released_columns
from pipelines.order.tiers import Part, parts


@dataclass(frozen=True, slots=True)
class ColumnOrder:
    """One column: indices into the boxes, in reading order.

    Attributes:
        indices: The boxes of the column.
        confidence: That of its weakest neighbour relation, in [0, 1].
        is_uncertain: Whether a person should look at the order.
        link_confidences: One for each pair of neighbours, one fewer than the indices.
        reason: What is doubtful, a key of ``doubt.REASONS``; empty where nothing is.
    """

    indices: tuple[int, ...]
    confidence: float
    is_uncertain: bool
    link_confidences: tuple[float, ...] = ()
    reason: str = ""

    @property
    def explanation(self) -> str:
        """The reason as a sentence for annotators, empty if the order is sure."""
        return REASONS[self.reason] if self.is_uncertain and self.reason else ""


_DEFAULT = OrderParams()


def order_columns(boxes: Sequence[Box], params: OrderParams = _DEFAULT) -> list[ColumnOrder]:
    """Columns from right to left, each from top to bottom; every index appears exactly once."""
    if not boxes:
        return []
    places = places_of(boxes)
    if params.rule == "50px":
        found = [Part(chain) for chain in released_columns(places)]
        return [_judged(places, part, params) for part in found]
    every = np.argsort(places.rank).tolist()
    lean = lean_of(places, chains(places, every, params), params)
    if lean:
        places = upright(places, lean)
        every = np.argsort(places.rank).tolist()

    def columns(node: Chain) -> list[Chain]:
        return _columns(places, node, params)

    found = _glosses_after(places, parts(places, every, columns, params), params)
    close = crowded(places, [part.chain for part in found])
    return [_judged(places, part, params, k in close) for k, part in enumerate(found)]


def _columns(places: Places, node: Chain, params: OrderParams) -> list[Chain]:
    """The columns of a part without tiers, from right to left."""
    groups = clusters(places, chains(places, node, params), params)
    found = [read(places, group, params) for group in groups]
    found.sort(key=lambda c: (-middle(places.x[c]), float(places.top[c[0]])))
    return found


def _glosses_after(places: Places, found: list[Part], params: OrderParams) -> list[Part]:
    """Columns of small characters moved behind the column whose characters they gloss.

    A gloss stands close to the column on its left and further from the one on its right; small
    writing that does not is a column like any other.
    """
    result = list(found)
    for k in range(len(found) - 1):
        gloss, host = result[k].chain, result[k + 1].chain
        width = places.full_width(host)
        if broad_width(places, gloss) > params.gloss_width * width or len(host) < 2:
            continue
        (top, bottom), (low, high) = places.extent(gloss), places.extent(host)
        if top < low - places.size or bottom > high + places.size:
            continue
        y = (top + bottom) / 2
        left = float(places.left[gloss].min()) - places.axis(host, y) - width / 2
        right = np.inf
        if k:
            before = result[k - 1].chain
            edge = places.axis(before, y) - places.full_width(before) / 2
            right = edge - float(places.right[gloss].max())
        if left <= 0.3 * width and left < 0.5 * right:
            result[k], result[k + 1] = result[k + 1], replace(result[k], is_gloss=True)
    return result


def _judged(
    places: Places, part: Part, params: OrderParams, is_crowded: bool = False
) -> ColumnOrder:
    links, why = link_confidences(places, part.chain)
    reasons = list(zip(links.tolist(), why, strict=True))
    if is_crowded:
        reasons.append((0.4, "crowded"))
    if part.certainty < 1:
        reasons.append((part.certainty, "tiers"))
    width = middle(places.width[part.chain])
    if part.is_gloss or width < 0.5 * middle(places.width):
        # A column of small characters may be a gloss or specks.
        reasons.append((0.4, "small"))
    elif len(part.chain) == 1:
        reasons.append((0.6, "lone"))
    confidence, reason = worst(reasons)
    is_uncertain = confidence < params.uncertain_below
    return ColumnOrder(
        indices=tuple(part.chain),
        confidence=round(confidence, 4),
        is_uncertain=is_uncertain,
        link_confidences=tuple(round(value, 4) for value in links.tolist()),
        reason=reason if confidence < 1 else "",
    )
