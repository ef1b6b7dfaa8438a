"""Boxes are drawn to the ink that is their own."""

import numpy as np

from pipelines.finding.evidence import EvidenceParams, fitted, left_over, pieces_of
from pipelines.geometry import Box

PARAMS = EvidenceParams()


def page_of(*boxes):
    ink = np.zeros((200, 200), np.uint8)
    for left, top, right, bottom in boxes:
        ink[top:bottom, left:right] = 1
    return ink


def test_a_box_shrinks_and_grows_to_its_ink():
    pieces = pieces_of(page_of((50, 60, 90, 110)))
    assert fitted((44.0, 50.0, 99.0, 119.0), pieces, PARAMS) == Box(50, 60, 90, 110)
    assert fitted((53.0, 64.0, 88.0, 106.0), pieces, PARAMS) == Box(50, 60, 90, 110)


def test_parts_of_one_character_stay_together():
    pieces = pieces_of(page_of((50, 60, 62, 110), (70, 60, 95, 80), (70, 90, 95, 110)))
    assert fitted((49.0, 58.0, 96.0, 112.0), pieces, PARAMS) == Box(50, 60, 95, 110)


def test_a_neighbour_that_juts_in_does_not_count():
    pieces = pieces_of(page_of((50, 60, 90, 100), (60, 104, 80, 150)))
    assert fitted((49.0, 59.0, 91.0, 107.0), pieces, PARAMS) == Box(50, 60, 90, 100)


def test_joined_characters_are_cut_where_the_box_ends():
    pieces = pieces_of(page_of((50, 20, 90, 60), (69, 60, 71, 90), (50, 90, 90, 130)))
    box = fitted((50.0, 20.0, 90.0, 74.0), pieces, PARAMS)
    assert box is not None
    assert (box.left, box.top, box.right) == (50, 20, 90)
    assert 60 <= box.bottom <= 76


def test_a_box_without_ink_is_none():
    pieces = pieces_of(page_of((50, 60, 90, 110)))
    assert fitted((120.0, 120.0, 160.0, 160.0), pieces, PARAMS) is None
    assert fitted((-50.0, -50.0, -10.0, -10.0), pieces, PARAMS) is None


def test_what_no_box_holds_is_left_over():
    pieces = pieces_of(page_of((10, 10, 40, 40), (100, 100, 140, 140)))
    left = left_over(pieces, [Box(8, 8, 42, 42)], 0.5)
    assert [pieces.labels[120, 120]] == left
