"""What it cost people, counted from the journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from annotation.effort import effort_of, rounds_of
from annotation.journal import Decided
from pipelines.records import Decision
from tests.pipelines.examples import a_column, a_page, a_review, a_work

PERSON = "liu@example.org"


@pytest.fixture
def decided(store):
    """A decision about a drawn column: seconds, hour, and fields of its review by name."""
    column = a_column(a_page(a_work(), store), store, np.zeros((120, 100), np.uint8))

    def make(seconds=10.0, *, hour=1, text="天地玄黃宇", **fields):
        at = datetime(2026, 1, 1, hour, tzinfo=UTC)
        fields = {"draft_release_id": "first", "annotator": PERSON} | fields
        review = a_review(column, text, reviewed_at=at, **fields)
        return Decided(review=review, annotation_ids=(1,), lead_time_s=seconds)

    return make


def test_rounds_are_counted_in_the_order_people_met_them(decided):
    entries = [
        decided(hour=3, draft_release_id="second"),
        decided(hour=1),
        decided(hour=5),
    ]
    assert rounds_of(entries) == ["first", "second"]
    assert [(r.round, r.release_id, r.columns) for r in effort_of(entries, rounds_of(entries))] == [
        (1, "first", 2),
        (2, "second", 1),
    ]


def test_corrections_are_counted_against_what_the_annotator_saw(decided):
    (row,) = effort_of([decided(draft="天他玄他宇"), decided(draft="天地玄黃宇")], ["first"])
    assert (row.columns, row.characters, row.corrections) == (2, 10, 20.0)
    assert row.corrections_low <= 20 <= row.corrections_high
    (row,) = effort_of([decided(text="天地峰黃宇", draft="天地峯黃宇")], ["first"])
    assert row.corrections == 0, "the draft's variant form was no mistake"


def test_a_task_left_open_over_lunch_does_not_move_the_median(decided):
    (row,) = effort_of([decided(s) for s in (8.0, 10.0, 3600.0)], ["first"])
    assert (row.seconds, row.seconds_lower_quartile) == (10.0, 9.0)


def test_people_stand_before_the_simulated_annotator_and_each_hand_by_itself(decided):
    other_hand = replace(a_work(), calligrapher="Mi Fu")
    entries = [
        decided(annotator="simulated-annotator", is_simulated=True),
        decided(),
        decided(annotator="wang@example.org"),
        decided(work=other_hand),
    ]
    rows = effort_of(entries, ["first"])
    assert [row.annotator for row in rows] == [
        *(PERSON, PERSON, "wang@example.org", "simulated-annotator")
    ]
    assert "Mi Fu" in {row.calligrapher for row in rows[:2]}
    assert rows[-1].is_simulated


def test_what_is_not_approved_says_nothing_about_effort(decided):
    assert effort_of([decided(decision=Decision.REJECTED)], ["first"]) == []
    assert effort_of([], []) == []
