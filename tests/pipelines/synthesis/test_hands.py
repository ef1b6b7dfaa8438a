"""Which fonts become hands that texts are set in."""

from pipelines.glyphs.fetch import fetch_fonts
from pipelines.glyphs.registry import load_fonts
from pipelines.synthesis.hands import load_hands
from tests.pipelines.glyphs.drawn_fonts import draw_font
from tests.pipelines.glyphs.test_registry import ENTRY, registry


def test_no_text_is_set_in_hieroglyphs(tmp_path):
    signs = ENTRY.replace("mine", "signs").replace('"clerical"', '"hieroglyphs"')
    path = registry(tmp_path, ENTRY + signs)
    for name in ("mine", "signs"):
        draw_font(tmp_path / f"{name}.ttf", "天地")
    fetched = fetch_fonts(
        load_fonts(path, tmp_path / "fonts"), tmp_path / "fonts", ["mine", "signs"]
    )
    assert [font.problem for font in fetched] == ["", ""]
    hands = load_hands(tmp_path / "fonts", registry=path)
    assert [hand.font.font_id for hand in hands] == ["mine"]
