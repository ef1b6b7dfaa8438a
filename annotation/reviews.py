"""From what Label Studio holds to what a person said: raw annotations to reviews.

Holds: what one annotation says of its column (characters, decision, remarks), and the join of
the parts of a long column. What cannot be read is a rejection that tells the annotator what to do.

Keeps out: single characters (``annotation.characters``), which annotation counts and what is
frozen (``annotation.decisions``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from annotation import interface
from annotation.characters import characters_of
from annotation.label_studio import FullTask, User
from pipelines.corrections import edit_distance
from pipelines.ids import derive_id
from pipelines.records import (
    Decision,
    Rejection,
    Review,
    ReviewedCharacter,
    ReviewTask,
)
from pipelines.scripts import canonical

STAGE = "reviews"

SIMULATED_ANNOTATOR = "simulated-annotator"
"""Name of the simulated user in Label Studio and value of ``Review.annotator``; never a person."""

SIMULATED_EMAIL = f"{SIMULATED_ANNOTATOR}@beitie.invalid"

REMARKS = ("note", "script_remark", "calligrapher_remark")
"""What is said of a column beside its characters, by its name in a review."""

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
    note: str = ""
    script_remark: str = ""
    calligrapher_remark: str = ""


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
    characters, problems = characters_of(results, task)
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
        note=_said(results, interface.NOTE),
        script_remark=_said(results, interface.SCRIPT),
        calligrapher_remark=_said(results, interface.CALLIGRAPHER),
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
    remarks = {
        name: "; ".join(dict.fromkeys(said for part in ordered if (said := getattr(part, name))))
        for name in REMARKS
    }
    digest = content_hash(decision, characters, remarks)
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
        note=remarks["note"],
        script_remark=remarks["script_remark"],
        calligrapher_remark=remarks["calligrapher_remark"],
    )


def content_hash(
    decision: Decision,
    characters: Sequence[ReviewedCharacter],
    remarks: Mapping[str, str] | None = None,
) -> str:
    """A hash of what was decided: boxes, texts, states, decision, remarks; not who or when.

    Marks and remarks enter only where there are any: what was decided before they existed keeps
    its hash. A note beside an approval does not enter: it changes nothing of what is approved.
    """
    content: list[Any] = [
        decision.value,
        [
            [
                [c.box.left, c.box.top, c.box.right, c.box.bottom],
                c.written,
                c.canonical,
                c.is_damaged,
                c.is_illegible,
                *([[mark.value for mark in c.marks]] if c.marks else []),
            ]
            for c in characters
        ],
    ]
    said = {name: text for name, text in (remarks or {}).items() if text}
    if decision is Decision.APPROVED:
        said.pop("note", None)
    if said:
        content.append(said)
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


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


def _said(results: Sequence[Mapping[str, Any]], control: str) -> str:
    """What was said of the whole column in one control: its text, or its only choice."""
    for item in results:
        if item.get("from_name") == control:
            value = item.get("value") or {}
            pieces = value.get("text") or value.get("choices") or ()
            return " ".join([pieces] if isinstance(pieces, str) else map(str, pieces)).strip()
    return ""


def _rejection(column_id: str, reason: str, detail: str) -> Rejection:
    return Rejection(item_id=column_id, stage=STAGE, reason=reason, detail=detail)
