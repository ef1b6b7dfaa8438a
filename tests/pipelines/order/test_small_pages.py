"""Reading order on small pages drawn box by box, one difficulty each."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.geometry import Box
from pipelines.order.reading import order_columns


def sequence(boxes):
    """The indices in reading order, all columns after each other."""
    return [index for order in order_columns(boxes) for index in order.indices]


def grid(columns=4, rows=5, size=10, across=16, down=12):
    """Boxes in reading order."""
    return [
        Box(-c * across, r * down, -c * across + size, r * down + size)
        for c in range(columns)
        for r in range(rows)
    ]


def test_nothing_gives_nothing_and_one_gives_one():
    assert order_columns([]) == []
    (only,) = order_columns([Box(3, 4, 9, 20)])
    assert only.indices == (0,)


def test_a_grid_reads_from_the_right_and_from_the_top():
    orders = order_columns(grid())
    assert [order.indices for order in orders] == [tuple(range(5 * c, 5 * c + 5)) for c in range(4)]
    assert not any(order.is_uncertain for order in orders)


def test_a_wide_grid_like_that_of_a_stele_is_not_taken_for_tiers():
    boxes = grid(columns=8, rows=6, size=10, across=18, down=18)
    assert sequence(boxes) == list(range(len(boxes)))


@settings(deadline=None)
@given(
    scale=st.sampled_from([1, 2, 3, 7, 40]),
    dx=st.integers(-5000, 5000),
    dy=st.integers(-5000, 5000),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_order_knows_no_unit_no_place_and_no_sequence(scale, dx, dy, seed):
    rng = np.random.default_rng(seed)
    boxes = []
    for box in grid(
        columns=int(rng.integers(1, 6)),
        rows=int(rng.integers(1, 7)),
        size=100,
        across=150,
        down=115,
    ):
        left, top = rng.integers(-12, 13, 2)
        right, bottom = rng.integers(-25, 13, 2)
        boxes.append(Box(box.left + left, box.top + top, box.right + right, box.bottom + bottom))
    plain = [boxes[i] for i in sequence(boxes)]
    moved = [box.scaled(scale, scale).moved(dx, dy) for box in boxes]
    shuffle = [int(i) for i in rng.permutation(len(boxes))]
    other = sequence([moved[i] for i in shuffle])
    assert [boxes[shuffle[i]] for i in other] == plain


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            lambda x, y, w, h: Box(x, y, x + w, y + h),
            st.integers(0, 300),
            st.integers(0, 300),
            st.integers(1, 80),
            st.integers(1, 80),
        ),
        max_size=30,
    )
)
def test_every_box_is_read_exactly_once_whatever_the_layout(boxes):
    orders = order_columns(boxes)
    assert sorted(i for order in orders for i in order.indices) == list(range(len(boxes)))
    assert all(0 <= order.confidence <= 1 for order in orders)


def test_a_raised_head_opens_its_column():
    boxes = grid()
    boxes[5] = Box(boxes[5].left, -14, boxes[5].right, -3)
    assert sequence(boxes) == list(range(20))


def test_touching_and_overlapping_characters_stay_in_their_column():
    boxes = grid(rows=6, down=8)  # each box runs two pixels into the next
    assert sequence(boxes) == list(range(24))


def test_uneven_sizes_stay_in_their_column():
    sizes = [(10, 10), (4, 14), (10, 3), (3, 3), (12, 9)]
    boxes = []
    for c in range(4):
        top = 0
        for width, height in sizes[c % 2 :] + sizes[: c % 2]:
            middle = -c * 18
            boxes.append(Box(middle - width // 2, top, middle - width // 2 + width, top + height))
            top += height + 2
    assert sequence(boxes) == list(range(20))


def test_leaning_columns_are_not_mixed():
    boxes = [box.moved(-box.top // 8, 0) for box in grid(columns=5, rows=9)]
    assert sequence(boxes) == list(range(45))


def test_duplicates_and_nested_boxes_are_read_once_each():
    boxes = grid(columns=2, rows=3)
    boxes += [
        boxes[1],
        Box(boxes[4].left + 2, boxes[4].top + 2, boxes[4].right - 2, boxes[4].bottom - 2),
    ]
    orders = order_columns(boxes)
    assert [len(order.indices) for order in orders] == [4, 4]


def test_a_double_row_note_is_read_inside_its_column_right_row_first():
    main = [Box(0, 12 * k, 20, 12 * k + 11) for k in (0, 1)]
    right = [Box(11, 24 + 10 * k, 19, 33 + 10 * k) for k in range(3)]
    left = [Box(1, 24 + 10 * k, 9, 33 + 10 * k) for k in range(3)]
    after = [Box(0, 56 + 12 * k, 20, 67 + 12 * k) for k in range(2)]
    boxes = main + right + left + after
    assert sequence(boxes) == list(range(len(boxes)))
    assert len(order_columns(boxes)) == 1


def test_small_glosses_become_a_column_of_their_own():
    main = [Box(0, 22 * k, 20, 22 * k + 20) for k in range(6)]
    gloss = [Box(22, 30 + 7 * k, 28, 36 + 7 * k) for k in range(4)]
    orders = order_columns(main + gloss)
    assert sorted(order.indices for order in orders) == [tuple(range(6)), tuple(range(6, 10))]
    (of_gloss,) = [order for order in orders if 6 in order.indices]
    assert of_gloss.is_uncertain


def test_a_page_of_two_tiers_reads_the_upper_one_first():
    upper = grid(columns=8, rows=4)
    lower = [box.moved(3, 70) for box in grid(columns=8, rows=4)]
    assert sequence(upper + lower) == list(range(64))


def test_verse_with_a_gap_in_every_column_is_read_down_the_column():
    boxes = [
        box.moved(0, 12 if index % 8 >= 4 else 0)
        for index, box in enumerate(grid(columns=5, rows=8))
    ]
    assert sequence(boxes) == list(range(40))


def test_a_spread_reads_the_right_page_first():
    right = grid(columns=5, rows=8)
    left = [box.moved(-150, 5) for box in grid(columns=5, rows=8)]
    assert sequence(right + left) == list(range(80))
