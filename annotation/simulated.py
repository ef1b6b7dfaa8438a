"""A *simulated* annotator: corrects drafts from known truth through Label Studio's own API.

It exists so that the loop can be shown and measured without people. It is no person and is
never taken for one: its account, ``Review.annotator`` and every report are named
``simulated-annotator``, its reviews carry ``is_simulated``, and a person's decision about the
same column replaces its own. Its working times are invented from two constants.

Works as a person does: opens a task, compares each drafted box with what stands there, picks the
right candidate by its key or types what is not among them, deletes boxes on nothing, draws missed
ones, marks damage, decides, submits.

Keeps out: what the truth is (``pipelines.synthesis``, ``pipelines.codh``).
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation import interface
from annotation.keystrokes import Touch, keystrokes
from annotation.label_studio import FullTask, LabelStudio, TaskSummary
from annotation.places import box_of, place_of, shown_of
from annotation.reviews import SIMULATED_ANNOTATOR as SIMULATED_ANNOTATOR
from annotation.reviews import SIMULATED_EMAIL
from annotation.tasks import decision_item, region
from pipelines.geometry import Box, intersection_area, intersection_over_union
from pipelines.ids import derive_id
from pipelines.records import ILLEGIBLE, ReviewTask
from pipelines.scripts import canonical
from pipelines.tables import Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueCharacter:
    """One character that is known to stand on a page; ``box`` in pixels of the page.

    ``column`` is the true column (0 rightmost); characters of a column stand in reading order.
    """

    box: Box
    written: str
    canonical: str
    column: int
    is_damaged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationParams:
    """How the simulated annotator works; seconds are invented and say so in every output.

    ``min_overlap`` is the intersection over union from which a drafted box counts as the box of
    a true character; below, a person would delete it and draw anew.
    """

    min_overlap: float = 0.3
    seconds_per_column: float = 4.0
    seconds_per_correction: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationReport:
    """What it did; ``unreached`` counts true characters that stand in no task's crop.

    Keystrokes are those of all ``annotated`` tasks by the model of ``annotation.keystrokes``.
    """

    batch: str
    tasks: int
    annotated: int
    found_annotated: int
    without_truth: int
    approved: int
    rejected: int
    texts_corrected: int
    boxes_removed: int
    boxes_added: int
    unreached: int
    keystrokes: int
    keystrokes_without_draft: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A corrected result and what it took."""

    result: tuple[Mapping[str, Any], ...]
    decision: str
    texts_corrected: int
    boxes_removed: int
    boxes_added: int
    keystrokes: int
    keystrokes_without_draft: int

    @property
    def count(self) -> int:
        """Corrections of any kind."""
        return self.texts_corrected + self.boxes_removed + self.boxes_added


def annotate_batch(
    tables: Tables,
    batch: str,
    client: LabelStudio,
    truth: Mapping[str, Sequence[TrueCharacter]],
    *,
    params: SimulationParams = SimulationParams(),
) -> SimulationReport:
    """Annotate every open task of a pushed batch whose page has truth (``truth`` by page id).

    Resumable: a task that has an annotation is left alone. Pages that ``truth`` does not name
    are left to people and counted in ``without_truth``.

    Raises:
        ServiceError: If Label Studio is down, slow or refuses.
        TableError: If the batch was never pushed.
    """
    began = time.monotonic()
    rows = tables.read("review_tasks", batch, ReviewTask)
    project_id = next((row.project_id for row in rows), 0)
    there = [t for t in client.summaries(project_id) if "key" in t.data] if rows else []
    assigned, unreached = _assign_pages(there, truth)
    user_id = client.ensure_user(SIMULATED_EMAIL, SIMULATED_ANNOTATOR) if there else 0
    counts: Counter[str] = Counter(unreached=unreached)
    open_ids = set()
    for summary in there:
        if str(summary.data["page_id"]) not in truth:
            counts["without_truth"] += 1
        elif summary.is_begun:
            counts["found_annotated"] += 1
        else:
            open_ids.add(summary.task_id)
    # Read whole before anything is written: a listing that is written into loses its place.
    waiting = [t for t in client.tasks(project_id) if t.task_id in open_ids] if open_ids else []
    for task in waiting:
        correction = corrected_result(task, assigned[task.task_id], min_overlap=params.min_overlap)
        client.add_annotation(
            task.task_id,
            correction.result,
            completed_by=user_id,
            lead_time_s=params.seconds_per_column
            + params.seconds_per_correction * correction.count,
        )
        counts["annotated"] += 1
        counts[correction.decision] += 1
        counts["texts_corrected"] += correction.texts_corrected
        counts["boxes_removed"] += correction.boxes_removed
        counts["boxes_added"] += correction.boxes_added
        counts["keystrokes"] += correction.keystrokes
        counts["keystrokes_without_draft"] += correction.keystrokes_without_draft
    return SimulationReport(
        batch=batch,
        tasks=len(there),
        annotated=counts["annotated"],
        found_annotated=counts["found_annotated"],
        without_truth=counts["without_truth"],
        approved=counts[interface.APPROVE],
        rejected=counts[interface.REJECT],
        texts_corrected=counts["texts_corrected"],
        boxes_removed=counts["boxes_removed"],
        boxes_added=counts["boxes_added"],
        unreached=counts["unreached"],
        keystrokes=counts["keystrokes"],
        keystrokes_without_draft=counts["keystrokes_without_draft"],
        seconds=time.monotonic() - began,
    )


