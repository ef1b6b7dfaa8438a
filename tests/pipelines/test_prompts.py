from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.prompts import style_prompt, to_pinyin
from pipelines.records import Polarity, Script
from pipelines.scripts import is_han
from pipelines.wording import load_wording
from tests.pipelines.examples import a_work

WORK = replace(a_work(), calligrapher="王羲之", script=Script.RUNNING, is_synthetic=False)


def prompt(polarity=Polarity.LIGHT_ON_DARK, **changes):
    return style_prompt(replace(WORK, **changes), polarity)


def test_a_prompt_has_its_four_parts():
    assert prompt() == (
        "ink of a historical Chinese calligraphy; black background, light characters; "
        "hand of wang xi zhi, Eastern Jin, running and cursive script, varied supple strokes; "
        "xing shu, running script, strokes joined and rounded"
    )


@pytest.mark.parametrize("name", ["顏真卿", "颜真卿", "yan zhenqing", "Yan Zhenqing "])
def test_a_hand_is_known_by_every_spelling_of_its_name(name):
    assert "hand of yan zhen qing, Tang, regular and running" in prompt(calligrapher=name)


def test_a_reading_that_pinyin_gets_wrong_is_given():
    assert "hand of mi fu," in prompt(calligrapher="米芾")


def test_anyone_else_appears_in_pinyin():
    assert "; hand of qing liu heng shan; " in prompt(calligrapher="青柳衡山")


@pytest.mark.parametrize("name", ["", "unknown", "Unknown", "佚名"])
def test_no_name_is_an_unknown_hand(name):
    assert "; unknown hand; " in prompt(calligrapher=name)


def test_a_synthetic_work_names_its_font():
    text = prompt(calligrapher="Zhi Mang Xing 志莽", is_synthetic=True)
    assert text.startswith("synthetic page set in a brush font; ")
    assert "; font Zhi Mang Xing zhi mang; " in text


def test_background_and_script_are_told():
    assert "; white background, dark characters; " in prompt(Polarity.DARK_ON_LIGHT)
    endings = {prompt(script=script).split("; ")[-1] for script in Script}
    assert len(endings) == len(Script)


@pytest.mark.parametrize(
    ("text", "pinyin"),
    [("楷書", "kai shu"), ("a楷b", "a kai b"), ("楷, 行", "kai, xing"), ("", ""), ("abc", "abc")],
)
def test_pinyin_stands_apart_and_has_no_tones(text, pinyin):
    assert to_pinyin(text) == pinyin


@given(st.text(max_size=20))
def test_no_prompt_holds_a_chinese_character(name):
    assert not any(is_han(character) for character in prompt(calligrapher=name))


def test_those_who_left_no_name_are_no_hand():
    text = prompt(calligrapher="墓志铭")
    assert "; unnamed hand, epitaph stone, mostly regular script" in text


def test_other_words_make_another_prompt():
    words = replace(
        load_wording(),
        template="{script} / {calligrapher} / {background} / {source}",
        synthetic_template="{source} in {script}, {background}",
    )
    text = style_prompt(WORK, Polarity.LIGHT_ON_DARK, words)
    assert text.startswith("xing shu, ")
    assert " / hand of wang xi zhi, Eastern Jin" in text
    made = style_prompt(replace(WORK, is_synthetic=True), Polarity.LIGHT_ON_DARK, words)
    assert made == (
        "synthetic page set in a brush font in xing shu, running script, strokes joined and "
        "rounded, black background, light characters"
    )


def test_every_bundled_hand_has_its_prompt():
    for known in load_wording().calligraphers.values():
        text = prompt(calligrapher=known.name)
        assert known.description in text
        assert not any(is_han(character) for character in text)
