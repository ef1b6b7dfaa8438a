"""Which annotation counts, and what an approval freezes.

The rules, in the order they apply:

1. Skipped annotations and drafts decide nothing.
2. Of several annotations of one task a person's beats the simulated annotator's, an approval
   beats another decision, a later one an earlier one. That there were several is flagged.
3. A column is decided when each of its parts is.
4. An annotator's approval approves the column, or makes it done where the batch asks for a second
   person, who approves it at the desk (``annotation.approval``).
5. What the journal holds as approved stays as it is. A later edit, deletion or other decision
   in Label Studio is flagged and changes nothing, except that a person's decision replaces a
   simulated one: people outrank machines.
6. What a person sent back or revoked does not count again until somebody answers it.

Keeps out: reading annotations (``annotation.reviews``), fetching them (``annotation.pull``), and
what the journal's lines come to (``annotation.states``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from annotation import interface
from annotation.journal import Action, Decided, Flagged, Step
from annotation.label_studio import FullTask, User
from annotation.reviews import STAGE, PartReview, join_parts, read_annotation
from annotation.states import Standing, first_state, key_of
from pipelines.ids import derive_id
from pipelines.records import Decision, Rejection, Review, ReviewTask
from pipelines.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a column: its review or why there is none; what to journal; what to flag.

    ``withdrawn`` says that what was done is gone from Label Studio before anybody approved it.
    """

    result: Review | Rejection
    decided: Decided | None
    flags: tuple[Flagged, ...]
    withdrawn: Step | None = None


def settle(
    row: ReviewTask,
    tasks: Sequence[FullTask],
    users: Mapping[int, User],
    standing: Standing,
    *,
    guideline_version: str,
    approvers: Sequence[str] = (),
    needs_second_person: bool = False,
) -> Outcome:
    """Decide about one column.

    Args:
        row: The column as it was pushed.
        tasks: Its tasks as they stand in Label Studio now; one for each part, if all is well.
        users: Accounts by id.
        standing: Where the journal has the column.
        guideline_version: Goes into a new review.
        approvers: Who may approve in Label Studio (e-mail addresses); empty for everyone. Where
            a second person approves at the desk, anyone may have a column done.
        needs_second_person: Whether an annotator's approval only makes the column done.
    """
    may_approve = () if needs_second_person else approvers
    current, parts, flags = _current(row, tasks, users, guideline_version, may_approve)
    kept = standing.review
    if isinstance(current, Rejection):
        if kept is None or not (standing.is_approved or kept.returned):
            withdrawn = _withdrawal(standing, current)
            return Outcome(result=current, decided=None, flags=flags, withdrawn=withdrawn)
        drift = _drift(standing, kept, current, None)
        return Outcome(result=kept, decided=None, flags=(*flags, *drift))
    if needs_second_person and current.decision is Decision.APPROVED:
        current = replace(current, state=State.DONE)
    else:
        current = replace(current, state=first_state(current))
    decided = _decided(current, parts, tasks, users)
    if kept is None:
        return Outcome(result=current, decided=decided, flags=flags)
    is_same = kept.content_hash == current.content_hash
    if kept.returned:
        is_new = standing.is_answered_by(current)
    else:
        # A person who left the simulated annotator's work as it was vouches for it all the same.
        outranks = kept.is_simulated and not current.is_simulated
        is_new = standing.yields_to(current) and (outranks or not is_same)
    if is_new:
        return Outcome(result=current, decided=decided, flags=flags)
    drift = () if is_same else _drift(standing, kept, current, decided)
    return Outcome(result=kept, decided=None, flags=(*flags, *drift))


def _current(
    row: ReviewTask,
    tasks: Sequence[FullTask],
    users: Mapping[int, User],
    guideline_version: str,
    approvers: Sequence[str],
) -> tuple[Review | Rejection, list[PartReview], tuple[Flagged, ...]]:
    """What Label Studio says of the column now."""
    if not tasks:
        sentence = "All tasks of the column were deleted in Label Studio; push the batch again."
        return _rejection(row, "task_deleted", sentence), [], ()
    flags: list[Flagged] = []
    chosen: list[PartReview] = []
    refused: list[Rejection] = []
    expected = max(int(task.data["parts"]) for task in tasks)
    for part in range(1, expected + 1):
        own = [task for task in tasks if int(task.data["part"]) == part]
        if not own:
            sentence = f"The task of part {part} of {expected} was deleted; push the batch again."
            refused.append(_rejection(row, "task_deleted", sentence))
            continue
        result, found = _choose(row, own, users)
        flags += found
        (refused if isinstance(result, Rejection) else chosen).append(result)  # type: ignore[arg-type]
    if refused:
        return refused[0], [], tuple(flags)
    review = join_parts(chosen, row, guideline_version)
    strangers = [part.annotator for part in chosen if approvers and part.annotator not in approvers]
    if review.decision is Decision.APPROVED and strangers:
        sentence = f"{strangers[0]} approved it but is not among those who may."
        return _rejection(row, "not_an_approver", sentence), [], tuple(flags)
    return review, chosen, tuple(flags)


