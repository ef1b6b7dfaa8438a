from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.synthesis.hands import Hand
from pipelines.synthesis.setting import Brush, Feed, Leaf, Warp, write_column
from tests.pipelines.synthesis.drawn_hands import BODY, draw_hand

STEADY = Brush(touching_share=0.0, turn_deg=0.0)
GOLDEN = (10, (50, 10, 71, 44), (51, 351, 75, 384))


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    return draw_hand(tmp_path_factory.mktemp("fonts"))


@pytest.fixture(scope="module")
def simplified(tmp_path_factory):
    return draw_hand(tmp_path_factory.mktemp("fonts"), characters="国云天図")


def column(hand: Hand, brush=STEADY, text=BODY, seed=1, warp=None, bottom=400.0):
    leaf = Leaf.blank(warp or Warp(width=120, height=420))
    leaf.column = 0
    feed = Feed(text=text, hand=hand)
    write_column(
        leaf,
        feed,
        x=60,
        top=10,
        bottom=bottom,
        em_px=40,
        brush=brush,
        rng=np.random.default_rng(seed),
    )
    return leaf, feed


@pytest.mark.parametrize("is_grid", [True, False])
def test_every_box_holds_its_ink_and_nothing_is_inked_outside(hand, is_grid):
    leaf, _ = column(hand, replace(STEADY, is_grid=is_grid))
    outside = leaf.ink.copy()
    for character in leaf.characters:
        box = character.box
        inside = leaf.ink[box.top : box.bottom, box.left : box.right]
        assert all(
            edge.max() >= 64 for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1])
        )
        outside[box.top : box.bottom, box.left : box.right] = 0
    assert outside.max() == 0


def test_characters_follow_the_text_downwards_and_the_rest_is_left(hand):
    leaf, feed = column(hand)
    assert "".join(c.written for c in leaf.characters) == BODY[: feed.position]
    middles = [c.box.center[1] for c in leaf.characters]
    assert middles == sorted(middles)
    assert leaf.characters[-1].box.bottom <= 400


def test_a_grid_has_equal_cells(hand):
    leaf, _ = column(hand, replace(STEADY, is_grid=True, gap_share=0.1))
    steps = np.diff([c.box.center[1] for c in leaf.characters])
    assert np.abs(steps - 1.04 * 40).max() < 4


def test_a_font_draws_the_form_it_has_and_the_truth_keeps_the_meaning(simplified):
    assert simplified.form_of("國") == "国"
    assert simplified.form_of("圖") == "図"
    assert simplified.form_of("龍") is None
    leaf, feed = column(simplified, text="國雲龍天龍")
    assert [(c.written, c.canonical) for c in leaf.characters] == [
        ("国", "國"),
        ("云", "雲"),
        ("天", "天"),
    ]
    assert feed.missing == {"龍": 2}
    assert feed.is_empty


def test_touching_characters_touch(hand):
    def gaps(share):
        leaf, _ = column(hand, replace(STEADY, touching_share=share, axis_drift=0.0))
        boxes = [c.box for c in leaf.characters]
        return [b.top - a.bottom for a, b in zip(boxes[:-1], boxes[1:], strict=True)]

    assert min(gaps(0.0)) >= 1
    assert max(gaps(1.0)) <= 1


def test_a_trace_joins_the_last_stroke_to_the_next_first(hand):
    apart, _ = column(hand, replace(STEADY, gap_share=0.15, gap_variation=0.0))
    joined, _ = column(hand, replace(STEADY, gap_share=0.15, gap_variation=0.0, joined_share=1.0))
    pairs = list(zip(joined.characters[:-1], joined.characters[1:], strict=True))
    crossed = [joined.ink[a.box.bottom : b.box.top].max(axis=1).min() > 0 for a, b in pairs]
    assert all(crossed)
    assert not apart.ink[apart.characters[0].box.bottom + 1 : apart.characters[1].box.top - 1].any()


def test_the_ends_of_strokes_lie_where_a_hand_begins_and_ends(hand):
    (left, top), (right, bottom) = hand.stroke_ends("天")
    assert top < 0.35 < 0.65 < bottom
    assert left < 0.7
    assert right > 0.3


def test_a_brush_dries_until_it_is_dipped(hand):
    leaf, _ = column(hand, replace(STEADY, load_characters=4))
    wetness = [c.wetness for c in leaf.characters]
    assert min(wetness) < 0.5 < max(wetness)
    assert {c.wetness for c in column(hand)[0].characters} == {1.0}


@settings(max_examples=25, deadline=None)
@given(skew=st.floats(-3, 3), bow=st.floats(-8, 8), sag=st.floats(-8, 8))
def test_a_warp_turns_about_the_middle_and_bends_no_farther_than_it_says(skew, bow, sag):
    warp = Warp(width=300, height=500, skew_deg=skew, bow_px=bow, sag_px=sag)
    x, y = warp.place(150, 250)
    assert np.hypot(x - 150, y - 250) <= abs(bow) + abs(sag) + 1e-6
    for corner in ((0, 0), (300, 0), (0, 500), (300, 500)):
        turn = np.deg2rad(skew)
        u, v = corner[0] - 150, corner[1] - 250
        flat = (
            150 + u * np.cos(turn) + v * np.sin(turn),
            250 - u * np.sin(turn) + v * np.cos(turn),
        )
        assert np.hypot(*np.subtract(warp.place(*corner), flat)) <= 1e-6


def test_skewed_glyphs_keep_their_boxes_exact(hand):
    leaf, _ = column(hand, warp=Warp(width=160, height=440, skew_deg=4.0), bottom=380)
    covered = np.zeros_like(leaf.ink)
    for c in leaf.characters:
        covered[c.box.top : c.box.bottom, c.box.left : c.box.right] = 255
    assert not (leaf.ink[covered == 0] > 64).any()


def test_a_column_is_what_it_was(hand):
    """Golden: a change here changes every corpus."""
    # Rectangles that are neither turned nor stretched: no rasterizer rounds them differently.
    leaf, _ = column(hand, replace(STEADY, stretch_variation=0.0))
    boxes = [(c.box.left, c.box.top, c.box.right, c.box.bottom) for c in leaf.characters]
    assert (len(boxes), boxes[0], boxes[-1]) == GOLDEN
