"""Salient strokes: attention on ink, put back where it belongs."""

import numpy as np
import pytest

from pipelines.geometry import Box
from tests.training.scriptvit.examples import DIMS
from training.families.scriptvit.pictures import box_in_picture
from training.families.scriptvit.saliency import (
    SaliencyParams,
    attention_maps,
    ink_mask,
    salient_regions,
)

ROWS, COLUMNS = DIMS.grid


def pictures():
    """Two references: ink in the left third, and a bar across."""
    drawn = np.zeros((2, 32, 32), np.uint8)
    drawn[0, 2:30, 4:10] = 255
    drawn[1, 12:18, 2:30] = 255
    return drawn


def attention_on(reference, row, column):
    grid = np.full((2, ROWS, COLUMNS), 0.001, np.float32)
    grid[reference, row, column] = 1
    return (grid / grid.sum()).reshape(-1)


def test_what_was_looked_at_lies_on_ink_and_in_the_right_reference():
    looked = attention_on(1, 1, 3)
    maps = attention_maps(looked, pictures(), DIMS)
    assert maps[1].sum() > 10 * maps[0].sum()
    assert (maps[~np.stack([ink_mask(p) for p in pictures()])] == 0).all()
    regions = [r for r in salient_regions(looked, pictures(), DIMS) if r.reference == 1]
    assert regions[0].box.left >= 20
    assert regions[0].box.top >= 12
    assert regions[0].box.bottom <= 18


def test_heads_layers_and_queries_are_averaged():
    one, other = attention_on(0, 0, 0), attention_on(0, 3, 1)
    stacked = np.stack([one, other]).reshape(2, 1, 1, -1)
    assert np.allclose(
        attention_maps(stacked, pictures(), DIMS),
        attention_maps((one + other) / 2, pictures(), DIMS),
    )


def test_small_pieces_are_left_out_and_weights_are_shares():
    looked = attention_on(1, 1, 3)
    assert salient_regions(looked, pictures(), DIMS, SaliencyParams(least_px=500)) == []
    regions = salient_regions(looked, pictures(), DIMS, SaliencyParams(percentile=0))
    assert [r.area_px for r in regions] == [6 * 28, 6 * 28]
    assert [r.weight for r in regions] == pytest.approx([1, 1], abs=1e-5)


def test_a_blank_reference_has_no_salient_stroke():
    blank = np.zeros((2, 32, 32), np.uint8)
    assert salient_regions(attention_on(0, 1, 1), blank, DIMS) == []


def test_boxes_go_back_to_the_pixels_of_their_picture():
    ink = np.zeros((200, 100), np.uint8)
    ink[50:150, 20:70] = 255
    place = Box(300, 400, 400, 600)
    # Fitted, its 100 pixels of height are 86 % of 32; the whole cell is the whole extent and rim.
    whole = box_in_picture(Box(0, 0, 32, 32), ink, place, DIMS)
    assert whole.left == 300
    assert 440 <= whole.top <= 445
    assert 555 <= whole.bottom <= 560
    middle = box_in_picture(Box(15, 15, 17, 17), ink, place, DIMS)
    assert middle.left <= 345 <= middle.right
    assert middle.top <= 500 <= middle.bottom
