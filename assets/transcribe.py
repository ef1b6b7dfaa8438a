"""Pictures to text at once, as ``beitie read`` does: no project, no Dagster, no Label Studio.

The same stages as in the graph, over a temporary home: scans, pages, columns, then both readers
by command. A file that cannot be read is reported and does not keep the others from being read.

Keeps out: what is printed (``assets.cli``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.commands import Progress, read_columns
from assets.resources import Settings
from pipelines.columns import ColumnParams, make_columns
from pipelines.metadata import WorkMetadata
from pipelines.pages import PageParams, page_id_of, process_pages
from pipelines.records import Column, Page, Reader, Reading, Rejection, Scan
from pipelines.scans import find_inputs, ingest
from pipelines.store import Store
from pipelines.tables import Tables

BATCH = "read"
CODE = "read"

Step = Callable[[str, int, int], None]
"""Told after each item: what is being done, how many are done, of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What one file says, as ``beitie read --json`` prints it."""

    file: str
    columns: tuple[dict[str, Any], ...]

    @property
    def text(self) -> str:
        """Columns from right to left, one a line."""
        return "\n".join(column["text"] for column in self.columns)

    def line(self) -> dict[str, Any]:
        """The object of the JSON line."""
        return {"file": self.file, "text": self.text, "columns": list(self.columns)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A file, or one page of it, that could not be read, and why."""

    file: str
    sentence: str


def transcribe(
    settings: Settings,
    files: Sequence[Path],
    home: Path,
    *,
    checkpoint: Path,
    has_second: bool = True,
    on_step: Step | None = None,
    on_progress: Progress | None = None,
) -> list[Transcript | Failure]:
    """Read files with both readers; one transcript a file in the order given, then failures.

    Args:
        settings: Say how training is run.
        files: Pictures, documents or folders of them.
        home: An empty folder for what is made on the way; the caller removes it.
        checkpoint: The reader's folder.
        has_second: Whether RapidOCR reads too.
        on_step: Told how far it is.
        on_progress: Gets what the commands say.

    Raises:
        ModelError: If a reader cannot be run.
    """
    tell = on_step or (lambda what, done, total: None)
    store, tables = Store(home / "store"), Tables(home / "tables")
    paths = list(find_inputs(files))
    results: list[Transcript | Failure] = []
    scans: list[tuple[str, Scan]] = []
    metadata = WorkMetadata(title="read", rights="unknown")
    known: dict[str, Scan] = {}
    for done, item in enumerate(paths, 1):
        # One call a file: the same picture given twice is read twice, not rejected.
        for outcome in ingest([item], metadata, store, CODE):
            if isinstance(outcome, Rejection):
                results.append(Failure(file=outcome.item_id, sentence=outcome.detail))
            else:
                scans.append((str(item), outcome))
                known[outcome.scan_id] = outcome
        tell("taking in", done, len(paths))
    name_of = {scan.scan_id: name for name, scan in reversed(scans)}
    pages = _pages(known, name_of, store, tables, results, tell)
    taken = {page.scan_id for page in pages}
    columns = _columns(pages, name_of, store, tables, results, tell)
    readings = _read(settings, home, columns, checkpoint, has_second, tell, on_progress)
    transcripts: list[Transcript | Failure] = [
        Transcript(
            file=name,
            columns=tuple(
                _column(column, readings)
                for page in pages
                if page.scan_id == scan.scan_id
                for column in columns
                if column.page_id == page.page_id
            ),
        )
        for name, scan in scans
        if scan.scan_id in taken
    ]
    return transcripts + results


def _pages(
    scans: dict[str, Scan],
    name_of: dict[str, str],
    store: Store,
    tables: Tables,
    failures: list[Transcript | Failure],
    tell: Step,
) -> list[Page]:
    total = sum(scan.page_count for scan in scans.values())
    file_of = {
        page_id_of(scan.scan_id, index): name_of[scan.scan_id]
        for scan in scans.values()
        for index in range(scan.page_count)
    }
    pages: list[Page] = []
    for done, outcome in enumerate(process_pages(scans.values(), store, PageParams(), CODE), 1):
        if isinstance(outcome, Page):
            pages.append(outcome)
        else:
            failures.append(Failure(file=file_of[outcome.item_id], sentence=outcome.detail))
        tell("normalizing", done, total)
    tables.write("pages", BATCH, Page, pages)
    return pages


def _columns(
    pages: list[Page],
    name_of: dict[str, str],
    store: Store,
    tables: Tables,
    failures: list[Transcript | Failure],
    tell: Step,
) -> list[Column]:
    columns: list[Column] = []
    for done, page in enumerate(pages, 1):
        for outcome in make_columns(page, store, ColumnParams(), CODE):
            if isinstance(outcome, Column):
                columns.append(outcome)
            else:
                failures.append(Failure(file=name_of[page.scan_id], sentence=outcome.detail))
        tell("finding columns", done, len(pages))
    tables.write("columns", BATCH, Column, columns)
    return columns


def _read(
    settings: Settings,
    home: Path,
    columns: list[Column],
    checkpoint: Path,
    has_second: bool,
    tell: Step,
    on_progress: Progress | None,
) -> dict[tuple[Reader, str], Reading]:
    # The second opinion first: UniCalli heeds it.
    readers = [Reader.RAPIDOCR, Reader.UNICALLI] if has_second else [Reader.UNICALLI]
    found: dict[tuple[Reader, str], Reading] = {}
    if not columns:
        return found
    tables = Tables(home / "tables")
    for done, reader in enumerate(readers):
        tell(f"reading with {reader.value}", done, len(readers))
        read_columns(
            settings,
            tables=home / "tables",
            store=home / "store",
            batch=BATCH,
            reader=reader,
            checkpoint=checkpoint if reader is Reader.UNICALLI else None,
            second=home / "tables" if has_second and reader is Reader.UNICALLI else "",
            on_progress=on_progress,
        )
        name = "readings" if reader is Reader.UNICALLI else "second_readings"
        for reading in tables.read(name, BATCH, Reading):
            found[reader, reading.column_id] = reading
    tell("reading", len(readers), len(readers))
    return found


def _column(column: Column, readings: dict[tuple[Reader, str], Reading]) -> dict[str, Any]:
    first = readings.get((Reader.UNICALLI, column.column_id))
    second = readings.get((Reader.RAPIDOCR, column.column_id))
    other = {c.character_id: c.text for c in second.characters} if second else {}
    edges = (column.box.left, column.box.top, column.box.right, column.box.bottom)
    return {
        "box": list(edges),
        "text": first.text if first else "",
        "order_doubt": column.order_doubt,
        "characters": [
            {
                "box": [c.box.left, c.box.top, c.box.right, c.box.bottom],
                "text": c.text,
                "score": round(c.score, 4),
                "candidates": [[one.text, round(one.score, 4)] for one in c.candidates],
                "second": other.get(c.character_id, ""),
            }
            for c in (first.characters if first else ())
        ],
    }
