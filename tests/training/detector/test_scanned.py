"""Whole pages with true boxes become training pages whose boxes lie on their ink."""

import numpy as np
import pytest

from pipelines.codh import read_truth
from tests.pipelines.synthesis.drawn_hands import TEXT, draw_hand
from tests.pipelines.test_codh import wheel_of
from training.detector.reviewed import SIZES_PX
from training.detector.scanned import pages_from_codh, pages_from_synthesis


def test_an_aged_page_comes_in_two_sizes_with_its_boxes_on_ink(tmp_path):
    hand = draw_hand(tmp_path)
    pages = list(pages_from_synthesis(3, 1, [hand], [TEXT]))
    assert len(pages) == 2
    for page, size in zip(pages, SIZES_PX, strict=True):
        height, width = page.ink.shape
        usual = np.median(np.max(page.boxes[:, 2:] - page.boxes[:, :2], axis=1))
        assert usual == pytest.approx(size, abs=2)
        assert (page.boxes[:, 2:] <= (width + 1, height + 1)).all()
        inked = [
            page.ink[int(top) : int(bottom) + 1, int(left) : int(right) + 1].max() > 128
            for left, top, right, bottom in page.boxes
        ]
        assert all(inked)


def test_real_pages_are_those_of_the_books_named(tmp_path):
    wheel = wheel_of(tmp_path)
    books = [page.book for page in read_truth(wheel)]
    pages = list(pages_from_codh(wheel, {books[2]}))
    assert 1 <= len(pages) <= 2
    assert all(len(page.boxes) == 4 for page in pages)
    text = np.concatenate([pages[0].boxes[:, :2].min(axis=0), pages[0].boxes[:, 2:].max(axis=0)])
    for left, top, right, bottom in pages[0].unsure:
        inside_x = min(right, text[2]) - max(left, text[0])
        inside_y = min(bottom, text[3]) - max(top, text[1])
        is_beyond = min(inside_x, inside_y) <= 0.5 * max(right - left, bottom - top)
        assert is_beyond, "what lies among the characters is to be learned"
    assert not list(pages_from_codh(wheel, set()))
