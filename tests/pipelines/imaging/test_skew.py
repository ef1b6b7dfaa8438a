"""The lean of a page: measured, turned back, and led back to the scan."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.imaging.skew import (
    SkewParams,
    estimate_skew,
    is_worth_turning,
    scan_point,
    turned,
)
from tests.drawing import draw_page


@pytest.fixture
def ink(rng):
    return draw_page(rng, (9, 9, 9, 9, 9, 9)).ink


@pytest.mark.parametrize("degrees", [-3.0, -1.2, 0.0, 0.9, 2.4])
def test_the_lean_of_a_turned_page_is_found_and_turned_back(ink, degrees):
    leaning = turned(ink, -degrees)
    leaning.flags.writeable = False
    skew = estimate_skew(leaning)
    assert skew.degrees == pytest.approx(degrees, abs=0.25)
    assert is_worth_turning(skew) == (abs(degrees) > 0.5)
    upright = estimate_skew(turned(leaning, skew.degrees))
    assert abs(upright.degrees) < 0.3


def test_a_straight_page_is_left_alone(ink):
    assert not is_worth_turning(estimate_skew(ink))


def test_leaning_columns_over_level_rows_are_the_hand_and_not_the_scan(ink):
    height = ink.shape[0]
    slanted = np.zeros((height, ink.shape[1] + height // 20), np.uint8)
    for y in range(height):
        shift = y // 20
        slanted[y, shift : shift + ink.shape[1]] = ink[y]
    assert not is_worth_turning(estimate_skew(slanted))


@pytest.mark.parametrize("kind", ["noise", "blank", "dot"])
def test_what_has_no_lines_has_no_lean(kind, rng):
    mask = np.zeros((300, 300), np.uint8)
    if kind == "noise":
        mask[rng.random(mask.shape) < 0.3] = 255
    elif kind == "dot":
        mask[100:110, 100:110] = 255
    assert not is_worth_turning(estimate_skew(mask))


def test_beyond_the_range_nothing_is_claimed(ink):
    assert not is_worth_turning(estimate_skew(turned(ink, -11.0)), SkewParams())


@given(
    degrees=st.floats(-6, 6),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    width=st.integers(20, 3000),
    height=st.integers(20, 3000),
)
def test_points_lead_back_to_the_scan(degrees, x, y, width, height):
    """Distances are kept, and the middle of the page is the middle of the scan."""
    shape = (
        turned(np.zeros((height, width), np.uint8), degrees).shape if degrees else (height, width)
    )
    middle = scan_point((shape[1] - 1) / 2, (shape[0] - 1) / 2, degrees, width, height)
    assert middle == pytest.approx(((width - 1) / 2, (height - 1) / 2), abs=1)
    at = (x * shape[1], y * shape[0])
    found = scan_point(*at, degrees, width, height)
    away = np.hypot(found[0] - middle[0], found[1] - middle[1])
    expected = np.hypot(at[0] - (shape[1] - 1) / 2, at[1] - (shape[0] - 1) / 2)
    assert away == pytest.approx(expected, abs=1e-6 * (1 + expected))


def test_a_mark_on_the_turned_page_lies_where_the_scan_has_it():
    scan = np.zeros((400, 300), np.uint8)
    scan[100:104, 220:224] = 255
    page = turned(scan, 2.0)
    rows, columns = np.nonzero(page > 127)
    x, y = scan_point(float(columns.mean()), float(rows.mean()), 2.0, 300, 400)
    assert (x, y) == pytest.approx((221.5, 101.5), abs=0.5)


def test_turning_by_nothing_changes_nothing(ink):
    np.testing.assert_array_equal(turned(ink, 0.0), ink)
