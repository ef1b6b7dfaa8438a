"""Layouts 版式 as people draw them: where the columns of a page stand, and in which order.

People outrank machines: a page that somebody laid out is cut into that person's columns. The
characters that were found are put into them by where their middles lie, and sorted within each
as everywhere (``pipelines.order``).

Holds: ``LayoutReview``, the record of what a person said of a page, and ``cut_by_layout``.

Keeps out: how a layout comes from Label Studio (``annotation.layouts``), and cutting pictures
(``pipelines.columns``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

import numpy as np

from pipelines.geometry import Box, union
from pipelines.order.params import OrderParams
from pipelines.order.reading import ColumnOrder, order_columns
from pipelines.records import Column, Work

PLACING = frozenset({"lone", "small", "crowded", "tiers"})
"""Doubts about where a column stands among others (``order.doubt``): a person has settled those."""

SEVERAL_LINES_CONFIDENCE = 0.4
"""Of a person's column whose characters stand in lines side by side: as of crowded columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutReview:
    """版式: one page as a person laid it out; a later one of the same page stands in its place.

    Attributes:
        is_right: Whether the boxes are right. Where they are not, and nobody corrected them, the
            page keeps the columns of the machine, all of them uncertain.
        columns: In reading order.
        seals: Where the characters of seals stand; they are no text of the work.
        damaged: Areas where the ink is worn or lost; characters in them stay.
        not_writing: Areas with marks that are no writing: stains, drawings, rules.
        annotation_ids: Label Studio's, one for each segment of the page.
        content_hash: Of everything drawn and decided; not of who and when.
    """

    layout_id: str
    page_id: str
    work: Work
    is_right: bool
    columns: tuple[Box, ...]
    seals: tuple[Box, ...]
    damaged: tuple[Box, ...]
    not_writing: tuple[Box, ...]
    annotation_ids: tuple[int, ...]
    annotator: str
    guideline_version: str
    content_hash: str
    reviewed_at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What people said of a page: its layout, and its columns that they approved before."""

    layout: LayoutReview
    kept: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """A column before it is cut out: the box, and which characters stand in it in which order."""

    box: Box
    order: ColumnOrder


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A page in a person's columns, in their order.

    Attributes:
        columns: New cuts, and the approved columns as they were.
        kept: Indices of the characters that stand in approved columns.
        dropped: Index and reason of the characters that stand in no column: ``in_seal``,
            ``not_writing`` or ``outside_layout``.
    """

    columns: tuple[Cut | Column, ...]
    kept: tuple[int, ...]
    dropped: tuple[tuple[int, str], ...]


def cut_by_layout(
    boxes: Sequence[Box],
    machine: Sequence[Cut],
    said: Said,
    params: OrderParams,
    *,
    padding: int,
    frame: Box,
) -> LaidOut:
    """The characters of a page in the columns that a person drew.

    A column that the person left as the machine drew it keeps the machine's characters. An
    approved column stays as it is, whatever was drawn over it: it comes right before the first
    drawn column that holds one of its characters, and those columns keep the rest of theirs.

    Args:
        boxes: The characters that were found.
        machine: The columns that the machine made of them.
        said: The layout, and the approved columns of the page.
        params: How characters are sorted within a column.
        padding: Blank in pixels around a column that is cut anew.
        frame: The page.
    """
    layout = said.layout
    dropped: list[tuple[int, str]] = []
    kept: list[int] = []
    free: list[int] = []
    approved = [character.box for column in said.kept for character in column.characters]
    for index, box in enumerate(boxes):
        if _any_holds(approved, box):
            kept.append(index)
        elif _any_holds(layout.seals, box):
            dropped.append((index, "in_seal"))
        elif _any_holds(layout.not_writing, box):
            dropped.append((index, "not_writing"))
        else:
            free.append(index)
    as_drawn = {cut.box: cut.order for cut in machine if cut.box in set(layout.columns)}
    members, outside = _members(boxes, free, layout.columns, as_drawn)
    dropped += [(index, "outside_layout") for index in outside]
    columns: list[Cut | Column] = []
    waiting = sorted(said.kept, key=lambda column: column.column_index)
    for drawn, own in zip(layout.columns, members, strict=True):
        held = [column for column in said.kept if _holds_some_of(drawn, column)]
        columns += [column for column in held if column in waiting]
        waiting = [column for column in waiting if column not in held]
        if held and not own:
            continue
        box = drawn
        if held:
            box = union(boxes[i] for i in own).padded(padding, padding)
            box = box.clipped(frame.width, frame.height) or frame
        order = as_drawn.get(drawn)
        if order is None or set(order.indices) != set(own):
            order = _ordered(boxes, own, params)
        columns.append(Cut(union([box, *(boxes[i] for i in own)]), order))
    for column in waiting:
        x = column.box.center[0]
        place = (k for k, other in enumerate(columns) if other.box.center[0] < x)
        columns.insert(next(place, len(columns)), column)
    return LaidOut(tuple(columns), tuple(kept), tuple(sorted(dropped)))


