"""Damage goes and is remembered; strokes stay."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipelines.imaging.binarization_scores import lost_strokes
from pipelines.imaging.ink import normalize_ink
from pipelines.imaging.restoration import restored
from tests.drawing import as_scan, draw_page


@pytest.fixture
def ink(rng):
    return draw_page(rng, (8, 8, 8, 8), size=72, column_gap=30).ink


def pitted(ink, rng, share):
    """Specks of one to three pixels over the page, and the same number of holes in the ink."""
    mask = ink.copy()
    for value in (255, 0):
        seeds = (rng.random(ink.shape) < share).astype(np.uint8)
        grown = cv2.dilate(seeds, np.ones((2, 2), np.uint8))
        mask[grown > 0] = value
    return mask


@pytest.mark.parametrize("share", [0.002, 0.01, 0.03])
def test_pits_go_and_strokes_stay(ink, rng, share):
    mask = pitted(ink, rng, share)
    mask.flags.writeable = False
    found = restored(mask)
    away = cv2.dilate(ink, np.ones((7, 7), np.uint8)) == 0
    assert (found.ink[away] > 0).sum() < 0.1 * (mask[away] > 0).sum()
    # A vote rounds off sharp corners; the middle of the strokes is untouched.
    assert lost_strokes(mask, found.ink, cv2.erode(ink, np.ones((3, 3), np.uint8))) < 0.01
    assert lost_strokes(mask, found.ink, ink) < 0.035
    assert found.noise_score > 0


def test_the_damage_is_what_was_changed(ink, rng):
    mask = pitted(ink, rng, 0.02)
    found = restored(mask)
    np.testing.assert_array_equal(found.damage, cv2.bitwise_xor(mask, found.ink))
    assert set(np.unique(found.damage)) == {0, 255}


def test_pits_inside_strokes_are_filled(ink, rng):
    holed = ink.copy()
    holed[rng.random(ink.shape) < 0.02] = 0
    dirty = holed.copy()
    dirty[(rng.random(ink.shape) < 0.02) & (ink == 0)] = 255
    found = restored(dirty)
    inside = cv2.erode(ink, np.ones((3, 3), np.uint8)) > 0
    assert (found.ink[inside] == 0).sum() < 0.2 * (holed[inside] == 0).sum()


def test_a_place_where_the_face_is_gone_goes(ink, rng):
    mask = pitted(ink, rng, 0.01)
    flake = np.zeros_like(ink)
    cv2.ellipse(flake, (190, 300), (55, 40), 20, 0, 360, 255, -1)
    mask[flake > 0] = 255
    found = restored(mask)
    assert (found.ink[flake > 0] > 0).mean() < 0.1
    assert (found.damage[flake > 0] > 0).mean() > 0.9
    elsewhere = cv2.dilate(flake, np.ones((31, 31), np.uint8)) == 0
    middle = cv2.erode(ink, np.ones((3, 3), np.uint8))
    assert lost_strokes(mask * elsewhere, found.ink * elsewhere, middle) < 0.01


def test_a_crack_goes_and_the_strokes_it_meets_stay(ink, rng):
    mask = pitted(ink, rng, 0.004)
    crack = np.zeros_like(ink)
    # Wandering along a column's side and across some of its strokes.
    points = np.array([[222, 0], [226, 120], [219, 260], [224, 420], [215, ink.shape[0]]])
    cv2.polylines(crack, [points], False, 255, 2)
    mask = np.maximum(mask, crack)
    found = restored(mask)
    alone = (crack > 0) & (cv2.dilate(ink, np.ones((5, 5), np.uint8)) == 0)
    assert (found.ink[alone] > 0).mean() < 0.3
    assert lost_strokes(mask, found.ink, ink) < 0.01


def test_clean_writing_is_not_touched(ink):
    found = restored(ink)
    np.testing.assert_array_equal(found.ink, ink)
    assert not found.damage.any()
    assert found.noise_score == 0


def test_small_dots_on_paper_stay(rng):
    page = draw_page(rng, (8, 8, 8), size=72).ink
    for x in range(40, page.shape[1] - 40, 60):
        page[12:17, x : x + 5] = 255
    kept = restored(page, is_stone=False).ink
    assert (kept[12:17] > 0).sum() == (page[12:17] > 0).sum()


def test_a_broad_brush_is_no_flake(rng):
    """A title in strokes four times as broad as the text's, on a rubbing with some grain."""
    page = draw_page(rng, (9, 9, 9, 9), size=56, column_gap=30, margin=60)
    ink = np.pad(page.ink, ((0, 0), (0, 260)))
    title = np.zeros_like(ink)
    for top in (60, 320):
        left = ink.shape[1] - 230
        cv2.rectangle(title, (left, top + 90), (left + 190, top + 112), 255, -1)
        cv2.rectangle(title, (left + 84, top), (left + 106, top + 200), 255, -1)
    ink = np.maximum(ink, title)
    mask = ink.copy()
    mask[(rng.random(ink.shape) < 0.01)] = 255
    found = restored(mask)
    assert (found.ink[title > 0] > 0).mean() > 0.97


def test_an_empty_mask_stays_empty():
    empty = np.zeros((50, 60), np.uint8)
    found = restored(empty)
    assert not found.ink.any()
    assert (found.stroke_px, found.noise_score) == (0.0, 0.0)


@pytest.mark.parametrize("count", [10_000])
def test_ten_thousand_specks_go(rng, count):
    page = draw_page(rng, (14, 14, 14, 14, 14, 14), size=80)
    specks = np.zeros_like(page.ink)
    rows, columns = (
        rng.integers(0, page.ink.shape[0] - 2, count),
        rng.integers(0, page.ink.shape[1] - 2, count),
    )
    for y, x in zip(rows, columns, strict=True):
        specks[y : y + 2, x : x + 2] = 255
    found = normalize_ink(as_scan(np.maximum(page.ink, specks), rng, noise=0, is_dark_ink=False))
    away = cv2.dilate(page.ink, np.ones((7, 7), np.uint8)) == 0
    assert (found.ink[away] > 0).sum() < 0.02 * (specks[away] > 0).sum()
    assert (found.ink[page.ink > 0] > 0).mean() > 0.95
    assert found.noise_score > 0.05
