"""Fonts that tests draw themselves: each character a rectangle of its own size."""

from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen


def rectangle(width: int, height: int):
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    pen.lineTo((100, height))
    pen.lineTo((100 + width, height))
    pen.lineTo((100 + width, 0))
    pen.closePath()
    return pen.glyph()


def draw_font(path: Path, characters: str) -> Path:
    """A TrueType font of 1000 units that has exactly these characters."""
    names = [f"uni{ord(character):04X}" for character in characters]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap({ord(c): name for c, name in zip(characters, names, strict=True)})
    glyphs = {name: rectangle(500 + 7 * i, 820 - 5 * i) for i, name in enumerate(names)}
    builder.setupGlyf({".notdef": rectangle(333, 333), **glyphs})
    builder.setupHorizontalMetrics({name: (1000, 100) for name in [".notdef", *names]})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": "Drawn", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path
