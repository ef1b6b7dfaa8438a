"""The guide beside the ink: where it stands, what it shows, and that its picture leads back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.candidates import Candidates
from annotation.guide import (
    DISPUTED,
    INK,
    PAPER,
    SECOND,
    GuideParams,
    draw_guide,
    enlargement,
    lay_out,
    picture_size,
)
from annotation.places import box_of, place_of
from pipelines.errors import MissingGlyph
from pipelines.geometry import Box

CROP = Box(100, 50, 160, 350)
BOXES = [Box(105, 60 + 70 * i, 150, 110 + 70 * i) for i in range(4)]


class Blocks:
    """A standard font whose glyphs are black squares, so that their places can be found."""

    files = ()

    def draw(self, character, em_px):
        if character == "缺":
            raise MissingGlyph("no outline", reason="missing_glyph")
        return np.full((em_px, em_px), 255, np.uint8)


def of(*texts, draft=None, second=None):
    return Candidates(texts=texts, draft=texts[0] if draft is None else draft, second=second)


def drawn(layout, candidates, scale=1.0, ink=None):
    crop = layout.crop
    ink = np.full((crop.height, crop.width), 200, np.uint8) if ink is None else ink
    ink.flags.writeable = False
    return draw_guide(ink, layout, candidates, Blocks(), scale)


def where(picture, colour):
    """Rows and columns in which a colour stands."""
    rows, columns = np.nonzero((picture == np.array(colour, np.uint8)).all(axis=2))
    return rows, columns


def test_each_row_stands_at_the_height_of_its_box():
    layout = lay_out(BOXES, CROP)
    assert layout.frame.right > CROP.right
    assert (layout.frame.left, layout.frame.top, layout.frame.bottom) == (100, 50, 350)
    assert [row.middle for row in layout.rows] == [round(box.center[1]) for box in BOXES]
    assert {row.left for row in layout.rows} == {CROP.right}
    assert [row.number for row in layout.rows] == [1, 2, 3, 4]


def test_a_flat_character_has_as_large_a_glyph_as_there_is_room():
    flat = [BOXES[0], Box(105, 145, 150, 153), BOXES[2]]
    layout = lay_out(flat, CROP)
    assert layout.rows[1].side > 40
    middles = [row.middle for row in layout.rows]
    for above, below in zip(layout.rows, layout.rows[1:], strict=False):
        assert (above.side + below.side) / 2 <= below.middle - above.middle + 1
    assert middles == sorted(middles)


def test_notes_in_two_lines_have_two_lanes_as_they_stand():
    right, left = Box(130, 60, 150, 100), Box(105, 62, 125, 98)
    layout = lay_out([right, left], CROP)
    assert layout.rows[1].left < layout.rows[0].left
    one = lay_out([right], CROP)
    assert layout.frame.width - CROP.width > one.frame.width - CROP.width


def test_no_characters_no_guide():
    layout = lay_out([], CROP)
    assert layout.frame == CROP
    assert drawn(layout, []).shape == (300, 60, 3)


def test_the_places_depend_on_the_boxes_alone():
    layout = lay_out(BOXES, CROP)
    pictures = [drawn(layout, [of(*texts)] * 4).shape for texts in ("天", "天地玄黃宇", "缺")]
    assert len(set(pictures)) == 1


def test_a_small_scan_is_enlarged_and_a_large_one_kept_within_bounds():
    params = GuideParams()
    layout = lay_out(BOXES, CROP)
    scale = enlargement(layout, 100_000)
    assert layout.side * scale == pytest.approx(params.min_character_px)
    tight = enlargement(layout, 200)
    assert max(picture_size(layout, tight)) == 200
    tiny = [Box(0, 4 * i, 3, 4 * i + 3) for i in range(4)]
    assert enlargement(lay_out(tiny, Box(0, 0, 5, 20)), 100_000) == params.max_enlargement
    huge = [Box(0, 0, 900, 900)]
    assert enlargement(lay_out(huge, Box(0, 0, 900, 900)), 100_000) == 1.0


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.5])
def test_the_ink_stays_left_and_the_draft_stands_beside_it(scale):
    layout = lay_out(BOXES, CROP)
    picture = drawn(layout, [of("天"), of("天"), of("天"), of("天")], scale)
    assert picture.shape[1::-1] == picture_size(layout, scale)
    width = round(CROP.width * scale)
    assert (picture[:, : width - 1] == 200).all(), "nothing is drawn over the ink"
    rows, columns = where(picture[:, width:], INK)
    assert columns.min() > 0
    middles = {round((row.middle - CROP.top) * scale) for row in layout.rows}
    assert all(np.abs(rows - middle).min() <= 1 for middle in middles)


def test_disputes_are_barred_and_the_second_reader_is_underlined():
    layout = lay_out(BOXES, CROP)
    plain = drawn(layout, [of("天", "地", second="天")] * 4)
    assert where(plain, DISPUTED)[0].size == 0
    assert where(plain, SECOND)[0].size == 0
    both = [of("天", "地", second="天")] * 3 + [of("天", "地", second="地")]
    picture = drawn(layout, both)
    rows, _ = where(picture, DISPUTED)
    assert rows.min() > BOXES[2].bottom - CROP.top, "only beside the last"
    assert where(picture, SECOND)[0].size > 0


def test_a_character_the_font_lacks_leaves_its_place_empty():
    layout = lay_out(BOXES[:1], CROP)
    lacking = drawn(layout, [of("缺")])
    assert where(lacking, INK)[0].size == 0
    assert where(lacking, PAPER)[0].size > 0
    refused = drawn(layout, [of("天", draft="", second="")])
    assert not np.array_equal(lacking, refused), "a refused place shows a question mark"


def test_grey_and_coloured_ink_look_the_same():
    layout = lay_out(BOXES, CROP)
    grey = np.random.default_rng(1).integers(0, 255, (300, 60)).astype(np.uint8)
    rgb = np.repeat(grey[:, :, None], 3, axis=2)
    candidates = [of("天")] * 4
    assert np.array_equal(drawn(layout, candidates, ink=grey), drawn(layout, candidates, ink=rgb))


@st.composite
def column(draw):
    """A crop and boxes in it, at any place and of any size."""
    left, top = draw(st.integers(0, 5000)), draw(st.integers(0, 5000))
    width, height = draw(st.integers(8, 900)), draw(st.integers(8, 4000))
    boxes = []
    for _ in range(draw(st.integers(1, 8))):
        x, y = draw(st.integers(0, width - 2)), draw(st.integers(0, height - 2))
        right, bottom = draw(st.integers(x + 1, width)), draw(st.integers(y + 1, height))
        boxes.append(Box(left + x, top + y, left + right, top + bottom))
    return Box(left, top, left + width, top + height), boxes


@given(column())
def test_pixels_survive_percent_of_the_whole_picture(given_column):
    crop, boxes = given_column
    layout = lay_out(boxes, crop)
    assert [row.number for row in layout.rows] == list(range(1, len(boxes) + 1))
    for row in layout.rows:
        assert row.side >= 1
        assert row.left >= crop.right
    for box in boxes:
        assert box_of(place_of(box, crop, layout.frame), crop, layout.frame) == box


@given(column())
def test_a_box_in_the_guide_is_told_from_one_on_the_ink(given_column):
    crop, boxes = given_column
    frame = lay_out(boxes, crop).frame
    if frame.width - crop.width < 2:
        return
    guide = Box(crop.right + 1, crop.top, frame.right, crop.bottom)
    value = place_of(guide, frame)
    with pytest.raises(ValueError, match="lies in the guide beside the ink; draw it on the ink"):
        box_of(value, crop, frame)
    # One that only reaches over the edge is cut to the ink.
    over = Box(crop.left, crop.top, crop.right + 1, crop.bottom)
    assert box_of(place_of(over, frame), crop, frame) == crop
