"""The model of keystrokes: each step counts, and a step down once."""

from __future__ import annotations

import pytest

from annotation.keystrokes import KeystrokeParams, Touch, keystrokes


def test_a_column_left_alone_is_decided_and_submitted():
    assert keystrokes([]) == 2


@pytest.mark.parametrize(
    ("touch", "presses"),
    [
        (Touch(place=1, is_picked=True), 1 + 1),
        (Touch(place=7, is_picked=True), 7 + 1),
        (Touch(place=1, typed=1), 1 + 1 + 1 + 4 + 1),
        (Touch(place=1, typed=1, is_empty=True), 1 + 1 + 4 + 1),
        (Touch(place=1, marks=2), 1 + 2),
        (Touch(place=2, is_removed=True), 2 + 1),
    ],
)
def test_each_step_counts(touch, presses):
    assert keystrokes([touch]) == presses + 2


def test_the_way_down_is_gone_once():
    touches = [Touch(place=place, is_picked=True) for place in (5, 2)]
    assert keystrokes(touches) == 5 + 2 + 2


def test_a_drawn_box_needs_no_way_and_numbers_are_parameters():
    drawn = [Touch(place=0, typed=1, is_empty=True)]
    assert keystrokes([], drawn) == 2 + 1 + 4 + 1 + 2
    slow = KeystrokeParams(typed_character=10, drawn_box=5)
    assert keystrokes([], drawn, slow) == 5 + 1 + 10 + 1 + 2
