"""What people see first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from annotation.triage import TriageParams, disagreement_of, triage
from pipelines.records import Reading
from tests.annotation.examples import a_batch

COMMON = dict.fromkeys("天地玄黃宇他", 100)


@pytest.fixture
def readings(tables, store):
    batch = a_batch(tables, store, (4,))

    def make(wrong, second_wrong):
        batch.read("release-1", wrong, second_wrong=second_wrong)
        (first,) = tables.read("readings", batch.name, Reading)
        (second,) = tables.read("second_readings", batch.name, Reading)
        return first, second

    return make


def priority(first, second, *, is_order_uncertain=False, counts=COMMON):
    return triage(first, second, is_order_uncertain=is_order_uncertain, counts=counts)


def test_each_reason_to_look_raises_the_priority(readings):
    agreed = priority(*readings({}, {}))
    doubtful = priority(*readings({1: "他"}, {1: "他"}))
    disputed = priority(*readings({1: "他"}, {}))
    assert agreed.priority < doubtful.priority < disputed.priority
    assert (agreed.disagreement, disputed.disagreement) == (0.0, 0.25)
    first, second = readings({}, {})
    rare = priority(first, second, counts=COMMON | {"玄": 1})
    assert rare.rarity == 0.25
    assert rare.priority > agreed.priority
    assert priority(first, second, is_order_uncertain=True).priority > agreed.priority
    assert agreed.priority >= 0
    assert disputed.priority <= 1


def test_a_refused_place_is_uncertain_and_no_agreement(readings):
    first, second = readings({0: ""}, {0: ""})
    assert disagreement_of(first, second) == 0.25
    assert priority(first, second).uncertainty == pytest.approx((1 + 3 * 0.1) / 4)


def test_a_draft_that_followed_the_second_reader_does_not_agree_with_it(readings):
    first, second = readings({}, {})
    characters = (replace(first.characters[0], alone="他"), *first.characters[1:])
    assert disagreement_of(replace(first, characters=characters), second) == 0.25
    shorter = replace(second, characters=second.characters[:3])
    assert disagreement_of(replace(first, characters=characters), shorter) == 0.5


def test_variant_forms_agree(readings):
    assert disagreement_of(*readings({2: "峯"}, {2: "峰"})) == 0.0


def test_a_reader_that_cut_otherwise_is_compared_by_text(readings):
    first, second = readings({}, {})
    shorter = replace(second, characters=second.characters[:3])
    assert disagreement_of(first, shorter) == 0.25
    assert disagreement_of(first, None) == 0.0
    assert disagreement_of(replace(first, characters=()), second) == 0.0


def test_weights_are_what_they_are_called(readings):
    first, second = readings({1: "他"}, {})
    only = TriageParams(
        disagreement_weight=1, uncertainty_weight=0, rarity_weight=0, order_weight=0
    )
    found = triage(first, second, is_order_uncertain=True, counts={}, params=only)
    assert found.priority == found.disagreement == 0.25
