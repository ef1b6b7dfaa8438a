import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.records import ILLEGIBLE
from pipelines.scripts import (
    canonical,
    from_shinjitai,
    is_han,
    normalize_text,
    to_shinjitai,
    to_simplified,
    to_traditional,
    written_forms,
)

HAN = st.one_of(
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
    st.characters(min_codepoint=0x3400, max_codepoint=0x4DBF),
    st.characters(min_codepoint=0xF900, max_codepoint=0xFAD9),
    st.characters(min_codepoint=0x20000, max_codepoint=0x33479),
)


@pytest.mark.parametrize(
    "character",
    ["一", "龥", "㐀", "豈", "𠀀", "𪜀", "𫝀", "𫠠", "𬺰", "𮯰", "丽", "𰀀", "𱍐", "々", "〇"],
)
def test_every_cjk_block_is_han(character):
    assert is_han(character)


@pytest.mark.parametrize("character", ["a", "あ", "。", "□", "⼀", "⿰", " ", "", "一二", "한"])
def test_the_rest_is_not_han(character):
    assert not is_han(character)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("礼", "禮"),
        ("无", "無"),
        ("万", "萬"),
        ("峯", "峰"),
        ("羣", "群"),
        ("裏", "裡"),
        ("着", "著"),
        ("眞", "真"),
        ("卽", "即"),
        ("国", "國"),
        ("辺", "邊"),
        ("来", "來"),
        ("豈", "豈"),
        ("〻", "々"),
    ],
)
def test_variants_fold_to_the_common_traditional_form(written, expected):
    assert canonical(written) == expected


@pytest.mark.parametrize("character", list("后云里余台斗几後雲裡餘臺鬥幾並竝纔才覈核游岳"))
def test_what_stays_ambiguous_is_not_folded(character):
    # 竝 is the exception: an old form of 並, itself not in common use.
    assert canonical(character) == ("並" if character == "竝" else character)


def test_folding_is_idempotent_over_all_of_unicode():
    unstable = [
        chr(code)
        for first, last in ((0x3400, 0x9FFF), (0xF900, 0xFAD9), (0x20000, 0x33479))
        for code in range(first, last + 1)
        if canonical(canonical(chr(code))) != canonical(chr(code))
    ]
    assert unstable == []


@given(st.characters(exclude_categories=["Cs"]))
def test_canonical_is_one_character_and_keeps_what_is_not_han(character):
    folded = canonical(character)
    assert len(folded) == 1
    assert is_han(folded) == is_han(character)


@given(HAN)
def test_every_written_form_is_han_and_the_character_comes_first(character):
    if not is_han(character):
        return
    forms = written_forms(character)
    assert forms[0] == character
    assert all(is_han(form) for form in forms)
    assert len(set(forms)) == len(forms)


@given(st.text(), st.booleans())
def test_normalizing_twice_is_normalizing_once(text, only_han):
    once = normalize_text(text, only_han=only_han)
    assert normalize_text(once, only_han=only_han) == once


@pytest.mark.parametrize("mark", ["〓", "■", "###", "□"])
def test_marks_for_an_unreadable_place_become_one(mark):
    assert normalize_text(f"天{mark}玄黃") == "天□玄黃"
    assert ILLEGIBLE == "□"
    assert canonical(mark[0]) == ("#" if mark == "###" else "□")


def test_only_han_drops_the_rest():
    assert normalize_text("天地, 玄黃。\n(abc) 一2三あ□", only_han=True) == "天地玄黃一三□"


def test_storage_keeps_compatibility_ideographs_and_composes_the_rest():
    assert normalize_text("\uf900e\u0301\U000e0100") == "\uf900\u00e9\U000e0100"


def test_conversions_between_forms():
    assert to_simplified("國") == "国"
    assert to_shinjitai("圖") == "図"
    assert from_shinjitai("図") == "圖"
    assert to_traditional("皇后后来发现头发") == "皇后後來發現頭髮"
    assert written_forms("圖") == ("圖", "图", "図")
