"""From what Label Studio holds to what a person said: raw annotations to reviews.

A character comes as several results that share an id (box, written form, canonical reading,
states). They are put together, checked, turned from percent to pixels of the page, ordered from
top to bottom, and the parts of a long column joined. What cannot be read is a rejection that
tells the annotator what to do.

Keeps out: which annotation counts and what is frozen (``annotation.decisions``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from annotation import interface
from annotation.label_studio import FullTask, User
from annotation.tasks import box_of
from pipelines.corrections import edit_distance
from pipelines.geometry import Box
from pipelines.ids import box_id, derive_id
from pipelines.records import (
    ILLEGIBLE,
    Decision,
    Rejection,
    Review,
    ReviewedCharacter,
    ReviewTask,
)
from pipelines.scripts import canonical, normalize_text

STAGE = "reviews"

SIMULATED_ANNOTATOR = "simulated-annotator"
"""Name of the simulated user in Label Studio and value of ``Review.annotator``; never a person."""

SIMULATED_EMAIL = f"{SIMULATED_ANNOTATOR}@beitie.invalid"

DECISIONS = {
    interface.APPROVE: Decision.APPROVED,
    interface.REJECT: Decision.REJECTED,
    interface.NEEDS_EXPERT: Decision.NEEDS_EXPERT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReview:
    """One annotation of one task: a column or a part of it. ``part`` counts from 1."""

    task_id: int
    annotation_id: int
    part: int
    parts: int
    annotator: str
    is_simulated: bool
    decision: Decision
    characters: tuple[ReviewedCharacter, ...]
    lead_time_s: float
    updated_at: datetime


def read_annotation(
    annotation: Mapping[str, Any], task: FullTask, users: Mapping[int, User]
) -> PartReview | Rejection:
    """What one annotation says, or why it says nothing we can use.

    Args:
        annotation: Raw JSON as Label Studio gives it.
        task: The task it belongs to, with its predictions.
        users: Accounts by id.
    """
    data = task.data
    column_id = str(data["column_id"])
    annotation_id = int(annotation["id"])
    who = f"annotation {annotation_id} of task {task.task_id}"
    results = list(annotation.get("result") or ())
    decision = _decision(results)
    if decision is None:
        return _rejection(column_id, "no_decision", f"{who} has no decision; choose one in it.")
    crop = Box(*(int(value) for value in data["crop"]))
    characters, problems = _characters(results, crop, _drafted(task, crop), str(data["page_id"]))
    # Only an approval claims that every character is right.
    if decision is Decision.APPROVED and (problems or not characters):
        reason, sentence = problems[0] if problems else ("no_characters", "it has no character")
        return _rejection(column_id, reason, f"{who} is approved, but {sentence}. Correct it.")
    annotator, is_simulated = _annotator(annotation, users)
    return PartReview(
        task_id=task.task_id,
        annotation_id=annotation_id,
        part=int(data["part"]),
        parts=int(data["parts"]),
        annotator=annotator,
        is_simulated=is_simulated,
        decision=decision,
        characters=characters,
        lead_time_s=float(annotation.get("lead_time") or 0),
        updated_at=datetime.fromisoformat(str(annotation["updated_at"])).astimezone(UTC),
    )


def join_parts(parts: Sequence[PartReview], row: ReviewTask, guideline_version: str) -> Review:
    """The review of a column from all its parts, in order.

    The gravest decision holds for the whole: approved only if every part is. It counts as
    simulated as soon as one part is.
    """
    ordered = sorted(parts, key=lambda part: part.part)
    decisions = {part.decision for part in ordered}
    decision = next(
        d for d in (Decision.NEEDS_EXPERT, Decision.REJECTED, Decision.APPROVED) if d in decisions
    )
    characters = tuple(character for part in ordered for character in part.characters)
    digest = content_hash(decision, characters)
    draft = "".join(canonical(character) for character in row.draft)
    return Review(
        review_id=derive_id("review", row.column_id, digest),
        column_id=row.column_id,
        page_id=row.page_id,
        work=row.work,
        task_id=ordered[0].task_id,
        annotation_id=ordered[0].annotation_id,
        decision=decision,
        characters=characters,
        draft=row.draft,
        draft_release_id=row.release_id,
        edit_count=edit_distance(draft, "".join(c.canonical for c in characters)),
        annotator="+".join(dict.fromkeys(part.annotator for part in ordered)),
        is_simulated=any(part.is_simulated for part in ordered),
        guideline_version=guideline_version,
        content_hash=digest,
        reviewed_at=max(part.updated_at for part in ordered),
    )


def content_hash(decision: Decision, characters: Sequence[ReviewedCharacter]) -> str:
    """A hash of what was decided: boxes, texts, states and the decision; not who or when."""
    content = [
        decision.value,
        [
            [
                [c.box.left, c.box.top, c.box.right, c.box.bottom],
                c.written,
                c.canonical,
                c.is_damaged,
                c.is_illegible,
            ]
            for c in characters
        ],
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def is_one_character(text: str) -> bool:
    """Whether a text stands for one character: one code point, perhaps with a variation selector.

    An ideographic description sequence (⿰木木), for a form that Unicode lacks, also does.
    """
    selectors = "".join(c for c in text[1:] if _is_selector(c))
    rest = text[1:] if not selectors else text[1 : -len(selectors)]
    if not text or (selectors and not text.endswith(selectors)) or len(selectors) > 1:
        return False
    return not rest or "\u2ff0" <= text[0] <= "\u2fff"


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _decision(results: Sequence[Mapping[str, Any]]) -> Decision | None:
    chosen = [
        choice
        for item in results
        if item.get("from_name") == interface.DECISION
        for choice in item.get("value", {}).get("choices", ())
    ]
    return DECISIONS.get(chosen[0]) if len(chosen) == 1 else None


def _annotator(annotation: Mapping[str, Any], users: Mapping[int, User]) -> tuple[str, bool]:
    """Who submitted it, and whether that is the simulated annotator."""
    by = int(annotation.get("completed_by") or 0)
    email = users[by].email if by in users else f"user-{by}"
    if email == SIMULATED_EMAIL:
        return SIMULATED_ANNOTATOR, True
    return email, False


def _drafted(task: FullTask, crop: Box) -> tuple[dict[Box, str], bool]:
    """Character ids by the box they were pre-labelled with; whether those run top to bottom."""
    ids = [str(identifier) for identifier in task.data.get("character_ids", ())]
    found: dict[Box, str] = {}
    for prediction in task.predictions:
        shapes = [i for i in prediction["result"] if i.get("from_name") == interface.BOX]
        if len(shapes) == len(ids):
            found |= {
                box_of(shape["value"], crop): identifier
                for shape, identifier in zip(shapes, ids, strict=True)
            }
    middles = [box.center[1] for box in found]
    return found, middles == sorted(middles)


def _characters(
    results: Sequence[Mapping[str, Any]],
    crop: Box,
    drafted: tuple[dict[Box, str], bool],
    page_id: str,
) -> tuple[tuple[ReviewedCharacter, ...], list[tuple[str, str]]]:
    """The characters from top to bottom, and what is wrong with them as (reason, sentence)."""
    regions: dict[str, dict[str, Mapping[str, Any]]] = {}
    for item in results:
        if item.get("from_name") in (
            interface.BOX,
            interface.WRITTEN,
            interface.CANONICAL,
            interface.STATE,
        ):
            region = regions.setdefault(str(item.get("id")), {})
            region[str(item["from_name"])] = item.get("value") or {}
    ids, is_top_down = drafted
    characters: list[ReviewedCharacter] = []
    problems: list[tuple[str, str]] = []
    for region in regions.values():
        try:
            box = box_of(region.get(interface.BOX, {}), crop)
        except ValueError as error:
            problems.append(("unreadable_box", str(error).rstrip(".")))
            continue
        character, problem = _character(region, box, ids.get(box) or box_id(page_id, box))
        characters.append(character)
        if problem:
            problems.append(problem)
    return tuple(_in_order(characters, list(ids.values()), is_top_down)), problems


def _character(
    region: Mapping[str, Mapping[str, Any]], box: Box, identifier: str
) -> tuple[ReviewedCharacter, tuple[str, str] | None]:
    states = set(region.get(interface.STATE, {}).get("choices", ()))
    written, folded = (_text(region.get(name)) for name in (interface.WRITTEN, interface.CANONICAL))
    is_illegible = interface.ILLEGIBLE_STATE in states or written == ILLEGIBLE
    if is_illegible:
        written = folded = ILLEGIBLE
    place = f"the box at {box.left}, {box.top} of the page"
    problem = None
    for text in filter(None, (written, folded)):
        if not is_one_character(text):
            problem = ("several_characters", f"{place} holds {text!r}: one box, one character")
    if not written:
        problem = ("no_text", f"{place} has no text: type it, or mark it illegible")
    return (
        ReviewedCharacter(
            character_id=identifier,
            box=box,
            written=written,
            canonical=folded or canonical(written),
            is_damaged=interface.DAMAGED in states,
            is_illegible=is_illegible,
        ),
        problem,
    )


def _text(value: Mapping[str, Any] | None) -> str:
    """The text of a control; Label Studio keeps it as a list, older data as a string."""
    raw = (value or {}).get("text") or ""
    text = raw if isinstance(raw, str) else "".join(str(piece) for piece in raw)
    return normalize_text("".join(text.split()))


def _in_order(
    characters: list[ReviewedCharacter], drafted: Sequence[str], is_top_down: bool
) -> list[ReviewedCharacter]:
    """Top to bottom. A draft that was not (notes in two lines) keeps its order.

    There, a character that a person added goes before the first lower one.
    """
    by_height = sorted(characters, key=lambda c: (c.box.center[1], -c.box.center[0]))
    if is_top_down:
        return by_height
    place = {identifier: index for index, identifier in enumerate(drafted)}
    ordered = sorted(
        (c for c in characters if c.character_id in place), key=lambda c: place[c.character_id]
    )
    for added in (c for c in by_height if c.character_id not in place):
        lower = (i for i, c in enumerate(ordered) if c.box.center[1] > added.box.center[1])
        ordered.insert(next(lower, len(ordered)), added)
    return ordered


def _rejection(column_id: str, reason: str, detail: str) -> Rejection:
    return Rejection(item_id=column_id, stage=STAGE, reason=reason, detail=detail)
