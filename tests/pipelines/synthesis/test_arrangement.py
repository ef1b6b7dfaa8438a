from dataclasses import replace

import numpy as np
import pytest

from pipelines.synthesis.arrangement import lay_out
from pipelines.synthesis.layouts import Layout, LayoutParams, choose_layout_params
from pipelines.synthesis.setting import Brush, Feed
from pipelines.truth import Role
from tests.pipelines.synthesis.drawn_hands import BODY, draw_hand

SMALL = LayoutParams(
    width_px=400, height_px=500, columns=4, rows=8, has_rules=False, brush=Brush(touching_share=0.0)
)


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    return draw_hand(tmp_path_factory.mktemp("fonts"))


def laid(hand, text=BODY, seed=1, **changes):
    feed = Feed(text=text, hand=hand)
    return lay_out(replace(SMALL, **changes), feed, np.random.default_rng(seed)), feed


def test_a_frame_holds_all_the_writing(hand):
    arranged, _ = laid(hand)
    ys, xs = np.nonzero(arranged.leaf.rules)
    for c in arranged.leaf.characters:
        assert xs.min() < c.box.left < c.box.right < xs.max() + 1
        assert ys.min() < c.box.top < c.box.bottom < ys.max() + 1


def test_rules_stand_between_columns(hand):
    arranged, _ = laid(hand, has_frame=False, has_rules=True)
    ruled = np.flatnonzero(arranged.leaf.rules[250] > 127)
    axes = [
        np.mean([c.box.center[0] for c in arranged.leaf.characters if c.column == k])
        for k in range(4)
    ]
    assert axes == sorted(axes, reverse=True)
    for right, left in zip(axes[:-1], axes[1:], strict=True):
        assert ((ruled > left) & (ruled < right)).any()


def test_a_spread_is_read_right_page_first_and_its_fold_between(hand):
    arranged, feed = laid(
        hand, layout=Layout.SPREAD, width_px=900, has_fold=True, seed=3, columns=3
    )
    leaf = arranged.leaf
    assert "".join(c.canonical for c in leaf.characters) == BODY[: feed.position]
    fold = [c for c in leaf.characters if c.role is Role.TITLE]
    assert fold
    assert {c.column for c in fold} == {3}
    for c in leaf.characters:
        middle = c.box.center[0]
        assert (middle > 450) == (c.column < 3) or c.role is Role.TITLE
    tails = leaf.rules[:, 435:465] > 127
    assert tails.sum() > 200


def test_a_note_ends_inside_its_column_and_the_text_goes_on(hand):
    arranged, feed = laid(hand, note_share=0.4, seed=2)
    characters = arranged.leaf.characters
    assert "".join(c.canonical for c in characters) == BODY[: feed.position]
    roles = [c.role for c in characters]
    assert Role.BODY in roles[roles.index(Role.NOTE) :]
    for c in characters:
        assert c.box.bottom <= 500


def test_letters_raise_some_heads_and_end_ragged(hand):
    arranged, _ = laid(
        hand, layout=Layout.LETTER, has_frame=False, raised_share=0.5, columns=6, seed=4
    )
    heads = [
        min(c.box.top for c in arranged.leaf.characters if c.column == k)
        for k in range(arranged.leaf.column + 1)
    ]
    assert max(heads) - min(heads) > 15


def test_a_short_text_leaves_the_rest_of_the_page_blank(hand):
    arranged, feed = laid(hand, text=BODY[:2], has_frame=False)
    assert feed.is_empty
    assert not arranged.leaf.ink[:, :200].any()


def test_only_a_cover_has_a_slip(hand):
    cover, _ = laid(hand, layout=Layout.TITLE)
    assert cover.slip is not None
    for c in cover.leaf.characters:
        assert c.role is Role.TITLE
        assert cover.slip[int(c.box.center[1]), int(c.box.center[0])] == 255
    assert laid(hand)[0].slip is None


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("seed", range(6))
def test_chosen_parameters_keep_every_character_on_the_page(hand, layout, seed):
    rng = np.random.default_rng(seed)
    params = choose_layout_params(layout, hand, rng)
    small = replace(
        params, width_px=params.width_px // 4, height_px=params.height_px // 4, bow_px=0, sag_px=0
    )
    feed = Feed(text=BODY * 3, hand=hand)
    leaf = lay_out(small, feed, rng).leaf
    assert len(leaf.characters) == feed.position
    for c in leaf.characters:
        assert 0 <= c.box.left < c.box.right <= small.width_px
        assert 0 <= c.box.top < c.box.bottom <= small.height_px


def test_impossible_layouts_are_refused():
    with pytest.raises(ValueError, match="at least 64 x 64"):
        LayoutParams(columns=0)
