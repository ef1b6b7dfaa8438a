"""Boxes are matched one to one, best pairs first."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.metrics.detection import Found, compare, matches, overlaps

boxes = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 30), st.integers(1, 30)).map(
        lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
    ),
    max_size=8,
)


@given(boxes, boxes)
def test_a_match_is_counted_once_on_either_side(found, true):
    counts = compare(found, true)
    assert 0 <= counts.matched <= min(len(found), len(true))
    assert matches(found, true, 0.5).shape == (len(found),)
    assert compare(found, found).matched == len(found)


def test_two_boxes_on_one_character_are_one_match():
    true = [(0, 0, 10, 10)]
    assert matches([(0, 0, 10, 9), (0, 0, 10, 10)], true, 0.5).tolist() == [False, True]
    counts = compare([(0, 0, 10, 9), (0, 0, 10, 10)], true)
    assert (counts.precision, counts.recall) == (0.5, 1.0)


def test_overlap_and_empty_pages():
    table = overlaps(np.array([[0, 0, 10, 10]], np.float32), np.array([[0, 5, 10, 15]], np.float32))
    assert abs(table[0, 0] - 1 / 3) < 1e-6
    assert compare([], []).f1 == 1.0
    assert compare([(0, 0, 1, 1)], []).f1 == 0.0
    assert (Found(1, 2, 3) + Found(1, 1, 1)).f1 == 4 / 7
