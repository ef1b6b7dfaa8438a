import pytest

from pipelines.errors import FontError
from pipelines.glyphs.fetch import Fetched, fetch_fonts, main
from pipelines.glyphs.registry import load_fonts
from tests.pipelines.glyphs.drawn_fonts import draw_font
from tests.pipelines.glyphs.test_registry import ENTRY, registry


def test_one_that_fails_does_not_stop_the_rest(tmp_path):
    path = registry(tmp_path, ENTRY + ENTRY.replace("mine", "gone"))
    draw_font(tmp_path / "mine.ttf", "天地")
    fonts = load_fonts(path, tmp_path / "fonts")
    gone, mine = fetch_fonts(fonts, tmp_path / "fonts", ["gone", "mine"])
    assert "gone.ttf does not exist" in gone.problem
    assert mine == Fetched(font_id="mine", was_fetched=True)
    assert list(fetch_fonts(fonts, tmp_path / "fonts", ["mine"])) == [
        Fetched(font_id="mine", was_fetched=False)
    ]


def test_an_unknown_id_stops_before_anything_is_fetched(tmp_path):
    with pytest.raises(FontError, match="Known fonts"):
        fetch_fonts(load_fonts(None, tmp_path), tmp_path / "fonts", ["nope"])
    assert not (tmp_path / "fonts").exists()


def test_the_command_reports_and_fails_honestly(tmp_path, capsys):
    path = registry(tmp_path)
    command = ["--into", str(tmp_path / "fonts"), "--registry", str(path), "mine"]
    assert main(command) == 1
    assert "mine.ttf does not exist" in capsys.readouterr().err
    draw_font(tmp_path / "mine.ttf", "天地")
    assert main(command) == 0
    assert capsys.readouterr().out == "mine: fetched\n"
    assert main(command) == 0
    assert capsys.readouterr().out == "mine: already there\n"
    assert main([*command[:-1], "nope"]) == 1
    assert "Known fonts" in capsys.readouterr().err


def test_the_command_lists_what_there_is(tmp_path, capsys):
    assert main(["--into", str(tmp_path), "--list"]) == 0
    listed = capsys.readouterr().out
    assert "lxgw-wenkai-tc" in listed
    assert "public domain" in listed
