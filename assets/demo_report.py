"""How the demonstration ends: a table on the screen and a report with pictures.

Keeps out: the figures (``assets.demo_figures``) and how pictures and HTML are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table as ScreenTable

from assets.batch_report import contact_gallery, pages_with_columns
from assets.demo_figures import NEW, OLD, SECOND_READER, DemoFigures, rejected_in_words
from assets.figures import approved_reviews, readings_of
from assets.report import Bar, Chart, Gallery, Part, Picture, Table, Text, write_report
from assets.report_pictures import column_picture, page_pictures, side_by_side
from assets.resources import Project
from pipelines.corrections import CorrectionRate
from pipelines.evaluations import Evaluation
from pipelines.glyphs.fonts import FontFace
from pipelines.records import Page, Reader, Reading
from pipelines.tables import Tables

SIMULATED = (
    "The corrections were made by a simulated annotator, a program that knows the truth of the "
    "synthetic works and types it into Label Studio. No person took part; how long people would "
    "have needed is not measured."
)

READER_NAMES = {
    Reader.UNICALLI: "UniCalli",
    Reader.RAPIDOCR: "RapidOCR",
    Reader.BOTH: "UniCalli heeding RapidOCR",
    Reader.NEAREST_GLYPH: "nearest glyph",
}

PAGES_SHOWN, COLUMNS_SHOWN = 2, 4

PICTURE_PX = 520
"""Height of the README's pictures at most."""


def print_figures(console: Console, figures: DemoFigures, released: Mapping[str, str]) -> None:
    """The table at the end."""
    material = ScreenTable(title="Material", title_justify="left", pad_edge=False)
    for name in ("batch", "works", "pages", "columns", "characters", "approved", "rejected"):
        is_text = name in ("batch", "rejected")
        material.add_column(name, justify="left" if is_text else "right", overflow="fold")
    for row in batch_rows(figures):
        material.add_row(*row)
    console.print(material)
    rates = ScreenTable(
        title="Corrections per 100 characters, with 95 % interval over pages",
        title_justify="left",
        pad_edge=False,
    )
    rates.add_column("what was read")
    rates.add_column("corrections", justify="right")
    rates.add_column("interval", justify="right")
    rates.add_column("characters", justify="right")
    for label, rate in rate_rows(figures):
        rates.add_row(
            label,
            f"{rate.per_100:.1f}",
            f"{rate.low:.1f} to {rate.high:.1f}",
            str(rate.character_count),
        )
    console.print(rates)
    for sentence in sentences(figures, released):
        console.print(sentence)


def write_demo_report(
    path: Path,
    project: Project,
    before: Tables,
    figures: DemoFigures,
    *,
    face: FontFace,
    second: str,
    released: Mapping[str, str],
    timings: Mapping[str, float],
    credits: Sequence[str],
) -> Path:
    """Write the report and return its path."""
    parts: list[Part] = [
        Text(title="What happened", paragraphs=(*sentences(figures, released), SIMULATED)),
        Chart(
            title="Corrections per 100 characters",
            unit="fewer is better; whiskers are 95 % intervals over pages",
            bars=tuple(
                Bar(
                    label=label,
                    value=rate.per_100,
                    low=rate.low,
                    high=rate.high,
                    is_emphasized=NEW in label,
                )
                for label, rate in rate_rows(figures)
            ),
            note="The second batch is shown as both releases read the very same columns, so that "
            "an easier batch cannot pass for learning.",
        ),
        Table(
            title="Material",
            header=("batch", "works", "pages", "columns", "characters", "approved", "rejected"),
            rows=tuple(batch_rows(figures)),
            note="Characters are boxes that were found; approved counts characters of approved "
            "columns. Nothing disappears: what a stage did not take is counted with its reason.",
        ),
        _evaluations(project, released),
    ]
    for row in figures.batches:
        if pictures := tuple(_pages(project, row.batch)):
            parts.append(Gallery(title=f"Pages of {row.batch}", pictures=pictures))
        if not row.approved_columns and project.tables.manifest("columns", row.batch) is not None:
            # Real pages, whose truth nobody has typed in: every one is shown to be looked at.
            parts.append(contact_gallery(project, row.batch))
    parts += [
        Gallery(
            title=f"Columns of {batch}, character by character",
            pictures=tuple(_columns(project, before, batch, second, face)),
            note="From left to right: the characters of one column from top to bottom. Below the "
            "page each reader's answer in the standard font; on red where a person (here: the "
            "simulated annotator) approved something else. Empty where a reader refused.",
            is_wide=True,
        )
        for batch in (row.batch for row in figures.batches)
        if project.tables.manifest("readings", batch) is not None
    ]
    parts.append(
        Table(
            title="Time",
            header=("step", "seconds"),
            rows=tuple((name, f"{seconds:.0f}") for name, seconds in timings.items()),
        )
    )
    return write_report(path, "Beitie: one turn of the loop", parts, " ".join(credits))