def _choose(
    row: ReviewTask, tasks: Sequence[FullTask], users: Mapping[int, User]
) -> tuple[PartReview | Rejection, list[Flagged]]:
    """The annotation that counts for one part."""
    read: list[PartReview] = []
    refused: list[Rejection] = []
    skipped = 0
    for task in tasks:
        for annotation in task.annotations:
            if annotation.get("was_cancelled"):
                skipped += 1
                continue
            result = read_annotation(annotation, task, users)
            if isinstance(result, Rejection):
                refused.append(result)
            else:
                read.append(result)
    if read:
        best = max(
            read,
            key=lambda p: (not p.is_simulated, p.decision is Decision.APPROVED, p.updated_at),
        )
        return best, _several(row, best, read)
    if refused:
        return refused[-1], []
    if skipped:
        return _rejection(row, "skipped", "An annotator skipped it; somebody else may try."), []
    return _rejection(row, "not_reviewed", "Nobody has submitted an annotation yet."), []


def _several(row: ReviewTask, best: PartReview, read: Sequence[PartReview]) -> list[Flagged]:
    if len(read) < 2:
        return []
    agree = all(
        (p.decision, [c.canonical for c in p.characters])
        == (best.decision, [c.canonical for c in best.characters])
        for p in read
    )
    ids = ", ".join(str(part.annotation_id) for part in read)
    detail = (
        f"Annotations {ids} of task {best.task_id} {'agree' if agree else 'DISAGREE'}; "
        f"{best.annotation_id} by {best.annotator} counts."
    )
    return [
        Flagged(
            column_id=row.column_id,
            reason="several_annotations",
            detail=detail,
            content_hash=derive_id(detail),
        )
    ]


def _drift(
    standing: Standing, frozen: Review, current: Review | Rejection, edited: Decided | None
) -> tuple[Flagged, ...]:
    """The flag for a column that no longer looks as it was approved, unless that is known."""
    if not standing.is_approved:
        return ()
    if isinstance(current, Review):
        reason = "edited_after_approval"
        now = f"now reads {current.text!r} ({current.decision.value}, {current.annotator})."
        digest = current.content_hash
    else:
        reason = "withdrawn_after_approval"
        now = f"is now {current.reason}: {current.detail}"
        digest = current.reason
    flag = Flagged(
        column_id=frozen.column_id,
        reason=reason,
        detail=f"Approved by {frozen.approver or frozen.annotator} as {frozen.text!r}, it {now} "
        f"The approval stands.",
        content_hash=digest,
        edited=edited,
    )
    return () if key_of(flag) in standing.kept else (flag,)


def _decided(
    review: Review,
    parts: Sequence[PartReview],
    tasks: Sequence[FullTask],
    users: Mapping[int, User],
) -> Decided:
    ids = [part.annotation_id for part in parts]
    annotations = [
        annotation
        for task in tasks
        for annotation in task.annotations
        if int(annotation["id"]) in ids
    ]
    last = [int(annotation.get("updated_by") or 0) for annotation in annotations]
    notes = [
        str(text)
        for annotation in annotations
        for item in annotation.get("result") or ()
        if item.get("from_name") == interface.NOTE
        for text in item.get("value", {}).get("text", ())
    ]
    return Decided(
        review=review,
        annotation_ids=tuple(ids),
        lead_time_s=sum(part.lead_time_s for part in parts),
        editors=tuple(dict.fromkeys(users[by].email for by in last if by in users)),
        note=" ".join(notes),
    )


def _withdrawal(standing: Standing, current: Rejection) -> Step | None:
    """What was done and is gone must not be approved at the desk."""
    if standing.state is not State.DONE or standing.decided is None:
        return None
    return Step(
        column_id=standing.column_id,
        action=Action.WITHDRAW,
        who="",
        reason=current.detail,
        content_hash=standing.decided.review.content_hash,
        annotation_ids=standing.decided.annotation_ids,
        guideline_version=standing.decided.review.guideline_version,
    )


def _rejection(row: ReviewTask, reason: str, detail: str) -> Rejection:
    return Rejection(item_id=row.column_id, stage=STAGE, reason=reason, detail=detail)
