"""Signs by their number in Gardiner's list."""

import pytest

from pipelines.errors import MaterialError
from pipelines.glyphs.gardiner import code_of, sign_of, signs


def test_every_sign_of_the_block_has_a_code_of_its_own():
    assert len(signs()) == 1071
    assert len(set(signs().values())) == 1071
    assert all(sign_of(code) == sign and code_of(sign) == code for code, sign in signs().items())


@pytest.mark.parametrize("written", ["N5", "n5", "N005", " N5 "])
def test_a_code_may_be_written_in_several_ways(written):
    assert sign_of(written) == "\N{EGYPTIAN HIEROGLYPH N005}"


def test_the_last_category_and_supplements_are_known():
    assert code_of("\N{EGYPTIAN HIEROGLYPH AA001}") == "Aa1"
    assert code_of("\N{EGYPTIAN HIEROGLYPH A005A}") == "A5A"


@pytest.mark.parametrize("wrong", ["", "N", "5", "N0", "N999", "sun", "日"])
def test_what_is_no_code_is_refused(wrong):
    with pytest.raises(MaterialError, match="no sign") as caught:
        sign_of(wrong)
    assert caught.value.reason == "unknown_sign"


def test_other_characters_have_no_code():
    assert code_of("日") == ""
