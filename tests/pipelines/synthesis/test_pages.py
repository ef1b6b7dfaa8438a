"""Pages and their truth, drawn with a font made for the test."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.errors import MaterialError
from pipelines.synthesis.appearance import Medium, age_params, choose_page_params
from pipelines.synthesis.layouts import Layout, LayoutParams
from pipelines.synthesis.pages import sample_pages, synthetic_page
from pipelines.synthesis.setting import Brush
from pipelines.truth import Role
from tests.pipelines.synthesis.drawn_hands import BODY, TEXT, draw_hand


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    return draw_hand(tmp_path_factory.mktemp("fonts"))


def small(hand, layout, seed=1, wear=0.5, **changes):
    """A page of that kind at a third of its size: quick to draw."""
    rng = np.random.default_rng(seed)
    params = choose_page_params(rng, hand, layout=layout, wear=wear)
    shape = replace(
        params.layout,
        width_px=params.layout.width_px // 3,
        height_px=params.layout.height_px // 3,
        columns=min(4, params.layout.columns),
        rows=min(8, params.layout.rows),
        skew_deg=params.layout.skew_deg,
        bow_px=0.0,
        sag_px=0.0,
        **changes,
    )
    return synthetic_page(rng, hand, BODY, replace(params, layout=shape))


@pytest.mark.parametrize("layout", Layout)
def test_every_layout_knows_its_characters(hand, layout):
    page = small(hand, layout)
    height, width = page.ink.shape
    assert page.image.shape == (height, width, 3)
    for mask in (page.rules, page.seals, page.damage):
        assert mask.shape == (height, width)
    assert page.characters
    for character in page.characters:
        box = character.box
        assert 0 <= box.left < box.right <= width
        assert 0 <= box.top < box.bottom <= height
        assert page.ink[box.top : box.bottom, box.left : box.right].max() > 127
        assert 0 <= character.loss <= 1


@pytest.mark.parametrize("layout", Layout)
def test_the_order_is_that_of_the_text(hand, layout):
    page = small(hand, layout)
    assert "".join(c.canonical for c in page.characters) == page.text
    assert sorted(i for column in page.columns for i in column) == list(range(len(page.characters)))
    centers = [
        np.mean([page.characters[i].box.center[0] for i in column]) for column in page.columns
    ]
    assert centers == sorted(centers, reverse=True)


def test_no_ink_lies_outside_boxes_and_traces(hand):
    page = small(hand, Layout.STELE)
    rest = page.ink.copy()
    for c in page.characters:
        rest[c.box.top : c.box.bottom, c.box.left : c.box.right] = 0
    # What is left are traces between neighbours: thin, and a small part of the ink.
    assert (rest > 127).sum() < 0.05 * (page.ink > 127).sum()


def test_frames_are_in_the_rules_and_not_in_the_ink(hand):
    page = small(hand, Layout.BOOK, has_frame=True, has_rules=True)
    assert page.rules.any()
    top = min(c.box.top for c in page.characters)
    assert not page.ink[: max(1, top - 2)].any()
    assert page.rules[:top].any()


def test_a_rubbing_is_light_on_dark_and_paper_dark_on_light(hand):
    for layout, sign in ((Layout.ALBUM, 1), (Layout.BOOK, -1)):
        page = small(hand, layout, wear=0.2)
        grey = page.image.mean(axis=2)
        inside, outside = grey[page.ink > 200].mean(), grey[(page.ink | page.rules) == 0].mean()
        assert (inside - outside) * sign > 40
        assert page.medium is (Medium.RUBBING if sign > 0 else Medium.PAPER)


def test_notes_stand_in_two_halves_right_one_first(hand):
    page = small(hand, Layout.NOTES, note_share=0.3)
    notes = [c for c in page.characters if c.role is Role.NOTE]
    assert {c.strand for c in notes} == {1, 2}
    body = np.median([c.box.height for c in page.characters if c.role is Role.BODY])
    assert np.median([c.box.height for c in notes]) < 0.75 * body
    for one, other in zip(page.characters[:-1], page.characters[1:], strict=True):
        if (one.strand, other.strand) == (1, 2):
            assert other.box.center[0] < one.box.center[0]
            assert other.box.top < one.box.bottom


def test_a_signature_is_the_last_column_and_small(hand):
    page = small(hand, Layout.LETTER, signature_characters=4)
    signature = [c for c in page.characters if c.role is Role.SIGNATURE]
    assert 1 <= len(signature) <= 4
    assert {c.column for c in signature} == {len(page.columns) - 1}


def test_more_wear_loses_more(hand):
    fresh, worn = (small(hand, Layout.ALBUM, wear=wear) for wear in (0.0, 1.0))
    assert np.mean([c.loss for c in fresh.characters]) < 0.1
    assert np.mean([c.loss for c in worn.characters]) > np.mean([c.loss for c in fresh.characters])
    assert (worn.damage > 0).mean() > (fresh.damage > 0).mean()


def test_joined_characters_leave_a_trace(hand):
    rng = np.random.default_rng(3)
    params = choose_page_params(rng, hand, layout=Layout.LETTER)
    inks = []
    for joined in (0.0, 1.0):
        brush = Brush(joined_share=joined, gap_share=0.3, gap_variation=0.0)
        layout = LayoutParams(
            layout=Layout.LETTER, width_px=300, height_px=400, columns=2, rows=5, brush=brush
        )
        drawn = synthetic_page(np.random.default_rng(4), hand, BODY, replace(params, layout=layout))
        inks.append((drawn.ink > 127).sum())
    assert inks[1] > inks[0]


def test_a_page_depends_on_seed_and_index_alone(hand):
    one = next(sample_pages(5, 1, [hand], [TEXT], layouts=[Layout.TITLE]))
    later = list(sample_pages(5, 2, [hand], [TEXT], layouts=[Layout.TITLE]))
    again = next(sample_pages(5, 1, [hand], [TEXT], layouts=[Layout.TITLE], first=1))
    assert np.array_equal(one.image, later[0].image)
    assert np.array_equal(again.image, later[1].image)
    assert one.characters == later[0].characters
    assert not np.array_equal(one.image.shape, later[1].image.shape) or not np.array_equal(
        one.image, later[1].image
    )


def test_nothing_to_draw_is_an_error(hand):
    with pytest.raises(MaterialError, match="found 0 and 0"):
        next(sample_pages(1, 1, [], []))
    rng = np.random.default_rng(0)
    with pytest.raises(MaterialError, match="drawn draws none of '龍鳳'"):
        synthetic_page(rng, hand, "龍鳳", choose_page_params(rng, hand, layout=Layout.BOOK))


def test_gold_on_indigo_is_light_on_dark(hand):
    rng = np.random.default_rng(2)
    layout = LayoutParams(width_px=300, height_px=400, columns=3, rows=6)
    params = age_params(rng, hand, layout, Medium.INDIGO, 0.3)
    page = synthetic_page(rng, hand, BODY, params)
    assert page.medium.is_light_on_dark
    grey = page.image.mean(axis=2)
    assert grey[page.ink > 200].mean() > grey[(page.ink | page.rules) == 0].mean() + 40


def test_a_rubbing_on_its_mount_holds_both_polarities(hand):
    rng = np.random.default_rng(6)
    params = choose_page_params(rng, hand, layout=Layout.ALBUM, wear=0.2)
    layout = replace(
        params.layout,
        width_px=500,
        height_px=500,
        columns=3,
        rows=5,
        mount_share=0.3,
        signature_characters=6,
        seals=1,
        skew_deg=0.0,
    )
    page = synthetic_page(rng, hand, BODY, replace(params, layout=layout))
    colophon = [c for c in page.characters if c.role is Role.SIGNATURE]
    assert len(colophon) == 6
    assert max(c.box.right for c in colophon) < 150
    assert min(c.box.left for c in page.characters if c.role is Role.BODY) >= 150
    assert [c.column for c in page.characters] == sorted(c.column for c in page.characters)
    grey = page.image.mean(axis=2)
    ink, ground = page.ink > 200, (page.ink | page.seals) == 0
    mount, stone = np.s_[20:-20, 20:140], np.s_[20:-20, 170:-20]
    assert grey[stone][ink[stone]].mean() > grey[stone][ground[stone]].mean() + 40
    assert grey[mount][ink[mount]].mean() < grey[mount][ground[mount]].mean() - 40
    assert page.seal_boxes
