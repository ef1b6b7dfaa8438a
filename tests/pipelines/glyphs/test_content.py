"""The standard-font content image."""

import numpy as np
import pytest

from pipelines.errors import MissingGlyph
from pipelines.glyphs.content import content_cell, content_image
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import load_fonts, require_font
from tests.pipelines.glyphs.drawn_fonts import draw_font

GOLDEN = [(7, 13, 41, 34), (7, 12, 41, 33), (6, 12, 40, 33), (6, 12, 40, 34)]


@pytest.fixture
def face(tmp_path):
    return FontFace([draw_font(tmp_path / "drawn.ttf", "永和九年")])


def test_cells_stand_below_one_another_black_on_white(face):
    image = content_image("永和九", face, 64)
    assert image.shape == (192, 64)
    assert image[0, 0] == 255
    for index, character in enumerate("永和九"):
        cell = content_cell(character, face, 64)
        assert np.array_equal(image[64 * index : 64 * (index + 1)], cell)
        assert cell.min() == 0


def test_ink_is_in_the_middle_of_its_cell(face):
    dark = np.argwhere(content_cell("永", face, 128) < 128)
    middle = (dark.min(axis=0) + dark.max(axis=0)) / 2
    assert np.abs(middle - 63.5).max() <= 1


def test_an_empty_cell_stays_white(face):
    assert (content_cell("", face, 48) == 255).all()
    assert (content_cell(" ", face, 48) == 255).all()


def test_a_missing_glyph_is_refused(face):
    with pytest.raises(MissingGlyph):
        content_image("永歲", face, 48)


def test_the_renderer_gives_the_same_pixels_as_ever(face):
    """Golden: extents (top, left, bottom, right) of each cell; a change retrains every model."""
    extents = []
    for character in "永和九年":
        dark = np.argwhere(content_cell(character, face, 48) < 128)
        extents.append((*dark.min(axis=0).tolist(), *dark.max(axis=0).tolist()))
    assert extents == GOLDEN


# Two cells of 16 pixels, one hex digit a pixel (its grey over 16): rectangles of 500 x 820 and
# 507 x 815 units in an em of 1000, in the middle of their cells, their edges antialiased.
GOLDEN_PIXELS = """
ffffffffffffffff
ffffffffffffffff
ffffb888888cffff
ffff60000009ffff
ffff60000009ffff
ffff60000009ffff
ffff60000009ffff
ffff60000009ffff
ffff60000009ffff
ffff60000009ffff
ffff60000009ffff
ffff60000009ffff
ffff60000009ffff
ffff60000009ffff
ffffffffffffffff
ffffffffffffffff
ffffffffffffffff
ffffffffffffffff
ffffc999999cffff
ffff60000007ffff
ffff60000007ffff
ffff60000007ffff
ffff60000007ffff
ffff60000007ffff
ffff60000007ffff
ffff60000007ffff
ffff60000007ffff
ffff60000007ffff
ffff60000007ffff
ffff60000007ffff
ffffffffffffffff
ffffffffffffffff
"""


def test_training_reading_and_corpora_see_these_pixels(face):
    """Golden: a change of a single digit asks for every model to be trained again."""
    image = content_image("永和", face, 16)
    rows = ["".join(f"{value // 16:x}" for value in row) for row in image]
    assert rows == GOLDEN_PIXELS.split()
    assert np.array_equal(image, np.concatenate([content_cell(c, face, 16) for c in "永和"]))


def test_the_fetched_standard_font_has_classical_characters(material):
    font = require_font(load_fonts(None, material / "fonts"), "lxgw-wenkai-tc")
    face = FontFace(font.files)
    image = content_image("永和九年歲在癸丑", face, 48)
    share = (image < 128).mean()
    assert 0.08 < share < 0.3


def test_a_glyph_wider_than_its_cell_is_drawn_smaller_not_cut(tmp_path):
    characters = "".join(chr(0x4E00 + k) for k in range(120))
    wide = FontFace([draw_font(tmp_path / "wide.ttf", characters)])
    # The last rectangles of the font are 1,333 units wide in an em of 1,000.
    cell = content_cell(characters[-1], wide, 48)
    dark = np.argwhere(cell < 128)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
    assert left >= 0
    assert right - left >= 44
    ink = wide.draw(characters[-1], 200)
    assert (right - left + 1) / (bottom - top + 1) == pytest.approx(
        ink.shape[1] / ink.shape[0], rel=0.1
    )
