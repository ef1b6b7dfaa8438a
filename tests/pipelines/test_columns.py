"""Columns cut out of drawn pages: what is in the store, and what the record says of it."""

from __future__ import annotations

import numpy as np

from pipelines.columns import ColumnParams, ink_of_column, make_columns
from pipelines.geometry import Box
from pipelines.ids import box_id
from pipelines.imaging.codec import decode_picture, decode_png, encode_png
from pipelines.records import (
    Column,
    Page,
    Polarity,
    Rejection,
    Script,
    Work,
)
from pipelines.schemas import from_arrow, to_arrow
from tests.drawing import draw_page

WORK = Work(
    work_id="w",
    title="Drawn",
    calligrapher="none",
    script=Script.REGULAR,
    rights="CC0",
    source="drawn by the test",
)


def page_of(ink, store) -> Page:
    height, width = ink.shape
    return Page(
        page_id="p", scan_id="s", work=WORK, page_index=0, width=width, height=height,
        image_key=store.put(encode_png(255 - ink), ".png"),
        ink_key=store.put(encode_png(ink), ".png"),
        polarity=Polarity.DARK_ON_LIGHT, polarity_confidence=1.0, dark_on_light_score=0.7,
        light_on_dark_score=0.0, background=255, ink_fraction=float((ink > 0).mean()),
        noise_score=0.0, damage_key="", seal_key=None, polarity_regions=(), damage_fraction=0.0,
        line_fraction=0.0, seals=(), skew_deg=0.0, skew_confidence=0.0, code_version="test",
    )  # fmt: skip


def test_columns_are_cut_out_of_the_page_and_its_ink(store, rng):
    drawn = draw_page(rng, (6, 5, 6))
    page = page_of(drawn.ink, store)
    columns = list(make_columns(page, store, ColumnParams(), "v1"))
    assert all(isinstance(column, Column) for column in columns)
    assert [len(column.characters) for column in columns] == [6, 5, 6]
    assert [column.column_index for column in columns] == [0, 1, 2]
    for column in columns:
        box = column.box
        cut = decode_png(store.get(column.ink_key))
        np.testing.assert_array_equal(cut, drawn.ink[box.top : box.bottom, box.left : box.right])
        assert decode_picture(store.get(column.image_key)).shape[:2] == (box.height, box.width)
        assert column.column_id == box_id("p", box)
        for character in column.characters:
            assert character.character_id == box_id("p", character.box)
            assert box.left <= character.box.left < character.box.right <= box.right
            assert box.top <= character.box.top < character.box.bottom <= box.bottom


def test_the_ink_of_a_leaning_column_is_without_its_neighbours():
    """Two columns that lean: the upright cut of each holds half of the other."""
    ink = np.full((500, 400), 100, np.uint8)
    own = [Box(200 + 25 * k, 100 * k, 280 + 25 * k, 100 * k + 80) for k in range(5)]
    other = [box.moved(-110, 0) for box in own]
    for box in own:
        ink[box.top : box.bottom, box.left : box.right] = 255
    for box in other:
        ink[box.top : box.bottom, box.left : box.right] = 200
    ink.flags.writeable = False
    crop = Box(190, 0, 390, 490)
    cut = ink_of_column(ink, crop, own, other)
    assert (ink[crop.top : crop.bottom, crop.left : crop.right] == 200).sum() > 10_000
    assert not (cut == 200).any()
    assert (cut == 255).sum() == 5 * 80 * 80
    assert (cut == 100).any(), "ink in no box stays"


def test_ink_that_two_columns_share_stays_in_both():
    ink = np.full((60, 100), 255, np.uint8)
    own, other = [Box(0, 0, 60, 60)], [Box(40, 0, 100, 60)]
    cut = ink_of_column(ink, Box(0, 0, 70, 60), own, other)
    assert (cut[:, :60] == 255).all()
    assert not cut[:, 60:].any()


def test_columns_say_how_sure_each_link_is_and_what_is_doubtful(store, rng):
    page = page_of(draw_page(rng, (6, 5, 6)).ink, store)
    for column in make_columns(page, store, ColumnParams(), "v1"):
        assert len(column.link_confidences) == len(column.characters) - 1
        assert bool(column.order_doubt) == column.is_order_uncertain
        assert from_arrow(to_arrow([column], Column), Column) == [column]


def test_a_second_run_makes_the_same_columns(store, rng):
    page = page_of(draw_page(rng, (4, 4)).ink, store)
    runs = [list(make_columns(page, store, ColumnParams(), "v1")) for _ in range(2)]
    assert runs[0] == runs[1]


def test_a_page_without_writing_is_rejected_with_its_reason(store):
    page = page_of(np.zeros((200, 100), np.uint8), store)
    (rejection,) = make_columns(page, store, ColumnParams(), "v1")
    assert isinstance(rejection, Rejection)
    assert (rejection.item_id, rejection.stage, rejection.reason) == (
        "p",
        "columns",
        "no_characters",
    )
