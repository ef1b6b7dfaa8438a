"""The ladder from new to ground truth: which lines of the journal count, and which do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from annotation.approval import ApprovalRefused, Person, act, is_author
from annotation.journal import Action, Cleared, Decided, Flagged, Journal, Step
from annotation.states import standings, state_of
from pipelines.records import Decision, Rejection
from pipelines.states import Returned, State
from tests.pipelines.examples import a_column, a_page, a_review, a_work

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
LIU, WANG = "liu@example.org", "wang@example.org"


@pytest.fixture
def done(store, rng):
    """A review that waits for a second person."""
    ink = rng.integers(0, 9, (120, 100)).astype("uint8")
    column = a_column(a_page(a_work(), store), store, ink)
    return a_review(column, annotator=LIU, content_hash="a", state=State.DONE)


@pytest.fixture
def journal(tmp_path, done):
    journal = Journal(tmp_path / "journal")
    journal.append("b", [decided(done)], at=AT)
    return journal


def decided(review, **changes):
    return Decided(review=review, annotation_ids=(7,), lead_time_s=1.0, **changes)


def edit(review, content_hash="b", **changes):
    edited = replace(review, content_hash=content_hash, **changes)
    return Flagged(
        column_id=review.column_id,
        reason="edited_after_approval",
        detail="It reads otherwise.",
        content_hash=content_hash,
        edited=decided(edited),
    )


def standing(journal):
    (found,) = standings(journal.lines("b")).values()
    return found


def do(journal, action, who=WANG, *, name="somebody", seen="a", reason="", at=AT):
    column_id = standing(journal).column_id
    person = Person(name=name, email=who)
    return act(journal, "b", column_id, action, person, content_hash=seen, at=at, reason=reason)


def test_from_done_to_ground_truth_and_back(journal, done):
    assert (standing(journal).state, standing(journal).is_waiting) == (State.DONE, True)
    assert not standing(journal).review.is_approved
    approved = do(journal, Action.APPROVE)
    assert (approved.state, approved.approver) == (State.APPROVED, WANG)
    assert approved.review == replace(done, state=State.APPROVED, approver=WANG)
    assert approved.review.is_approved
    assert do(journal, Action.GROUND_TRUTH, "li@example.org").state is State.GROUND_TRUTH
    revoked = do(journal, Action.REVOKE, reason="the  wrong\nrubbing")
    assert (revoked.state, revoked.returned) == (State.IN_PROGRESS, Returned.REVOKED)
    said = f"{WANG} revoked the approval by {WANG}: the wrong rubbing"
    assert revoked.review.returned_detail == said
    assert not revoked.review.is_approved
    (step, *_) = [line.entry for line in revoked.lines if isinstance(line.entry, Step)]
    assert (step.annotation_ids, step.guideline_version) == ((7,), "1")


@pytest.mark.parametrize(
    ("email", "name", "editors", "reason"),
    [
        (LIU, "wang", (), "own_work"),
        ("LIU@Example.org", "wang", (), "own_work"),
        ("", LIU, (), "own_work"),
        (WANG, "liu", (), "own_work"),
        (WANG, "wang", (WANG,), "own_work"),
        ("", "wang", (), "no_address"),
    ],
)
@pytest.mark.parametrize("action", [Action.APPROVE, Action.GROUND_TRUTH, Action.ACCEPT])
def test_nobody_vouches_for_their_own_work(tmp_path, done, email, name, editors, reason, action):
    journal = Journal(tmp_path / "another")
    state = State.DONE if action is Action.APPROVE else State.APPROVED
    mine = decided(replace(done, state=state), editors=editors)
    flag = replace(edit(done), edited=replace(mine, review=replace(done, content_hash="b")))
    journal.append("b", [mine, flag], at=AT)
    before = journal.entries("b")
    seen = "b" if action is Action.ACCEPT else "a"
    with pytest.raises(ApprovalRefused) as refused:
        do(journal, action, email, name=name, seen=seen)
    assert refused.value.reason == reason
    assert journal.entries("b") == before


def test_addresses_with_a_plus_are_told_apart(done):
    both = decided(replace(done, annotator=f"liu+exams@example.org+{WANG}"))
    assert is_author(Person(name="x", email="liu+exams@example.org"), both)
    assert is_author(Person(name="x", email=WANG), both)
    assert not is_author(Person(name="x", email="li@example.org"), both)


@pytest.mark.parametrize(
    ("action", "seen"),
    [
        (Action.APPROVE, "other"),
        (Action.GROUND_TRUTH, "a"),
        (Action.REVOKE, "a"),
        (Action.KEEP, "a"),
        (Action.ACCEPT, "a"),
        (Action.WITHDRAW, "a"),
    ],
)
def test_a_step_must_fit_what_stands_there(journal, action, seen):
    with pytest.raises(ApprovalRefused) as refused:
        do(journal, action, seen=seen, reason="why")
    assert refused.value.reason == "changed_meanwhile"
    assert len(journal.entries("b")) == 1


def test_of_two_who_approve_at_once_one_is_told(journal):
    do(journal, Action.APPROVE)
    with pytest.raises(ApprovalRefused, match="is approved by now"):
        do(journal, Action.APPROVE, "li@example.org")


def test_a_column_nobody_worked_on_has_no_step(tmp_path, done):
    journal = Journal(tmp_path / "empty")
    with pytest.raises(ApprovalRefused, match="Nobody has decided"):
        act(journal, "b", "c", Action.REVOKE, Person(name="x"), content_hash="", at=AT)
    assert journal.batches() == []


@pytest.mark.parametrize("action", [Action.SEND_BACK, Action.REVOKE])
def test_what_goes_back_needs_a_reason(journal, action):
    if action is Action.REVOKE:
        do(journal, Action.APPROVE)
    with pytest.raises(ApprovalRefused) as refused:
        do(journal, action, reason=" \n")
    assert refused.value.reason == "no_reason"


def test_what_was_sent_back_counts_again_once_it_is_answered(journal, done):
    returned = do(journal, Action.SEND_BACK, reason="the second character", at=AT)
    assert (returned.state, returned.returned) == (State.IN_PROGRESS, Returned.SENT_BACK)
    assert not returned.is_waiting
    assert not returned.is_answered_by(done)
    assert returned.is_answered_by(replace(done, content_hash="b"))
    insisting = replace(done, reviewed_at=done.reviewed_at + timedelta(seconds=1))
    assert returned.is_answered_by(insisting), "whatever the clock of the desk says"
    journal.append("b", [decided(replace(done, content_hash="b"))], at=AT)
    assert standing(journal).is_waiting
    assert standing(journal).review.returned is None


def test_an_edit_that_was_known_at_the_revocation_is_no_answer_to_it(journal, done):
    do(journal, Action.APPROVE)
    journal.append("b", [edit(done)], at=AT)
    revoked = do(journal, Action.REVOKE, reason="wrong")
    assert not revoked.is_answered_by(replace(done, content_hash="b"))
    assert revoked.flags == ()


def test_an_approval_outlives_a_decision_that_came_too_late(journal, done):
    """A pull that began before the approval writes after it."""
    approved = do(journal, Action.APPROVE)
    journal.append("b", [decided(replace(done, content_hash="b"))], at=AT)
    assert standing(journal).review == approved.review


def test_a_person_takes_the_place_of_the_simulated_annotator_only_while_nobody_vouched(
    tmp_path, done
):
    journal = Journal(tmp_path / "simulated")
    machines = replace(done, is_simulated=True, state=State.APPROVED)
    journal.append("b", [decided(machines)], at=AT)
    with pytest.raises(ApprovalRefused) as refused:
        do(journal, Action.GROUND_TRUTH)
    assert refused.value.reason == "simulated"
    journal.append("b", [decided(replace(done, state=State.APPROVED, content_hash="b"))], at=AT)
    assert not standing(journal).review.is_simulated
    journal.append("b", [decided(replace(machines, content_hash="c"))], at=AT)
    assert standing(journal).review.content_hash == "b"


def test_an_approver_keeps_the_approval_or_takes_the_edit(journal, done):
    do(journal, Action.APPROVE)
    journal.append("b", [edit(done), edit(done, "c")], at=AT)
    kept = do(journal, Action.KEEP, seen="b")
    assert kept.kept == {("edited_after_approval", "b")}
    assert [flag.content_hash for flag in kept.flags] == ["c"]
    taken = do(journal, Action.ACCEPT, "li@example.org", seen="c")
    assert (taken.state, taken.approver) == (State.APPROVED, "li@example.org")
    assert (taken.review.content_hash, taken.flags) == ("c", ())


def test_ground_truth_yields_to_a_revocation_alone(journal, done):
    do(journal, Action.APPROVE)
    truth = do(journal, Action.GROUND_TRUTH)
    journal.append("b", [edit(done), decided(replace(done, content_hash="c"))], at=AT)
    with pytest.raises(ApprovalRefused):
        do(journal, Action.ACCEPT, "li@example.org", seen="b")
    assert standing(journal).review == truth.review
    assert do(journal, Action.REVOKE, reason="wrong").returned is Returned.REVOKED


def test_an_edit_that_decides_otherwise_cannot_be_taken(journal, done):
    do(journal, Action.APPROVE)
    journal.append("b", [edit(done, decision=Decision.REJECTED)], at=AT)
    with pytest.raises(ApprovalRefused):
        do(journal, Action.ACCEPT, "li@example.org", seen="b")


def test_a_flag_goes_when_its_reason_is_gone(journal, done):
    flag = edit(done)
    journal.append("b", [flag, flag], at=AT)
    assert standing(journal).flags == (flag,)
    gone = Cleared(column_id=flag.column_id, reason=flag.reason, content_hash="b")
    journal.append("b", [gone], at=AT)
    assert standing(journal).flags == ()


@pytest.mark.parametrize(
    ("decision", "state"),
    [
        (Decision.APPROVED, State.APPROVED),
        (Decision.REJECTED, State.DONE),
        (Decision.NEEDS_EXPERT, State.IN_PROGRESS),
    ],
)
def test_an_old_review_has_the_state_of_its_decision(done, decision, state):
    assert state_of(replace(done, state=None, decision=decision)) is state


def test_a_column_without_a_review_is_new_or_begun():
    untouched = Rejection(item_id="c", stage="reviews", reason="not_reviewed", detail="")
    assert state_of(untouched) is State.NEW
    assert state_of(replace(untouched, reason="skipped")) is State.IN_PROGRESS
