"""A small batch with known truth: drawn pages, their columns, readings, and what really stands."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from annotation.simulated import TrueCharacter
from pipelines.geometry import Box
from pipelines.ids import box_id, derive_id
from pipelines.imaging.codec import encode_png
from pipelines.records import (
    Candidate,
    Character,
    CharacterReading,
    Column,
    Page,
    Reader,
    Reading,
)
from pipelines.store import Store
from pipelines.tables import Tables
from tests.pipelines.examples import a_page, a_work

CELL_PX = 24
COLUMN_WIDTH_PX = 36
BATCH = "batch-1"
TEXT = "天地玄黃宇宙洪荒日月盈昃辰宿列張寒來暑往秋收冬藏閏餘成歲律呂調陽雲騰致雨露結"


@dataclass
class Batch:
    """The tables of one batch; ``truth`` by page id, ``texts`` by column id."""

    tables: Tables
    store: Store
    name: str
    pages: list[Page] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    truth: dict[str, list[TrueCharacter]] = field(default_factory=dict)

    def read(self, release_id: str, wrong: dict[int, str], *, second_wrong=None) -> None:
        """Write readings that are right but for ``wrong`` (place in the batch: what was read)."""
        self.tables.write("readings", self.name, Reading, self._readings(release_id, wrong))
        if second_wrong is not None:
            self.tables.write(
                "second_readings",
                self.name,
                Reading,
                self._readings("rapidocr-1", second_wrong, Reader.RAPIDOCR),
            )

    def _readings(self, release_id, wrong, reader=Reader.UNICALLI):
        place = 0
        for column in self.columns:
            characters = []
            for character, true in zip(
                column.characters, self.texts[column.column_id], strict=True
            ):
                text = wrong.get(place, true)
                characters.append(
                    CharacterReading(
                        character_id=character.character_id,
                        box=character.box,
                        text=text,
                        score=0.9 if text == true else 0.3,
                        margin=0.1,
                        candidates=(
                            Candidate(text=text, score=0.9),
                            Candidate(text=true, score=0.1),
                        ),
                    )
                )
                place += 1
            yield Reading(
                reading_id=derive_id(column.column_id, release_id),
                column_id=column.column_id,
                page_id=column.page_id,
                work=column.work,
                reader=reader,
                release_id=release_id,
                characters=tuple(characters),
            )


def certain_column(page_id, work, index, box, boxes, key) -> Column:
    """A column about whose characters and order there is no doubt; one picture serves as ink."""
    return Column(
        column_id=box_id(page_id, box),
        page_id=page_id,
        work=work,
        column_index=index,
        box=box,
        characters=tuple(
            Character(character_id=box_id(page_id, b), box=b, confidence=1.0) for b in boxes
        ),
        image_key=key,
        ink_key=key,
        order_confidence=1.0,
        is_order_uncertain=False,
        code_version="test",
    )


def a_batch(tables: Tables, store: Store, lengths=(5, 4), *, name: str = BATCH) -> Batch:
    """One page with a column of each length, right to left, and its first reading.

    The reader of ``release-1`` misreads the second character of the batch as 他.
    """
    batch = Batch(tables=tables, store=store, name=name)
    work = a_work()
    width = (len(lengths) * 2 + 1) * COLUMN_WIDTH_PX
    height = (max(lengths) + 2) * CELL_PX
    picture = np.full((height, width), 240, np.uint8)
    rng = np.random.default_rng(1)
    page = a_page(work, store)
    page_id = derive_id(work.work_id, name)
    taken = 0
    batch.truth[page_id] = []
    for index, length in enumerate(lengths):
        text = "".join(TEXT[(taken + i) % len(TEXT)] for i in range(length))
        taken += length
        left = width - (2 * index + 2) * COLUMN_WIDTH_PX
        boxes = [
            Box(left + 6, CELL_PX * (i + 1) + 2, left + 30, CELL_PX * (i + 2) - 2)
            for i in range(length)
        ]
        for box, true in zip(boxes, text, strict=True):
            cell = picture[box.top : box.bottom, box.left : box.right]
            cell[...] = np.where(rng.random(cell.shape) < 0.5, 30, 240)
            batch.truth[page_id].append(
                TrueCharacter(box=box, written=true, canonical=true, column=index)
            )
        box = Box(left, CELL_PX, left + COLUMN_WIDTH_PX, CELL_PX * (length + 1))
        cut = np.ascontiguousarray(picture[box.top : box.bottom, box.left : box.right])
        key = store.put(encode_png(cut), ".png")
        column = certain_column(page_id, work, index, box, boxes, key)
        batch.columns.append(column)
        batch.texts[column.column_id] = text
    page_key = store.put(encode_png(picture), ".png")
    fields = {name: getattr(page, name) for name in page.__slots__}
    fields |= {"page_id": page_id, "width": width, "height": height, "image_key": page_key}
    batch.pages.append(Page(**fields))
    tables.write("pages", name, Page, batch.pages)
    tables.write("columns", name, Column, batch.columns)
    batch.read("release-1", {1: "他"})
    return batch