def assign_truth(
    crops: Mapping[int, Box], truth: Sequence[TrueCharacter]
) -> tuple[dict[int, list[TrueCharacter]], int]:
    """Give each true character of a page to the one task that shows most of it.

    Crops of neighbouring columns overlap; a character that two annotators each drew would be
    there twice. A crop that shows less than half of a character does not show it.

    Args:
        crops: The crop of each task of the page, by task id, in pixels of the page.
        truth: The characters of the page.

    Returns:
        Characters by task id, in the order of ``truth``, and how many no task shows.
    """
    assigned: dict[int, list[TrueCharacter]] = {task_id: [] for task_id in crops}
    unreached = 0
    for character in truth:
        best, shown = 0, 0.5
        for task_id, crop in crops.items():
            share = intersection_area(character.box, crop) / character.box.area
            # Equally whole in two crops: it belongs to the one whose middle is nearer.
            distance = abs(character.box.center[0] - crop.center[0]) / (2 * crop.width)
            if share > 0.5 and (weight := share + 1 / (1 + distance)) > shown:
                best, shown = task_id, weight
        if best:
            assigned[best].append(character)
        else:
            unreached += 1
    return assigned, unreached


def corrected_result(
    task: FullTask, truth: Sequence[TrueCharacter], *, min_overlap: float = 0.3
) -> Correction:
    """What the simulated annotator makes of a draft. Depends on nothing but its arguments.

    A drafted box that overlaps a true character by ``min_overlap`` or more (best pairs first)
    is kept where it is with the true text; others are deleted; true characters without a box
    are drawn. Truth that nobody can read (□) is marked illegible. A column without any true
    character is rejected.
    """
    crop, frame = shown_of(task.data)
    drafted = _drafted(task)
    boxes = {
        identifier: box_of(items[interface.BOX]["value"], crop, frame)
        for identifier, items in drafted.items()
    }
    paired = _pair(boxes, truth, min_overlap)
    width, height = _picture_size(drafted, frame)
    places = {identifier: number for number, identifier in enumerate(drafted, 1)}
    offered = dict(zip(drafted, task.data.get("candidates", ()), strict=False))
    result: list[Mapping[str, Any]] = []
    touches = [Touch(place=places[i], is_removed=True) for i in boxes.keys() - paired.values()]
    drawn: list[Touch] = []
    unaided: list[Touch] = []
    texts_corrected = 0
    for index, character in enumerate(truth):
        found = paired.get(index)
        texts, states, pick = _texts(character), _states(character), 0
        is_written = interface.WRITTEN in texts
        by_hand = Touch(place=0, typed=int(is_written), is_empty=True, marks=len(states))
        unaided.append(by_hand)
        if found is None:
            drawn.append(by_hand)
            identifier = derive_id("drawn", task.data["key"], index)[:10]
            place = place_of(character.box, crop, frame)
        else:
            identifier = found
            place = drafted[found][interface.BOX]["value"]
            value = drafted[found].get(interface.WRITTEN, {}).get("value", {})
            draft = value.get("text", [""])[0]
            texts_corrected += draft != character.written
            is_wrong = is_written and draft != character.written
            if is_wrong and character.written in offered.get(found, ()):
                # As a person does: the draft stays in its field, and the key says what holds.
                pick = offered[found].index(character.written) + 1
                texts = {k: v for k, v in texts.items() if k != interface.WRITTEN}
                texts |= {interface.WRITTEN: draft} if draft else {}
            touch = Touch(
                place=places[found],
                is_picked=pick > 0,
                typed=int(is_wrong and not pick),
                is_empty=not draft,
                marks=len(states),
            )
            if touch.is_picked or touch.typed or touch.marks:
                touches.append(touch)
        result += region(
            identifier, place, texts=texts, states=states, width=width, height=height, pick=pick
        )
    decision = interface.APPROVE if truth else interface.REJECT
    return Correction(
        result=(*result, decision_item(decision)),
        decision=decision,
        texts_corrected=texts_corrected,
        boxes_removed=len(boxes) - len(paired),
        boxes_added=len(drawn),
        keystrokes=keystrokes(touches, drawn),
        keystrokes_without_draft=keystrokes((), unaided),
    )


