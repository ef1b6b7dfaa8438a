"""Words: what is cleaned off them, how they are fitted, and the content font beside them."""

import cv2
import numpy as np
import pytest

from pipelines.glyphs.fonts import FontFace
from pipelines.windows import ink_extent
from tests.pipelines.glyphs.drawn_fonts import draw_font
from training.families.scriptvit.conditioning import content_of
from training.families.scriptvit.words import LETTER_SHARE, LINE_SHARE, fitted_word, word_ink

SIZE = (32, 192)


def scribbled(text="cab", grey=60, rule=False):
    picture = np.full((64, 256), 240, np.uint8)
    cv2.putText(picture, text, (30, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.0, grey, 3)
    if rule:
        cv2.line(picture, (60, 58), (200, 58), grey, 2)
    picture.flags.writeable = False
    return picture


def test_a_pale_pen_is_no_hand():
    dark, pale = (word_ink(scribbled(grey=grey)) for grey in (20, 180))
    assert np.abs(dark.astype(int) - pale).mean() < 6


def test_the_rule_that_a_word_stands_on_is_no_ink():
    ruled, clean = word_ink(scribbled(rule=True)), word_ink(scribbled())
    assert not ruled[54:].any()
    assert np.abs(ruled.astype(int) - clean).mean() < 1


def test_a_hyphen_is_no_rule():
    ink = word_ink(scribbled("a-b"))
    before = word_ink(scribbled("a b"))
    assert (ink > 127).sum() > (before > 127).sum() + 20


def test_a_reference_keeps_its_proportions_and_is_cut_off_at_its_end():
    ink = np.zeros((64, 400), np.uint8)
    ink[10:30, 20:60] = 255
    short = ink_extent(fitted_word(ink, SIZE))
    assert (short.left, short.height) == (0, round(LINE_SHARE * 32))
    assert short.width == 2 * short.height
    ink[10:30, 20:390] = 255
    assert ink_extent(fitted_word(ink, SIZE)).right == SIZE[1]


@pytest.mark.parametrize(("letters", "wide"), [(5, 5 * LETTER_SHARE * 32), (40, 192)])
def test_what_is_written_has_a_width_for_each_letter_and_none_is_cut(letters, wide):
    ink = np.zeros((20, 300), np.uint8)
    ink[5:15, 10:290] = 255
    assert ink_extent(fitted_word(ink, SIZE, letters)).width == pytest.approx(wide, abs=1)


def test_no_ink_stays_no_ink():
    assert not fitted_word(np.zeros((10, 10), np.uint8), SIZE).any()


def test_letters_of_the_content_font_stand_on_one_line_in_order(tmp_path):
    letters = FontFace([draw_font(tmp_path / "letters.ttf", "abcgT")])
    picture = content_of("ab g", letters, SIZE)
    assert picture.shape == SIZE
    columns = np.flatnonzero((picture > 127).any(axis=0))
    # Three letters, each by itself, and a blank before the last that is wider than other gaps.
    gaps = np.diff(columns)[np.diff(columns) > 1]
    assert len(gaps) == 2
    assert gaps[1] > 2 * gaps[0]
    assert columns.max() < 4 * LETTER_SHARE * SIZE[0]
