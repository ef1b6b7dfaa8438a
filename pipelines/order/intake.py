"""Intake: boxes as they come, from a finder or a file, and why some cannot be ordered.

Holds: ``sift``. Boxes beside the page, without area, drawn twice, or lying inside another are
named with their reason, so that what came in is what is ordered plus what is refused.

Keeps out: which boxes hold characters (``pipelines.characters``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np

from pipelines.geometry import Box
from pipelines.order.places import pairs_sharing

Edges = tuple[float, float, float, float]
"""(left, top, right, bottom) in pixels, not yet known to be a box."""
Reason = Literal["not_finite", "zero_size", "outside_page", "duplicate_box", "nested_box"]

MIN_INSIDE = 0.5
"""Share of a box that must lie on the page; what sticks out is cut off."""
SAME = 0.9
"""Shared over covered area from which two boxes are one, and share of a box that makes it nested.
"""


@dataclass(frozen=True, slots=True)
class RefusedBox:
    """A box that is not ordered: its index, the reason as a code, and the sentence."""

    index: int
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Sifted:
    """``boxes`` to order, which ``indices`` they came under, and the rest with reasons."""

    boxes: tuple[Box, ...]
    indices: tuple[int, ...]
    refused: tuple[RefusedBox, ...]


def sift(edges: Sequence[Edges], width: int, height: int) -> Sifted:
    """Boxes on a page of ``width`` by ``height`` pixels; of two that are the same the first stays.

    Every index is either in ``indices`` or in ``refused``.
    """
    kept: list[tuple[int, Box]] = []
    refused: list[RefusedBox] = []
    for index, place in enumerate(edges):
        box, refusal = _on_page(index, place, width, height)
        if box is not None:
            kept.append((index, box))
        elif refusal is not None:
            refused.append(refusal)
    doubles = {double.index: double for double in _doubles(kept)}
    refused += doubles.values()
    kept = [(index, box) for index, box in kept if index not in doubles]
    return Sifted(
        boxes=tuple(box for _, box in kept),
        indices=tuple(index for index, _ in kept),
        refused=tuple(sorted(refused, key=lambda refusal: refusal.index)),
    )


def _on_page(
    index: int, place: Edges, width: int, height: int
) -> tuple[Box | None, RefusedBox | None]:
    left, top, right, bottom = place
    if not all(isfinite(value) for value in place):
        return None, RefusedBox(index, "not_finite", f"Its edges are {place}, not all numbers.")
    if right <= left or bottom <= top:
        return None, RefusedBox(
            index, "zero_size", f"Its edges {place} enclose nothing: right and bottom must be more."
        )
    inside = (min(right, width) - max(left, 0.0)) * (min(bottom, height) - max(top, 0.0))
    is_apart = right <= 0 or bottom <= 0 or left >= width or top >= height
    if is_apart or inside < MIN_INSIDE * (right - left) * (bottom - top):
        detail = f"{place} lies mostly outside its page of {width} by {height} pixels."
        return None, RefusedBox(index, "outside_page", detail)
    x, y = round(left), round(top)
    whole = Box(x, y, max(x + 1, round(right)), max(y + 1, round(bottom)))
    return whole.clipped(width, height) or Box(width - 1, height - 1, width, height), None


def _doubles(kept: list[tuple[int, Box]]) -> list[RefusedBox]:
    """The later of two same boxes, and boxes that lie within a larger one."""
    if len(kept) < 2:
        return []
    edges = np.array([(b.left, b.top, b.right, b.bottom) for _, b in kept], np.float64)
    area = (edges[:, 2] - edges[:, 0]) * (edges[:, 3] - edges[:, 1])
    rank = np.empty(len(kept), np.int64)
    rank[np.lexsort((np.arange(len(kept)), -area))] = np.arange(len(kept))
    a, b = pairs_sharing(edges[:, 0], edges[:, 2])
    larger, smaller = np.where(rank[a] < rank[b], (a, b), (b, a))
    across = np.minimum(edges[a, 2], edges[b, 2]) - np.maximum(edges[a, 0], edges[b, 0])
    down = np.minimum(edges[a, 3], edges[b, 3]) - np.maximum(edges[a, 1], edges[b, 1])
    shared = across * np.maximum(down, 0)
    found: dict[int, RefusedBox] = {}
    inside = np.flatnonzero(shared >= SAME * area[smaller])
    for pair in inside[np.lexsort((rank[smaller[inside]], rank[larger[inside]]))]:
        k, j = int(larger[pair]), int(smaller[pair])
        if k in found or j in found:
            continue
        is_same = shared[pair] >= SAME * (area[k] + area[j] - shared[pair])
        (_, first), (index, second) = kept[k], kept[j]
        reason: Reason = "duplicate_box" if is_same else "nested_box"
        where = "covers the same place as" if is_same else "lies within"
        found[j] = RefusedBox(index, reason, f"{second} {where} {first}.")
    return list(found.values())
