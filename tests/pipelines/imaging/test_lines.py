"""Frames, rules and grids go; the strokes that touch them stay."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipelines.imaging.lines import find_lines
from tests.drawing import draw_page


@pytest.fixture
def page(rng):
    return draw_page(rng, (11, 11, 10, 11, 9, 11, 11, 11), size=48, column_gap=22, margin=50)


def ruled(page, *, thickness=2, gap=0.0, lean=0.0, rng=None):
    """Rules midway between the columns, with a share of them worn away."""
    drawn = np.zeros_like(page.ink)
    height, width = drawn.shape
    for column in page.columns[:-1]:
        x = column[0].left - 11
        cv2.line(drawn, (x, 20), (round(x + lean * height), height - 20), 255, thickness)
    if gap:
        for top in range(20, height - 20, 24):
            for left in range(0, width, 16):
                if rng.random() < gap:
                    drawn[top : top + 24, left : left + 16] = 0
    return drawn


def left_and_eaten(page, drawn):
    """Shares of the drawn lines that stay, and of the characters that go."""
    mask = np.maximum(page.ink, drawn)
    mask.flags.writeable = False
    erase = find_lines(mask)
    gone = np.zeros_like(mask) if erase is None else erase
    alone = (drawn > 0) & (page.ink == 0)
    return (gone[alone] == 0).mean(), (gone[page.ink > 0] > 0).mean()


@pytest.mark.parametrize("lean", [0.0, 0.012, -0.02])
@pytest.mark.parametrize("thickness", [1, 2])
def test_rules_between_columns_go(page, thickness, lean):
    left, eaten = left_and_eaten(page, ruled(page, thickness=thickness, lean=lean))
    assert left < 0.1
    assert eaten < 0.01


def test_rules_in_pieces_go(page, rng):
    left, eaten = left_and_eaten(page, ruled(page, thickness=1, gap=0.35, rng=rng))
    assert left < 0.15
    assert eaten < 0.01


@pytest.mark.parametrize("thickness", [2, 6])
def test_a_frame_goes(page, thickness):
    height, width = page.ink.shape
    frame = np.zeros_like(page.ink)
    cv2.rectangle(frame, (18, 18), (width - 19, height - 19), 255, thickness)
    left, eaten = left_and_eaten(page, frame)
    assert left < 0.05
    assert eaten < 0.005


def test_a_stele_grid_that_touches_the_characters_goes(rng):
    page = draw_page(rng, (10,) * 7, size=60, column_gap=8, gap=8, margin=24)
    grid = np.zeros_like(page.ink)
    for column in page.columns:
        cv2.line(grid, (column[0].left - 4, 10), (column[0].left - 4, grid.shape[0] - 10), 255, 1)
    for box in page.columns[0]:
        cv2.line(grid, (10, box.top - 4), (grid.shape[1] - 10, box.top - 4), 255, 1)
    left, eaten = left_and_eaten(page, grid)
    assert left < 0.15
    assert eaten < 0.02


def test_writing_without_lines_is_left_alone(page):
    erase = find_lines(page.ink)
    assert erase is None or (erase[page.ink > 0] > 0).mean() < 0.002


def test_one_long_stroke_is_not_a_rule(rng):
    page = draw_page(rng, (6, 6, 6), size=60)
    ink = page.ink.copy()
    box = page.columns[1][2]
    cv2.line(ink, (box.left + 30, box.top), (box.left + 22, box.top + 90), 255, 7)
    erase = find_lines(ink)
    assert erase is None or not erase[box.top : box.top + 60, box.left : box.right].any()
