import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.places import box_of, place_of
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


@given(
    page=st.tuples(st.integers(40, 6000), st.integers(40, 9000)),
    crop=st.tuples(*[st.floats(0, 1)] * 4),
    place=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_page_pixels_percent_and_column_pixels_come_back_under_half_a_pixel(page, crop, place):
    """A character's way: the page, its column's picture, Label Studio's percent, and back."""
    column = part_of(Box(0, 0, *page), crop)
    box = part_of(column, place)
    inside = box.moved(-column.left, -column.top)
    percent = place_of(box, column)
    assert inside.moved(column.left, column.top) == box
    assert box_of(percent, column) == box
    assert place_of(inside, Box(0, 0, column.width, column.height)) == percent
    shown = [percent["x"], percent["y"], percent["width"], percent["height"]]
    sides = [column.width, column.height] * 2
    true = [inside.left, inside.top, inside.width, inside.height]
    for value, side, pixels in zip(shown, sides, true, strict=True):
        assert abs(value * side / 100 - pixels) < 0.5


def part_of(outer, shares):
    """A box inside another, from where its edges stand as shares of the sides."""
    x, y = sorted(shares[::2]), sorted(shares[1::2])
    left = outer.left + min(int(x[0] * outer.width), outer.width - 1)
    top = outer.top + min(int(y[0] * outer.height), outer.height - 1)
    right = min(outer.right, max(left + 1, outer.left + int(x[1] * outer.width)))
    bottom = min(outer.bottom, max(top + 1, outer.top + int(y[1] * outer.height)))
    return Box(left, top, right, bottom)


@given(
    box=st.builds(
        lambda x, y, w, h: Box(x, y, x + w, y + h),
        *[st.integers(0, 3000)] * 2,
        *[st.integers(2, 800)] * 2,
    ),
    scale=st.sampled_from([2, 3, 5, 8]),
)
def test_a_box_comes_back_from_an_enlarged_page_and_nearly_from_a_reduced_one(box, scale):
    assert box.scaled(scale, scale).scaled(1 / scale, 1 / scale) == box
    back = box.scaled(1 / scale, 1 / scale).scaled(scale, scale)
    edges = zip(
        (box.left, box.top, box.right, box.bottom),
        (back.left, back.top, back.right, back.bottom),
        strict=True,
    )
    assert all(abs(a - b) <= 1.5 * scale for a, b in edges)
