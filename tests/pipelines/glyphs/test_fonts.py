"""What a font really draws."""

import numpy as np
import pytest

from pipelines.errors import FontError, MissingGlyph
from pipelines.glyphs.fonts import Coverage, FontFace
from pipelines.glyphs.registry import load_fonts, require_font
from tests.pipelines.glyphs.drawn_fonts import draw_font


@pytest.fixture
def face(tmp_path):
    return FontFace([draw_font(tmp_path / "drawn.ttf", "永和九年")])


def test_it_draws_tight_ink(face):
    ink = face.draw("永", 100)
    assert ink.dtype == np.uint8
    assert ink.max() == 255
    assert ink[0].any()
    assert ink[:, 0].any()
    # 500 by 820 units of an em of 1000.
    assert abs(ink.shape[1] - 50) <= 1
    assert abs(ink.shape[0] - 82) <= 1


def test_a_character_it_lacks_is_named_with_its_code_point(face):
    assert not face.covers("歲")
    with pytest.raises(MissingGlyph, match=r"drawn.ttf has no outline for '歲' \(U\+6B72\)"):
        face.draw("歲", 48)


def test_a_placeholder_shared_by_many_is_no_glyph(tmp_path):
    from fontTools.ttLib import TTFont

    path = draw_font(tmp_path / "tofu.ttf", "永和九年歲在癸丑暮春")
    font = TTFont(path)
    first = font["glyf"]["uni6C38"]
    for character in "和九年歲在癸丑暮":
        font["glyf"][f"uni{ord(character):04X}"] = first
    font.save(path)
    assert FontFace([path]).covered("永和九年歲在癸丑暮春") == ["春"]


def test_the_notdef_box_is_no_glyph(tmp_path):
    from fontTools.ttLib import TTFont

    path = draw_font(tmp_path / "notdef.ttf", "永和")
    font = TTFont(path)
    font["glyf"]["uni548C"] = font["glyf"][".notdef"]
    font.save(path)
    assert FontFace([path]).covered("永和") == ["永"]


def test_slices_make_one_face(tmp_path):
    parts = [draw_font(tmp_path / "a.ttf", "永和"), draw_font(tmp_path / "b.ttf", "九年")]
    face = FontFace(parts)
    assert face.covered("永和九年歲") == list("永和九年")
    assert face.characters() == sorted("永和九年")


def test_woff2_is_unpacked(tmp_path):
    from fontTools.ttLib import TTFont

    font = TTFont(draw_font(tmp_path / "drawn.ttf", "永"))
    font.flavor = "woff2"
    font.save(tmp_path / "drawn.woff2")
    packed = FontFace([tmp_path / "drawn.woff2"]).draw("永", 64)
    plain = FontFace([tmp_path / "drawn.ttf"]).draw("永", 64)
    assert np.array_equal(packed, plain)


def test_a_file_that_is_no_font_is_named(tmp_path):
    path = tmp_path / "broken.ttf"
    path.write_bytes(b"this is no font")
    with pytest.raises(FontError, match=r"broken.ttf is no font that FreeType opens"):
        FontFace([path])
    with pytest.raises(FontError, match="at least one file"):
        FontFace([])


def test_coverage_counts_outlines_and_not_claims(tmp_path):
    from fontTools.ttLib import TTFont

    path = draw_font(tmp_path / "claims.ttf", "永和九年歲在癸丑暮春")
    font = TTFont(path)
    first = font["glyf"]["uni6C38"]
    for character in "和九年歲在癸":
        font["glyf"][f"uni{ord(character):04X}"] = first
    blank = type(first)()
    blank.numberOfContours = 0
    font["glyf"]["uni4E11"] = blank
    font.save(path)
    assert FontFace([path]).coverage("永和九年歲在癸丑暮春龍") == Coverage(
        mapped=10, outlined=2, blank=1, placeholders=7
    )


@pytest.mark.parametrize("font_id", ["zhi-mang-xing", "long-cang", "lxgw-wenkai-tc"])
def test_real_fonts_draw_what_they_are_said_to_cover(material, font_id):
    face = FontFace(require_font(load_fonts(None, material / "fonts"), font_id).files)
    common = "天地玄黃宇宙洪荒日月盈昃之乎者也不以而為"
    drawn = face.covered(common)
    assert len(drawn) > 12
    for character in drawn:
        assert (face.draw(character, 64) > 127).sum() > 40


def test_a_character_says_how_far_it_rises_above_its_line(tmp_path):
    face = FontFace([draw_font(tmp_path / "drawn.ttf", "天")])
    # 820 of 1000 units stand above the line.
    assert face.rise("天", 100) == 82
    assert face.rise("天", 100) == face.draw("天", 100).shape[0]
    with pytest.raises(MissingGlyph):
        face.rise("地", 100)