def write_pictures(project: Project, batch: str, face: FontFace, folder: Path) -> list[Path]:
    """The README's pictures: a page as it came, its ink and its boxes; a column read.

    Only of a synthetic batch: the pictures of other works are not ours to publish.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shown = {"page.jpg": list(_pages(project, batch))[:4]}
    shown["column.jpg"] = list(_columns(project, project.tables, batch, "", face))[:1]
    made = []
    for name, pictures in shown.items():
        path = folder / name
        path.write_bytes(side_by_side([picture.data for picture in pictures], PICTURE_PX))
        made.append(path)
    return made


def batch_rows(figures: DemoFigures) -> Iterator[tuple[str, ...]]:
    """One row a batch: counts, then what was rejected and why."""
    for row in figures.batches:
        counts = (row.works, row.pages, row.columns, row.characters, row.approved_characters)
        yield (row.batch, *(str(count) for count in counts), rejected_in_words(row.rejected))


def rate_rows(figures: DemoFigures) -> Iterator[tuple[str, CorrectionRate]]:
    """What is compared: batch 1, batch 2 by both releases, then the second reader on batch 2."""
    yield "batch 1, drafts of the old release", figures.first
    yield "batch 2, drafts of the old release", figures.comparison.before
    if figures.is_released:
        yield "batch 2, drafts of the new release", figures.comparison.after
    yield f"batch 2, {SECOND_READER} alone", figures.readers[SECOND_READER]


def sentences(figures: DemoFigures, released: Mapping[str, str]) -> list[str]:
    """The outcome in words, whichever it is."""
    change = figures.comparison
    said = []
    if not released.get("new release"):
        why = released.get("why", "it was not better on the frozen split")
        said.append(f"The trained model was NOT released. {why.removeprefix('release: ')}")
    else:
        verdict = (
            "The interval excludes no change."
            if change.is_fewer or change.low > 0
            else "The interval includes no change: nothing was shown."
        )
        said.append(
            f"The same {change.after.column_count} columns of batch 2 need "
            f"{change.after.per_100:.1f} corrections per 100 characters with the new release and "
            f"{change.before.per_100:.1f} with the old one: {change.difference:+.1f} (95 % "
            f"interval {change.low:+.1f} to {change.high:+.1f}). {verdict}"
        )
    order = figures.order
    said.append(
        f"Reading order from true boxes on {order.pages} CODH pages: {order.kept} of "
        f"{order.characters} characters ({order.share:.1%}) stand where they are read; "
        f"{order.perfect_pages} pages are perfect."
    )
    return said


def _evaluations(project: Project, released: Mapping[str, str]) -> Table:
    model_id = released.get("model", "")
    rows: list[Evaluation] = []
    if model_id and project.tables.manifest("evaluations", model_id) is not None:
        rows = project.tables.read("evaluations", model_id, Evaluation)
    shown: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in rows:
        name = READER_NAMES[row.reader]
        if row.against:
            name += ", the new one beside the one before"
        elif row.reader in (Reader.UNICALLI, Reader.BOTH):
            name += ", the new one" if row.model_id == model_id else ", the one before"
        shown[name, row.metric] = (
            name,
            row.metric.replace("_", " "),
            f"{row.value:.2f}",
            f"{row.low:.2f} to {row.high:.2f}",
            row.resampled.value,
            str(row.character_count),
        )
    return Table(
        title="On the frozen split",
        header=("reader", "metric", "value", "95 % interval", "resampled by", "characters"),
        rows=tuple(shown.values()),
        note="A model is released only if it needs fewer corrections here than the current reader, "
        "column by column, or if a loss of more than one in a hundred characters is excluded. The "
        "works of this split are never trained on. The nearest glyph is the floor: the standard "
        "glyph with the most similar pixels, nothing learnt.",
    )


def _pages(project: Project, batch: str) -> Iterator[Picture]:
    if project.tables.manifest("columns", batch) is None:
        return
    pages = [found for found in pages_with_columns(project, batch) if found[2]]
    for name, page, columns in pages[:: max(1, len(pages) // PAGES_SHOWN)][:PAGES_SHOWN]:
        yield from page_pictures(project.store, name, page, columns)


def _columns(
    project: Project, before: Tables, batch: str, second: str, face: FontFace
) -> Iterator[Picture]:
    tables = project.tables
    pages = {page.page_id: page for page in tables.read("pages", batch, Page)}
    reviews = {review.column_id: review for review in approved_reviews(tables, batch)}
    named: list[tuple[str, dict[str, Reading]]] = [
        ("the draft", _by_column(readings_of(tables, "readings", batch))),
        (SECOND_READER, _by_column(readings_of(tables, "second_readings", batch))),
    ]
    if batch == second:
        named.insert(1, (OLD, _by_column(readings_of(before, "readings", batch))))
    main = named[0][1]
    shown = [c for c in main if len(main[c].characters) >= 4 and (not reviews or c in reviews)]
    for column_id in shown[:: max(1, len(shown) // COLUMNS_SHOWN)][:COLUMNS_SHOWN]:
        readings = {name: found[column_id] for name, found in named if column_id in found}
        page = pages[main[column_id].page_id]
        yield column_picture(project.store, page, readings, face, reviews.get(column_id))


def _by_column(readings: Sequence[Reading]) -> dict[str, Reading]:
    return {reading.column_id: reading for reading in readings}
