"""From English by way of Chinese to hieroglyphs."""

import pytest

from pipelines.errors import MaterialError
from pipelines.lexicon import load_lexicon
from pipelines.scripts import canonical, is_han


def test_a_word_goes_by_way_of_chinese():
    found = load_lexicon().entry("Sun")
    assert (found.english, found.chinese, found.code) == ("sun", "日", "N5")
    assert found.sign == "\N{EGYPTIAN HIEROGLYPH N005}"


def test_every_word_leads_to_a_sign_and_every_sign_is_reached():
    lexicon = load_lexicon()
    entries = [lexicon.entry(word) for word in lexicon.words]
    assert len(entries) > 100
    assert {entry.chinese for entry in entries} == set(lexicon.signs)
    for chinese in lexicon.signs:
        assert all(is_han(c) and canonical(c) == c for c in chinese), chinese


def test_slashes_and_lines_part_columns():
    columns = load_lexicon().columns("sun water / house\n\nEYE")
    assert [[entry.english for entry in column] for column in columns] == [
        ["sun", "water"],
        ["house"],
        ["eye"],
    ]


def test_an_unknown_word_is_answered_with_what_is_known():
    with pytest.raises(MaterialError, match=r"no word 'aeroplane'. It knows arm, .*, woman") as e:
        load_lexicon().columns("sun aeroplane")
    assert e.value.reason == "unknown_word"


@pytest.mark.parametrize("text", ["", "  ", "/ /", "\n"])
def test_no_word_at_all_is_refused(text):
    with pytest.raises(MaterialError, match="no word to write"):
        load_lexicon().columns(text)


def test_words_of_ones_own_come_first(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('[chinese]\nibis = "鷺"\nday = "晝"\n[signs]\n"鷺" = "g26"\n"晝" = "N8"\n')
    lexicon = load_lexicon(own)
    assert lexicon.entry("ibis").code == "g26"
    assert lexicon.entry("ibis").sign == "\N{EGYPTIAN HIEROGLYPH G026}"
    assert lexicon.entry("day").chinese == "晝"
    assert lexicon.entry("sun").code == "N5"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[chinese]\nsun = "日"\nsun = "月"', "cannot be read"),
        ("[chinese", "cannot be read"),
        ('[english]\nsun = "日"', "unknown tables english"),
        ('chinese = "日"', "something else than words"),
        ("[chinese]\nsun = 5", "something else than words"),
        ('[chinese]\nibis = "鷺"', "lacks 鷺"),
        ('[signs]\n"鷺" = "G999"', "鷺 leads to 'G999'"),
        ('[chinese]\n"Big Ibis" = "日"', "not one English word"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, text, said):
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(MaterialError, match=said) as caught:
        load_lexicon(own)
    assert str(own) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MaterialError, match="cannot be read"):
        load_lexicon(tmp_path / "none.toml")
