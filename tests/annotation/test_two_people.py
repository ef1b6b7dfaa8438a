"""Approval by a second person, through Label Studio and the journal: what a pull makes of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from annotation.approval import ApprovalRefused, Person, act
from annotation.journal import Action
from annotation.states import standings
from pipelines.records import Rejection, Sample
from pipelines.samples import samples_from_reviews
from pipelines.states import Returned, State

LIU = "liu@example.org"
WANG = Person(name="wang", email="wang@example.org")
TEXT = "天地玄黃宇"


@pytest.fixture
def first(loop):
    """The first task of a batch that asks for two people, submitted by one."""
    loop.push()
    task = loop.tasks()[0]
    loop.annotation = loop.submit(task, TEXT, LIU)
    return task


def pull(loop):
    return loop.pull(needs_second_person=True)


def standing(loop):
    (found,) = standings(loop.journal.lines(loop.batch.name)).values()
    return found


def do(loop, action, reason="", seen=None):
    found = standing(loop)
    hash_ = seen or found.decided.review.content_hash
    return act(
        loop.journal,
        loop.batch.name,
        found.column_id,
        action,
        WANG,
        content_hash=hash_,
        at=datetime.now(UTC),
        reason=reason,
    )


def samples(loop):
    """What training would get, and what it would not and why."""
    batch = loop.batch
    outcomes = list(
        samples_from_reviews(
            loop.reviews(), batch.columns, batch.pages, batch.store, code_version="test"
        )
    )
    made = [one for one in outcomes if isinstance(one, Sample)]
    return made, [one.reason for one in outcomes if isinstance(one, Rejection)]


def title(loop, task):
    return loop.client.task(task.task_id).data["title"]


def test_a_sample_is_made_when_the_second_person_approved(loop, first):
    found = pull(loop)
    assert found.states == {State.DONE: 1, State.NEW: 1}
    assert (found.approved, found.new_reviews) == (0, 1)
    assert samples(loop) == ([], ["awaits_approval"])
    assert pull(loop).new_reviews == 0
    do(loop, Action.APPROVE)
    assert pull(loop).approved == 1
    (review,) = loop.reviews()
    assert (review.state, review.annotator) == (State.APPROVED, LIU)
    assert review.approver == WANG.email
    (sample,), reasons = samples(loop)
    assert "".join(c.written for c in sample.characters) == TEXT
    assert reasons == []


def test_what_was_sent_back_tells_the_annotator_and_waits_for_an_answer(loop, first):
    pull(loop)
    plain = title(loop, first)
    do(loop, Action.SEND_BACK, "the second character is 他")
    for _ in range(2):
        assert pull(loop).states[State.IN_PROGRESS] == 1
        said = "wang@example.org sent it back: the second character is 他"
        assert title(loop, first) == f"↩ {said} ｜ {plain}"
        assert samples(loop) == ([], ["sent_back"])
    assert loop.push().tasks_begun == 1
    loop.client.update_annotation(loop.annotation, loop.result_of(first, "天他玄黃宇"))
    found = pull(loop)
    assert (found.new_reviews, found.states[State.DONE]) == (1, 1)
    assert title(loop, first) == plain
    assert standing(loop).decided.review.text == "天他玄黃宇"


def test_a_revoked_approval_takes_its_sample_away_until_people_decide_anew(loop, first):
    pull(loop)
    do(loop, Action.APPROVE)
    pull(loop)
    ((before,), _) = samples(loop)
    do(loop, Action.REVOKE, "the rubbing is a forgery")
    found = pull(loop)
    assert (found.approved, found.states[State.IN_PROGRESS]) == (0, 1)
    (review,) = loop.reviews()
    assert review.returned is Returned.REVOKED
    assert "the rubbing is a forgery" in review.returned_detail
    assert samples(loop) == ([], ["revoked"])
    loop.client.update_annotation(loop.annotation, loop.result_of(first, "夫地玄黃宇"))
    assert pull(loop).states[State.DONE] == 1
    do(loop, Action.APPROVE)
    pull(loop)
    (after,), _ = samples(loop)
    assert after.sample_id != before.sample_id


def test_what_is_gone_from_label_studio_is_not_approved(loop, first):
    pull(loop)
    seen = standing(loop).decided.review.content_hash
    loop.client.delete_task(first.task_id)
    assert pull(loop).states == {State.NEW: 2}
    with pytest.raises(ApprovalRefused):
        do(loop, Action.APPROVE, seen=seen)
    loop.push()
    task = loop.tasks()[-1]
    loop.submit(task, TEXT, LIU)
    assert pull(loop).states[State.DONE] == 1


def test_a_step_at_the_desk_is_seen_though_label_studio_did_not_change(loop, first):
    pull(loop)
    pull(loop)
    do(loop, Action.APPROVE)
    assert pull(loop).approved == 1
    assert pull(loop).approved == 1


def test_an_edit_after_approval_is_kept_or_taken_by_an_approver(loop, first):
    pull(loop)
    do(loop, Action.APPROVE)
    pull(loop)
    loop.client.update_annotation(loop.annotation, loop.result_of(first, "夫地玄黃宇"))
    (flag,) = pull(loop).flags
    assert flag.edited.review.text == "夫地玄黃宇"
    do(loop, Action.KEEP, seen=flag.content_hash)
    assert pull(loop).flags == ()
    loop.client.update_annotation(loop.annotation, loop.result_of(first, "夭地玄黃宇"))
    (flag,) = pull(loop).flags
    taken = do(loop, Action.ACCEPT, seen=flag.content_hash)
    assert taken.state is State.APPROVED
    found = pull(loop)
    assert (found.flags, found.new_reviews, found.approved) == ((), 0, 1)
    (review,) = loop.reviews()
    assert (review.text, review.approver) == ("夭地玄黃宇", WANG.email)


def test_simulated_work_is_done_and_a_persons_takes_its_place(loop):
    loop.push()
    loop.annotate()
    assert pull(loop).states == {State.DONE: 2}
    loop.submit(loop.tasks()[0], TEXT, LIU)
    pull(loop)
    assert [review.is_simulated for review in loop.reviews()] == [False, True]
