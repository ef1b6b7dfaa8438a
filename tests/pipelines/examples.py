"""Small records with known contents, from which tests change one thing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from pipelines.geometry import Box
from pipelines.ids import box_id, derive_id
from pipelines.imaging.codec import encode_png
from pipelines.records import (
    Character,
    Column,
    Decision,
    Origin,
    Page,
    Polarity,
    Review,
    ReviewedCharacter,
    Sample,
    SampleCharacter,
    Script,
    Split,
    Work,
)
from pipelines.store import Store

CELL_PX = 20


def a_work(title: str = "千字文", **changes: object) -> Work:
    work = Work(
        work_id=derive_id("work", title),
        title=title,
        calligrapher="智永",
        script=Script.REGULAR,
        rights="public domain",
        source="a test",
    )
    return replace(work, **changes)


def a_page(work: Work, store: Store, *, seed: int = 0) -> Page:
    """A page of 100 x 120 pixels of random ink, in the store."""
    ink = np.random.default_rng(seed).integers(0, 2, (120, 100), np.uint8) * np.uint8(255)
    key = store.put(encode_png(ink), ".png")
    return Page(
        page_id=derive_id(work.work_id, "page", seed),
        scan_id=derive_id(work.work_id, "scan"),
        work=work,
        page_index=0,
        width=100,
        height=120,
        image_key=key,
        ink_key=key,
        damage_key=key,
        seal_key=None,
        polarity=Polarity.LIGHT_ON_DARK,
        polarity_confidence=1.0,
        dark_on_light_score=0.0,
        light_on_dark_score=1.0,
        polarity_regions=(),
        background=0,
        ink_fraction=0.5,
        noise_score=0.0,
        damage_fraction=0.0,
        line_fraction=0.0,
        seals=(),
        skew_deg=0.0,
        skew_confidence=0.0,
        code_version="test",
    )


def a_column(
    page: Page, store: Store, ink: np.ndarray, *, left: int = 60, index: int = 0
) -> Column:
    """Five characters of 20 pixels from the top of the page down, cut from its ink."""
    boxes = [Box(left, top, left + CELL_PX, top + CELL_PX) for top in range(0, 100, CELL_PX)]
    box = Box(left, 0, left + CELL_PX, 100)
    cut = ink[box.top : box.bottom, box.left : box.right]
    key = store.put(encode_png(cut), ".png")
    return Column(
        column_id=box_id(page.page_id, box),
        page_id=page.page_id,
        work=page.work,
        column_index=index,
        box=box,
        characters=tuple(
            Character(character_id=box_id(page.page_id, b), box=b, confidence=1.0) for b in boxes
        ),
        image_key=key,
        ink_key=key,
        order_confidence=1.0,
        is_order_uncertain=False,
        code_version="test",
    )


def a_review(column: Column, text: str = "天地玄黃宇", **changes: object) -> Review:
    """The column, approved by a person as ``text``."""
    review = Review(
        review_id=derive_id(column.column_id, "review"),
        column_id=column.column_id,
        page_id=column.page_id,
        work=column.work,
        task_id=1,
        annotation_id=1,
        decision=Decision.APPROVED,
        characters=tuple(
            ReviewedCharacter(
                character_id=character.character_id,
                box=character.box,
                written=written,
                canonical=written,
                is_damaged=False,
                is_illegible=written == "□",
            )
            for character, written in zip(column.characters, text, strict=True)
        ),
        draft=text,
        draft_release_id="",
        edit_count=0,
        annotator="annotator@example.org",
        is_simulated=False,
        guideline_version="1",
        content_hash="",
        reviewed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return replace(review, **changes)


def a_sample(text: str = "天地玄黃宇", **changes: object) -> Sample:
    """A column approved as ``text``, of the train split; its picture is in no store."""
    sample = Sample(
        sample_id=derive_id("sample", text),
        column_id=derive_id("column", text),
        page_id="page",
        work=a_work(),
        split=Split.TRAIN,
        origin=Origin.REVIEW,
        ink_key=f"{derive_id('ink', text)}.png",
        polarity=Polarity.LIGHT_ON_DARK,
        characters=tuple(
            SampleCharacter(
                box=Box(0, CELL_PX * place, CELL_PX, CELL_PX * (place + 1)),
                written=character,
                canonical=character,
                is_damaged=False,
            )
            for place, character in enumerate(text)
        ),
        prompt="",
        review_id=derive_id("review", text),
        code_version="test",
    )
    return replace(sample, **changes)
