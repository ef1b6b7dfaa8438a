"""The threshold between ink and ground, and the released code's binarizer as a profile."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipelines.imaging.binarization import Method
from pipelines.imaging.binarization_scores import binarization_scores
from pipelines.imaging.ink import InkParams, Profile, normalize_ink
from pipelines.imaging.polarity import PolarityParams
from pipelines.imaging.released import ReleasedParams, released_ink
from pipelines.records import Polarity
from tests.drawing import as_scan, draw_page

UNICALLI = InkParams(profile=Profile.UNICALLI)


@pytest.fixture
def page(rng):
    return draw_page(rng, (8, 8, 8, 8))


def test_the_profile_has_the_constants_of_the_released_code():
    params = ReleasedParams()
    assert (params.median_px, params.clahe_clip, params.clahe_tiles) == (3, 2.0, 8)
    assert (params.is_adaptive, params.adaptive_block_px, params.adaptive_offset) == (False, 25, 10)
    assert (params.kernel_px, params.min_component_px) == (3, 64)
    assert (params.canny_low, params.canny_high) == (50, 150)
    assert (params.min_foreground, params.max_foreground) == (0.03, 0.35)
    assert (params.ratio_weight, params.edge_weight) == (0.7, 0.3)
    ours = PolarityParams()
    for name in ("min_foreground", "max_foreground", "ratio_weight", "edge_weight"):
        assert getattr(ours, name) == getattr(params, name)


def as_the_release(gray):
    """The released steps written out again, straight from the notes on it."""
    smooth = cv2.createCLAHE(2.0, (8, 8)).apply(cv2.medianBlur(gray, 3))
    edges = cv2.Canny(smooth, 50, 150) > 0
    best = None
    for is_dark, kind in ((True, cv2.THRESH_BINARY_INV), (False, cv2.THRESH_BINARY)):
        mask = cv2.threshold(smooth, 0, 255, kind + cv2.THRESH_OTSU)[1]
        for step in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE):
            mask = cv2.morphologyEx(mask, step, np.ones((3, 3), np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        for label in range(1, count):
            if stats[label, cv2.CC_STAT_AREA] < 64:
                mask[labels == label] = 0
        ink = mask > 0
        closeness = 1 - min(abs(ink.mean() - 0.19) / 0.16, 1)
        inside = edges[ink].mean() if ink.any() else 0
        outside = edges[~ink].mean() if not ink.all() else 0
        score = 0.7 * closeness + 0.3 * max(inside - outside, 0)
        if best is None or score > best[0]:
            best = score, is_dark, mask
    return best


@pytest.mark.parametrize("is_dark_ink", [True, False])
@pytest.mark.parametrize("shade", [0.0, 0.5])
def test_the_profile_does_what_the_release_does(page, rng, is_dark_ink, shade):
    scan = as_scan(page.ink, rng, is_dark_ink=is_dark_ink, shade=shade)
    score, is_dark, mask = as_the_release(scan)
    found = released_ink(scan)
    np.testing.assert_array_equal(found.ink, mask)
    assert found.is_dark_ink == is_dark
    assert max(found.dark_score, found.light_score) == pytest.approx(score)
    normalized = normalize_ink(scan, UNICALLI)
    np.testing.assert_array_equal(normalized.ink, mask)
    assert (normalized.polarity is Polarity.DARK_ON_LIGHT) == is_dark
    assert not normalized.damage.any()


def test_ties_go_to_dark_ink():
    assert released_ink(np.full((80, 80), 128, np.uint8)).is_dark_ink


def test_the_adaptive_option_is_another_mask(page, rng):
    scan = as_scan(page.ink, rng, shade=0.6)
    plain, adaptive = released_ink(scan), released_ink(scan, ReleasedParams(is_adaptive=True))
    assert (plain.ink != adaptive.ink).any()


def test_ours_beats_the_release_where_light_falls_off(page, rng):
    scan = as_scan(page.ink, rng, shade=0.55)
    ours = binarization_scores(normalize_ink(scan).ink, page.ink)
    theirs = binarization_scores(normalize_ink(scan, UNICALLI).ink, page.ink)
    assert ours.f_measure > theirs.f_measure + 5
    assert ours.drd < theirs.drd


def test_stains_broader_than_strokes_are_no_ink(page, rng):
    scan = as_scan(page.ink, rng).astype(np.float64)
    rows, columns = np.mgrid[: scan.shape[0], : scan.shape[1]]
    for x, y in ((60, 100), (200, 300)):
        scan -= 55 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 3000)
    found = normalize_ink(np.clip(scan, 0, 255).astype(np.uint8))
    assert found.method is Method.OTSU
    assert binarization_scores(found.ink, page.ink).f_measure > 88


def test_a_local_threshold_steps_in_where_the_level_one_inks_too_much(rng):
    """Half the page in a hard shadow: its ground would be ink to any one threshold."""
    page = draw_page(rng, (9, 9, 9, 9, 9, 9), size=40, column_gap=34, gap=26, margin=60)
    scan = as_scan(page.ink, rng, contrast=60, noise=3).astype(np.float64)
    scan[:, : scan.shape[1] // 2] *= 0.35
    found = normalize_ink(scan.astype(np.uint8))
    assert binarization_scores(found.ink, page.ink).f_measure > 75
