"""Skeletons: one pixel wide, connected as the ink was, and their own skeletons."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import UnreadableImage
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import load_fonts
from pipelines.windows import fit_cell
from training.families.calliffusion.skeletons import INK_LEVEL, skeleton, skeleton_cell, squares


def pieces(ink):
    """How many pieces of ink, which touch also at corners, and of ground, which do not."""
    mask = np.pad(ink > INK_LEVEL, 1).astype(np.uint8)
    return tuple(
        cv2.connectedComponents(part, connectivity=near)[0] - 1
        for part, near in ((mask, 8), (1 - mask, 4))
    )


def blot(seed, share, softness):
    rough = cv2.GaussianBlur(np.random.default_rng(seed).random((40, 40)), (0, 0), softness)
    return np.where(rough > np.quantile(rough, share), 255, 0).astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.4, 0.95), st.floats(0.5, 2.5))
def test_connected_as_before_and_its_own_skeleton(seed, share, softness):
    ink = blot(seed, share, softness)
    lines = skeleton(ink)
    assert pieces(lines) == pieces(ink)
    assert np.array_equal(skeleton(lines), lines)
    assert not lines[ink == 0].any(), "lines lie within the ink"
    assert set(np.unique(lines)) <= {0, 255}


def test_a_stroke_becomes_a_line_of_one_pixel():
    ink = np.zeros((30, 30), np.uint8)
    ink[4:26, 12:19] = 255
    lines = skeleton(ink) > 0
    assert (lines.sum(axis=1) <= 1).all()
    assert lines.sum() > 12
    assert not skeleton(np.zeros((9, 9), np.uint8)).any()


def test_a_ring_stays_a_ring_and_a_dot_a_dot():
    ring = np.zeros((30, 30), np.uint8)
    ring[5:25, 5:25] = 255
    ring[10:20, 10:20] = 0
    assert pieces(skeleton(ring)) == (1, 2)
    dot = np.zeros((8, 8), np.uint8)
    dot[3:5, 3:5] = 255
    assert pieces(skeleton(dot)) == (1, 1)


def test_the_ink_given_is_not_changed_and_its_edge_counts():
    ink = np.full((5, 5), 255, np.uint8)
    ink.flags.writeable = False
    assert skeleton(ink).any()


def test_a_picture_without_ink_is_refused():
    with pytest.raises(UnreadableImage, match="no ink in the picture of 永"):
        skeleton_cell(np.zeros((20, 20), np.uint8), 48, "the picture of 永")


def test_real_glyphs_are_one_pixel_wide(material):
    """No square of four pixels is left in any of them."""
    face = FontFace(load_fonts(None, material / "fonts")["ma-shan-zheng"].files)
    for character in "永道天地人之大不以山水春三十":
        ink = fit_cell(face.draw(character, 128), 48)
        lines = skeleton(ink)
        assert not squares(lines > 0).any()
        assert pieces(lines) == pieces(ink)
