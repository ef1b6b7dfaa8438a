"""Pull what people decided from Label Studio: every task answered, no approval ever changed.

The journal is the truth about decisions; a cursor beside it saves reading what has not changed,
and may be lost.

Keeps out: the rules of approval (``annotation.decisions``), the way there (``annotation.push``).
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from annotation.cursor import OVERLAP, LastPull, by_column
from annotation.decisions import Flag, Outcome, settle
from annotation.journal import Decided, Flagged, Journal
from annotation.label_studio import FullTask, LabelStudio, TaskSummary
from pipelines.ids import derive_id
from pipelines.records import (
    Decision,
    Rejection,
    Review,
    ReviewTask,
)
from pipelines.tables import Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class PullParams:
    """How annotations become reviews. No ``approvers`` means that anyone may approve."""

    guideline_version: str = "2026.1"
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PullReport:
    """What a pull found. ``columns`` = reviews + rejected; ``rejected`` counts by reason.

    ``tasks_read`` is how many tasks were fetched with their annotations.
    """

    batch: str
    columns: int
    reviews: int
    approved: int
    new_reviews: int
    rejected: dict[str, int]
    flags: tuple[Flag, ...]
    tasks_read: int
    seconds: float


def pull(
    tables: Tables,
    batch: str,
    client: LabelStudio,
    *,
    journal: Journal,
    params: PullParams = PullParams(),
) -> PullReport:
    """Fetch what was decided; write the table ``reviews``.

    Every row of ``review_tasks`` becomes a Review or a rejection that says why not yet
    (``not_reviewed``, ``skipped``, ``task_deleted``, ``no_decision``, ``no_text``,
    ``several_characters``, ``unreadable_box``, ``not_an_approver`` ...). A review that the
    journal holds as approved is never changed: an edit afterwards is a flag. Only tasks that
    changed since the last pull are fetched whole; all are listed, so that a deleted one shows.

    Raises:
        ServiceError: If Label Studio is down, slow or refuses.
        TableError: If the batch was never pushed.
    """
    began = time.monotonic()
    rows = {row.column_id: row for row in tables.read("review_tasks", batch, ReviewTask)}
    decided = journal.decisions(batch)
    project_id = next((row.project_id for row in rows.values()), 0)
    there = list(client.summaries(project_id)) if rows else []
    tasks_of = by_column(there)
    made_from = derive_id(project_id, json.dumps(asdict(params), sort_keys=True))
    last = LastPull.load(tables, batch, journal, made_from)
    stale = {
        column_id
        for column_id in rows
        if last is None
        or column_id not in last.results
        or last.is_stale(column_id, tasks_of.get(column_id, []))
    }
    users = client.users() if stale else {}
    fetched = _fetch(client, project_id, stale, tasks_of, None if last is None else last.cursor)
    outcomes: dict[str, Outcome] = {}
    for column_id, row in rows.items():
        if column_id in stale:
            outcomes[column_id] = settle(
                row,
                fetched.get(column_id, ()),
                users,
                decided.get(column_id),
                guideline_version=params.guideline_version,
                approvers=params.approvers,
            )
        else:
            assert last is not None
            outcomes[column_id] = last.outcome(column_id)
    flags = [flag for outcome in outcomes.values() for flag in outcome.flags]
    flags += _orphans(rows, decided)
    _write_journal(journal, batch, outcomes.values(), flags)
    with tables.writer("reviews", batch, Review) as writer:
        for outcome in outcomes.values():
            if isinstance(outcome.result, Review):
                writer.accept(outcome.result)
            else:
                writer.reject(outcome.result)
    cursor = max((task.updated_at for task in there), default=None)
    made_from = f"{made_from}/{writer.manifest.rows_file}"
    LastPull.save(journal, batch, made_from, cursor, there, flags)
    results = [outcome.result for outcome in outcomes.values()]
    return PullReport(
        batch=batch,
        columns=len(results),
        reviews=writer.accepted,
        approved=sum(isinstance(r, Review) and r.decision is Decision.APPROVED for r in results),
        new_reviews=sum(outcome.decided is not None for outcome in outcomes.values()),
        rejected=dict(Counter(r.reason for r in results if isinstance(r, Rejection))),
        flags=tuple(flags),
        tasks_read=sum(bool(task.annotations) for tasks in fetched.values() for task in tasks),
        seconds=time.monotonic() - began,
    )


def _fetch(
    client: LabelStudio,
    project_id: int,
    stale: set[str],
    tasks_of: Mapping[str, Sequence[TaskSummary]],
    cursor: datetime | None,
) -> dict[str, list[FullTask]]:
    """The tasks of the columns that must be read, with their annotations.

    Tasks that nobody annotated are not fetched: what there is to know about them is listed.
    """
    needed = {task.task_id: task for column_id in stale for task in tasks_of.get(column_id, ())}
    found: dict[str, list[FullTask]] = defaultdict(list)
    for task in needed.values():
        if not task.annotation_count:
            found[str(task.data["column_id"])].append(
                FullTask(
                    task_id=task.task_id,
                    data=task.data,
                    updated_at=task.updated_at,
                    annotations=(),
                    predictions=(),
                )
            )
    open_ids = {task_id for task_id, task in needed.items() if task.annotation_count}
    if open_ids:
        since = None if cursor is None else cursor - OVERLAP
        for full in client.tasks(project_id, since):
            if full.task_id in open_ids:
                open_ids.discard(full.task_id)
                found[str(full.data["column_id"])].append(full)
    for task_id in sorted(open_ids):  # unchanged parts of a column of which another part changed
        single = client.task(task_id)
        if single is not None:
            found[str(single.data["column_id"])].append(single)
    return dict(found)


def _orphans(rows: Mapping[str, ReviewTask], decided: Mapping[str, Decided]) -> list[Flag]:
    """Approved columns that the batch no longer has, because it was cut differently since."""
    return [
        Flag(
            column_id=column_id,
            reason="approved_column_is_gone",
            detail=(
                f"{entry.review.annotator} approved {entry.review.text!r}, but the batch has no "
                f"such column any more; the journal keeps it."
            ),
            content_hash=entry.review.content_hash,
        )
        for column_id, entry in decided.items()
        if column_id not in rows and entry.review.decision is Decision.APPROVED
    ]


def _write_journal(
    journal: Journal, batch: str, outcomes: Iterable[Outcome], flags: Sequence[Flag]
) -> None:
    known = {
        (entry.column_id, entry.reason, entry.content_hash, entry.detail)
        for entry in journal.entries(batch)
        if isinstance(entry, Flagged)
    }
    entries: list[Decided | Flagged] = [o.decided for o in outcomes if o.decided is not None]
    entries += [
        Flagged(
            column_id=flag.column_id,
            reason=flag.reason,
            detail=flag.detail,
            content_hash=flag.content_hash,
        )
        for flag in flags
        if (flag.column_id, flag.reason, flag.content_hash, flag.detail) not in known
    ]
    journal.append(batch, entries, at=datetime.now(UTC))
