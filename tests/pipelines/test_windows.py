"""Windows: characters keep their place or get their cell, and box maps lie on them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.geometry import Box
from pipelines.windows import box_map, fit_cell, fitted_windows, ink_extent, natural_windows


def column_of(count, width=60, height=50, gap=10):
    """A drawn column: one filled rectangle a character, and their boxes."""
    ink = np.zeros((count * (height + gap) + gap, width + 20), np.uint8)
    boxes = []
    for index in range(count):
        top = gap + index * (height + gap)
        box = Box(10, top, 10 + width, top + height)
        ink[box.top : box.bottom, box.left : box.right] = 255
        boxes.append(box)
    ink.flags.writeable = False
    return ink, boxes


def test_a_character_fills_the_same_share_of_its_cell_at_any_size():
    for size in (7, 40, 300):
        ink = np.zeros((size * 2, size * 3), np.uint8)
        ink[3 : 3 + size, 5 : 5 + size] = 255
        extent = ink_extent(fit_cell(ink, 48))
        assert extent == Box(3, 3, 44, 44) or extent == Box(4, 4, 45, 45) or extent.width == 41


def test_a_stroke_keeps_its_proportions():
    ink = np.full((4, 80), 255, np.uint8)
    extent = ink_extent(fit_cell(ink, 48))
    assert extent.width > 8 * extent.height


def test_a_cell_without_ink_is_black():
    assert not fit_cell(np.zeros((30, 20), np.uint8), 48).any()


@pytest.mark.parametrize("count", [1, 4, 5, 6, 11])
def test_fitted_windows_hold_every_character_once_in_order(count):
    ink, boxes = column_of(count)
    windows = list(fitted_windows(ink, boxes, 5, 48))
    assert [window.first for window in windows] == list(range(0, count, 5))
    assert sum(len(window.boxes) for window in windows) == count
    for window in windows:
        assert window.ink.shape == (240, 48)
        for index, box in enumerate(window.boxes):
            assert index * 48 <= box.top < box.bottom <= (index + 1) * 48
        assert not window.ink[len(window.boxes) * 48 :].any()


def test_a_box_beside_the_picture_gives_an_empty_cell_and_no_error():
    ink, _ = column_of(1)
    (window,) = fitted_windows(ink, [Box(500, 500, 520, 520)], 5, 48)
    assert not window.ink.any()
    assert window.boxes == (Box(0, 0, 48, 48),)
    assert window.missing == (0,)


def test_natural_windows_are_every_run_of_five():
    ink, boxes = column_of(8)
    windows = list(natural_windows(ink, boxes, 5, 128))
    assert [window.first for window in windows] == [0, 1, 2, 3]
    assert {window.ink.shape for window in windows} == {(640, 128)}


@pytest.mark.parametrize("count", [1, 3, 5, 7])
def test_boxes_of_natural_windows_lie_on_their_characters(count):
    ink, boxes = column_of(count)
    for window in natural_windows(ink, boxes, 5, 128):
        for box in window.boxes:
            inside = window.ink[box.top + 2 : box.bottom - 2, box.left + 2 : box.right - 2]
            assert inside.mean() > 250, "the box does not lie on the ink"


def test_a_short_column_leaves_the_lower_cells_empty():
    ink, boxes = column_of(2)
    (window,) = natural_windows(ink, boxes, 5, 128)
    assert len(window.boxes) == 2
    assert not window.ink[256:].any()


@pytest.mark.parametrize("cells", [1, 2, 5, 7, 12])
@pytest.mark.parametrize("count", [1, 4, 7, 11])
def test_windows_of_any_length_tell_which_cells_they_fill(cells, count):
    ink, boxes = column_of(count)
    natural = list(natural_windows(ink, boxes, cells, 32))
    fitted = list(fitted_windows(ink, boxes, cells, 32))
    assert [len(window.boxes) for window in natural] == [min(cells, count)] * max(
        1, count - cells + 1
    )
    assert sum(len(window.boxes) for window in fitted) == count
    for window in natural + fitted:
        assert window.ink.shape == (cells * 32, 32)
        assert (window.cells, window.missing) == (cells, ())
        assert not window.ink[len(window.boxes) * 32 :].any()


def test_a_character_without_ink_keeps_its_place_and_is_named():
    ink, boxes = column_of(6)
    flaked = ink.copy()
    flaked[boxes[2].top : boxes[2].bottom] = 0
    assert [w.missing for w in natural_windows(flaked, boxes, 5, 32)] == [(2,), (1,)]
    assert [w.missing for w in fitted_windows(flaked, boxes, 5, 32)] == [(2,), ()]
    assert [len(w.boxes) for w in natural_windows(flaked, boxes, 5, 32)] == [5, 5]


def test_a_character_outside_its_picture_is_an_error_where_its_place_matters():
    ink, boxes = column_of(3)
    stray = [*boxes, Box(500, 500, 520, 520)]
    with pytest.raises(ValueError, match=r"Character 4 of 4 at .* outside its ink of 80 by 190"):
        list(natural_windows(ink, stray, 5, 32))


def test_boxes_that_stick_out_are_cut_to_the_picture():
    ink, boxes = column_of(2)
    wide = [Box(-40, boxes[0].top, 200, boxes[0].bottom), boxes[1]]
    (window,) = natural_windows(ink, wide, 2, 32)
    assert len(window.boxes) == 2
    assert all(0 <= b.left < b.right <= 32 and 0 <= b.top < b.bottom <= 64 for b in window.boxes)


@pytest.mark.parametrize(("cells", "cell_px"), [(0, 32), (-1, 32), (5, 0)])
def test_a_window_that_would_hold_nothing_is_refused(cells, cell_px):
    ink, boxes = column_of(2)
    for cut in (natural_windows, fitted_windows):
        with pytest.raises(ValueError, match="at least one cell of at least one pixel"):
            list(cut(ink, boxes, cells, cell_px))


@given(
    cells=st.integers(1, 8),
    places=st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 40), st.integers(2, 40), st.integers(0, 12)),
        min_size=1,
        max_size=10,
    ),
)
def test_every_character_of_a_column_is_in_a_natural_window(cells, places):
    boxes, top = [], 0
    for left, width, height, gap in places:
        boxes.append(Box(left, top, left + width, top + height))
        top += height + gap
    ink = np.full((top, 72), 255, np.uint8)
    windows = list(natural_windows(ink, boxes, cells, 16))
    seen = {w.first + k for w in windows for k in range(len(w.boxes))}
    assert seen == set(range(len(boxes)))
    for window in windows:
        assert all(box.bottom <= 16 * len(window.boxes) for box in window.boxes)


def test_no_characters_give_no_window():
    assert list(natural_windows(np.zeros((10, 10), np.uint8), [], 5, 128)) == []
    assert list(fitted_windows(np.zeros((10, 10), np.uint8), [], 5, 128)) == []


def test_the_outline_is_as_thick_as_published():
    picture = box_map([Box(20, 30, 100, 110)], 128, 640)
    assert picture.shape == (640, 128)
    row = picture[70]
    assert (row == 0).sum() == 8
    assert row[20:24].tolist() == [0, 0, 0, 0]
    assert row[24] == 255


def test_filled_boxes_of_neighbours_differ():
    picture = box_map([Box(0, 0, 20, 20), Box(0, 20, 20, 40)], 20, 60, "filled")
    assert picture[10, 10] != picture[30, 10]
    assert picture[50, 10] == 0


def test_a_map_draws_what_lies_inside_it_and_wraps_nothing_around():
    beside, corner = Box(-30, -30, -10, -10), Box(-6, -6, 10, 10)
    for rendering in ("outline", "filled"):
        assert len(np.unique(box_map([beside], 64, 64, rendering))) == 1
        picture = box_map([corner], 64, 64, rendering)
        assert len(np.unique(picture[10:])) == 1
        assert len(np.unique(picture[:, 10:])) == 1
    assert box_map([corner], 64, 64)[:10, 8:10].max() == 0, "the frame is cut, not moved"


def test_the_maps_are_the_same_pixels_as_ever():
    """Golden: a change of either rendering asks for models to be trained again."""
    boxes = [Box(1, 1, 7, 6), Box(2, 8, 8, 15)]
    outline, filled = box_map(boxes, 8, 16), box_map(boxes, 8, 16, "filled")
    rows = ["".join("#" if value == 0 else "." for value in row) for row in outline]
    assert rows == [
        "........",
        ".######.",
        ".#....#.",
        ".#....#.",
        ".#....#.",
        ".######.",
        "........",
        "........",
        "..######",
        "..#....#",
        "..#....#",
        "..#....#",
        "..#....#",
        "..#....#",
        "..######",
        "........",
    ]
    levels = ["".join({0: ".", 255: "A", 215: "B"}[int(v)] for v in row) for row in filled]
    assert levels == [
        *["........"],
        *[".AAAAAA."] * 5,
        *["........"] * 2,
        *["..BBBBBB"] * 7,
        *["........"],
    ]


@given(st.integers(0, 90), st.integers(0, 90), st.integers(1, 60), st.integers(1, 60))
def test_a_box_map_never_draws_beside_its_box(left, top, width, height):
    box = Box(left, top, left + width, top + height)
    picture = box_map([box], 150, 150)
    outside = np.ones((150, 150), bool)
    outside[box.top : box.bottom, box.left : box.right] = False
    assert (picture[outside] == 255).all()
