import json

import pytest

from assets.demo_figures import longest_rise, rejected_in_words
from assets.demo_steps import Steps


@pytest.fixture
def steps(tmp_path):
    return Steps(tmp_path / "steps.json", lambda line: None)


def test_a_finished_step_is_not_run_again(tmp_path, steps):
    calls = []

    def action():
        calls.append(1)
        return {"pages": 3}

    assert steps.run("take in", "a", action) == {"pages": 3}
    again = Steps(tmp_path / "steps.json", lambda line: None)
    assert again.run("take in", "a", action) == {"pages": 3}
    assert len(calls) == 1
    assert again.timings().keys() == {"take in"}


def test_other_material_runs_it_again(steps):
    assert steps.run("take in", "a", lambda: {"pages": 3}) == {"pages": 3}
    assert steps.run("take in", "b", lambda: {"pages": 4}) == {"pages": 4}


def test_a_step_that_died_is_not_remembered(tmp_path, steps):
    def dies():
        raise RuntimeError("killed")

    steps.run("first", "a", lambda: {})
    with pytest.raises(RuntimeError, match="killed"):
        steps.run("second", "a", dies)
    assert json.loads((tmp_path / "steps.json").read_text()).keys() == {"first"}


def test_what_is_out_of_order_is_what_must_be_moved():
    assert longest_rise([0, 1, 2, 3]) == 4
    assert longest_rise([3, 0, 1, 2]) == 3
    assert longest_rise([3, 2, 1, 0]) == 1
    assert longest_rise([]) == 0


def test_reasons_are_told_with_their_counts():
    assert rejected_in_words({"pages: blank": 1, "scans: empty": 4}) == (
        "4 x scans: empty, 1 x pages: blank"
    )
    assert rejected_in_words({}) == "none"
