"""Boxes as they come: each is ordered or refused with its reason."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.geometry import Box
from pipelines.order.intake import sift
from pipelines.order.reading import order_columns

NUMBERS = st.one_of(st.floats(-60, 260), st.sampled_from([float("nan"), float("inf"), 0.0, 200.0]))
EDGES = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=25)


def reasons(edges):
    return [(refused.index, refused.reason) for refused in sift(edges, 200, 100).refused]


def test_each_kind_of_bad_box_has_its_reason():
    good = (10, 10, 50, 60)
    edges = [
        good,
        (10, 10, 10, 60),  # no width
        (50, 60, 10, 10),  # turned around
        (300, 10, 340, 60),  # beside the page
        (190, 10, 290, 60),  # mostly beside it
        (11, 10, 50, 60),  # the first again
        (20, 20, 30, 30),  # within the first
        (float("nan"), 10, 50, 60),
        (100, 50, 160, 110),  # sticks out a little
    ]
    assert reasons(edges) == [
        (1, "zero_size"),
        (2, "zero_size"),
        (3, "outside_page"),
        (4, "outside_page"),
        (5, "duplicate_box"),
        (6, "nested_box"),
        (7, "not_finite"),
    ]
    sifted = sift(edges, 200, 100)
    assert sifted.indices == (0, 8)
    assert sifted.boxes == (Box(10, 10, 50, 60), Box(100, 50, 160, 100))


def test_of_two_same_boxes_the_first_stays_whichever_is_larger():
    assert reasons([(0, 0, 40, 40), (0, 0, 41, 40)]) in (
        [(1, "duplicate_box")],
        [(0, "duplicate_box")],
    )
    assert reasons([(5, 5, 20, 20), (0, 0, 60, 60)]) == [(0, "nested_box")]


def test_touching_and_overlapping_neighbours_are_kept():
    assert reasons([(0, 0, 40, 40), (0, 30, 40, 70), (0, 70, 40, 90)]) == []


@given(EDGES)
def test_nothing_is_lost_and_what_is_kept_can_be_ordered(edges):
    sifted = sift(edges, 200, 100)
    answered = [*sifted.indices, *(refused.index for refused in sifted.refused)]
    assert sorted(answered) == list(range(len(edges)))
    assert all(refused.detail for refused in sifted.refused)
    page = Box(0, 0, 200, 100)
    for box in sifted.boxes:
        assert page.left <= box.left < box.right <= page.right
        assert page.top <= box.top < box.bottom <= page.bottom
    ordered = [i for order in order_columns(sifted.boxes) for i in order.indices]
    assert sorted(ordered) == list(range(len(sifted.boxes)))
