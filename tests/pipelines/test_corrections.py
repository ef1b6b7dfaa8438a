import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.corrections import (
    Edit,
    align,
    compare_corrections,
    corrections_per_100,
    edit_distance,
)

texts = st.text("天地玄黃宇宙", max_size=12)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("", "", 0),
        ("天地玄黃", "天地玄黃", 0),
        ("", "天地", 2),
        ("天地玄黃", "天也玄黃", 1),
        ("天地玄黃", "天玄黃", 1),
        ("天地玄黃", "地天玄黃", 2),
        ("𠀀一", "一", 1),
        ("kitten", "sitting", 3),
    ],
)
def test_known_distances(a, b, expected):
    assert edit_distance(a, b) == edit_distance(b, a) == expected


@given(texts, texts, texts)
def test_a_distance_is_a_metric(a, b, c):
    assert (edit_distance(a, b) == 0) == (a == b)
    assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


@given(texts, texts)
def test_an_alignment_costs_the_distance_and_keeps_both_texts(draft, approved):
    steps = align(draft, approved)
    assert "".join(step.draft for step in steps) == draft
    assert "".join(step.approved for step in steps) == approved
    assert sum(step.edit is not Edit.KEEP for step in steps) == edit_distance(draft, approved)


def test_a_misread_character_stands_beside_its_correction():
    [first, second, third] = align("天也玄", "天地玄")
    assert (second.edit, second.draft, second.approved) == (Edit.REPLACE, "也", "地")
    assert first.edit is third.edit is Edit.KEEP


def test_the_rate_counts_approved_characters(rng):
    rate = corrections_per_100([("天也", "天地"), ("玄黃宇宙", "玄黃宇宙")], rng)
    assert (rate.edit_count, rate.character_count, rate.column_count) == (1, 6, 2)
    assert rate.per_100 == pytest.approx(100 / 6)
    assert 0 <= rate.low <= rate.per_100 <= rate.high <= 50


def test_the_interval_covers_the_true_rate_as_often_as_it_says():
    source = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        errors = source.binomial(10, 0.2, size=60)
        pairs = [("x" * n + "a" * (10 - n), "a" * 10) for n in errors]
        rate = corrections_per_100(pairs, source, resamples=400)
        covered += rate.low <= 20 <= rate.high
    assert covered >= 180


def test_columns_of_one_work_are_drawn_together():
    pairs = [("aaaa", "aaaa")] * 20 + [("xxxx", "aaaa")] * 20
    works = ["good"] * 20 + ["bad"] * 20
    by_column = corrections_per_100(pairs, np.random.default_rng(0))
    by_work = corrections_per_100(pairs, np.random.default_rng(0), groups=works)
    assert by_work.high - by_work.low > 2 * (by_column.high - by_column.low)


def test_no_correction_is_not_certainty(rng):
    rate = corrections_per_100([("a" * 10, "a" * 10)] * 5, rng)
    assert (rate.per_100, rate.low, rate.high) == (0.0, 0.0, 6.0)


def test_the_same_numbers_give_the_same_interval():
    pairs = [("ab", "ac"), ("ab", "ab"), ("cd", "ce")]
    first, second = (corrections_per_100(pairs, np.random.default_rng(3)) for _ in range(2))
    assert first == second


def test_a_paired_comparison_sees_what_two_intervals_hide(rng):
    # Columns differ a lot from each other; the second draft mends one character in each.
    approved = ["a" * 10] * 40
    before = ["x" * n + "a" * (10 - n) for n in range(1, 11)] * 4
    after = ["x" * (n - 1) + "a" * (11 - n) for n in range(1, 11)] * 4
    result = compare_corrections(before, after, approved, rng)
    assert result.difference == pytest.approx(-10)
    assert result.is_fewer
    assert result.before.low < result.after.high


def test_nothing_approved_has_no_rate(rng):
    with pytest.raises(ValueError, match="at least one approved character"):
        corrections_per_100([("天", "")], rng)
    with pytest.raises(ValueError, match="1 drafts before, 2 after"):
        compare_corrections(["a"], ["a", "b"], ["a"], rng)
