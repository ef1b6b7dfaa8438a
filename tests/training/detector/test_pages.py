"""Training pages: every box holds ink, whatever is drawn around it."""

import numpy as np
import pytest

from tests.training.detector.hands import drawn_hands
from training.detector.pages import draw_page


@pytest.fixture(scope="module")
def pages():
    hands = drawn_hands()
    return [draw_page(hands, np.random.default_rng(seed)) for seed in range(16)]


def test_boxes_lie_on_the_page_and_hold_ink(pages):
    for page in pages:
        height, width = page.ink.shape
        for left, top, right, bottom in page.boxes:
            assert 0 <= left < right <= width + 0.5
            assert 0 <= top < bottom <= height + 0.5
            view = page.ink[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
            assert view.max() > 100


def test_pages_differ_in_the_size_of_their_writing(pages):
    sizes = [
        np.median(np.max(p.boxes[:, 2:] - p.boxes[:, :2], axis=1)) for p in pages if len(p.boxes)
    ]
    assert max(sizes) > 3 * min(sizes)


def test_the_seed_fixes_a_page():
    first, second = (draw_page(drawn_hands(), np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first.ink, second.ink)
    assert np.array_equal(first.boxes, second.boxes)
