"""The archivist's report of batches: what became of every page, as a table and in pictures.

Holds: the parts of a report about pages (the quality table, a gallery of single pages, a sheet
with all of them) and ``write_batch_report``, which ``beitie report`` calls.

Keeps out: HTML (``assets.report``), readings and people (``assets.demo_report``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from assets.effort import effort_parts
from assets.page_quality import judge
from assets.report import Gallery, Part, Table, write_report
from assets.report_pictures import boxes_picture, page_pictures
from assets.resources import Project
from pipelines.effort import Effort
from pipelines.errors import BeitieError
from pipelines.quality import QualityParams
from pipelines.records import Column, Page, Scan

STAGES = ("scans", "pages", "columns")


def write_batch_report(project: Project, batches: Sequence[str], path: Path, *, shown: int) -> Path:
    """Write the report of ``batches`` and return where it lies.

    Args:
        project: Holds their tables.
        batches: Which batches; each must have come as far as columns.
        path: The HTML file to write.
        shown: Pages of each batch that are shown large, spread over the batch.

    Raises:
        BeitieError: If a batch has no columns yet.
    """
    for batch in batches:
        if project.tables.manifest("columns", batch) is None:
            known = ", ".join(project.tables.batches("columns")) or "none yet"
            raise BeitieError(
                f"Batch {batch!r} has no columns. Batches that have: {known}. Take it in with "
                f"`beitie add ... --batch {batch} --now`."
            )
    parts = [part for batch in batches for part in batch_parts(project, batch, shown=shown)]
    return write_report(
        path, "Beitie: pages of " + ", ".join(batches), parts, credit(project, batches)
    )


def batch_parts(project: Project, batch: str, *, shown: int) -> Iterator[Part]:
    """Table, large pages, all pages, what was refused, and what people took."""
    rows = [
        (
            row.work.title,
            row.file_name,
            str(row.page_index + 1),
            f"{row.width} x {row.height}",
            row.polarity.value.replace("_", " "),
            f"{row.polarity_confidence:.2f}",
            f"{row.ink_fraction:.0%}",
            f"{row.noise_score:.0%}",
            f"{row.damage_fraction:.0%}",
            str(row.seal_count),
            str(row.column_count),
            str(row.character_count),
            row.advice,
        )
        for row in judge(project, batch, QualityParams())
    ]
    yield Table(
        title=f"Pages of {batch}",
        header=(
            "work", "file", "page", "pixels", "original", "certainty", "ink", "noise", "damage",
            "seals", "columns", "characters", "look at",
        ),
        rows=tuple(rows),
        note="Certainty is how clearly ink and ground were told apart, from 0 to 1; noise the "
        "share of the first mask that was damage, damage the share of the page that it covers. "
        "Where the last column is empty, nothing stood out.",
    )  # fmt: skip
    if (refused := refusals(project, batch)).rows:
        yield refused
    pages = pages_with_columns(project, batch)
    large = tuple(
        picture
        for name, page, columns in pages[:: max(1, len(pages) // max(1, shown))][:shown]
        for picture in page_pictures(project.store, name, page, columns)
    )
    yield Gallery(
        title=f"Some pages of {batch}, step by step",
        pictures=large,
        note="From left to right: as it came; its ink; damage in orange and seals in red over "
        "the ink; characters in reading order.",
    )
    yield contact_gallery(project, batch)
    if project.tables.manifest("effort", batch) is not None:
        yield from effort_parts(project.tables.read("effort", batch, Effort))


def contact_gallery(project: Project, batch: str) -> Gallery:
    """Every page of a batch, small, with its boxes in reading order."""
    pictures = (
        boxes_picture(project.store, name, page, columns)
        for name, page, columns in pages_with_columns(project, batch)
    )
    return Gallery(
        title=f"All pages of {batch}",
        pictures=tuple(pictures),
        note="Columns from right to left, each in a colour of its own; a line joins its "
        "characters in the order they are read. A second frame: the order is uncertain.",
    )


def refusals(project: Project, batch: str) -> Table:
    """What stages did not take, by reason, with one example each."""
    counted: Counter[tuple[str, str]] = Counter()
    example: dict[tuple[str, str], str] = {}
    for stage in STAGES:
        for rejection in project.tables.rejections(stage, batch):
            counted[stage, rejection.reason] += 1
            example.setdefault((stage, rejection.reason), rejection.detail)
    return Table(
        title=f"Refused in {batch}",
        header=("stage", "reason", "count", "for example"),
        rows=tuple(
            (stage, reason, str(count), example[stage, reason])
            for (stage, reason), count in counted.most_common()
        ),
    )


def pages_with_columns(project: Project, batch: str) -> list[tuple[str, Page, list[Column]]]:
    """The pages of a batch with their names and columns; pages without any included."""
    scans = {s.scan_id: s for s in project.tables.read("scans", batch, Scan)}
    of_page: dict[str, list[Column]] = defaultdict(list)
    for column in project.tables.read("columns", batch, Column):
        of_page[column.page_id].append(column)
    return [
        (page_name(scans[page.scan_id], page), page, of_page[page.page_id])
        for page in project.tables.read("pages", batch, Page)
    ]


def page_name(scan: Scan, page: Page) -> str:
    """What people call a page: its file, and the number in it where there are several."""
    return scan.file_name if scan.page_count == 1 else f"{scan.file_name}, {page.page_index + 1}"


def credit(project: Project, batches: Sequence[str]) -> str:
    """Who is to be named for the pictures of a report: every work's source and rights."""
    works = {
        scan.work.work_id: scan.work
        for batch in batches
        for scan in project.tables.read("scans", batch, Scan)
    }
    return " ".join(f"{work.title}: {work.source}, {work.rights}." for work in works.values())