def _assign_pages(
    there: Sequence[TaskSummary], truth: Mapping[str, Sequence[TrueCharacter]]
) -> tuple[dict[int, list[TrueCharacter]], int]:
    crops: dict[str, dict[int, Box]] = defaultdict(dict)
    for task in there:
        box = Box(*(int(value) for value in task.data["crop"]))
        crops[str(task.data["page_id"])][task.task_id] = box
    assigned: dict[int, list[TrueCharacter]] = {}
    unreached = 0
    for page_id, own in crops.items():
        found, missed = assign_truth(own, truth.get(page_id, ()))
        assigned |= found
        unreached += missed
    return assigned, unreached


def _drafted(task: FullTask) -> dict[str, dict[str, Mapping[str, Any]]]:
    """The regions of the draft that one sees, by id and control: of its version the newest."""
    regions: dict[str, dict[str, Mapping[str, Any]]] = {}
    version = task.data.get("draft_version")
    drafts = [p for p in task.predictions if version in (None, p.get("model_version"))]
    newest = max(drafts, key=lambda p: int(p["id"]), default=None)
    for item in newest["result"] if newest else ():
        regions.setdefault(str(item["id"]), {})[str(item["from_name"])] = item
    return {identifier: items for identifier, items in regions.items() if interface.BOX in items}


def _pair(
    boxes: Mapping[str, Box], truth: Sequence[TrueCharacter], min_overlap: float
) -> dict[int, str]:
    """Drafted boxes by the index of the true character they show, best overlaps first."""
    overlaps = sorted(
        (
            (intersection_over_union(character.box, box), -index, identifier)
            for index, character in enumerate(truth)
            for identifier, box in boxes.items()
        ),
        reverse=True,
    )
    paired: dict[int, str] = {}
    taken: set[str] = set()
    for overlap, negative_index, identifier in overlaps:
        if overlap < min_overlap:
            break
        if -negative_index not in paired and identifier not in taken:
            paired[-negative_index] = identifier
            taken.add(identifier)
    return paired


def _picture_size(
    drafted: Mapping[str, Mapping[str, Mapping[str, Any]]], frame: Box
) -> tuple[int, int]:
    for items in drafted.values():
        box = items[interface.BOX]
        return int(box["original_width"]), int(box["original_height"])
    return frame.width, frame.height


def _texts(character: TrueCharacter) -> dict[str, str]:
    if character.written == ILLEGIBLE:
        return {}
    texts = {interface.WRITTEN: character.written}
    if character.canonical != canonical(character.written):
        texts[interface.CANONICAL] = character.canonical
    return texts


def _states(character: TrueCharacter) -> list[str]:
    states = [interface.DAMAGED] if character.is_damaged else []
    if character.written == ILLEGIBLE:
        states.append(interface.ILLEGIBLE_STATE)
    elif character.written != character.canonical:
        states.append(interface.VARIANT)
    return states
