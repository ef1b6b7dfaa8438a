"""Which annotation counts, and what an approval freezes.

The rules, in the order they apply:

1. Skipped annotations and drafts decide nothing.
2. Of several annotations of one task a person's beats the simulated annotator's, an approval
   beats another decision, a later one an earlier one. That there were several is flagged.
3. A column is decided when each of its parts is.
4. What the journal holds as approved stays as it is. A later edit, deletion or other decision
   in Label Studio is flagged and changes nothing, except that a person's decision replaces a
   simulated one: people outrank machines.

Keeps out: reading annotations (``annotation.reviews``), fetching them (``annotation.pull``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotation.journal import Decided
from annotation.label_studio import FullTask, User
from annotation.reviews import STAGE, PartReview, join_parts, read_annotation
from pipelines.records import Decision, Rejection, Review, ReviewTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """Something a person should look at: ``reason`` is a code, ``detail`` the sentence."""

    column_id: str
    reason: str
    detail: str
    content_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a column: its review or why there is none; what to journal; what to flag."""

    result: Review | Rejection
    decided: Decided | None
    flags: tuple[Flag, ...]


def settle(
    row: ReviewTask,
    tasks: Sequence[FullTask],
    users: Mapping[int, User],
    earlier: Decided | None,
    *,
    guideline_version: str,
    approvers: Sequence[str] = (),
) -> Outcome:
    """Decide about one column.

    Args:
        row: The column as it was pushed.
        tasks: Its tasks as they stand in Label Studio now; one for each part, if all is well.
        users: Accounts by id.
        earlier: The journal's last decision about the column.
        guideline_version: Goes into a new review.
        approvers: Who may approve (e-mail addresses); empty for everyone.
    """
    current, parts, flags = _current(row, tasks, users, guideline_version, approvers)
    if earlier is None or earlier.review.decision is not Decision.APPROVED:
        if isinstance(current, Rejection):
            return Outcome(result=current, decided=None, flags=flags)
        if earlier is not None and earlier.review.content_hash == current.content_hash:
            return Outcome(result=earlier.review, decided=None, flags=flags)
        return Outcome(result=current, decided=_decided(current, parts), flags=flags)
    frozen = earlier.review
    if isinstance(current, Review):
        if frozen.is_simulated and not current.is_simulated:
            return Outcome(result=current, decided=_decided(current, parts), flags=flags)
        if current.content_hash == frozen.content_hash:
            return Outcome(result=frozen, decided=None, flags=flags)
    return Outcome(result=frozen, decided=None, flags=(*flags, _drift(frozen, current)))


def _current(
    row: ReviewTask,
    tasks: Sequence[FullTask],
    users: Mapping[int, User],
    guideline_version: str,
    approvers: Sequence[str],
) -> tuple[Review | Rejection, list[PartReview], tuple[Flag, ...]]:
    """What Label Studio says of the column now."""
    if not tasks:
        sentence = "All tasks of the column were deleted in Label Studio; push the batch again."
        return _rejection(row, "task_deleted", sentence), [], ()
    flags: list[Flag] = []
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
) -> tuple[PartReview | Rejection, list[Flag]]:
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


def _several(row: ReviewTask, best: PartReview, read: Sequence[PartReview]) -> list[Flag]:
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
    return [Flag(column_id=row.column_id, reason="several_annotations", detail=detail)]


def _drift(frozen: Review, current: Review | Rejection) -> Flag:
    """The flag for a column that no longer looks as it was approved."""
    if isinstance(current, Review):
        reason = "edited_after_approval"
        now = f"now reads {current.text!r} ({current.decision.value}, {current.annotator})"
        digest = current.content_hash
    else:
        reason = "withdrawn_after_approval"
        now = f"is now {current.reason}: {current.detail}"
        digest = current.reason
    return Flag(
        column_id=frozen.column_id,
        reason=reason,
        detail=f"Approved by {frozen.annotator} as {frozen.text!r}, it {now} The approval stands.",
        content_hash=digest,
    )


def _decided(review: Review, parts: Sequence[PartReview]) -> Decided:
    return Decided(
        review=review,
        annotation_ids=tuple(part.annotation_id for part in parts),
        lead_time_s=sum(part.lead_time_s for part in parts),
    )


def _rejection(row: ReviewTask, reason: str, detail: str) -> Rejection:
    return Rejection(item_id=row.column_id, stage=STAGE, reason=reason, detail=detail)