def shared_characters(
    boxes: Sequence[Box], columns: Sequence[Box], settled: Iterable[Box] = ()
) -> list[tuple[int, int, int]]:
    """Pairs of drawn columns that are hardly two, with the number of characters they share.

    Leaning columns overlap as upright boxes without harm; two of which the smaller has most of
    its characters in common with the other do not.

    Args:
        boxes: The characters of the page.
        columns: The drawn columns.
        settled: Columns as the machine drew them; two of those are left alone.
    """
    inside = [{i for i, box in enumerate(boxes) if holds(column, box)} for column in columns]
    is_settled = [column in set(settled) for column in columns]
    found = []
    for b in range(len(columns)):
        for a in range(b):
            shared, least = inside[a] & inside[b], min(len(inside[a]), len(inside[b]))
            if not (is_settled[a] and is_settled[b]) and 2 * len(shared) > least:
                found.append((a, b, len(shared)))
    return found


def _members(
    boxes: Sequence[Box],
    free: Sequence[int],
    columns: Sequence[Box],
    as_drawn: Mapping[Box, ColumnOrder],
) -> tuple[list[list[int]], list[int]]:
    """The characters of each drawn column, and those that lie in none."""
    of_machine = {index: box for box, order in as_drawn.items() for index in order.indices}
    members: list[list[int]] = [[] for _ in columns]
    several: list[tuple[int, list[int]]] = []
    outside: list[int] = []
    for index in free:
        if index in of_machine:
            members[columns.index(of_machine[index])].append(index)
            continue
        holding = [k for k, column in enumerate(columns) if holds(column, boxes[index])]
        if len(holding) == 1:
            members[holding[0]].append(index)
        elif holding:
            several.append((index, holding))
        else:
            outside.append(index)
    sure = [list(own) for own in members]
    for index, holding in several:
        x, y = boxes[index].center
        nearest = min(
            holding, key=lambda k: abs(_axis(columns[k], [boxes[i] for i in sure[k]], y) - x)
        )
        members[nearest].append(index)
    return [sorted(own) for own in members], outside


def _axis(column: Box, characters: Sequence[Box], y: float) -> float:
    """Where the middle of a column lies at a height, leaning with its characters."""
    if not characters:
        return column.center[0]
    middles = sorted((box.center for box in characters), key=lambda middle: middle[1])
    return float(np.interp(y, [m[1] for m in middles], [m[0] for m in middles]))


def _ordered(boxes: Sequence[Box], own: Sequence[int], params: OrderParams) -> ColumnOrder:
    """The characters of one drawn column in reading order."""
    if not own:
        return ColumnOrder((), 0.0, is_uncertain=True, reason="empty")
    lines = order_columns([boxes[i] for i in own], params)
    indices = tuple(own[i] for line in lines for i in line.indices)
    links = [*lines[0].link_confidences]
    reason = "" if lines[0].reason in PLACING else lines[0].reason
    for before, line in pairwise(lines):
        foot = max(boxes[own[i]].bottom for i in before.indices)
        head = min(boxes[own[i]].top for i in line.indices)
        is_below = head >= foot
        links += [1.0 if is_below else SEVERAL_LINES_CONFIDENCE, *line.link_confidences]
        reason = reason if is_below else "lines"
    confidence = min(links, default=1.0)
    return ColumnOrder(
        indices=indices,
        confidence=confidence,
        is_uncertain=confidence < params.uncertain_below,
        link_confidences=tuple(links),
        reason=reason if confidence < 1 else "",
    )


def in_doubt(cuts: Iterable[Cut]) -> list[Cut]:
    """The machine's columns of a page whose layout a person called wrong."""
    return [
        replace(cut, order=replace(cut.order, is_uncertain=True, reason="layout")) for cut in cuts
    ]


def holds(area: Box, box: Box) -> bool:
    """Whether the middle of a box lies in an area."""
    x, y = box.center
    return area.left <= x < area.right and area.top <= y < area.bottom


def _any_holds(areas: Iterable[Box], box: Box) -> bool:
    return any(holds(area, box) for area in areas)


def _holds_some_of(drawn: Box, column: Column) -> bool:
    return drawn == column.box or any(holds(drawn, c.box) for c in column.characters)
