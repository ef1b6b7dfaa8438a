"""Whether a model may replace the reader."""

import numpy as np
import pytest

from assets.promotion import PromotionParams, judge, not_better
from pipelines.corrections import compare_corrections
from tests.assets.examples import a_comparison


def verdict(*rows, candidate="new", release="old"):
    return judge(rows, candidate_id=candidate, release_id=release)


def compared(before, after, approved, groups):
    """The row that an evaluation makes of two readings of the same columns."""
    found = compare_corrections(before, after, approved, np.random.default_rng(0), groups=groups)
    return a_comparison(
        found.difference, low=found.low, high=found.high, characters=sum(map(len, approved))
    )


def test_better_on_the_split_is_enough_however_wide_the_interval():
    passed = verdict(a_comparison(-0.1, low=-9, high=9))
    assert passed.is_released
    assert "-0.10" in passed.why
    assert "-9.00 to +9.00" in passed.why
    assert "by work" in passed.why


@pytest.mark.parametrize(("value", "high"), [(0.0, 0.9), (0.4, 1.0)])
def test_not_better_passes_where_a_loss_is_excluded(value, high):
    assert verdict(a_comparison(value, high=high)).is_released


@pytest.mark.parametrize(("value", "high"), [(0.0, 1.1), (0.4, 5.0), (2.0, 2.5)])
def test_not_better_is_refused_where_a_loss_is_not_excluded(value, high):
    refused = verdict(a_comparison(value, high=high))
    assert not refused.is_released
    assert f"{value:+.2f}" in refused.why


def test_a_few_columns_that_agree_exclude_nothing():
    few = PromotionParams().fewest_characters - 1
    refused = verdict(a_comparison(0.0, low=0.0, high=0.0, characters=few))
    assert "cannot exclude" in refused.why
    assert verdict(a_comparison(0.0, low=0.0, high=0.0, characters=few + 1)).is_released


def test_one_work_that_loses_is_seen_where_columns_would_hide_it():
    """Ten works of ten columns; all gain a little in most, one loses everything it had."""
    approved = ["天地玄黃宇宙洪荒日月"] * 100
    before, after = ["天地玄黃宇宙洪荒□□"] * 100, ["天地玄黃宇宙洪荒□月"] * 100
    after[:20] = ["□□□□□□□□□□"] * 20
    works = [str(index // 10) for index in range(100)]
    row = compared(before, after, approved, works)
    by_column = compared(before, after, approved, [str(index) for index in range(100)])
    assert row.value == by_column.value > 0
    assert row.high > by_column.high
    assert not verdict(row).is_released


def test_the_same_readings_are_no_loss():
    approved = ["天地玄黃宇宙洪荒日月"] * 20
    works = [str(index // 5) for index in range(20)]
    assert verdict(compared(approved, approved, approved, works)).is_released


@pytest.mark.parametrize(
    "row",
    [
        a_comparison(-5.0, against="an older release"),
        a_comparison(-5.0, model_id="another model"),
    ],
)
def test_another_comparison_is_not_an_advantage(row):
    refused = verdict(row)
    assert not refused.is_released
    assert "materialize the evaluation again" in refused.why


def test_the_reader_itself_needs_no_comparison():
    assert verdict(candidate="old").is_released


def test_a_refusal_is_a_finding_that_names_the_model():
    (finding,) = not_better([a_comparison(4.0)], candidate_id="new", release_id="old")
    assert finding.item_id == "new"
    assert "+4.00" in finding.message
    assert not_better([a_comparison(-4.0)], candidate_id="new", release_id="old") == []
