"""Handscrolls in frames, and columns drawn on two of them that are one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.images import derivative_size
from annotation.places import box_of, place_of
from annotation.segments import Place, SegmentParams, joined, segments_of
from pipelines.geometry import Box

PARAMS = SegmentParams()
SIDE = 2400


@pytest.mark.parametrize("size", [(3000, 2000), (2000, 9000), (6000, 2000), (14_400, 10_000)])
def test_what_a_screen_shows_stays_whole(size):
    page = Box(0, 0, *size)
    assert segments_of(page, [], PARAMS, max_side_px=SIDE) == [page]


@pytest.mark.parametrize("size", [(30_000, 3000), (6001, 2000), (20_000, 15_000), (900, 40)])
def test_a_handscroll_is_covered_from_right_to_left(size):
    page = Box(0, 0, *size)
    frames = segments_of(page, [], PARAMS, max_side_px=SIDE)
    assert frames[0].right == page.width
    assert frames[-1].left == 0
    for frame, following in zip(frames, frames[1:], strict=False):
        assert following.left < frame.left
        assert following.right - frame.left >= min(0.25 * page.height, frame.width // 2) - 1
    for frame in frames:
        assert frame.clipped(page.width, page.height) == frame
        assert (frame.top, frame.bottom) == (0, page.height)
        width, height = derivative_size(frame.width, frame.height, SIDE)
        assert max(width, height) <= SIDE
        assert frame.width / width <= max(PARAMS.max_shrink, page.height / SIDE) + 0.01


@given(st.integers(4000, 60_000), st.integers(200, 1300), st.data())
def test_every_column_lies_whole_in_a_frame_and_keeps_its_pixels(width, height, data):
    page = Box(0, 0, width, height)
    columns = []
    for _ in range(data.draw(st.integers(1, 6))):
        left = data.draw(st.integers(0, width - 2))
        right = data.draw(st.integers(left + 1, min(width, left + round(0.7 * height))))
        columns.append(Box(left, 0, right, height))
    frames = segments_of(page, columns, PARAMS, max_side_px=SIDE)
    for column in columns:
        whole = [f for f in frames if f.left <= column.left and column.right <= f.right]
        assert whole
        assert all(box_of(place_of(column, frame), frame) == column for frame in whole)


FRAMES = [Box(500, 0, 1000, 300), Box(200, 0, 700, 300), Box(0, 0, 400, 300)]


def test_a_column_of_the_overlap_counts_once():
    inside, moved = Box(600, 10, 660, 290), Box(604, 12, 662, 290)
    once, disputed = joined([Place(0, inside, 2), Place(1, moved, 2)], FRAMES)
    assert [place.box for place in once] == [inside], "its frame cuts it less near"
    assert disputed == []


def test_of_a_column_that_a_frame_cuts_the_whole_one_counts():
    whole, cut = Box(650, 10, 760, 290), Box(650, 10, 700, 290)
    once, disputed = joined([Place(1, cut, 1), Place(0, whole, 1)], FRAMES)
    assert [(place.box, place.number) for place in once] == [(whole, 1)]
    assert disputed == []


def test_neighbours_of_one_segment_are_never_one():
    a, b = Box(800, 10, 860, 290), Box(805, 10, 865, 290)
    once, disputed = joined([Place(0, a, 1), Place(0, b, 2)], FRAMES)
    assert len(once) == 2
    assert disputed == []


def test_a_column_that_only_one_of_two_frames_has_is_disputed():
    alone, elsewhere = Box(600, 10, 660, 290), Box(800, 10, 860, 290)
    _, disputed = joined([Place(0, alone, 2), Place(0, elsewhere, 1)], FRAMES)
    assert [place.box for place in disputed] == [alone]


def test_a_column_with_another_number_in_the_other_frame_is_disputed():
    both = Box(600, 10, 660, 290)
    once, disputed = joined([Place(0, both, 2), Place(1, both, 2.5)], FRAMES)
    assert len(once) == 1
    assert [place.number for place in disputed] == [2.5]


def test_a_page_in_one_piece_is_left_as_drawn():
    places = [Place(0, Box(0, 0, 10, 10), 2), Place(0, Box(0, 0, 10, 9), 1)]
    once, disputed = joined(places, [Box(0, 0, 100, 100)])
    assert sorted(p.number for p in once) == [1, 2]
    assert disputed == []
