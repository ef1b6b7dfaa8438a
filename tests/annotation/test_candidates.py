"""What is proposed for a character, and under which key."""

from __future__ import annotations

from annotation.candidates import MAX_CANDIDATES, candidates_of, comparison
from pipelines.geometry import Box
from pipelines.records import Candidate, Character, CharacterReading

BOX = Box(0, 0, 10, 10)
PLACE = Character(character_id="c", box=BOX, confidence=1.0)


def saw(text, others="", alone=""):
    return CharacterReading(
        character_id="c",
        box=BOX,
        text=text,
        score=0.9,
        margin=0.1,
        candidates=tuple(Candidate(text=c, score=0.1) for c in others),
        alone=alone,
    )


def proposed(first, second=None, *, is_alone=False):
    other = None if is_alone else ({"c": second} if second else {})
    (found,) = candidates_of([PLACE], {"c": first} if first else {}, other)
    return found


def test_the_draft_has_the_first_key_and_the_second_reader_the_next():
    found = proposed(saw("天", "天夫大", alone="夫"), saw("太", "太犬"))
    assert found.texts == ("天", "太", "夫", "大", "犬")
    assert found.is_disputed


def test_nothing_stands_twice_and_no_more_than_there_are_keys():
    found = proposed(saw("天", "天夫大太犬矢"), saw("天", "天夭"))
    assert found.texts == ("天", "夫", "大", "太", "犬")
    assert len(found.texts) == MAX_CANDIDATES
    assert not found.is_disputed


def test_a_refused_place_counts_from_its_first_candidate():
    found = proposed(saw("", ["", "夫", "大", "太", "犬", "矢"]), saw("天"))
    assert (found.draft, found.texts) == ("", ("天", "夫", "大", "太"))
    assert proposed(None, None).texts == ()


def test_without_a_second_reader_nothing_is_disputed():
    found = proposed(saw("天", "夫"), is_alone=True)
    assert (found.second, found.is_disputed) == (None, False)
    assert proposed(saw("天"), saw("")).is_disputed


def test_the_text_names_keys_and_marks_disputes():
    shown = comparison([proposed(saw("天", "夫"), saw("太")), proposed(saw(""), is_alone=True)])
    assert shown.splitlines() == [" 1* 天  | 太  | 2太 3夫", " 2  ?"]
    assert comparison([], "two rows").splitlines()[0] == "Order in doubt: two rows"
