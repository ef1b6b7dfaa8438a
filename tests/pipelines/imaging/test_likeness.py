"""Likeness: a copy stays near, another page is far, and an even picture is like nothing."""

import cv2
import numpy as np
import pytest

from pipelines.imaging.likeness import MAX_DISTANCE, distance, likeness
from tests.drawing import as_scan, draw_page


@pytest.fixture
def page(rng):
    return as_scan(draw_page(rng, size=64).ink, rng)


@pytest.mark.parametrize("scale", [0.3, 0.7, 1.5])
@pytest.mark.parametrize("quality", [40, 90])
def test_a_copy_is_near(page, scale, quality):
    page.flags.writeable = False
    scaled = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    saved = cv2.imencode(".jpg", scaled, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    copy = cv2.imdecode(saved, cv2.IMREAD_UNCHANGED)
    assert distance(likeness(page), likeness(copy)) <= MAX_DISTANCE


def test_colour_says_what_its_grey_says(page):
    assert likeness(np.dstack([page] * 3)) == likeness(page)


def test_another_page_is_far(page, rng):
    other = as_scan(draw_page(rng, (3, 5, 2, 4), size=64).ink, rng)
    assert distance(likeness(page), likeness(other)) > MAX_DISTANCE


def test_an_even_picture_is_like_nothing():
    assert likeness(np.full((300, 200), 230, np.uint8)) == ""


def test_what_is_no_hash_has_no_distance(page):
    with pytest.raises(ValueError, match="64 hex"):
        distance(likeness(page), "")
