"""Long handscrolls in segments, as much as a screen shows, and what was drawn on them joined.

A page much wider than high, or so wide that its picture would be shrunk beyond recognition, is
shown in frames from right to left that overlap by a column. A high page stays whole: a segment
of it would cut its columns, and a screen scrolls downwards.

Keeps out: what a task holds (``annotation.page_tasks``), what annotators drew
(``annotation.layouts``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.geometry import Box, intersection_area, intersection_over_union


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentParams:
    """When a page is shown in segments.

    Attributes:
        max_aspect: Width over height from which a page is too long for a screen.
        segment_aspect: Width over height of a segment.
        max_shrink: Pixels of the page in one of the picture, from which writing is a blur:
            characters of 90 pixels are then 15 pixels high.
        overlap: What two neighbours share at least, in heights of the page; the widest column, if
            that is more.
    """

    max_aspect: float = 3.0
    segment_aspect: float = 1.5
    max_shrink: float = 6.0
    overlap: float = 0.25


def segments_of(
    page: Box, columns: Sequence[Box], params: SegmentParams, *, max_side_px: int
) -> list[Box]:
    """The frames of a page from right to left, in pixels of the page; mostly the page itself.

    Args:
        page: The whole page, from (0, 0).
        columns: Its columns; each lies whole in a frame unless it is wider than half of one.
        params: When, and how long.
        max_side_px: Longest side of a frame's picture.
    """
    limit = params.max_shrink * max_side_px
    if page.width <= min(params.max_aspect * page.height, limit):
        return [page]
    width = max(2, round(min(params.segment_aspect * page.height, limit)))
    widest = max((column.width for column in columns), default=0)
    shared = min(width // 2, max(round(params.overlap * page.height), widest))
    count = max(2, math.ceil((page.width - shared) / (width - shared)))
    step = (page.width - width) / (count - 1)
    rights = [page.width - round(step * index) for index in range(count)]
    return [Box(right - width, 0, right, page.height) for right in rights]


@dataclass(frozen=True, slots=True)
class Place:
    """A box that somebody drew in a segment, in pixels of the page; ``number`` of columns."""

    segment: int
    box: Box
    number: float


def joined(places: Sequence[Place], frames: Sequence[Box]) -> tuple[list[Place], list[Place]]:
    """Each column once, and those about which two segments disagree.

    A column that stands in the overlap comes from both; two boxes of different segments that share
    half of the smaller are one. The one that its frame does not cut counts, then the one whose
    frame has it further from its edge. Where a column lies whole in two frames and only one has
    it, somebody removed it there, or missed it here, and where both have it with other numbers
    somebody moved it: nobody can tell but people.

    Args:
        places: What was drawn on each segment.
        frames: Of each segment.
    """
    best = sorted(places, key=lambda place: -_room(place.box, frames, place.segment))
    once: list[Place] = []
    disputed: list[Place] = []
    seen_in: list[set[int]] = []
    for place in best:
        same = [
            index
            for index, other in enumerate(once)
            if place.segment not in seen_in[index] and _are_one(place.box, other.box)
        ]
        if same:
            nearest = max(same, key=lambda i: intersection_over_union(place.box, once[i].box))
            seen_in[nearest].add(place.segment)
            disputed += [place] if place.number != once[nearest].number else []
        else:
            once.append(place)
            seen_in.append({place.segment})
    disputed += [
        place
        for place, seen in zip(once, seen_in, strict=True)
        if any(
            segment not in seen and _room(place.box, frames, segment) >= 0
            for segment in range(len(frames))
        )
    ]
    return once, disputed


def _room(box: Box, frames: Sequence[Box], segment: int) -> int:
    """Pixels between a box and the nearer cut edge of a frame; negative if that cuts it."""
    frame = frames[segment]
    page_left, page_right = min(f.left for f in frames), max(f.right for f in frames)
    rooms = [
        box.left - frame.left if frame.left > page_left else frame.width,
        frame.right - box.right if frame.right < page_right else frame.width,
    ]
    return min(rooms)


def _are_one(a: Box, b: Box) -> bool:
    return 2 * intersection_area(a, b) >= min(a.area, b.area)
