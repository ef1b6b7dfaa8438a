"""Whether a model may replace the reader."""

import pytest

from assets.promotion import not_better
from tests.assets.examples import an_evaluation


def judge(*rows, candidate="new", release="old"):
    return not_better(rows, candidate_id=candidate, release_id=release)


def test_fewer_corrections_on_the_same_split_pass():
    assert judge(an_evaluation("new", 9.9), an_evaluation("old", 10.0)) == []


@pytest.mark.parametrize("value", [10.0, 12.5])
def test_as_many_or_more_corrections_do_not(value):
    (finding,) = judge(an_evaluation("new", value), an_evaluation("old", 10.0))
    assert f"{value:.2f} corrections" in finding.message
    assert "10.00 corrections" in finding.message


def test_another_split_is_no_comparison():
    (finding,) = judge(an_evaluation("new", 1.0, split="easier"), an_evaluation("old", 10.0))
    assert "easier" in finding.message


@pytest.mark.parametrize("judged", ["new", "old"])
def test_a_missing_figure_is_not_an_advantage(judged):
    (finding,) = judge(an_evaluation(judged, 1.0))
    assert "not in the evaluation" in finding.message


def test_the_reader_itself_needs_no_comparison():
    assert judge(candidate="old") == []
