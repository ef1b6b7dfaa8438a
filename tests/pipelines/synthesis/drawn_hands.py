"""A hand that tests draw themselves, and a text that it can write."""

from pathlib import Path

from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import Font, FontRole, GlyphForm
from pipelines.records import Script
from pipelines.synthesis.hands import Hand
from pipelines.texts import Text
from tests.pipelines.glyphs.drawn_fonts import draw_font

BODY = "天地玄黃宇宙洪荒日月盈昃辰宿列張寒來暑往秋收冬藏" * 20
TEXT = Text(title="千字文", author="周興嗣", body=BODY, file="a.json")


def draw_hand(
    folder: Path, *, font_id: str = "drawn", licence: str = "OFL-1.1", characters: str = BODY
) -> Hand:
    """A running hand of rectangles."""
    file = draw_font(folder / f"{font_id}.ttf", "".join(dict.fromkeys(characters)))
    font = Font(
        font_id=font_id,
        name="Drawn",
        script=Script.RUNNING,
        form=GlyphForm.TRADITIONAL,
        role=FontRole.HAND,
        licence=licence,
        source="local:f.ttf",
        patterns=("*.ttf",),
        archive_sha256="",
        by_default=False,
        base=Path("."),
        files=(file,),
        sha256=("00",),
    )
    return Hand(font, FontFace(font.files))
