import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.geometry import (
    Box,
    horizontal_overlap,
    intersection_area,
    intersection_over_union,
    union,
    vertical_overlap,
)

boxes = st.builds(
    lambda left, top, width, height: Box(left, top, left + width, top + height),
    st.integers(-500, 500),
    st.integers(-500, 500),
    st.integers(1, 400),
    st.integers(1, 400),
)


@pytest.mark.parametrize("edges", [(0, 0, 0, 5), (0, 5, 5, 5), (4, 0, 2, 5)])
def test_a_box_without_a_pixel_is_refused(edges):
    with pytest.raises(ValueError, match="right > left and bottom > top"):
        Box(*edges)


def test_a_box_is_half_open():
    box = Box(2, 3, 5, 9)
    assert (box.width, box.height, box.area, box.center) == (3, 6, 18, (3.5, 6.0))
    assert intersection_area(box, Box(5, 3, 8, 9)) == 0


def test_moving_and_padding_leave_the_box_alone():
    box = Box(2, 3, 5, 9)
    assert box.moved(1, -1) == Box(3, 2, 6, 8)
    assert box.padded(1, 2) == Box(1, 1, 6, 11)
    assert box == Box(2, 3, 5, 9)


def test_clipping_outside_the_image_is_nothing():
    assert Box(-5, 4, 3, 8).clipped(10, 6) == Box(0, 4, 3, 6)
    assert Box(10, 0, 12, 4).clipped(10, 6) is None


@given(boxes, st.floats(0.001, 3), st.floats(0.001, 3))
def test_scaling_never_loses_a_box(box, sx, sy):
    scaled = box.scaled(sx, sy)
    assert scaled.width >= 1
    assert scaled.height >= 1
    assert abs(scaled.left - box.left * sx) <= 0.5


@given(boxes, boxes)
def test_overlaps_are_shares(a, b):
    shared = intersection_area(a, b)
    assert shared == intersection_area(b, a)
    assert shared <= min(a.area, b.area)
    for share in (intersection_over_union(a, b), horizontal_overlap(a, b), vertical_overlap(a, b)):
        assert 0 <= share <= 1
    assert (intersection_over_union(a, b) == 1) == (a == b)


@given(st.lists(boxes, min_size=1, max_size=6))
def test_a_union_holds_every_box_and_no_more(items):
    whole = union(items)
    assert all(intersection_area(whole, box) == box.area for box in items)
    assert whole.left in {box.left for box in items}
    assert whole.bottom in {box.bottom for box in items}


def test_a_union_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no boxes"):
        union([])
