"""Ink comes out white on black whatever the original looked like."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipelines.imaging.ground import content_frame
from pipelines.imaging.ink import normalize_ink
from pipelines.imaging.polarity import mask_scores
from pipelines.records import Polarity
from tests.drawing import as_scan, draw_character, draw_page


@pytest.fixture
def page(rng):
    return draw_page(rng)


def agreement(found, true):
    """Intersection over union of two masks."""
    found, true = found > 0, true > 0
    return (found & true).sum() / max(1, (found | true).sum())


@pytest.mark.parametrize("is_dark_ink", [True, False])
@pytest.mark.parametrize("shade", [0.0, 0.4])
def test_both_polarities_give_the_same_ink(page, rng, is_dark_ink, shade):
    scan = as_scan(page.ink, rng, is_dark_ink=is_dark_ink, shade=shade)
    scan.flags.writeable = False
    found = normalize_ink(scan)
    expected = Polarity.DARK_ON_LIGHT if is_dark_ink else Polarity.LIGHT_ON_DARK
    assert found.polarity is expected
    assert found.polarity_confidence > 0.2
    assert set(np.unique(found.ink)) <= {0, 255}
    assert agreement(found.ink, page.ink) > 0.85
    assert found.ink_fraction == pytest.approx((page.ink > 0).mean(), rel=0.15)


def test_the_scores_explain_the_polarity(page, rng):
    found = normalize_ink(as_scan(page.ink, rng))
    assert found.dark_on_light_score > found.light_on_dark_score
    assert found.background == pytest.approx(200, abs=8)


def test_the_closeness_of_the_foreground_ratio_is_that_of_the_paper():
    flat = np.full((100, 100), 128, np.uint8)  # no edges: the ratio alone counts
    mask = np.zeros((100, 100), bool)
    mask[:19] = True
    dark, light = mask_scores(flat, mask)
    assert dark == pytest.approx(0.7)
    assert light < 0
    mask[:] = False
    mask[:11] = True
    assert mask_scores(flat, mask)[0] == pytest.approx(0.7 * (1 - 0.08 / 0.16))


def test_white_padding_around_a_rubbing_is_neither_ground_nor_ink(page, rng):
    rubbing = as_scan(page.ink, rng, is_dark_ink=False)
    padded = cv2.copyMakeBorder(rubbing, 60, 90, 80, 40, cv2.BORDER_CONSTANT, value=255)
    found = normalize_ink(padded)
    assert found.polarity is Polarity.LIGHT_ON_DARK
    assert not found.ink[:50].any()
    assert not found.ink[:, :70].any()
    inside = found.ink[60 : 60 + page.ink.shape[0], 80 : 80 + page.ink.shape[1]]
    assert agreement(inside, page.ink) > 0.8


def test_a_dark_scan_bed_is_not_ink(page, rng):
    paper = as_scan(page.ink, rng)
    bed = cv2.copyMakeBorder(paper, 50, 50, 50, 50, cv2.BORDER_CONSTANT, value=15)
    found = normalize_ink(bed)
    assert found.polarity is Polarity.DARK_ON_LIGHT
    assert found.ink[:45].mean() < 3
    assert agreement(found.ink[50:-50, 50:-50], page.ink) > 0.8


def test_specks_go_and_are_counted(page, rng):
    dirty = page.ink.copy()
    dirty[rng.random(dirty.shape) < 0.01] = 255
    clean = normalize_ink(as_scan(page.ink, rng, noise=0))
    found = normalize_ink(as_scan(dirty, rng, noise=0))
    assert agreement(found.ink, page.ink) > 0.8
    assert found.noise_score >= clean.noise_score


def test_the_lines_of_a_frame_go(rng):
    page = draw_page(rng, (8, 8, 8, 8), margin=60)
    framed = page.ink.copy()
    height, width = framed.shape
    cv2.rectangle(framed, (20, 20), (width - 21, height - 21), 255, 2)
    found = normalize_ink(as_scan(framed, rng))
    sides = found.ink[100:-100, 18:24], found.ink[100:-100, -24:-18]
    assert all((side > 0).mean() < 0.05 for side in sides)
    assert agreement(found.ink[50:-50, 50:-50], page.ink[50:-50, 50:-50]) > 0.8


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_blank_page_has_no_ink(grey, rng):
    noise = rng.normal(0, 1.5, (300, 200))
    found = normalize_ink(np.clip(grey + noise, 0, 255).astype(np.uint8))
    assert found.ink_fraction == 0
    assert found.polarity_confidence == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 3), (17, 2)])
def test_tiny_and_thin_pictures_are_taken(shape, rng):
    found = normalize_ink(rng.integers(0, 256, shape, dtype=np.uint8))
    assert found.ink.shape == shape


def test_colour_is_taken_and_other_arrays_are_refused(page, rng):
    grey = as_scan(page.ink, rng)
    colour = np.stack([grey, grey, grey], axis=2)
    np.testing.assert_array_equal(normalize_ink(colour).ink, normalize_ink(grey).ink)
    with pytest.raises(ValueError, match="uint8"):
        normalize_ink(grey.astype(np.float64))
    with pytest.raises(ValueError, match="three channels"):
        normalize_ink(np.zeros((5, 5, 4), np.uint8))


def test_the_content_frame_leaves_a_page_without_margins_alone(rng):
    busy = rng.integers(0, 256, (200, 150), dtype=np.uint8)
    frame = content_frame(busy)
    assert (frame.left, frame.top, frame.right, frame.bottom) == (0, 0, 150, 200)


@pytest.mark.parametrize("is_dark_ink", [True, False])
@pytest.mark.parametrize("margin", [4, 30])
def test_a_single_column_keeps_its_strokes_to_their_ends(rng, is_dark_ink, margin):
    """Its level bars are no rules of a page, and its sides, with few ends of strokes, no margin."""
    column = np.zeros((6 * 100 + 2 * margin, 90 + 2 * margin), np.uint8)
    for place in range(6):
        side = int(rng.integers(60, 90))
        top, left = margin + 100 * place, margin + (90 - side) // 2
        column[top : top + side, left : left + side] = draw_character(rng, side)
        # One long bar, as clerical script has them, that reaches far into the sides.
        column[top + side // 2 : top + side // 2 + 6, margin : margin + 90] = 255
    found = normalize_ink(as_scan(column, rng, is_dark_ink=is_dark_ink))
    assert found.line_fraction == 0
    assert agreement(found.ink, column) > 0.9
    kept = (found.ink > 0) & (column > 0)
    assert kept.sum() > 0.97 * (column > 0).sum()
