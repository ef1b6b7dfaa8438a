"""The grain of a page is measured past its strokes, and smoothed only where it is strong."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.imaging.binarization_scores import binarization_scores
from pipelines.imaging.grain import ground_noise, smoothed
from pipelines.imaging.ink import normalize_ink
from tests.drawing import as_scan, draw_page


@pytest.fixture
def page(rng):
    return draw_page(rng, (8, 8, 8, 8), size=64)


@pytest.mark.parametrize("deviation", [0.0, 4.0, 12.0])
def test_the_grain_is_measured_past_the_strokes(page, rng, deviation):
    scan = as_scan(page.ink, rng, noise=deviation)
    assert ground_noise(scan) == pytest.approx(deviation, abs=1.0)


def test_a_fine_page_is_handed_on_as_it_is(page, rng):
    scan = as_scan(page.ink, rng, noise=3)
    assert smoothed(scan) is scan


def test_a_grained_rubbing_keeps_its_strokes(page, rng):
    scan = as_scan(page.ink, rng, is_dark_ink=False).astype(np.int16)
    scan[rng.random(scan.shape) < 0.2] += 150
    scan = np.clip(scan + rng.normal(0, 18, scan.shape), 0, 255).astype(np.uint8)
    scan.flags.writeable = False
    assert binarization_scores(normalize_ink(scan).ink, page.ink).f_measure > 86
