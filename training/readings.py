"""From columns in a table to readings in a table, one row group at a time.

Holds: ``read_batch``. Ids derive from column, reader and release, so that reading again with the
same release replaces the partition with the same rows.

Keeps out: the readers themselves (``training.roles`` and those who keep it).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipelines.geometry import Box
from pipelines.ids import derive_id
from pipelines.imaging.codec import decode_picture, decode_png
from pipelines.records import (
    Candidate,
    Character,
    CharacterReading,
    Column,
    Reader,
    Reading,
)
from pipelines.store import Store
from pipelines.tables import Tables
from training.roles import NOTHING, ColumnInk, Proposal, Recogniser

COLUMNS_AT_ONCE = 24

TABLE_OF = {Reader.UNICALLI: "readings", Reader.RAPIDOCR: "second_readings"}


@dataclass(frozen=True, kw_only=True)
class ReadReport:
    """What a run came to."""

    columns: int
    characters: int
    refused: int
    seconds: float


def read_batch(
    tables: Tables,
    store: Store,
    batch: str,
    reader: Reader,
    recogniser: Recogniser,
    release_id: str,
    on_progress: Callable[[int], None],
    second: Mapping[str, Reading] | None = None,
) -> ReadReport:
    """Read every column of a batch.

    Args:
        tables: ``columns`` is read, ``readings`` or ``second_readings`` written.
        store: Holds the columns' ink.
        batch: Which partition.
        reader: Under whose name.
        recogniser: The reader itself.
        release_id: Goes into ids and rows.
        on_progress: Called with the number of columns read so far.
        second: What another reader read before, by column, for a reader that heeds it.
    """
    started = time.monotonic()
    columns = characters = refused = 0
    with tables.writer(TABLE_OF[reader], batch, Reading) as writer:
        for group in _groups(tables, batch):
            inks = [
                ColumnInk(
                    decode_png(store.get(column.ink_key)),
                    _local_boxes(column),
                    opinions(column, (second or {}).get(column.column_id)),
                    # UniCalli knows ink alone; a print reader reads the picture better.
                    decode_picture(store.get(column.image_key))
                    if reader is Reader.RAPIDOCR
                    else None,
                )
                for column in group
            ]
            for column, proposals in zip(group, recogniser.read_columns(inks), strict=True):
                writer.accept(to_reading(column, proposals, reader, release_id))
                characters += len(proposals)
                refused += sum(not proposal.text for proposal in proposals)
            columns += len(group)
            on_progress(columns)
    return ReadReport(
        columns=columns,
        characters=characters,
        refused=refused,
        seconds=time.monotonic() - started,
    )


def to_reading(
    column: Column, proposals: Sequence[Proposal], reader: Reader, release_id: str
) -> Reading:
    """One column's proposals as a record; boxes stay pixels of the page."""
    return Reading(
        reading_id=derive_id(column.column_id, reader.value, release_id),
        column_id=column.column_id,
        page_id=column.page_id,
        work=column.work,
        reader=reader,
        release_id=release_id,
        characters=tuple(
            _character(*pair) for pair in zip(column.characters, proposals, strict=True)
        ),
    )


def _character(character: Character, proposal: Proposal) -> CharacterReading:
    alone, alone_score = proposal.alone or (proposal.text, proposal.score)
    return CharacterReading(
        character_id=character.character_id,
        box=character.box,
        text=proposal.text,
        score=proposal.score,
        margin=proposal.margin,
        candidates=tuple(Candidate(text=t, score=s) for t, s in proposal.candidates),
        alone=alone,
        alone_score=alone_score,
    )


def opinions(column: Column, reading: Reading | None) -> tuple[Proposal, ...]:
    """What a reading says of each character of the column; nothing where it does not know it."""
    if reading is None:
        return ()
    said = {character.character_id: character for character in reading.characters}
    return tuple(
        NOTHING
        if (read := said.get(character.character_id)) is None
        else Proposal(
            text=read.text,
            score=read.score,
            margin=read.margin,
            candidates=tuple((one.text, one.score) for one in read.candidates),
        )
        for character in column.characters
    )


def _local_boxes(column: Column) -> tuple[Box, ...]:
    return tuple(c.box.moved(-column.box.left, -column.box.top) for c in column.characters)


def _groups(tables: Tables, batch: str) -> Iterator[list[Column]]:
    for rows in tables.iterate("columns", batch, Column):
        for start in range(0, len(rows), COLUMNS_AT_ONCE):
            yield rows[start : start + COLUMNS_AT_ONCE]
