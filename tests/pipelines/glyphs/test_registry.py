import pytest

from pipelines.errors import FontError
from pipelines.glyphs.registry import FontRole, GlyphForm, load_fonts, require_font
from pipelines.packages import parse_source, take
from pipelines.records import Script
from tests.pipelines.glyphs.drawn_fonts import draw_font

ENTRY = """
[fonts.mine]
name = "Mine"
script = "clerical"
form = "traditional"
role = "hand"
licence = "OFL-1.1"
source = "local:mine.ttf"
files = ["*.ttf"]
"""


def registry(tmp_path, text=ENTRY):
    path = tmp_path / "my-fonts.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_bundled_list_has_a_content_font_and_every_default_comes_from_npm(tmp_path):
    fonts = load_fonts(None, tmp_path)
    assert fonts["lxgw-wenkai-tc"].role is FontRole.CONTENT
    defaults = [font for font in fonts.values() if font.by_default]
    assert {font.script for font in defaults} == {Script.REGULAR, Script.RUNNING, Script.CURSIVE}
    for font in defaults:
        assert parse_source(font.source).kind == "npm"
        assert len(font.archive_sha256) == 64
    assert not any(font.is_fetched for font in fonts.values())


def test_a_list_of_ones_own_adds_to_the_bundled_one(tmp_path):
    path = registry(tmp_path)
    draw_font(tmp_path / "mine.ttf", "天地")
    font = load_fonts(path, tmp_path / "fonts")["mine"]
    assert (font.script, font.form, font.is_fetched) == (
        Script.CLERICAL,
        GlyphForm.TRADITIONAL,
        False,
    )
    take(font.source, font.patterns, tmp_path / "fonts" / "mine", base=font.base)
    font = load_fonts(path, tmp_path / "fonts")["mine"]
    assert [file.name for file in font.files] == ["mine.ttf"]
    assert len(font.sha256[0]) == 64
    assert "lxgw-wenkai-tc" in load_fonts(path, tmp_path / "fonts")


def test_a_list_within_the_font_folder_is_found_by_itself(tmp_path):
    (tmp_path / "fonts.toml").write_text(ENTRY, encoding="utf-8")
    assert load_fonts(None, tmp_path)["mine"].base == tmp_path


def test_an_entry_of_ones_own_replaces_the_bundled_one(tmp_path):
    path = registry(tmp_path, ENTRY.replace("fonts.mine", "fonts.zhi-mang-xing"))
    assert load_fonts(path, tmp_path)["zhi-mang-xing"].source == "local:mine.ttf"


def test_a_fetch_from_another_source_does_not_count(tmp_path):
    path = registry(tmp_path)
    draw_font(tmp_path / "mine.ttf", "天地")
    take("local:mine.ttf", ["*.ttf"], tmp_path / "fonts" / "mine", base=tmp_path)
    registry(tmp_path, ENTRY.replace("local:mine.ttf", "npm:other@1"))
    assert not load_fonts(path, tmp_path / "fonts")["mine"].is_fetched


def test_an_unknown_font_lists_the_known_ones(tmp_path):
    with pytest.raises(FontError, match=r"no font 'kai'\. Known fonts: .*lxgw-wenkai-tc") as raised:
        require_font(load_fonts(None, tmp_path), "kai")
    assert raised.value.reason == "unknown_font"


def test_a_font_that_is_not_fetched_says_how(tmp_path):
    with pytest.raises(FontError, match=r"glyphs\.fetch --into FONT_FOLDER zhi-mang-xing"):
        require_font(load_fonts(None, tmp_path), "zhi-mang-xing")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRY + 'colour = "red"\n', "unknown keys colour .*known keys: .*licence"),
        (ENTRY.replace('licence = "OFL-1.1"\n', ""), "the keys licence are missing"),
        (ENTRY.replace('"clerical"', '"blackletter"'), "'blackletter' is not a valid Script"),
        (ENTRY.replace('"local:mine.ttf"', '"http://x"'), "'http://x' is not a source"),
        (ENTRY.replace('["*.ttf"]', '"*.ttf"'), "files is a list"),
        (ENTRY.replace("fonts.mine", 'fonts."../mine"'), "plain folder name"),
        ("[typo]\n", "has the tables typo"),
        ("[fonts", "is not TOML"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, text, said):
    with pytest.raises(FontError, match=said):
        load_fonts(registry(tmp_path, text), tmp_path)


def test_a_list_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FontError, match=r"absent\.toml cannot be read"):
        load_fonts(tmp_path / "absent.toml", tmp_path)
