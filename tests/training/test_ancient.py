"""Ancient scripts as material, and readers judged on what was held out."""

import numpy as np
import pytest

from pipelines.drawings import Drawing, is_newcomer
from pipelines.errors import ModelError
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.gardiner import signs
from tests.pipelines.glyphs.drawn_fonts import draw_font
from training.ancient import (
    alone,
    as_table,
    candidates_of,
    judge,
    material_of_drawings,
    material_of_fonts,
)
from training.nearest_glyph import NearestGlyphReader

CHARACTERS = "一丁七三上下不中人今他以任休"
SIGNS = "".join(list(signs().values())[:60])


def drawing(character, width, height):
    ink = np.zeros((60, 60), np.uint8)
    ink[5 : 5 + height, 5 : 5 + width] = 255
    return Drawing(drawing_id=f"{character}{width:02}{height:02}", character=character, ink=ink)


def drawings():
    """Two drawings of each character, which hardly differ, and rectangles of its own."""
    return [
        drawing(c, 8 + 3 * place, 50 - 3 * place - k)
        for place, c in enumerate(CHARACTERS)
        for k in (0, 1)
    ]


@pytest.fixture
def face(tmp_path):
    return FontFace([draw_font(tmp_path / "drawn.ttf", CHARACTERS[:-1])])


def test_drawings_are_named_by_the_standard_font_and_partly_held_out(face):
    material = material_of_drawings(drawings(), face, "oracle_bone")
    assert material.unreferenced == (CHARACTERS[-1],)
    assert set(material.vocabulary.characters) == set(CHARACTERS[:-1])
    held = sum(len(bank) for bank in material.judged.values())
    assert len(material.read) + held == len(material.written) == 2 * len(CHARACTERS[:-1])
    others = material.judged["other drawings of characters it learned"]
    assert set(others.classes) <= set(material.read.classes)


def test_nothing_to_learn_is_an_error(face):
    with pytest.raises(ModelError, match="nothing to learn: of 1 drawings"):
        material_of_drawings([drawing("龍", 10, 20)], face, "oracle_bone")


def test_signs_are_learned_in_one_font_and_judged_in_another(tmp_path):
    own = FontFace([draw_font(tmp_path / "own.ttf", SIGNS)])
    other = FontFace([draw_font(tmp_path / "other.ttf", SIGNS)])
    material = material_of_fonts(own, other, {"other": other}, "hieroglyphs", seed=0)
    new = {s for s in SIGNS if is_newcomer(s)}
    assert new
    learned = {material.vocabulary.characters[k] for k in material.read.classes}
    assert learned == set(SIGNS) - new
    assert {name: len(bank) for name, bank in material.judged.items()} == {
        "other, whole": len(learned),
        "other, worn": len(learned),
        "other, worn, signs it never saw": len(new),
    }
    again = material_of_fonts(own, other, {"other": other}, "hieroglyphs", seed=0)
    for part, bank in material.judged.items():
        assert np.array_equal(again.judged[part].pictures, bank.pictures)


def test_without_another_font_the_standard_one_is_judged_worn(tmp_path):
    own = FontFace([draw_font(tmp_path / "own.ttf", SIGNS)])
    material = material_of_fonts(own, own, {}, "hieroglyphs", seed=0)
    assert list(material.judged) == [
        "the standard font, worn",
        "the standard font, worn, signs it never saw",
    ]


def test_readers_are_judged_side_by_side_with_counts_and_intervals(face):
    material = material_of_drawings(drawings(), face, "oracle_bone")
    learned = [
        (picture, material.vocabulary.characters[k])
        for picture, k in zip(material.read.pictures, material.read.classes, strict=True)
    ]
    nearest = NearestGlyphReader.of_drawings(learned)
    rows = judge(material, {"nearest": nearest})
    known = rows[0]
    assert known.first.count == len(material.judged[known.part])
    assert known.first.value > 0.7
    assert known.first.low <= known.first.value <= known.first.high <= 1
    assert known.among_five.value >= known.first.value
    assert f"| {known.first.count} | nearest |" in as_table(rows)


def test_the_nearest_names_each_character_once(face):
    both = [(d.ink, d.character) for d in drawings()]
    reader = NearestGlyphReader.of_drawings(both)
    (names,) = candidates_of(reader, np.stack([both[0][0]]))
    assert len(names) == len(set(names)) == 5
    assert names[0] == both[0][1]
    (proposal,) = reader.read_columns([alone(both[3][0])])[0]
    assert proposal.text == both[3][1]
