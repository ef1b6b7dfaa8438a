"""Agreement of people with each other and with the draft, on tasks with known differences."""

from __future__ import annotations

import numpy as np
import pytest

from annotation.agreement import DRAFT, agreements, kendall_tau, krippendorff_alpha, matched
from pipelines.geometry import Box
from pipelines.records import ReviewedCharacter

LIU, WANG = "liu@example.org", "wang@example.org"


def character(box, text="天"):
    return ReviewedCharacter(
        character_id="c",
        box=box,
        written=text,
        canonical=text,
        is_damaged=False,
        is_illegible=False,
    )


def test_two_people_and_the_draft(loop, rng):
    loop.push()
    first, second = loop.tasks()
    loop.submit(first, "天地玄黃宇", LIU)
    loop.submit(first, "夫地玄黃宇", WANG)
    loop.submit(second, "宙洪荒日", LIU)
    loop.submit(second, "宙洪荒日", WANG, decision="needs-expert")
    draft_liu, draft_wang, both = agreements(loop.tasks(), loop.client.users(), rng)
    assert (draft_liu.first, draft_liu.second) == (DRAFT, LIU)
    assert (draft_liu.tasks, draft_liu.both_approved, draft_liu.same_decision) == (2, 2, None)
    assert draft_liu.corrections.edit_count == 1
    assert draft_liu.corrections.per_100 == pytest.approx(100 / 9)
    assert (draft_wang.both_approved, draft_wang.corrections.edit_count) == (1, 2)
    assert (both.first, both.second) == (LIU, WANG)
    assert (both.tasks, both.both_approved, both.same_decision) == (2, 1, 0.5)
    assert both.corrections.per_100 == 20
    assert (both.box_f1, both.order_tau) == (1.0, 1.0)
    assert 0 < both.alpha < 1
    assert both.sentence.startswith(f"{LIU} and {WANG}: 2 tasks, 50% decided alike, 1 compared, ")
    assert "20.0 corrections per 100 characters (20.0 to 20.0, 5 characters)" in both.sentence


def test_nobody_to_compare_with_is_nothing(loop, rng):
    loop.push()
    assert agreements(loop.tasks(), loop.client.users(), rng) == []


def test_the_latest_annotation_of_a_person_counts(loop, rng):
    loop.push()
    task = loop.tasks()[0]
    loop.submit(task, "夫地玄黃宇", LIU)
    loop.submit(task, "天地玄黃宇", LIU)
    (draft,) = agreements(loop.tasks(), loop.client.users(), rng)
    assert draft.corrections.edit_count == 1


def test_boxes_are_matched_once_and_best_first():
    a = [character(Box(0, 0, 10, 10)), character(Box(0, 8, 10, 18))]
    b = [character(Box(0, 9, 10, 19)), character(Box(0, 1, 10, 11)), character(Box(50, 0, 60, 9))]
    assert matched(a, b) == [(0, 1), (1, 0)]
    assert matched(a, []) == []


def test_alpha_against_the_example_of_its_author():
    """Two coders, ten binary units: alpha is 0.095 (Krippendorff 2011, computing alpha, part A)."""
    first, second = "0100000010", "1110010000"
    values = list(zip(first, second, strict=True))
    assert krippendorff_alpha(values) == pytest.approx(0.095, abs=0.001)
    assert krippendorff_alpha([("天", "天"), ("地", "地")]) == 1
    assert krippendorff_alpha([("天", "天")]) is None
    assert krippendorff_alpha([]) is None


def test_alpha_of_guesses_is_about_nothing():
    rng = np.random.default_rng(1)
    values = [(str(a), str(b)) for a, b in rng.integers(0, 4, (4000, 2))]
    assert abs(krippendorff_alpha(values)) < 0.05


def test_tau_of_orders():
    assert kendall_tau([0, 1, 2, 3]) == 1
    assert kendall_tau([3, 2, 1, 0]) == -1
    assert kendall_tau([0, 2, 1]) == pytest.approx(1 / 3)
    assert kendall_tau([0]) is None
