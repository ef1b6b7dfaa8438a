"""Writing by looking: what the seed chooses, and characters written again."""

import numpy as np
import pytest

from pipelines.errors import ModelError
from pipelines.glyphs.fonts import FontFace
from tests.pipelines.glyphs.drawn_fonts import draw_font
from tests.training.scriptvit.examples import TEXTS, bundle, draw
from training.imitating import ImitatingWriter


@pytest.fixture
def writer(tmp_path):
    rng = np.random.default_rng(0)
    pictures = [draw(text, hand, rng) for text in TEXTS[:4] for hand in ("bold", "leaning")]
    return ImitatingWriter(bundle(), FontFace([draw_font(tmp_path / "f.ttf", TEXTS)]), pictures)


def test_a_column_follows_from_its_seed(writer):
    one, same, other = (writer.write_column("一七三", "", seed) for seed in (1, 1, 2))
    assert np.array_equal(one.ink, same.ink)
    assert not np.array_equal(one.ink, other.ink)
    assert (one.text, len(one.boxes), one.ink.shape) == ("一七三", 3, (96, 32))


def test_only_what_is_asked_for_is_written_again(writer):
    column = writer.write_column("一七三", "", 1)
    before = column.ink.copy()
    again = writer.rewrite(column, [1], "", 2)
    assert np.array_equal(column.ink, before)
    assert np.array_equal(again.ink[:32], before[:32])
    assert np.array_equal(again.ink[64:], before[64:])
    assert np.array_equal(again.ink[32:64], writer.write_column("一七三", "", 2).ink[32:64])


def test_a_model_that_does_not_write_and_blank_references_are_refused(tmp_path):
    face = FontFace([draw_font(tmp_path / "f.ttf", TEXTS)])
    ink = draw("人", "bold", np.random.default_rng(0))
    with pytest.raises(ModelError, match="not learned to write"):
        ImitatingWriter(bundle(generator=None, reader=None), face, [ink])
    with pytest.raises(ModelError, match="blank"):
        ImitatingWriter(bundle(), face, [ink, np.zeros((32, 32), np.uint8)])
