"""Pull what people decided from Label Studio: every task answered, no approval ever changed.

The journal is the truth about decisions; a cursor beside it saves reading what has not changed,
and may be lost. What a second person did at the desk since stands in the journal too.

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
from annotation.decisions import Outcome, settle
from annotation.journal import Cleared, Entry, Flagged, Journal
from annotation.label_studio import FullTask, LabelStudio, TaskSummary
from annotation.returns import tell_annotators
from annotation.states import Standing, key_of, standings, state_of
from pipelines.ids import derive_id
from pipelines.records import Rejection, Review, ReviewTask
from pipelines.states import State
from pipelines.tables import Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class PullParams:
    """How annotations become reviews. No ``approvers`` means that anyone may approve.

    ``needs_second_person``: an annotator's approval makes a column done, no more.
    """

    guideline_version: str = "2026.2"
    approvers: tuple[str, ...] = ()
    needs_second_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PullReport:
    """What a pull found. ``columns`` = reviews + rejected; ``rejected`` counts by reason.

    ``states`` counts columns by how far they are; ``tasks_read`` is how many tasks were fetched
    with their annotations.
    """

    batch: str
    columns: int
    reviews: int
    approved: int
    new_reviews: int
    rejected: dict[str, int]
    states: dict[State, int]
    flags: tuple[Flagged, ...]
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
    journal holds as approved is never changed: an edit afterwards is a flag. What was sent back or
    revoked stays a review, in progress, and its task in Label Studio says why. Only tasks that
    changed since the last pull are fetched whole; all are listed, so that a deleted one shows.

    Raises:
        ServiceError: If Label Studio is down, slow or refuses.
        TableError: If the batch was never pushed.
    """
    began = time.monotonic()
    rows = {row.column_id: row for row in tables.read("review_tasks", batch, ReviewTask)}
    stands = standings(journal.lines(batch))
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
        or last.is_stale(column_id, tasks_of.get(column_id, []), _of(stands, column_id))
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
                _of(stands, column_id),
                guideline_version=params.guideline_version,
                approvers=params.approvers,
                needs_second_person=params.needs_second_person,
            )
        else:
            assert last is not None
            outcomes[column_id] = last.outcome(_of(stands, column_id))
    flags = [flag for outcome in outcomes.values() for flag in outcome.flags]
    flags += _orphans(rows, stands)
    _write_journal(journal, batch, outcomes.values(), flags, stands)
    reviewed = {c: o.result for c, o in outcomes.items() if isinstance(o.result, Review)}
    tell_annotators(client, reviewed, {c: tasks_of.get(c, ()) for c in stale})
    with tables.writer("reviews", batch, Review) as writer:
        for outcome in outcomes.values():
            if isinstance(outcome.result, Review):
                writer.accept(outcome.result)
            else:
                writer.reject(outcome.result)
    cursor = max((task.updated_at for task in there), default=None)
    made_from = f"{made_from}/{writer.manifest.rows_file}"
    LastPull.save(journal, batch, made_from, cursor, there, stands)
    results = [outcome.result for outcome in outcomes.values()]
    return PullReport(
        batch=batch,
        columns=len(results),
        reviews=writer.accepted,
        approved=sum(isinstance(r, Review) and r.is_approved for r in results),
        new_reviews=sum(outcome.decided is not None for outcome in outcomes.values()),
        rejected=dict(Counter(r.reason for r in results if isinstance(r, Rejection))),
        states=dict(Counter(map(state_of, results))),
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


def _of(stands: Mapping[str, Standing], column_id: str) -> Standing:
    return stands.get(column_id) or Standing(column_id=column_id)


def _orphans(rows: Mapping[str, ReviewTask], stands: Mapping[str, Standing]) -> list[Flagged]:
    """Approved columns that the batch no longer has, because it was cut differently since."""
    found = []
    for column_id, standing in stands.items():
        review = standing.review
        if column_id in rows or review is None or not review.is_approved:
            continue
        flag = Flagged(
            column_id=column_id,
            reason="approved_column_is_gone",
            detail=(
                f"{review.approver or review.annotator} approved {review.text!r}, but the batch "
                f"has no such column any more; the journal keeps it."
            ),
            content_hash=review.content_hash,
        )
        if key_of(flag) not in standing.kept:
            found.append(flag)
    return found


def _write_journal(
    journal: Journal,
    batch: str,
    outcomes: Iterable[Outcome],
    flags: Sequence[Flagged],
    stands: Mapping[str, Standing],
) -> None:
    """New decisions, flags that are new, and flags of which the reason is gone."""
    entries: list[Entry] = []
    for outcome in outcomes:
        entries += [line for line in (outcome.decided, outcome.withdrawn) if line is not None]
    now = {(flag.column_id, *key_of(flag)) for flag in flags}
    before = {(flag.column_id, *key_of(flag)) for s in stands.values() for flag in s.flags}
    entries += [flag for flag in flags if (flag.column_id, *key_of(flag)) not in before]
    entries += [
        Cleared(column_id=column_id, reason=reason, content_hash=content_hash)
        for column_id, reason, content_hash in sorted(before - now)
    ]
    journal.append(batch, entries, at=datetime.now(UTC))
