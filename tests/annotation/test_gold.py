"""Known columns among the tasks: unmarked, compared with the truth, and never a sample again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from annotation.agreement import TRUTH, agreements
from annotation.approval import Person, act
from annotation.gold import choose_gold, ground_truth
from annotation.journal import Action
from annotation.push import push
from annotation.rules import ReviewRules
from annotation.states import standings
from tests.annotation.examples import a_batch
from tests.annotation.loop import Loop

LIU, WANG = "liu@example.org", "wang@example.org"
TEXT = "天地玄黃宇"
RULES = ReviewRules(gold_share=0.5, gold_seed=1)


@pytest.fixture
def known(loop):
    """The id of a column of the loop's batch that is ground truth."""
    loop.push()
    loop.submit(loop.tasks()[0], TEXT, LIU)
    loop.pull()
    (standing,) = standings(loop.journal.lines(loop.batch.name)).values()
    act(
        loop.journal,
        loop.batch.name,
        standing.column_id,
        Action.GROUND_TRUTH,
        Person(name="chen", email="chen@example.org"),
        content_hash=standing.review.content_hash,
        at=datetime.now(UTC),
    )
    return standing.column_id


@pytest.fixture
def other(loop, known, tables, store):
    """Another batch with the known column among its two."""
    batch = a_batch(tables, store, (4, 3), name=f"{loop.batch.name[:30]}-other")
    batch.read("release-2", {})
    return Loop(loop.client, batch, loop.images, loop.journal)


def push_with_gold(loop):
    gold = choose_gold(loop.batch.tables, loop.journal, loop.batch.name, 2, RULES)
    return push(
        loop.batch.tables,
        loop.batch.store,
        loop.batch.name,
        loop.client,
        images=loop.images,
        code_version="test",
        gold=gold,
    )


def test_known_columns_are_shown_like_any_other(other, known):
    report = push_with_gold(other)
    assert (report.columns, report.tasks_created) == (2, 3)
    fields = [set(task.data) for task in other.tasks()]
    assert fields[0] == fields[1] == fields[2]
    gold = next(task for task in other.tasks() if task.data["column_id"] == known)
    assert gold.data["batch"] == other.batch.name
    assert gold.data["draft"] == "天他玄黃宇", "with the draft that its annotator had"
    assert "gold" not in str(gold.data).casefold()
    versions = {task.predictions[-1]["model_version"] for task in other.tasks()}
    assert versions == {"release-2"}, "Label Studio shows the drafts of one release alone"
    assert push_with_gold(other).tasks_created == 0


def test_what_is_known_tells_how_right_an_annotator_is_and_goes_nowhere_else(
    other, known, loop, rng
):
    push_with_gold(other)
    gold = next(task for task in other.tasks() if task.data["column_id"] == known)
    other.submit(gold, "夫地玄黃宇", WANG)
    found = other.pull()
    assert (found.columns, found.approved, found.flags) == (2, 0, ())
    truth = {c: review for c, (_, review) in ground_truth(other.journal).items()}
    told = agreements(other.tasks(), other.client.users(), rng, truth=truth)
    (one,) = (a for a in told if a.first == TRUTH)
    assert (one.second, one.tasks, one.corrections.edit_count) == (WANG, 1, 1)
    assert one.corrections.per_100 == 20
    assert one.box_f1 == 1
    own = agreements(loop.tasks(), loop.client.users(), rng, truth=truth)
    assert all(a.first != TRUTH for a in own), "nobody is measured by their own work"


def test_the_choice_is_drawn_by_the_seed_and_never_from_the_batch_itself(loop, known, tables):
    name = loop.batch.name
    a_batch(tables, loop.batch.store, (3,), name="other")
    assert choose_gold(tables, loop.journal, name, 10, RULES) == []
    assert choose_gold(tables, loop.journal, "other", 10, ReviewRules()) == []
    (gold,) = choose_gold(tables, loop.journal, "other", 10, RULES)
    assert (gold.column.column_id, gold.reading.column_id) == (known, known)
    assert list(ground_truth(loop.journal)) == [known]
