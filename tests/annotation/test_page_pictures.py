"""Pictures of the page view: the ink as it stands, and a number above each column."""

from __future__ import annotations

import numpy as np
import pytest

from annotation.page_pictures import TAG_COLOUR, make_page_picture, numbered
from pipelines.geometry import Box
from pipelines.imaging.codec import decode_picture
from tests.annotation.examples import a_batch


@pytest.fixture
def batch(tables, store):
    return a_batch(tables, store, (5, 4, 5))


def tags(picture):
    return np.all(picture == TAG_COLOUR, axis=2)


def test_each_column_has_its_number_above_it(batch):
    page = batch.pages[0]
    frame = Box(0, 0, page.width, page.height)
    blank = np.full((2 * page.height, 2 * page.width), 240, np.uint8)
    blank.flags.writeable = False
    drawn = numbered(blank, frame, batch.columns)
    assert drawn.shape == (*blank.shape, 3)
    for column in batch.columns:
        box = column.box.scaled(2, 2)
        middle = (box.left + box.right) // 2
        assert tags(drawn)[box.top - 10 : box.top, middle - 5 : middle + 5].any()
        assert not tags(drawn)[box.top + 1 : box.bottom].any(), "the ink is left free"
    assert not tags(numbered(blank, frame, [])).any()


def test_a_column_at_the_edge_keeps_its_number_inside(batch):
    column = batch.columns[0]
    picture = np.full((column.box.height, column.box.width), 240, np.uint8)
    assert tags(numbered(picture, column.box, [column])).any()


def test_a_frame_is_cut_bounded_and_made_once(batch, store, images):
    images.prepare()
    asked = []

    def decoded(key):
        asked.append(key)
        return decode_picture(store.get(key))

    page, (first, *_) = batch.pages[0], batch.columns
    frame = Box(page.width // 2, 0, page.width, page.height)

    def make(columns):
        return make_page_picture(
            decoded, page.image_key, frame, columns, images=images, max_side_px=64
        )

    made = make([first])
    assert max(made.width, made.height) == 64
    assert make([]).url != made.url, "another number, another picture"
    assert make([first]) == made
    assert asked == [page.image_key] * 2, "what is served already is not decoded"


def test_a_frame_beyond_the_picture_says_who_disagrees(batch, store, images):
    page = batch.pages[0]
    with pytest.raises(ValueError, match="The page and its picture disagree"):
        make_page_picture(
            lambda key: decode_picture(store.get(key)),
            page.image_key,
            Box(0, 0, page.width + 1, page.height),
            [],
            images=images,
            max_side_px=64,
        )
