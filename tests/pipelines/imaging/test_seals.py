"""Red seals: found, kept as a layer of their own, and out of the way of the ink."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipelines.geometry import Box, intersection_over_union
from pipelines.imaging.ink import normalize_ink
from pipelines.imaging.seals import find_seals
from tests.drawing import as_scan, draw_page

VERMILION = (205, 62, 48)


def stamped(ink, rng, *boxes, opacity=1.0, is_relief=True):
    """The ink on yellowish paper, and seals over it: vermilion stays light in the red channel."""
    gray = as_scan(ink, rng)
    page = np.stack([gray * 1.0, gray * 0.96, gray * 0.86], axis=2)
    for box in boxes:
        paste = np.zeros(gray.shape, np.uint8)
        cv2.rectangle(paste, (box.left, box.top), (box.right - 1, box.bottom - 1), 255, 5)
        for x in range(box.left + 12, box.right - 8, 12):
            cv2.line(paste, (x, box.top + 8), (x, box.bottom - 9), 255, 4)
        if not is_relief:
            paste[box.top : box.bottom, box.left : box.right] = 255
        share = opacity * (paste[..., None] > 0)
        # Paste covers paper, and darkens where it lies on ink.
        page = page * (1 - share) + share * page / 200 * np.array(VERMILION)
    return np.clip(page, 0, 255).astype(np.uint8)


@pytest.fixture
def page(rng):
    return draw_page(rng, (7, 7, 7, 7), size=60)


@pytest.mark.parametrize("opacity", [1.0, 0.6])
@pytest.mark.parametrize("is_relief", [True, False])
def test_seals_are_found_with_their_boxes_and_mask(page, rng, opacity, is_relief):
    boxes = [Box(8, 400, 68, 460), Box(230, 120, 290, 180)]
    image = stamped(page.ink, rng, *boxes, opacity=opacity, is_relief=is_relief)
    image.flags.writeable = False
    found = normalize_ink(image)
    assert len(found.seals) == 2
    for box in boxes:
        assert max(intersection_over_union(box, seal) for seal in found.seals) > 0.7
    inside = found.seal[boxes[0].top : boxes[0].bottom, boxes[0].left : boxes[0].right]
    assert (inside > 0).mean() > 0.3
    outside = found.seal.copy()
    for box in boxes:
        outside[box.top - 8 : box.bottom + 8, box.left - 8 : box.right + 8] = 0
    assert not outside.any()


def test_ink_under_a_seal_stays_and_the_seal_is_no_ink(page, rng):
    box = page.columns[1][3].padded(6, 6)
    plain = normalize_ink(stamped(page.ink, rng)).ink
    ink = normalize_ink(stamped(page.ink, rng, box)).ink
    cut = slice(box.top, box.bottom), slice(box.left, box.right)
    true = page.ink[cut] > 0
    assert (ink[cut] > 0)[true].mean() > 0.85
    assert (ink[cut] > 0)[~true].mean() < 0.2
    elsewhere = np.ones(ink.shape, bool)
    elsewhere[cut] = False
    assert (ink == plain)[elsewhere].mean() > 0.995


def test_a_page_of_nothing_but_seals_has_no_ink(rng):
    image = stamped(np.zeros((500, 400), np.uint8), rng, Box(150, 200, 230, 280))
    found = normalize_ink(image)
    assert found.ink_fraction < 0.0002
    assert len(found.seals) == 1


def test_grey_pages_and_coloured_ones_without_seals_have_none(page, rng):
    assert find_seals(as_scan(page.ink, rng)).seals == ()
    tea = stamped(page.ink, rng)
    found = normalize_ink(tea)
    assert found.seals == ()
    assert found.seal is None
    red_paper = np.full((300, 200, 3), (200, 40, 40), np.uint8)
    assert find_seals(red_paper).seals == ()
