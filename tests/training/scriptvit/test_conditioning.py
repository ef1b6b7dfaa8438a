"""What is fed in: material, content pictures, references that are refused."""

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import MaterialError, ModelError
from pipelines.glyphs.fonts import FontFace
from tests.pipelines.glyphs.drawn_fonts import draw_font
from tests.training.examples import CHARACTERS, bank, face, vocabulary
from tests.training.scriptvit.examples import DIMS, draw, material
from training.families.scriptvit.conditioning import (
    content_of,
    material_of_characters,
    material_of_words,
    reference_set,
)
from training.families.scriptvit.dims import TINY_WORDS


def test_characters_of_a_bank_keep_hand_and_text(tmp_path):
    data = material_of_characters(bank(tmp_path), vocabulary(), face(tmp_path), DIMS)
    assert data.hand_names == ("drawn",)
    assert data.texts == tuple(CHARACTERS)
    assert data.pictures.shape == data.written.shape == (len(CHARACTERS), 32, 32)
    assert data.contents.shape == (len(CHARACTERS), 32, 32)
    assert not data.is_words


def test_every_fifth_text_is_held_out_and_hands_are_numbered_anew():
    data = material()
    assert set(data.text_ids[data.is_held_out]) == {4, 9}
    part = data.of_hands(["bold", "upright"])
    assert part.hand_names == ("bold", "upright")
    assert (part.pictures[part.hands == 0] == data.pictures[data.hands == 2]).all()
    with pytest.raises(ModelError, match="no hand 'nobody'. It has upright, leaning, bold"):
        data.of_hands(["nobody"])


@pytest.fixture
def letters(tmp_path):
    return FontFace([draw_font(tmp_path / "letters.ttf", "abcgT")])


def test_one_character_fills_its_cell_and_no_text_is_refused(letters):
    assert (content_of("a", letters, (32, 32)) > 127).any(axis=1).sum() > 24
    with pytest.raises(MaterialError, match="text to write is empty"):
        content_of("", letters, (32, 32))


def a_word(text, grey=60):
    picture = np.full((64, 256), 240, np.uint8)
    cv2.putText(picture, text, (10, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.2, grey, 3)
    return cv2.imencode(".png", picture)[1].tobytes()


def words_file(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_words_are_read_by_writer_and_what_cannot_be_used_is_left_out(tmp_path, letters):
    rows = [
        {"image": a_word("ab"), "text": "ab", "writer": 10},
        {"image": a_word("cab"), "text": "cab", "writer": 9},
        {"image": a_word("x"), "text": "x", "writer": 9},
        {"image": a_word("abcab"), "text": "abcab", "writer": 9},
    ]
    data = material_of_words(words_file(tmp_path / "w.parquet", rows), letters, TINY_WORDS, 4)
    assert data.hand_names == ("writer-9", "writer-10")
    assert data.texts == ("ab", "cab")
    assert data.pictures.shape == data.written.shape == data.contents.shape == (2, 32, 192)
    assert data.is_words
    with pytest.raises(ModelError, match="holds no word of 1 to 1 letters"):
        material_of_words(words_file(tmp_path / "long.parquet", rows[:1]), letters, TINY_WORDS, 1)
    bad = words_file(tmp_path / "bad.parquet", [{"image": b"", "said": "a"}])
    with pytest.raises(ModelError, match="lacks the columns text, writer"):
        material_of_words(bad, letters, TINY_WORDS, 4)
    with pytest.raises(ModelError, match="no file of words"):
        material_of_words(tmp_path / "none.parquet", letters, TINY_WORDS, 4)


def test_references_are_fitted_to_their_cell():
    large = cv2.resize(draw("人", "bold", np.random.default_rng(0)), (90, 90))
    (cell,) = reference_set([large], DIMS)
    assert cell.shape == (32, 32)
    assert cell.max() == 255


@pytest.mark.parametrize(("count", "said"), [(0, "0 references"), (16, "16 references")])
def test_no_reference_and_too_many_are_refused(count, said):
    one = draw("人", "bold", np.random.default_rng(0))
    with pytest.raises(ModelError, match=f"{said} of a hand were given; expected 1 to 15"):
        reference_set([one] * count, DIMS)


def test_a_blank_reference_is_named():
    one = draw("人", "bold", np.random.default_rng(0))
    with pytest.raises(ModelError, match="Reference 2 of 3 is blank"):
        reference_set([one, np.zeros((40, 40), np.uint8), one], DIMS)


@pytest.mark.shared
def test_real_words_of_the_development_data(shared, tmp_path):
    font = FontFace(
        [draw_font(tmp_path / "l.ttf", "abcdefghijklmnopqrstuvwxyzäöüßABDEGHKLMNRSTVWZ")]
    )
    data = material_of_words(
        shared / "data" / "latin_words_by_writer.parquet", font, TINY_WORDS, 24
    )
    assert len(data.hand_names) == 29
    ink = (data.pictures > 127).mean(axis=(1, 2))
    assert 0.01 < np.median(ink) < 0.3
