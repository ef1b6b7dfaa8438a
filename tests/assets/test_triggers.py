"""The rules of the sensors: what they ask for, and what they leave alone."""

import pytest

from assets.triggers import (
    MAX_ATTEMPTS,
    Attempts,
    BatchState,
    inbox_cause,
    is_look_due,
    plan_inbox,
    plan_readings,
    plan_reviews,
    propose_training,
    reading_cause,
)


def inbox(signatures, seen_before=None, known=(), attempts=None):
    return plan_inbox(
        signatures,
        seen_before=signatures if seen_before is None else seen_before,
        known_batches=known,
        attempts=attempts or {},
    )


def test_a_new_folder_becomes_a_batch_and_a_run():
    plan = inbox({"b1": "s1"})
    assert plan.new_batches == ("b1",)
    assert [one.run_key for one in plan.wanted] == ["inbox:b1:s1:0"]


def test_a_folder_that_is_still_being_copied_waits():
    plan = inbox({"b1": "s2", "b2": "s1"}, seen_before={"b1": "s1", "b2": "s1"})
    assert plan.unsettled == ("b1",)
    assert [one.batch for one in plan.wanted] == ["b2"]
    assert plan.new_batches == ("b2",)


def test_what_was_taken_in_is_left_alone_until_files_change():
    done = {inbox_cause("b1", "s1"): Attempts(is_done=True)}
    assert inbox({"b1": "s1"}, known=["b1"], attempts=done).wanted == ()
    changed = inbox({"b1": "s2"}, known=["b1"], attempts=done)
    assert [one.run_key for one in changed.wanted] == ["inbox:b1:s2:0"]
    assert changed.new_batches == ()


def test_a_run_under_way_is_not_started_twice():
    active = {inbox_cause("b1", "s1"): Attempts(is_active=True)}
    assert inbox({"b1": "s1"}, attempts=active).wanted == ()


def test_a_failed_run_is_tried_again_under_another_key_and_then_no_more():
    keys = []
    for failed in range(MAX_ATTEMPTS + 1):
        plan = inbox({"b1": "s1"}, attempts={inbox_cause("b1", "s1"): Attempts(failed=failed)})
        keys += [one.run_key for one in plan.wanted]
    assert len(keys) == len(set(keys)) == MAX_ATTEMPTS
    assert plan.given_up == ("b1",)


def test_only_decided_batches_are_taken_over():
    wanted = plan_reviews({"b1": "s1", "b2": ""}, {})
    assert [(one.batch, one.run_key) for one in wanted] == [("b1", "reviews:b1:s1:0")]


@pytest.mark.parametrize(
    ("state", "is_read_again"),
    [
        (BatchState(batch="b", release_id="old", open_columns=3), True),
        (BatchState(batch="b", release_id="new", open_columns=3), False),
        (BatchState(batch="b", release_id="old", open_columns=0), False),
    ],
    ids=["open", "read by it", "approved to the last column"],
)
def test_a_release_reads_again_what_nobody_has_approved(state, is_read_again):
    assert bool(plan_readings([state], "new", {})) is is_read_again


def test_a_batch_is_read_once_by_a_release_and_again_by_the_next():
    state = BatchState(batch="b", release_id="r1", open_columns=1)
    done = {reading_cause("b", "r2"): Attempts(is_done=True)}
    assert plan_readings([state], "r2", done) == ()
    assert [one.run_key for one in plan_readings([state], "r3", done)] == ["reading:b:r3:0"]


@pytest.mark.parametrize(("approved", "is_proposed"), [(599, False), (600, True), (100, False)])
def test_a_training_is_proposed_for_enough_new_characters(approved, is_proposed):
    proposal = propose_training(
        fingerprint="f",
        approved_characters=approved,
        trained_characters=100,
        release_id="r1",
        enough=500,
    )
    assert (proposal is not None) is is_proposed
    if proposal:
        assert proposal.new_characters == approved - 100
        assert "beitie train" in proposal.sentence


@pytest.mark.parametrize(
    ("looked_at", "hint_at", "is_due"),
    [(0, 0, True), (990, 0, False), (990, 980, False), (990, 995, True), (930, 0, True)],
)
def test_a_hint_makes_the_look_come_sooner_and_none_is_needed(looked_at, hint_at, is_due):
    assert is_look_due(1000, looked_at=looked_at, hint_at=hint_at) is is_due
