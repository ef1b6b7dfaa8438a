"""Push columns to Label Studio and pull what people decided: idempotent, resumable.

One Label Studio project a batch, ``Beitie <batch>``, and beside it ``Beitie <batch> pages`` with
the page view. What is where is asked of Label Studio each time; the only state of our own is the
journal (the truth about decisions) and a cursor beside it that saves reading what has not
changed, and may be lost.

Keeps out: the idempotent filling of a project (``annotation.projects``), the rules of approval
(``annotation.decisions``).
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from annotation import interface
from annotation.cursor import OVERLAP, LastPull, by_column
from annotation.decisions import Flag, Outcome, settle
from annotation.images import ImageFolder
from annotation.journal import Decided, Flagged, Journal
from annotation.label_studio import MAX_TITLE, FullTask, LabelStudio, TaskSummary
from annotation.payloads import Pictures, column_payloads, columns_of, page_payloads, rejected
from annotation.projects import Filled, check_pictures, fill
from annotation.tasks import HIDDEN_COLUMNS
from annotation.triage import TriageParams
from pipelines.records import (
    Column,
    Decision,
    Reading,
    Rejection,
    Review,
    ReviewTask,
    derive_id,
)
from pipelines.store import Store
from pipelines.tables import Tables

VIEW_TITLE = "Most useful first"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushParams:
    """How a batch becomes tasks."""

    max_characters_per_task: int = 20
    tasks_per_request: int = 50
    max_image_side_px: int = 2400
    with_page_view: bool = True
    triage: TriageParams = TriageParams()


@dataclass(frozen=True, slots=True, kw_only=True)
class PushReport:
    """What a push did. ``rejected`` counts by reason; ``columns`` = accepted + rejected."""

    batch: str
    project_id: int
    page_project_id: int | None
    columns: int
    accepted: int
    rejected: dict[str, int]
    tasks_created: int
    tasks_found: int
    tasks_refreshed: int
    tasks_begun: int
    tasks_withdrawn: int
    duplicates_removed: int
    page_tasks_created: int
    seconds: float


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


def project_title(batch: str, suffix: str = "") -> str:
    """The title by which a batch's project is found again.

    Label Studio takes 50 characters; the name of a longer batch is cut and told apart by a hash.
    """
    title = f"Beitie {batch}{suffix}"
    if len(title) <= MAX_TITLE:
        return title
    end = f"~{derive_id(batch)[:8]}{suffix}"
    return title[: MAX_TITLE - len(end)] + end


def push(
    tables: Tables,
    store: Store,
    batch: str,
    client: LabelStudio,
    *,
    images: ImageFolder,
    code_version: str,
    params: PushParams = PushParams(),
) -> PushReport:
    """Put the columns of a batch before people; write the table ``review_tasks``.

    Reads ``columns``, ``readings`` and, where written, ``second_readings`` and ``pages`` of the
    batch. One project a batch (``Beitie <batch>``), found again by its title. Nothing is made
    twice: what a killed push left undone, the next one does. Tasks nobody has begun get the new
    draft of a new release; begun ones keep the draft their annotator saw, and so does their row.
    Untouched tasks of columns that are no more are withdrawn.

    Raises:
        ServiceError: If Label Studio is down, slow or refuses; run it again when it is back.
        TableError: If the batch has no columns or readings yet.
    """
    began = time.monotonic()
    # A batch that is not ready must not leave an empty project behind.
    next(tables.iterate("columns", batch, Column), None)
    next(tables.iterate("readings", batch, Reading), None)
    images.prepare()
    project_id = client.ensure_project(
        project_title(batch),
        interface.column_interface().xml,
        f"Columns of batch {batch}, drafted by the reader, {code_version}.",
    )
    client.serve_images(project_id, images.path)
    client.ensure_view(project_id, VIEW_TITLE, "priority", HIDDEN_COLUMNS)
    rejections: dict[str, Rejection] = {}
    pictures = Pictures(store=store, images=images, max_side_px=params.max_image_side_px)
    wanted = column_payloads(
        tables,
        batch,
        pictures,
        max_characters=params.max_characters_per_task,
        weights=params.triage,
        rejections=rejections,
    )
    filled, there = fill(
        client,
        project_id,
        wanted,
        group_field="column_id",
        tasks_per_request=params.tasks_per_request,
    )
    check_pictures(client, there, images)
    if releases := Counter(str(task.data["release_id"]) for task in there if "key" in task.data):
        client.show_predictions(project_id, releases.most_common(1)[0][0])
    page_project_id, pages = None, Filled()
    if params.with_page_view and tables.manifest("pages", batch) is not None:
        page_project_id, pages = _push_pages(tables, batch, client, pictures, params)
    tasks_of = by_column(there)
    reasons: Counter[str] = Counter()
    with tables.writer("review_tasks", batch, ReviewTask) as writer:
        for column in columns_of(tables, batch):
            rejection = rejections.get(column.column_id)
            tasks = tasks_of.get(column.column_id, [])
            if tasks:
                writer.accept(_row(column, project_id, tasks))
            else:
                refused = rejection or rejected(column, "no_task", "Its task vanished meanwhile.")
                writer.reject(refused)
                reasons[refused.reason] += 1
    return PushReport(
        batch=batch,
        project_id=project_id,
        page_project_id=page_project_id,
        columns=writer.accepted + writer.rejected,
        accepted=writer.accepted,
        rejected=dict(reasons),
        tasks_created=filled.created,
        tasks_found=filled.found,
        tasks_refreshed=filled.refreshed,
        tasks_begun=filled.begun,
        tasks_withdrawn=filled.withdrawn,
        duplicates_removed=filled.duplicates_removed,
        page_tasks_created=pages.created,
        seconds=time.monotonic() - began,
    )


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


def _push_pages(
    tables: Tables, batch: str, client: LabelStudio, pictures: Pictures, params: PushParams
) -> tuple[int, Filled]:
    """The page view beside the columns: layout and order to look at."""
    project_id = client.ensure_project(
        project_title(batch, " pages"),
        interface.page_interface().xml,
        f"Pages of batch {batch}: layout and order of columns.",
    )
    client.serve_images(project_id, pictures.images.path)
    filled, _ = fill(
        client,
        project_id,
        page_payloads(tables, batch, pictures),
        group_field="page_id",
        tasks_per_request=params.tasks_per_request,
    )
    return project_id, filled


def _row(column: Column, project_id: int, tasks: Sequence[TaskSummary]) -> ReviewTask:
    """The row of a column, from what its annotator sees: the task, not the newest reading."""
    first = min(tasks, key=lambda task: (not task.is_begun, int(task.data["part"]), task.task_id))
    data: Mapping[str, Any] = first.data
    return ReviewTask(
        column_id=column.column_id,
        page_id=column.page_id,
        work=column.work,
        project_id=project_id,
        task_id=min(tasks, key=lambda task: (int(task.data["part"]), task.task_id)).task_id,
        reading_id=str(data["reading_id"]),
        release_id=str(data["release_id"]),
        draft=str(data["draft"]),
        priority=float(data["priority"]),
        uncertainty=float(data["uncertainty"]),
        disagreement=float(data["disagreement"]),
        is_order_uncertain=bool(data["is_order_uncertain"]),
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
