import numpy as np
import pytest

from pipelines.geometry import Box
from pipelines.synthesis.seals import draw_seals
from tests.pipelines.synthesis.drawn_hands import BODY, draw_hand


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    return draw_hand(tmp_path_factory.mktemp("fonts"))


def seals(hand, places, seed=0):
    return draw_seals((200, 300), places, hand, BODY, np.random.default_rng(seed))


def test_paste_lies_where_the_seals_are_and_nowhere_else(hand):
    places = [Box(10, 20, 70, 80), Box(200, 100, 260, 160)]
    paste, boxes = seals(hand, places)
    assert boxes == tuple(places)
    for box in boxes:
        inside = paste[box.top : box.bottom, box.left : box.right]
        assert 0.1 < (inside > 100).mean() < 0.95
        inside[:] = 0
    assert paste.max() == 0


def test_both_kinds_are_cut(hand):
    shares = []
    for seed in range(12):
        paste, _ = seals(hand, [Box(10, 20, 90, 100)], seed)
        shares.append((paste[20:100, 10:90] > 100).mean())
    # Characters left white in a red face cover more than red characters in a red rim.
    assert max(shares) - min(shares) > 0.15


def test_what_lies_off_the_page_or_is_too_small_is_left_out(hand):
    paste, boxes = seals(hand, [Box(280, 10, 340, 70), Box(10, 10, 16, 16)])
    assert boxes == ()
    assert paste.max() == 0
