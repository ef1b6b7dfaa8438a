"""The table of sentences: whole in both languages, and every key that is used is there."""

import re
from pathlib import Path

import pytest

import annotation.desk
from annotation.desk.languages import LANGUAGES, Sentences, preferred
from pipelines.records import Script

FOLDER = Path(annotation.desk.__file__).parent
TABLE = Sentences.load().table


@pytest.mark.parametrize("key", sorted(TABLE))
def test_a_sentence_stands_in_every_language_with_the_same_places(key):
    assert set(TABLE[key]) == set(LANGUAGES)
    places = [sorted(set(re.findall(r"\{(\w+)\}", text))) for text in TABLE[key].values()]
    assert places[0] == places[1]
    assert all(text.strip() for text in TABLE[key].values())


def test_every_key_that_is_used_is_there():
    parts = {key.split(".")[0] for key in TABLE}
    pattern = re.compile(rf"""["']((?:{"|".join(parts)})\.[a-z_]+)["']""")
    files = [*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.html")]
    used = {key for file in files for key in pattern.findall(file.read_text())}
    files_named_alike = {key for key in used if key.endswith((".html", ".jsonl", ".css", ".js"))}
    assert used - files_named_alike - set(TABLE) == set()


def test_every_script_has_a_name():
    assert {f"script.{script.value}" for script in Script} <= set(TABLE)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "en"),
        ("zh", "zh"),
        ("zh-CN,en;q=0.8", "zh"),
        ("en;q=0.3, zh;q=0.9", "zh"),
        ("en, zh", "en"),
        ("q=;;,zh;q=x", "en"),
    ],
)
def test_the_first_language_that_we_speak(header, language):
    assert preferred(header) == language


def test_an_unknown_reason_is_still_readable():
    assert Sentences.load().say_reason("zh", "some_new_reason") == "some new reason"
