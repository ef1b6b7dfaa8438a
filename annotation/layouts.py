"""What people say of a page's layout: raw annotations of the page view to a ``LayoutReview``.

The boxes of every segment are turned from percent to pixels of the page, joined, and put in the
order of their numbers. What cannot be used is a rejection that tells the annotator what to do; an
earlier layout of the page then stands.

Keeps out: fetching and the journal (``annotation.layout_pull``), what follows for the columns
(``pipelines.layouts``).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from annotation import interface
from annotation.label_studio import FullTask, User
from annotation.places import box_of
from annotation.reviews import SIMULATED_EMAIL
from annotation.segments import Place, joined
from pipelines.geometry import Box
from pipelines.ids import derive_id
from pipelines.layouts import LayoutReview, shared_characters
from pipelines.records import Column, Page, Rejection

STAGE = "layouts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One annotation of one segment. ``part`` counts from 1; boxes are pixels of the page.

    ``areas`` by label; ``columns`` with their numbers, None where there is none.
    """

    part: int
    frame: Box
    annotation_id: int
    annotator: str
    updated_at: datetime
    is_right: bool
    columns: tuple[tuple[Box, float | None], ...]
    areas: Mapping[str, tuple[Box, ...]]


def read_layout(
    page: Page,
    tasks: Sequence[FullTask],
    users: Mapping[int, User],
    columns: Sequence[Column],
    *,
    guideline_version: str,
    approvers: Sequence[str] = (),
) -> LayoutReview | Rejection:
    """What people say of a page, or why nothing follows from it yet.

    Of several annotations of a segment the latest of a person counts.

    Args:
        page: The page.
        tasks: Its tasks, one for each segment, with their annotations.
        users: Accounts by id.
        columns: The columns that the page has now, with their characters.
        guideline_version: Goes into the layout.
        approvers: Whose word counts (e-mail addresses); empty for everyone's.
    """
    if not tasks:
        return _rejected(page, "no_task", "it has no task in Label Studio; push the batch again")
    parts = max(int(task.data.get("parts", 1)) for task in tasks)
    drawn: list[Drawn] = []
    for part in range(1, parts + 1):
        own = [task for task in tasks if int(task.data.get("part", 1)) == part]
        found = _of_segment(page, own, users, part, parts, approvers)
        if isinstance(found, Rejection):
            return found
        drawn.append(found)
    is_right = all(one.is_right for one in drawn)
    ordered: list[Box] = []
    if is_right:
        result = _in_order(page, drawn, columns)
        if isinstance(result, Rejection):
            return result
        ordered = result
    areas = {
        label: tuple(box for one in drawn for box in one.areas.get(label, ())) if is_right else ()
        for label in (
            interface.SEAL_LABEL,
            interface.DAMAGED_LABEL,
            interface.NOT_WRITING_LABEL,
        )
    }
    digest = content_hash(is_right, ordered, areas)
    return LayoutReview(
        layout_id=derive_id("layout", page.page_id, digest),
        page_id=page.page_id,
        work=page.work,
        is_right=is_right,
        columns=tuple(ordered),
        seals=areas[interface.SEAL_LABEL],
        damaged=areas[interface.DAMAGED_LABEL],
        not_writing=areas[interface.NOT_WRITING_LABEL],
        annotation_ids=tuple(one.annotation_id for one in drawn),
        annotator="+".join(dict.fromkeys(one.annotator for one in drawn)),
        guideline_version=guideline_version,
        content_hash=digest,
        reviewed_at=max(one.updated_at for one in drawn),
    )


