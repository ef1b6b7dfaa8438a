"""Pull the layouts that people decided about: every page answered, the last word of people holds.

The journal is the truth; the table ``layouts`` is made from it. Only pages whose tasks changed
since they were last taken are fetched whole.

Keeps out: reading annotations (``annotation.layouts``), the columns' decisions
(``annotation.pull``).
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from annotation.cursor import OVERLAP
from annotation.journal import Flagged, Journal
from annotation.label_studio import FullTask, LabelStudio, TaskSummary
from annotation.layout_journal import LaidOutPage, LayoutJournal
from annotation.layouts import read_layout
from annotation.pull import PullParams
from annotation.push import PAGES_SUFFIX, project_title
from annotation.states import standings
from pipelines.layouts import LayoutReview
from pipelines.records import Column, Page, Rejection, Review
from pipelines.tables import Tables

_DEFAULT = PullParams()

CHANGED_AFTER_APPROVAL = "layout_changes_approved_column"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutReport:
    """What a pull of layouts found. ``pages`` = layouts + rejected; ``rejected`` by reason.

    ``unusable`` says in sentences what annotators must put right; a page of which one speaks may
    still have an earlier layout. ``flags`` name approved columns that a layout would change.
    """

    batch: str
    pages: int
    layouts: int
    new_layouts: int
    rejected: dict[str, int]
    unusable: tuple[str, ...]
    flags: tuple[Flagged, ...]
    tasks_read: int
    seconds: float


def pull_layouts(
    tables: Tables,
    batch: str,
    client: LabelStudio,
    *,
    journal: Journal,
    params: PullParams = _DEFAULT,
) -> LayoutReport:
    """Fetch what people decided about pages; write the table ``layouts``.

    Every page becomes a LayoutReview or a rejection that says why not yet (``not_reviewed``,
    ``no_task``, ``no_decision``, ``no_label``, ``unreadable_box``, ``no_number``,
    ``same_number``, ``parts_disagree``, ``columns_overlap``, ``not_an_approver``).

    Raises:
        ServiceError: If Label Studio is down, slow or refuses.
        TableError: If the batch has no pages or columns yet.
    """
    began = time.monotonic()
    kept = LayoutJournal(journal)
    known = kept.latest(batch)
    columns: dict[str, list[Column]] = defaultdict(list)
    for column in tables.read("columns", batch, Column):
        columns[column.page_id].append(column)
    project_id = client.find_project(project_title(batch, PAGES_SUFFIX))
    there = _by_page(client, project_id)
    stale = {
        page_id
        for page_id, tasks in there.items()
        if any(task.annotation_count for task in tasks)
        and (page_id not in known or _changed_at(tasks) != known[page_id].seen_at)
    }
    fetched = _fetch(client, project_id, [task for page_id in stale for task in there[page_id]])
    users = client.users() if stale else {}
    taken: list[LaidOutPage] = []
    unusable: list[str] = []
    results: list[LayoutReview | Rejection] = []
    for page in tables.read("pages", batch, Page):
        earlier, tasks = known.get(page.page_id), there.get(page.page_id, [])
        if earlier is not None and page.page_id not in stale:
            results.append(earlier.layout)
            continue
        result = read_layout(
            page,
            [fetched.get(task.task_id) or _without_annotations(task) for task in tasks],
            users,
            columns[page.page_id],
            guideline_version=params.guideline_version,
            approvers=params.approvers,
        )
        if isinstance(result, LayoutReview):
            taken.append(LaidOutPage(layout=result, seen_at=_changed_at(tasks)))
        elif page.page_id in stale:
            unusable.append(result.detail)
        results.append(earlier.layout if earlier and isinstance(result, Rejection) else result)
    kept.append(batch, taken, at=datetime.now(UTC))
    flags = _flags(results, columns, approved_by_people(journal, batch))
    _write_flags(journal, batch, flags)
    with tables.writer("layouts", batch, LayoutReview) as writer:
        for result in results:
            if isinstance(result, LayoutReview):
                writer.accept(result)
            else:
                writer.reject(result)
    return LayoutReport(
        batch=batch,
        pages=len(results),
        layouts=writer.accepted,
        new_layouts=sum(
            one.layout.page_id not in known
            or known[one.layout.page_id].layout.content_hash != one.layout.content_hash
            for one in taken
        ),
        rejected=dict(Counter(r.reason for r in results if isinstance(r, Rejection))),
        unusable=tuple(unusable),
        flags=tuple(flags),
        tasks_read=len(fetched),
        seconds=time.monotonic() - began,
    )


def _by_page(client: LabelStudio, project_id: int | None) -> dict[str, list[TaskSummary]]:
    """Our page tasks by page; none where the batch was pushed without its page view."""
    found: dict[str, list[TaskSummary]] = defaultdict(list)
    for task in client.summaries(project_id) if project_id is not None else ():
        if "page_id" in task.data:
            found[str(task.data["page_id"])].append(task)
    return dict(found)


def _changed_at(tasks: Sequence[TaskSummary]) -> datetime:
    return max(task.updated_at for task in tasks)


def _fetch(
    client: LabelStudio, project_id: int | None, tasks: Sequence[TaskSummary]
) -> dict[int, FullTask]:
    """Those of the tasks that somebody annotated, whole, by their numbers."""
    wanted = {task.task_id: task for task in tasks if task.annotation_count}
    if project_id is None or not wanted:
        return {}
    since = min(task.updated_at for task in wanted.values()) - OVERLAP
    return {t.task_id: t for t in client.tasks(project_id, since) if t.task_id in wanted}


def _without_annotations(task: TaskSummary) -> FullTask:
    return FullTask(
        task_id=task.task_id,
        data=task.data,
        updated_at=task.updated_at,
        annotations=(),
        predictions=(),
    )


def _flags(
    layouts: Sequence[LayoutReview | Rejection],
    columns: Mapping[str, Sequence[Column]],
    approved: Mapping[str, Review],
) -> list[Flagged]:
    """Columns that people approved and that a layout has in another box, or not at all."""
    flags = []
    for layout in layouts:
        if isinstance(layout, Rejection) or not layout.is_right:
            continue
        for column in columns[layout.page_id]:
            review = approved.get(column.column_id)
            if review is None or column.box in layout.columns:
                continue
            detail = (
                f"{layout.annotator} laid out its page without this column, which "
                f"{review.annotator} approved as {review.text!r}. It stays as it was "
                f"approved; what else was drawn there has the other characters."
            )
            flags.append(
                Flagged(
                    column_id=column.column_id,
                    reason=CHANGED_AFTER_APPROVAL,
                    detail=detail,
                    content_hash=layout.content_hash,
                )
            )
    return flags


def approved_by_people(journal: Journal, batch: str) -> dict[str, Review]:
    """The columns that people approved, or hold ready for approval, by column id.

    A layout outranks the simulated annotator, and a revoked approval protects nothing.
    """
    return {
        column_id: standing.review
        for column_id, standing in standings(journal.lines(batch)).items()
        if standing.review is not None
        and (standing.is_approved or standing.is_waiting)
        and (standing.approver or not standing.review.is_simulated)
    }


def _write_flags(journal: Journal, batch: str, flags: Sequence[Flagged]) -> None:
    known = {entry for entry in journal.entries(batch) if isinstance(entry, Flagged)}
    journal.append(batch, [flag for flag in flags if flag not in known], at=datetime.now(UTC))
