"""Texts beside texts, in both published forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.metrics.texts import callibench, ned, scores, symmetric

TEXTS = st.text(alphabet="天地玄黃宇宙", max_size=12)


def test_known_small_texts():
    found = scores("天地人", "天地玄黃")
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(1 / 2)
    assert found.f1 == pytest.approx(4 / 7)
    # 人 for 玄, and 黃 missing: two edits over the longer length.
    assert found.ned == pytest.approx(2 / 4)


def test_order_is_seen_by_the_distance_alone():
    found = scores("黃玄地天", "天地玄黃")
    assert found.f1 == 1
    assert found.ned == 1


@pytest.mark.parametrize(("read", "right"), [("", 0.0), ("天", 1.0)])
def test_nothing_read_has_read_nothing_right(read, right):
    assert scores(read, "天").precision == right
    assert scores(read, "天").recall == right


def test_two_empty_texts_are_the_same():
    found = scores("", "")
    assert (found.precision, found.recall, found.f1, found.ned) == (1, 1, 1, 0)
    assert scores("天", "").precision == 0


def test_callibench_punishes_marks_of_the_reading_alone():
    assert callibench("天地玄黄", "天地，玄黄。1").ned == 0
    punctuated = callibench("天地，玄黄。", "天地，玄黄。")
    assert punctuated.recall == 1
    assert punctuated.precision == pytest.approx(4 / 6)
    assert punctuated.ned == pytest.approx(2 / 6)
    assert symmetric("天地，玄黄。", "天地玄黄").ned == 0


def test_callibench_simplifies_and_the_symmetric_form_leaves_folding_to_the_caller():
    assert callibench("無爲", "无为").ned == 0
    assert symmetric("無", "无").ned == 1


def test_refusals_count_on_neither_side():
    assert symmetric("天□玄", "天玄□").ned == 0


@given(TEXTS)
def test_a_text_is_itself(text):
    for form in (callibench, symmetric, scores):
        found = form(text, text)
        assert (found.precision, found.recall, found.f1, found.ned) == (1, 1, 1, 0)


@given(TEXTS, TEXTS)
def test_distance_and_f1_do_not_ask_which_side_is_true(one, other):
    assert ned(one, other) == ned(other, one)
    assert scores(one, other).f1 == scores(other, one).f1
    assert 0 <= ned(one, other) <= 1
    assert (ned(one, other) == 0) == (one == other)


@given(TEXTS, TEXTS)
def test_precision_is_the_recall_of_the_other_side(one, other):
    assert scores(one, other).precision == scores(other, one).recall