def content_hash(is_right: bool, columns: Sequence[Box], areas: Mapping[str, Sequence[Box]]) -> str:
    """A hash of what was drawn and decided; not of who and when."""
    content = [
        is_right,
        [_edges(box) for box in columns],
        [[label, sorted(_edges(box) for box in boxes)] for label, boxes in sorted(areas.items())],
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _of_segment(
    page: Page,
    tasks: Sequence[FullTask],
    users: Mapping[int, User],
    part: int,
    parts: int,
    approvers: Sequence[str],
) -> Drawn | Rejection:
    """The annotation that counts for one segment."""
    which = "it" if parts == 1 else f"part {part} of {parts}"
    if not tasks:
        return _rejected(page, "no_task", f"the task of {which} is gone; push the batch again")
    annotations = [
        (annotation, task)
        for task in tasks
        for annotation in task.annotations
        if not annotation.get("was_cancelled") and not _is_simulated(annotation, users)
    ]
    if not annotations:
        return _rejected(page, "not_reviewed", f"nobody has decided about {which} yet")
    annotation, task = max(annotations, key=lambda pair: str(pair[0]["updated_at"]))
    drawn = _drawn(page, annotation, task, users)
    if isinstance(drawn, Drawn) and approvers and drawn.annotator not in approvers:
        sentence = f"{drawn.annotator} laid it out but is not among those who may approve"
        return _rejected(page, "not_an_approver", sentence)
    return drawn


def _drawn(
    page: Page, annotation: Mapping[str, Any], task: FullTask, users: Mapping[int, User]
) -> Drawn | Rejection:
    who = f"annotation {int(annotation['id'])} of task {task.task_id}"
    frame = Box(*(int(v) for v in task.data.get("frame", (0, 0, page.width, page.height))))
    regions: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    decisions: list[str] = []
    for item in annotation.get("result") or ():
        name, value = str(item.get("from_name")), item.get("value") or {}
        if name == interface.PAGE_DECISION:
            decisions += value.get("choices", ())
        elif name in (interface.LAYOUT, interface.ORDER):
            regions[str(item.get("id"))][name] = value
    if len(decisions) != 1:
        return _rejected(page, "no_decision", f"{who} does not say whether the layout is right")
    columns: list[tuple[Box, float | None]] = []
    areas: dict[str, tuple[Box, ...]] = {}
    for region in regions.values():
        drawn = region.get(interface.LAYOUT, {})
        labels = list(drawn.get("rectanglelabels") or ())
        if len(labels) != 1:
            return _rejected(page, "no_label", f"{who} has a box without a label; choose one")
        try:
            box = box_of(drawn, frame)
        except ValueError as error:
            sentence = f"{who} has a box that cannot be used: {str(error).rstrip('.')}"
            return _rejected(page, "unreadable_box", sentence)
        if labels[0] == interface.COLUMN_LABEL:
            number = region.get(interface.ORDER, {}).get("number")
            columns.append((box, None if number is None else float(number)))
        else:
            areas[labels[0]] = (*areas.get(labels[0], ()), box)
    by = int(annotation.get("completed_by") or 0)
    return Drawn(
        part=int(task.data.get("part", 1)),
        frame=frame,
        annotation_id=int(annotation["id"]),
        annotator=users[by].email if by in users else f"user-{by}",
        updated_at=datetime.fromisoformat(str(annotation["updated_at"])).astimezone(UTC),
        is_right=decisions[0] == interface.LAYOUT_RIGHT,
        columns=tuple(columns),
        areas=areas,
    )


def _in_order(
    page: Page, drawn: Sequence[Drawn], columns: Sequence[Column]
) -> list[Box] | Rejection:
    """The columns of all segments by their numbers, or what is wrong with them."""
    places = []
    for segment, one in enumerate(drawn):
        for box, number in one.columns:
            if number is None:
                sentence = f"the column at {_where(box)} has no number: give it its place"
                return _rejected(page, "no_number", sentence)
            places.append(Place(segment, box, number))
    once, disputed = joined(places, [one.frame for one in drawn])
    if disputed:
        sentence = (
            f"two parts of the page show the column at {_where(disputed[0].box)} and disagree "
            f"about it (part {disputed[0].segment + 1} has it as number {disputed[0].number:g}): "
            f"give it the same number in both, or delete it in both"
        )
        return _rejected(page, "parts_disagree", sentence)
    once.sort(key=lambda place: place.number)
    for first, second in zip(once, once[1:], strict=False):
        if first.number == second.number:
            sentence = (
                f"the columns at {_where(first.box)} and at {_where(second.box)} both have the "
                f"number {first.number:g}: change one"
            )
            return _rejected(page, "same_number", sentence)
    boxes = [character.box for column in columns for character in column.characters]
    ordered = [place.box for place in once]
    for a, b, count in shared_characters(boxes, ordered, [column.box for column in columns]):
        sentence = (
            f"the columns {once[a].number:g} at {_where(ordered[a])} and {once[b].number:g} at "
            f"{_where(ordered[b])} share {count} characters, most of one of them: draw them apart, "
            f"or delete one"
        )
        return _rejected(page, "columns_overlap", sentence)
    return ordered


def _is_simulated(annotation: Mapping[str, Any], users: Mapping[int, User]) -> bool:
    """Layouts are people's alone."""
    by = int(annotation.get("completed_by") or 0)
    return by in users and users[by].email == SIMULATED_EMAIL


def _edges(box: Box) -> list[int]:
    return [box.left, box.top, box.right, box.bottom]


def _where(box: Box) -> str:
    return f"{box.left}, {box.top} to {box.right}, {box.bottom}"


def _rejected(page: Page, reason: str, sentence: str) -> Rejection:
    return Rejection(
        item_id=page.page_id,
        stage=STAGE,
        reason=reason,
        detail=f"Page {page.page_index + 1} of {page.work.title!r}: {sentence}.",
    )
