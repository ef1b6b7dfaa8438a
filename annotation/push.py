"""Push columns to Label Studio: idempotent, and resumed where a killed push stopped.

One Label Studio project a batch, ``Beitie <batch>``, and beside it ``Beitie <batch> pages`` with
the page view. What is where is asked of Label Studio each time; no state of our own is kept.

Keeps out: the idempotent filling of a project (``annotation.projects``), what tasks hold
(``annotation.payloads``), the way back (``annotation.pull``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from annotation import interface
from annotation.cursor import by_column
from annotation.gold import Gold
from annotation.images import Images
from annotation.label_studio import MAX_TITLE, LabelStudio, TaskSummary
from annotation.page_tasks import HIDDEN_COLUMNS as HIDDEN_PAGE_COLUMNS
from annotation.page_tasks import LAYOUT_VERSION, page_payloads
from annotation.payloads import Pictures, column_payloads, columns_of, gold_payloads, rejected
from annotation.projects import Filled, check_pictures, fill
from annotation.queue import QueueParams
from annotation.segments import SegmentParams
from annotation.tasks import HIDDEN_COLUMNS, draft_version
from annotation.triage import TriageParams
from annotation.views import COLUMN_VIEWS, PAGE_VIEWS
from pipelines.glyphs.fonts import FontFace
from pipelines.ids import derive_id
from pipelines.records import (
    Column,
    Reading,
    Rejection,
    ReviewTask,
)
from pipelines.store import Store
from pipelines.tables import Tables

PAGES_SUFFIX = " pages"
"""Ends the title of the project that holds the page view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushParams:
    """How a batch becomes tasks."""

    max_characters_per_task: int = 20
    tasks_per_request: int = 50
    max_image_side_px: int = 2400
    with_page_view: bool = True
    segments: SegmentParams = SegmentParams()
    triage: TriageParams = TriageParams()
    queue: QueueParams = QueueParams()


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
    images: Images,
    code_version: str,
    face: FontFace | None = None,
    params: PushParams = PushParams(),
    gold: Sequence[Gold] = (),
) -> PushReport:
    """Put the columns of a batch before people; write the table ``review_tasks``.

    Reads ``columns``, ``readings`` and, where written, ``second_readings`` and ``pages`` of the
    batch. One project a batch (``Beitie <batch>``), found again by its title. Nothing is made
    twice: what a killed push left undone, the next one does. Tasks nobody has begun get the new
    draft of a new release; begun ones keep the draft their annotator saw, and so does their row.
    Untouched tasks of columns that are no more are withdrawn. ``face`` is the standard font of
    the guides beside the ink; without one the pictures show the ink alone. ``gold`` are known
    columns that are put among the others and have no row.

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
    images.let_read(client, project_id)
    client.ensure_views(project_id, COLUMN_VIEWS, HIDDEN_COLUMNS)
    rejections: dict[str, Rejection] = {}
    pictures = Pictures(store=store, images=images, max_side_px=params.max_image_side_px, face=face)
    wanted = column_payloads(
        tables,
        batch,
        pictures,
        max_characters=params.max_characters_per_task,
        weights=params.triage,
        queue=params.queue,
        rejections=rejections,
    )
    known = gold_payloads(
        gold,
        batch,
        pictures,
        among=columns.accepted if (columns := tables.manifest("columns", batch)) else 0,
        max_characters=params.max_characters_per_task,
        weights=params.triage,
    )
    filled, there = fill(
        client,
        project_id,
        chain(wanted, known),
        group_field="column_id",
        tasks_per_request=params.tasks_per_request,
    )
    check_pictures(client, there, images)
    if newest := next((r for r in tables.iterate("readings", batch, Reading)), []):
        client.show_predictions(project_id, draft_version(newest[0]))
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


def _push_pages(
    tables: Tables, batch: str, client: LabelStudio, pictures: Pictures, params: PushParams
) -> tuple[int, Filled]:
    """The page view beside the columns: layout and order to look at."""
    project_id = client.ensure_project(
        project_title(batch, PAGES_SUFFIX),
        interface.page_interface().xml,
        f"Pages of batch {batch}: layout and order of columns.",
    )
    pictures.images.let_read(client, project_id)
    client.ensure_views(project_id, PAGE_VIEWS, HIDDEN_PAGE_COLUMNS)
    filled, _ = fill(
        client,
        project_id,
        page_payloads(tables, batch, pictures, params.segments),
        group_field="page_id",
        tasks_per_request=params.tasks_per_request,
    )
    client.show_predictions(project_id, LAYOUT_VERSION)
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
