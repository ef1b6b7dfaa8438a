"""A small project that went through the stages: a work half approved, and one that was refused."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain

import numpy as np

from pipelines.columns import ColumnParams, make_columns
from pipelines.ids import derive_id
from pipelines.imaging.codec import encode_png
from pipelines.inbox import add
from pipelines.metadata import WorkMetadata
from pipelines.pages import PageParams, make_pages
from pipelines.records import (
    Candidate,
    CharacterReading,
    Column,
    Decision,
    Page,
    Reader,
    Reading,
    Rejection,
    Review,
    ReviewedCharacter,
    Scan,
)
from pipelines.scans import find_inputs, ingest
from tests.drawing import as_scan, draw_page

TEXT = "永和九年歲在癸丑暮春之初會于會稽山陰之蘭亭修禊事也群賢畢至少長咸集"
BATCH = "2026-01"
WORK = WorkMetadata(
    title="蘭亭序", rights="CC BY 4.0", calligrapher="王羲之", script="running", source="a museum"
)
WORK_ID = WORK.work().work_id


def fill(desk, rng, folder, *, pages=2):
    """Two pages of a work read, the first approved; beside it an empty page and a broken file."""
    folder.mkdir()
    files = []
    for index in range(pages):
        files.append(folder / f"lanting-{index}.png")
        files[-1].write_bytes(encode_png(as_scan(draw_page(rng, (6, 6, 5), size=60).ink, rng)))
    files.append(folder / "empty.png")
    files[-1].write_bytes(encode_png(np.full((300, 200), 230, np.uint8)))
    files.append(folder / "torn.png")
    files[-1].write_bytes(files[0].read_bytes()[:9000])
    files.append(folder / "notes.pdf")
    files[-1].write_bytes(b"no PDF at all")
    add(desk.place.inbox, BATCH, files, WORK)
    inputs = list(find_inputs([desk.place.inbox / BATCH]))
    scans = _write(desk, "scans", Scan, ingest(inputs, None, desk.store, "v1"))
    made = [p for scan in scans for p in make_pages(scan, desk.store, PageParams(), "v1")]
    seen = _write(desk, "pages", Page, made)
    found = (make_columns(page, desk.store, ColumnParams(), "v1") for page in seen)
    columns = _write(desk, "columns", Column, chain.from_iterable(found))
    readings = [_reading(column) for column in columns]
    _write(desk, "readings", Reading, readings)
    waiting = Rejection(
        item_id=columns[-1].column_id, stage="reviews", reason="not_reviewed", detail="Not yet."
    )
    approved = [_review(reading) for reading in readings if reading.page_id == seen[0].page_id]
    _write(desk, "reviews", Review, [*approved, waiting])
    return seen, columns


def _write(desk, name, record_type, outcomes):
    outcomes = list(outcomes)
    records = [one for one in outcomes if isinstance(one, record_type)]
    rejections = [one for one in outcomes if isinstance(one, Rejection)]
    desk.tables.write(name, BATCH, record_type, records, rejections)
    return records


def _reading(column):
    at = column.column_index * 6
    return Reading(
        reading_id=derive_id(column.column_id, "r"),
        column_id=column.column_id,
        page_id=column.page_id,
        work=column.work,
        reader=Reader.UNICALLI,
        release_id="r",
        characters=tuple(
            CharacterReading(
                character_id=character.character_id,
                box=character.box,
                text=TEXT[(at + index) % len(TEXT)],
                score=0.8,
                margin=0.4,
                candidates=(Candidate(text="永", score=0.8),),
            )
            for index, character in enumerate(column.characters)
        ),
    )


def _review(reading):
    characters = tuple(
        ReviewedCharacter(
            character_id=c.character_id,
            box=c.box,
            written=c.text,
            canonical=c.text,
            is_damaged=False,
            is_illegible=False,
        )
        for c in reading.characters
    )
    # Somebody saw what the reader did not: the first character of the page is another one.
    characters = (replace(characters[0], written="禊", canonical="禊"), *characters[1:])
    return Review(
        review_id=derive_id(reading.column_id, "review"),
        column_id=reading.column_id,
        page_id=reading.page_id,
        work=reading.work,
        task_id=1,
        annotation_id=1,
        decision=Decision.APPROVED,
        characters=characters,
        draft=reading.text,
        draft_release_id="r",
        edit_count=1,
        annotator="wang@example.org",
        is_simulated=False,
        guideline_version="1",
        content_hash="0",
        reviewed_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
