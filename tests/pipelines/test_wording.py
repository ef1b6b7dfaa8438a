"""The files of words: replaced, extended, and every mistake in them named."""

import pytest

from pipelines.errors import MetadataError
from pipelines.wording import CALLIGRAPHERS, WORDING, load_wording, wording_in

WORDS = WORDING.read_text(encoding="utf-8")
HAND = '[[calligraphers]]\nnames = ["王羲之"]\ndescription = "mine"\n'


@pytest.fixture
def write(tmp_path):
    def into(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return into


def test_a_file_replaces_the_bundled_words(write):
    words = write("w.toml", WORDS.replace('real = "ink of', 'real = "traces of', 1))
    hands = write("h.toml", HAND)
    loaded = load_wording(words, hands)
    assert loaded.source["real"].startswith("traces of")
    assert [hand.description for hand in loaded.calligraphers.values()] == ["mine"]


def test_a_file_extends_the_bundled_words(write):
    words = write("w.toml", 'extends_bundled = true\n[script]\nregular = "kai"\n')
    hands = write("h.toml", f"extends_bundled = true\n{HAND}")
    bundled, loaded = load_wording(), load_wording(words, hands)
    assert loaded.script == {**bundled.script, "regular": "kai"}
    assert (loaded.template, loaded.source) == (bundled.template, bundled.source)
    changed = {k for k, v in loaded.calligraphers.items() if v != bundled.calligraphers.get(k)}
    assert len(changed) == 1
    assert set(loaded.calligraphers) == set(bundled.calligraphers)


def test_a_folder_brings_the_words_that_it_holds(write, tmp_path):
    assert wording_in(tmp_path) == load_wording()
    write("calligraphers.toml", HAND)
    assert len(wording_in(tmp_path).calligraphers) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{script}", "{date}", "the template .* must hold each of source, background"),
        ("{script}", "{script} {script}", "must hold each of"),
        ("{script}", "{script:>9}", "must hold each of"),
        ("{script}", "{script", "stray brace"),
        ('real = "ink', 'reel = "ink', r"\[source\] has the keys reel, synthetic, expected real"),
        ("[source]", "[sauce]", "unknown tables sauce"),
        ("[source]", "[source", "cannot be read"),
        ('seal = "zhuan', 'seel = "zhuan', r"\[script\] has the keys .* expected clerical"),
        ('named = "hand of {name}"', "named = 7", r"\[calligrapher\] named is 7, expected text"),
        (
            'named = "hand of {name}"',
            'named = "{nome}"',
            r"named asks for \{nome\}; it may hold \{name",
        ),
        ('unknown = "unknown hand"', 'unknown = "{name}"', "unknown asks for .* no placeholder"),
        ('seal = "zhuan shu', 'seal = "{name}', r"\[script\] seal asks for \{name\}"),
        ('unknown_names = [""', "unknown_names = [1", "unknown_names is .*, expected a list"),
    ],
)
def test_a_wrong_wording_is_named(write, old, new, said):
    head, _, body = WORDS.partition("\ntemplate")
    words = write("w.toml", f"{head}\ntemplate{body.replace(old, new, 1)}")
    with pytest.raises(MetadataError, match=said) as caught:
        load_wording(words)
    assert str(words) in str(caught.value)
    assert caught.value.reason == "wording_malformed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[calligraphers]]\nnames = ["王羲之"]\n', "needs names and description"),
        ('[[calligraphers]]\nnames = []\ndescription = "x"\n', "needs names and description"),
        (f"{HAND}style = 1\n", "may have pinyin and is_person"),
        (f"{HAND}{HAND}", "'王羲之' stands twice"),
        (HAND.replace("calligraphers", "calligrapher"), "unknown tables calligrapher"),
        ("calligraphers = [3]", "the entry 3 needs"),
    ],
)
def test_a_wrong_hand_is_named(write, text, said):
    with pytest.raises(MetadataError, match=said):
        load_wording(None, write("h.toml", text))


def test_the_bundled_files_are_what_they_ask_of_others(write):
    copies = (write("w.toml", WORDS), write("h.toml", CALLIGRAPHERS.read_text(encoding="utf-8")))
    assert load_wording(*copies) == load_wording()
