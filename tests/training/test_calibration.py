"""Scores beside how often they are right."""

import math

import numpy as np
import pytest

from training.metrics.calibration import area_under_curve, expected_calibration_error


def test_honest_scores_have_no_error():
    rng = np.random.default_rng(0)
    scores = rng.random(20_000)
    assert expected_calibration_error(scores, rng.random(20_000) < scores) < 0.02


def test_a_reader_that_is_always_sure_errs_by_its_mistakes():
    assert expected_calibration_error([1.0] * 4, [True, True, True, False]) == pytest.approx(0.25)


def test_bins_are_weighed_by_what_is_in_them():
    scores, right = [0.05] * 3 + [0.95], [False] * 3 + [True]
    assert expected_calibration_error(scores, right) == pytest.approx(0.05)


def test_nothing_has_no_error_to_speak_of():
    assert math.isnan(expected_calibration_error([], []))


def test_the_area_counts_pairs_in_the_right_order():
    assert area_under_curve([0.1, 0.2, 0.8, 0.9], [False, False, True, True]) == 1
    assert area_under_curve([0.9, 0.2, 0.8, 0.1], [False, False, True, True]) == 0.25
    assert area_under_curve([0.5, 0.5, 0.5], [False, True, True]) == 0.5
    assert math.isnan(area_under_curve([0.5, 0.6], [True, True]))
