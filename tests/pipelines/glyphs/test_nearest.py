import numpy as np
import pytest

from pipelines.glyphs.content import content_cell
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.nearest import NearestGlyph
from pipelines.glyphs.registry import load_fonts

CHARACTERS = "天地玄黃宇宙洪荒日月盈昃辰宿列張寒來暑往秋收冬藏"


@pytest.fixture(scope="module")
def face(material):
    font = load_fonts(None, material / "fonts")["lxgw-wenkai-tc"]
    if not font.is_fetched:
        pytest.skip("the standard font is not fetched: run `make material` first")
    return FontFace(font.files)


def test_it_reads_the_font_it_knows_at_any_size_and_place(face):
    reader = NearestGlyph(CHARACTERS, face)
    inks = []
    for index, character in enumerate(CHARACTERS):
        ink = 255 - content_cell(character, face, 40 + index)
        inks.append(np.pad(ink, ((index, 0), (0, 3 * index))))
    assert "".join(reader.read(inks)) == CHARACTERS


def test_no_ink_is_no_character(face):
    reader = NearestGlyph(CHARACTERS, face)
    blank = np.zeros((30, 20), np.uint8)
    blank.flags.writeable = False
    assert reader.read([blank]) == [""]
    assert reader.read([]) == []


def test_it_answers_only_what_the_font_draws(face):
    assert NearestGlyph("天\ue000", face).characters == ("天",)
