"""Strokes of a page that people are shown: on ink, few, and in pixels of the page."""

import numpy as np

from pipelines.geometry import Box
from tests.training.scriptvit.examples import bundle, draw
from training.families.scriptvit.page_strokes import Standing, StrokeParams, strokes_of_page

TEXTS = "一七三上下不中人大小"


def standing(count, ink=None):
    rng = np.random.default_rng(0)
    return [
        Standing(
            column_id="c", work_id="w", box=Box(200, 40 * k, 232, 40 * k + 32),
            ink=draw(TEXTS[k % 10], "bold", rng) if ink is None else ink,
        )
        for k in range(count)
    ]  # fmt: skip


def strokes(shown, **params):
    return strokes_of_page(
        "p", shown, bundle(fingerprint="f"), code_version="t", params=StrokeParams(**params)
    )


def test_strokes_lie_on_the_ink_of_their_character():
    characters = standing(4)
    found = strokes(characters)
    assert found
    for stroke in found:
        (own,) = (one for one in characters if one.box.top <= stroke.box.top < one.box.bottom)
        inside = stroke.box.moved(-own.box.left, -own.box.top)
        assert (own.ink[inside.top : inside.bottom, inside.left : inside.right] > 64).any()
        assert 0 < stroke.weight <= 1
        assert (stroke.model_fingerprint, stroke.code_version) == ("f", "t")


def test_a_full_page_shows_few_strokes_and_no_character_more_than_its_share():
    found = strokes(standing(40), characters=5, a_character=1)
    assert 0 < len(found) <= 5
    tops = {stroke.box.top // 40 for stroke in found}
    assert len(tops) == len(found)
    assert max(tops) - min(tops) > 20  # from all over the page


def test_a_page_without_ink_has_none():
    assert strokes([]) == []
    assert strokes(standing(2, np.zeros((32, 32), np.uint8))) == []
