"""What became of each work, read from the project's tables: stages, refusals, pages.

A partition of a table never changes under its name of rows, so that what was counted of it is kept
until another one takes its place.

Keeps out: words for people (``annotation.desk.work_pages``), and text (``annotation.desk.texts``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pipelines.errors import MetadataError
from pipelines.metadata import FOLDER_SIDECAR, read_metadata
from pipelines.pages import page_id_of
from pipelines.records import Column, Page, Reading, Rejection, Review, ReviewTask, Scan, Work
from pipelines.tables import Tables

R = TypeVar("R")

STAGES = ("scans", "pages", "columns", "readings", "review_tasks", "reviews")
"""The way of a work, as people are shown it."""

WAITING_REASONS = frozenset({"not_reviewed", "skipped", "no_decision"})
"""Reasons of the last stage that mean "not yet", and not "no"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something a stage did not take: ``item`` is what an archivist knows it by."""

    stage: str
    item: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSeen:
    """One page of a work, in the order of its scans."""

    page: Page
    file_name: str
    batch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One work on its way.

    Attributes:
        work: The work; as its sidecar says while nothing was taken in.
        batches: Where it lies.
        waiting: Files of the inbox that no run has looked at yet.
        counts: What each of :data:`STAGES` has made of it; a stage that has not run is absent.
        approved: Columns that people approved.
        refusals: What was not taken, with reasons.
        pages: Its pages.
    """

    work: Work
    batches: tuple[str, ...]
    waiting: int
    counts: dict[str, int]
    approved: int
    refusals: tuple[Refusal, ...]
    pages: tuple[PageSeen, ...]


class Partitions:
    """Partitions of tables, each read once as long as it is the same."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._kept: dict[tuple[str, str], tuple[str, list[Any], list[Rejection]]] = {}

    def read(self, name: str, batch: str, record_type: type[R]) -> tuple[list[R], list[Rejection]]:
        """Records and rejections of a partition; nothing of one that is not there."""
        manifest = self.tables.manifest(name, batch)
        if manifest is None:
            return [], []
        kept = self._kept.get((name, batch))
        if kept is None or kept[0] != manifest.rows_file:
            records = self.tables.read(name, batch, record_type)
            kept = (manifest.rows_file, records, self.tables.rejections(name, batch))
            self._kept[name, batch] = kept
        return kept[1], kept[2]

    def is_there(self, name: str, batch: str) -> bool:
        """Whether the stage has run."""
        return self.tables.manifest(name, batch) is not None


def works(partitions: Partitions, inbox: Path) -> list[Progress]:
    """Every work of the tables and the inbox, the newest batch first, then by title."""
    batches = set(partitions.tables.batches("scans"))
    if inbox.is_dir():
        batches |= {f.name for f in inbox.iterdir() if f.is_dir() and not f.name.startswith(".")}
    found: dict[str, list[Progress]] = {}
    for batch in sorted(batches, reverse=True):
        for one in _of_batch(partitions, inbox, batch):
            found.setdefault(one.work.work_id, []).append(one)
    return [_together(parts) for parts in found.values()]


def _of_batch(partitions: Partitions, inbox: Path, batch: str) -> Iterator[Progress]:
    scans, refused_scans = partitions.read("scans", batch, Scan)
    works: dict[str, Work] = {scan.work.work_id: scan.work for scan in scans}
    refusals: dict[str, list[Refusal]] = {}
    known = {(scan.work.work_id, scan.file_name) for scan in scans}
    refused_paths = {rejection.item_id for rejection in refused_scans}
    waiting: Counter[str] = Counter()
    for folder in _folders(inbox / batch):
        try:
            work = read_metadata(folder / "scan").work()
        except MetadataError:
            continue  # the stage says what is wrong with the sidecar
        works.setdefault(work.work_id, work)
        refusals.setdefault(work.work_id, [])
        for file in _files(folder):
            if str(file) not in refused_paths and (work.work_id, file.name) not in known:
                waiting[work.work_id] += 1
        refusals[work.work_id] += [
            Refusal(stage="scans", item=Path(r.item_id).name, reason=r.reason, detail=r.detail)
            for r in refused_scans
            if Path(r.item_id).is_relative_to(folder)
        ]
    pages, refused_pages = partitions.read("pages", batch, Page)
    columns, refused_columns = partitions.read("columns", batch, Column)
    files = {scan.scan_id: scan.file_name for scan in scans}
    of_page = {
        page_id_of(scan.scan_id, index): (scan.work.work_id, f"{scan.file_name}, {index + 1}")
        for scan in scans
        for index in range(scan.page_count)
    }
    of_column = {c.column_id: (c.work.work_id, of_page[c.page_id][1]) for c in columns}
    tasks, refused_tasks = partitions.read("review_tasks", batch, ReviewTask)
    readings, refused_readings = partitions.read("readings", batch, Reading)
    reviews, refused_reviews = partitions.read("reviews", batch, Review)
    refused_reviews = [r for r in refused_reviews if r.reason not in WAITING_REASONS]
    for rejections, names in (
        (refused_pages, of_page),
        (refused_columns, of_page),
        (refused_readings, of_column),
        (refused_tasks, of_column),
        (refused_reviews, of_column),
    ):
        for r in rejections:
            work_id, item = names.get(r.item_id, ("", r.item_id))
            refusals.setdefault(work_id, []).append(
                Refusal(stage=r.stage, item=item, reason=r.reason, detail=r.detail)
            )
    made = {
        "scans": Counter(one.work.work_id for one in scans),
        "pages": Counter(one.work.work_id for one in pages),
        "columns": Counter(one.work.work_id for one in columns),
        "readings": Counter(one.work.work_id for one in readings),
        "review_tasks": Counter(one.work.work_id for one in tasks),
        "reviews": Counter(one.work.work_id for one in reviews),
    }
    approved = Counter(r.work.work_id for r in reviews if r.is_approved)
    order = {scan.scan_id: place for place, scan in enumerate(scans)}
    pages = sorted(pages, key=lambda page: (order.get(page.scan_id, 0), page.page_index))
    for work_id, work in works.items():
        yield Progress(
            work=work,
            batches=(batch,),
            waiting=waiting[work_id],
            counts={
                stage: made[stage][work_id] for stage in STAGES if partitions.is_there(stage, batch)
            },
            approved=approved[work_id],
            refusals=tuple(refusals.get(work_id, ())),
            pages=tuple(
                PageSeen(page=page, file_name=files.get(page.scan_id, ""), batch=batch)
                for page in pages
                if page.work.work_id == work_id
            ),
        )


def _together(parts: list[Progress]) -> Progress:
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)
    return Progress(
        work=parts[0].work,
        batches=tuple(batch for part in parts for batch in part.batches),
        waiting=sum(part.waiting for part in parts),
        counts={s: counts[s] for s in STAGES if any(s in part.counts for part in parts)},
        approved=sum(part.approved for part in parts),
        refusals=tuple(refusal for part in parts for refusal in part.refusals),
        pages=tuple(page for part in parts for page in part.pages),
    )


def _folders(batch: Path) -> list[Path]:
    if not batch.is_dir():
        return []
    return sorted(f for f in batch.iterdir() if (f / FOLDER_SIDECAR).is_file())


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".toml" and not path.name.startswith("."):
            yield path
