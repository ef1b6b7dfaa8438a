"""The released 50-pixel rule, case by case."""

from pipelines.geometry import Box
from pipelines.order.params import OrderParams
from pipelines.order.places import places_of
from pipelines.order.reading import order_columns
from pipelines.order.released import runs

RELEASED = OrderParams(rule="50px")


def at(left, top, size=40):
    return Box(left, top, left + size, top + size)


def columns(boxes):
    return [order.indices for order in order_columns(boxes, RELEASED)]


def test_a_left_edge_more_than_50_px_on_opens_a_column():
    assert columns([at(0, 0), at(50, 10), at(101, 0)]) == [(2,), (0, 1)]


def test_the_rule_is_a_chain_so_that_drifting_columns_run_together():
    boxes = [at(0, 0), at(45, 50), at(90, 100), at(135, 150)]
    assert columns(boxes) == [(0, 1, 2, 3)]


def test_the_rule_knows_pixels_and_nothing_else():
    boxes = [at(100, 0), at(100, 50), at(0, 0), at(0, 50)]
    assert columns(boxes) == [(0, 1), (2, 3)]
    assert columns([box.scaled(0.4, 0.4) for box in boxes]) == [(0, 2, 1, 3)]


def test_a_gap_over_one_and_a_half_times_the_mean_cuts_a_column():
    tops = [0, 50, 100, 200]
    places = places_of([at(0, top) for top in tops])
    assert runs(places, [0, 1, 2, 3]) == [[0, 1, 2], [3]]
    assert runs(places, [0]) == [[0]]


def test_a_mean_gap_below_zero_cuts_where_characters_overlap_least():
    places = places_of([at(0, 0), at(0, 30), at(0, 55)])
    assert runs(places, [0, 1, 2]) == [[0], [1], [2]]
