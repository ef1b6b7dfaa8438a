"""A batch in a brush hand on drawn paper: what an annotator's screen shows in tests and pictures.

The hand is a font under the Open Font Licence; the paper is noise. Nothing of it was ever written
by a person, and every use says so.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.ids import derive_id
from pipelines.imaging.codec import encode_png
from pipelines.records import (
    Candidate,
    CharacterReading,
    Column,
    Reader,
    Reading,
)
from tests.annotation.examples import Batch, certain_column
from tests.pipelines.examples import a_page, a_work

PITCH_PX = 90
TITLE = "綜合例帖 (synthetic)"


def brush_batch(
    tables, store, hand: FontFace, texts, drafts, *, name, others=None, release="release-1"
):
    """One page of columns. ``drafts`` are the reader's, ``others`` candidates by character."""
    batch = Batch(tables=tables, store=store, name=name)
    work = replace(a_work(), title=TITLE, is_synthetic=True)
    page_id = derive_id(work.work_id, name)
    for index, text in enumerate(texts):
        picture, boxes = column_picture(text, hand, seed=index)
        height, width = picture.shape
        left = (len(texts) - index - 1) * width
        boxes = [box.moved(left, 0) for box in boxes]
        box = Box(left, 0, left + width, height)
        key = store.put(encode_png(picture), ".png")
        batch.columns.append(certain_column(page_id, work, index, box, boxes, key))
        batch.texts[batch.columns[-1].column_id] = text
    batch.pages = [replace(a_page(work, store), page_id=page_id)]
    tables.write("columns", name, Column, batch.columns)
    for table, read, reader, version in (
        ("readings", drafts, Reader.BOTH, release),
        ("second_readings", texts, Reader.RAPIDOCR, "rapidocr"),
    ):
        tables.write(
            table,
            name,
            Reading,
            [
                _reading(column, text, reader, version, others or {})
                for column, text in zip(batch.columns, read, strict=True)
            ],
        )
    return batch


def column_picture(text, hand, *, seed):
    """A column in a hand on grained paper, and the box of each character."""
    rng = np.random.default_rng(seed)
    height, width = PITCH_PX * (len(text) + 1), PITCH_PX * 3 // 2
    paper = rng.normal(226, 6, (height, width))
    paper += cv2.resize(rng.normal(0, 9, (height // 30 + 1, width // 30 + 1)), (width, height))
    boxes = []
    for place, character in enumerate(text):
        ink = hand.draw(character, round(PITCH_PX * 0.84))
        top = round(PITCH_PX * (place + 0.5) + (PITCH_PX - ink.shape[0]) / 2)
        left = (width - ink.shape[1]) // 2 + int(rng.integers(-5, 6))
        under = paper[top : top + ink.shape[0], left : left + ink.shape[1]]
        under *= 1 - ink / 255 * 0.86
        boxes.append(Box(left, top, left + ink.shape[1], top + ink.shape[0]).padded(3, 3))
    soft = cv2.GaussianBlur(paper, (3, 3), 0)
    return np.clip(soft, 0, 255).astype(np.uint8), boxes


def _reading(column, text, reader, release, others):
    return Reading(
        reading_id=derive_id(column.column_id, release),
        column_id=column.column_id,
        page_id=column.page_id,
        work=column.work,
        reader=reader,
        release_id=release,
        characters=tuple(
            CharacterReading(
                character_id=character.character_id,
                box=character.box,
                text="" if read == "□" else read,
                score=0.8,
                margin=0.2,
                candidates=tuple(Candidate(text=c, score=0.1) for c in others.get(read, "")),
            )
            for character, read in zip(column.characters, text, strict=True)
        ),
    )
