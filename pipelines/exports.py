"""Approved material for other programs: Parquet, JSON lines, PAGE-XML.

Holds: which approved columns leave together (their rights must allow it), one writer a format,
and the card that says what the folder holds and whom to credit. Only approved columns leave; a
simulated approval says so in its row.

Keeps out: Label Studio's own format (``annotation``), and what may stand together
(``pipelines.checks.refuse_mixture``).
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.checks import refuse_mixture
from pipelines.errors import MaterialError
from pipelines.geometry import Box, union
from pipelines.records import Column, Page, Review, ReviewedCharacter, Work
from pipelines.store import Store
from pipelines.tables import Tables

PAGE_NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"

ROWS_PER_GROUP = 100
"""Rows with pictures in them: a viewer pages through groups of about this size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """One approved column with the page it stands on; ``batch`` is where it came in."""

    batch: str
    review: Review
    column: Column
    page: Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export wrote."""

    folder: Path
    columns: int
    characters: int
    works: int


def approved_columns(
    tables: Tables, *, batches: Sequence[str] = (), rights: str = "", work_id: str = ""
) -> list[Approved]:
    """What may leave: approved columns by page and from right to left.

    Args:
        tables: Hold reviews, columns and pages.
        batches: Only these; by default all that were reviewed.
        rights: Only works under exactly these rights.
        work_id: Only this work.

    Raises:
        MaterialError: If nothing is left.
        RightsError: If the works that are left may not stand in one export.
    """
    found: list[Approved] = []
    for batch in batches or tables.batches("reviews"):
        columns = {column.column_id: column for column in tables.read("columns", batch, Column)}
        pages = {page.page_id: page for page in tables.read("pages", batch, Page)}
        found += [
            Approved(
                batch=batch,
                review=review,
                column=columns[review.column_id],
                page=pages[review.page_id],
            )
            for review in tables.read("reviews", batch, Review)
            if review.is_approved
            and review.column_id in columns
            and review.page_id in pages
            and (not rights or review.work.rights == rights)
            and (not work_id or review.work.work_id == work_id)
        ]
    if not found:
        chosen = f" under the rights {rights!r}" if rights else ""
        raise MaterialError(
            f"Nothing is approved{chosen}, so there is nothing to export. `beitie review status` "
            f"says what waits for people.",
            reason="nothing_approved",
        )
    refuse_mixture(one.review.work for one in found)
    found.sort(key=lambda one: (one.batch, one.page.page_id, one.column.column_index))
    return found


def export(kind: str, approved: Sequence[Approved], store: Store, folder: Path) -> Exported:
    """Write an export into a folder that must not exist yet; whole or not at all.

    Raises:
        MaterialError: If the format is unknown or the folder is there already.
    """
    require_format(kind)
    if folder.exists():
        raise MaterialError(
            f"{folder} is already there; an export overwrites nothing. Name another folder.",
            reason="name_taken",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}.partial")
    partial.mkdir()
    try:
        FORMATS[kind](approved, store, partial)
        (partial / "README.md").write_text(_card(approved), encoding="utf-8")
        os.replace(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Exported(
        folder=folder,
        columns=len(approved),
        characters=sum(len(one.review.characters) for one in approved),
        works=len({one.review.work.work_id for one in approved}),
    )


def require_format(kind: str) -> None:
    """Say which formats there are before anything is looked up.

    Raises:
        MaterialError: If the format is unknown.
    """
    if kind not in FORMATS:
        raise MaterialError(
            f"There is no export format {kind!r}; known formats are {', '.join(FORMATS)}.",
            reason="unknown_format",
        )


def _write_parquet(approved: Sequence[Approved], store: Store, folder: Path) -> None:
    """One row a column with its picture inside, as ``datasets.load_dataset`` reads it."""
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    character = pa.struct(
        [
            ("box", pa.list_(pa.int64(), 4)),
            ("written", pa.string()),
            ("canonical", pa.string()),
            ("is_damaged", pa.bool_()),
            ("is_illegible", pa.bool_()),
            ("marks", pa.list_(pa.string())),
        ]
    )
    names = ["column_id", "page_id", "work_id", "title", "calligrapher", "script", "rights"]
    names += ["source", "text", "annotator"]
    features: dict[str, object] = {n: {"dtype": "string", "_type": "Value"} for n in names}
    features |= {name: {"_type": "Image"} for name in ("image", "ink")}
    features["is_simulated"] = {"dtype": "bool", "_type": "Value"}
    schema = pa.schema(
        [("image", picture), ("ink", picture), *((name, pa.string()) for name in names)]
        + [("is_simulated", pa.bool_()), ("characters", pa.list_(character))],
        # Without it `datasets` shows the pictures as bytes.
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    with pq.ParquetWriter(folder / "columns.parquet", schema) as writer:
        for start in range(0, len(approved), ROWS_PER_GROUP):
            rows = [_row(one, store) for one in approved[start : start + ROWS_PER_GROUP]]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def _row(one: Approved, store: Store) -> dict[str, object]:
    box = one.column.box
    return {
        "image": _picture(one.column.image_key, store),
        "ink": _picture(one.column.ink_key, store),
        **_described(one),
        # Boxes in pixels of the column's own picture, which stands beside them.
        "characters": [
            _character(character, character.box.moved(-box.left, -box.top))
            for character in one.review.characters
        ],
    }


def _picture(key: str, store: Store) -> dict[str, object]:
    return {"bytes": store.get(key), "path": key}


def _write_jsonl(approved: Sequence[Approved], store: Store, folder: Path) -> None:
    """One line a column, boxes in pixels of the page, whose picture lies in ``images``."""
    _write_images(approved, store, folder)
    with (folder / "columns.jsonl").open("w", encoding="utf-8") as file:
        for one in approved:
            line = {
                "image": _image_file(one.page),
                "column_index": one.column.column_index,
                "box": _edges(one.column.box),
                **_described(one),
                "characters": [_character(c, c.box) for c in one.review.characters],
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _write_page_xml(approved: Sequence[Approved], store: Store, folder: Path) -> None:
    """One PAGE 2019 file a page: columns as text lines, right to left, a glyph a character."""
    _write_images(approved, store, folder)
    for page_id, group in groupby(approved, key=lambda one: one.page.page_id):
        tree = ElementTree.ElementTree(_page_xml(list(group)))
        ElementTree.indent(tree)
        tree.write(folder / f"{page_id}.xml", encoding="utf-8", xml_declaration=True)


def _page_xml(columns: Sequence[Approved]) -> ElementTree.Element:
    page, work = columns[0].page, columns[0].review.work
    root = ElementTree.Element("PcGts", xmlns=PAGE_NAMESPACE, pcGtsId=f"p{page.page_id}")
    metadata = ElementTree.SubElement(root, "Metadata")
    last = max(one.review.reviewed_at for one in columns).isoformat(timespec="seconds")
    for name, text in (("Creator", "Beitie"), ("Created", last), ("LastChange", last)):
        ElementTree.SubElement(metadata, name).text = text
    rights = f"{work.title}, {work.calligrapher}. {work.rights}. {work.source}"
    ElementTree.SubElement(metadata, "Comments").text = rights
    sheet = ElementTree.SubElement(
        root,
        "Page",
        imageFilename=_image_file(page),
        imageWidth=str(page.width),
        imageHeight=str(page.height),
        readingDirection="top-to-bottom",
        textLineOrder="right-to-left",
    )
    order = ElementTree.SubElement(sheet, "ReadingOrder")
    ordered = ElementTree.SubElement(order, "OrderedGroup", id="reading_order")
    ElementTree.SubElement(ordered, "RegionRefIndexed", index="0", regionRef="text")
    region = ElementTree.SubElement(
        sheet,
        "TextRegion",
        id="text",
        type="paragraph",
        readingDirection="top-to-bottom",
        textLineOrder="right-to-left",
    )
    _add_coordinates(region, union(one.column.box for one in columns))
    for one in columns:
        line = ElementTree.SubElement(
            region, "TextLine", id=f"c{one.column.column_id}", readingDirection="top-to-bottom"
        )
        _add_coordinates(line, one.column.box)
        word = ElementTree.SubElement(line, "Word", id=f"w{one.column.column_id}")
        _add_coordinates(word, one.column.box)
        for index, character in enumerate(one.review.characters):
            glyph = ElementTree.SubElement(word, "Glyph", id=f"g{one.column.column_id}_{index}")
            _add_coordinates(glyph, character.box)
            _add_text(glyph, character.canonical)
        _add_text(word, one.review.text)
        _add_text(line, one.review.text)
    _add_text(region, "\n".join(one.review.text for one in columns))
    return root


def _add_coordinates(element: ElementTree.Element, box: Box) -> None:
    corners = [(box.left, box.top), (box.right, box.top), (box.right, box.bottom)]
    corners.append((box.left, box.bottom))
    ElementTree.SubElement(element, "Coords", points=" ".join(f"{x},{y}" for x, y in corners))


def _add_text(element: ElementTree.Element, text: str) -> None:
    equivalent = ElementTree.SubElement(element, "TextEquiv")
    ElementTree.SubElement(equivalent, "Unicode").text = text


def _write_images(approved: Iterable[Approved], store: Store, folder: Path) -> None:
    (folder / "images").mkdir()
    for page in {one.page.page_id: one.page for one in approved}.values():
        (folder / _image_file(page)).write_bytes(store.get(page.image_key))


def _image_file(page: Page) -> str:
    """Where a page's picture lies in an export: a PNG, or the scan's own JPEG."""
    return f"images/{page.page_id}{PurePosixPath(page.image_key).suffix}"


def _described(one: Approved) -> dict[str, object]:
    work = one.review.work
    return {
        "column_id": one.column.column_id,
        "page_id": one.page.page_id,
        "work_id": work.work_id,
        "title": work.title,
        "calligrapher": work.calligrapher,
        "script": work.script.value,
        "rights": work.rights,
        "source": work.source,
        "text": one.review.text,
        "annotator": one.review.annotator,
        "is_simulated": one.review.is_simulated,
    }


def _character(character: ReviewedCharacter, box: Box) -> dict[str, object]:
    return {
        "box": _edges(box),
        "written": character.written,
        "canonical": character.canonical,
        "is_damaged": character.is_damaged,
        "is_illegible": character.is_illegible,
        "marks": [mark.value for mark in character.marks],
    }


FORMATS: dict[str, Callable[[Sequence[Approved], Store, Path], None]] = {
    "parquet": _write_parquet,
    "jsonl": _write_jsonl,
    "page-xml": _write_page_xml,
}


def _edges(box: Box) -> list[int]:
    return [box.left, box.top, box.right, box.bottom]


def _card(approved: Sequence[Approved]) -> str:
    works: dict[str, Work] = {one.review.work.work_id: one.review.work for one in approved}
    simulated = sum(one.review.is_simulated for one in approved)
    lines = ["# Approved columns", "", f"{len(approved)} columns of {len(works)} works."]
    if simulated:
        lines.append(f"{simulated} of them were approved by a *simulated* annotator.")
    lines += ["", "| work | calligrapher | rights | source |", "|---|---|---|---|"]
    lines += [
        f"| {work.title} | {work.calligrapher} | {work.rights} | {work.source} |"
        for work in works.values()
    ]
    return "\n".join(lines) + "\n"
