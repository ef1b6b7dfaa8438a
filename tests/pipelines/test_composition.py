import hashlib
from dataclasses import replace

import numpy as np
import pytest

from pipelines.composition import CompositionParams, compose_column, compose_page, form_in
from pipelines.errors import MaterialError
from pipelines.glyphs.fonts import FontFace
from tests.pipelines.glyphs.drawn_fonts import draw_font

TEXT = "天地玄黃宇宙洪荒日月盈昃辰宿列張寒來暑往秋收冬藏"
PARAMS = CompositionParams(character_px=40, columns=3, rows=5)


@pytest.fixture(scope="module")
def face(tmp_path_factory):
    return FontFace([draw_font(tmp_path_factory.mktemp("fonts") / "f.ttf", TEXT)])


@pytest.fixture(scope="module")
def simplified(tmp_path_factory):
    return FontFace([draw_font(tmp_path_factory.mktemp("fonts") / "s.ttf", "国云天図")])


def page(face, seed=1, **changes):
    return compose_page(TEXT * 3, face, replace(PARAMS, **changes), np.random.default_rng(seed))


@pytest.mark.parametrize("is_grid", [True, False])
def test_every_box_holds_its_ink_and_nothing_is_inked_outside(face, is_grid):
    composed = page(face, is_grid=is_grid, touching_share=0.0)
    outside = composed.ink.copy()
    for character in composed.characters:
        box = character.box
        inside = composed.ink[box.top : box.bottom, box.left : box.right]
        assert inside[0].any()
        assert inside[-1].any()
        assert inside[:, 0].any()
        assert inside[:, -1].any()
        outside[box.top : box.bottom, box.left : box.right] = 0
    assert outside.max() == 0


@pytest.mark.parametrize("is_grid", [True, False])
def test_characters_stand_in_reading_order(face, is_grid):
    composed = page(face, is_grid=is_grid)
    assert "".join(c.written for c in composed.characters) == (TEXT * 3)[: composed.consumed]
    assert len(composed.axes) == 3
    assert composed.axes == tuple(sorted(composed.axes, reverse=True))
    for one, other in zip(composed.characters[:-1], composed.characters[1:], strict=True):
        if one.column == other.column:
            assert one.box.center[1] < other.box.center[1]
        else:
            assert other.column == one.column + 1
            assert other.box.center[0] < one.box.center[0]


def test_a_grid_holds_exactly_its_rows_and_a_flow_about_as_many(face):
    assert len(page(face, is_grid=True).characters) == 15
    assert 12 <= len(page(face).characters) <= 24


def test_the_same_seed_gives_the_same_page_and_another_does_not(face):
    assert page(face).characters == page(face).characters
    assert np.array_equal(page(face).ink, page(face).ink)
    assert page(face).characters != page(face, seed=2).characters


def test_the_page_is_what_it_was(face):
    # Rectangles without rotation: no rasterizer rounds them differently.
    composed = page(face, rotation_deg=0.0)
    boxes = [(c.box.left, c.box.top, c.box.right, c.box.bottom) for c in composed.characters]
    assert composed.ink.shape == (254, 196)
    assert hashlib.sha256(repr(boxes).encode()).hexdigest()[:16] == "c7ec9c73983f669d"


def test_a_font_draws_the_form_it_has_and_the_truth_keeps_the_meaning(simplified):
    assert form_in(simplified, "國") == "国"
    assert form_in(simplified, "圖") == "図"
    assert form_in(simplified, "龍") is None
    composed = compose_page("國雲龍天龍", simplified, PARAMS, np.random.default_rng(0))
    assert [(c.written, c.canonical) for c in composed.characters] == [
        ("国", "國"),
        ("云", "雲"),
        ("天", "天"),
    ]
    assert composed.missing == {"龍": 2}
    assert composed.consumed == 5


def test_a_font_that_has_nothing_of_the_text_is_an_error(simplified):
    for compose in (compose_page, compose_column):
        with pytest.raises(MaterialError, match=r"s\.ttf draws none of '龍鳳'") as raised:
            compose("龍鳳", simplified, PARAMS, np.random.default_rng(0))
        assert raised.value.reason == "font_lacks_text"


def test_a_column_holds_its_characters_and_a_margin(face):
    column = compose_column(TEXT, face, PARAMS, np.random.default_rng(3))
    assert "".join(c.written for c in column.characters) == TEXT[:5]
    assert {c.column for c in column.characters} == {0}
    margin = PARAMS.character_px // 6
    assert not column.ink[:margin].any()
    assert column.ink[margin].any()
    assert column.ink[:, margin].any() or column.ink[:, -margin - 1].any()


def test_touching_characters_touch(face):
    apart = compose_column(
        TEXT, face, replace(PARAMS, touching_share=0.0), np.random.default_rng(4)
    )
    together = compose_column(
        TEXT, face, replace(PARAMS, touching_share=1.0), np.random.default_rng(4)
    )

    def gaps(column):
        boxes = [c.box for c in column.characters]
        return [b.top - a.bottom for a, b in zip(boxes[:-1], boxes[1:], strict=True)]

    assert min(gaps(apart)) >= 1
    assert max(gaps(together)) <= 1


def test_a_short_text_leaves_the_rest_of_the_page_blank(face):
    composed = compose_page("天地", face, PARAMS, np.random.default_rng(5))
    assert composed.consumed == 2
    assert not composed.ink[:, : composed.ink.shape[1] // 2].any()


def test_impossible_layouts_are_refused():
    with pytest.raises(ValueError, match="at least one column"):
        CompositionParams(columns=0)
