"""In which order columns come before people."""

from __future__ import annotations

import random

import pytest

from annotation.queue import QueueParams, Waiting, line_up, waiting
from annotation.triage import triage
from pipelines.records import Reading
from tests.annotation.examples import a_batch

ALIKE = QueueParams(priority_weight=1, novelty_weight=0, balance_weight=0)


def a_column(name, priority=0.5, characters="天地", groups=("work 1",)):
    return Waiting(
        column_id=name, priority=priority, characters=tuple(characters), groups=tuple(groups)
    )


USUAL = QueueParams()


def order(columns, params=USUAL):
    found = line_up(columns, params)
    assert sorted(found.values()) == list(range(1, len(columns) + 1))
    return sorted(found, key=lambda name: found[name])


def test_the_doubtful_come_first_and_equals_stay_as_they_are():
    columns = [a_column("a", 0.2), a_column("b", 0.9), a_column("c", 0.2)]
    assert order(columns, ALIKE) == ["b", "a", "c"]


def test_a_column_that_repeats_what_was_seen_waits():
    columns = [
        a_column("first", 0.6, "天地玄黃"),
        a_column("again", 0.6, "天地玄黃"),
        a_column("new", 0.5, "宇宙洪荒"),
    ]
    assert order(columns) == ["first", "new", "again"]


def test_works_take_turns():
    columns = [a_column(f"{work}{i}", 0.5, "", [work]) for work in "ab" for i in range(3)]
    assert [name[0] for name in order(columns)] == list("ababab")


def test_the_queue_is_what_trying_every_column_each_time_gives():
    rng = random.Random(4)  # noqa: S311
    columns = [
        a_column(
            str(i),
            rng.random(),
            rng.choices("天地玄黃宇宙洪荒日月", k=5),
            [f"work {rng.randrange(4)}", f"hand {rng.randrange(2)}"],
        )
        for i in range(14)
    ]
    alone = order(columns)
    by_name = {column.column_id: column for column in columns}
    for place, name in enumerate(alone):
        begun = [by_name[other] for other in alone[:place]]
        for later in alone[place + 1 :]:
            rival = sorted((by_name[name], by_name[later]), key=columns.index)
            assert order([*begun, *rival])[place] == name, "a later one was worth more here"


def test_the_same_column_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        line_up([a_column("a"), a_column("a")])
    assert line_up([]) == {}


def test_a_column_waits_with_its_draft_and_its_work(tables, store):
    batch = a_batch(tables, store, (4,))
    batch.read("release-1", {1: ""})
    (reading,) = tables.read("readings", batch.name, Reading)
    (column,) = batch.columns
    found = waiting(column, reading, triage(reading, None, is_order_uncertain=False, counts={}))
    assert found.characters == tuple(batch.texts[column.column_id].replace("地", ""))
    assert len(found.groups) == 3
    assert found.priority > 0


def test_works_that_look_like_one_hand_do_not_crowd_out_others(tables, store):
    batch = a_batch(tables, store, (4,))
    batch.read("release-1", {})
    (reading,) = tables.read("readings", batch.name, Reading)
    (column,) = batch.columns
    weighed = triage(reading, None, is_order_uncertain=False, counts={})
    assert waiting(column, reading, weighed, "work 1").groups[-1] == "look work 1"
    rest = [a_column(f"a{i}", 0.5, "", [f"work {i}", "look 1"]) for i in range(3)]
    other = a_column("b", 0.5, "", ["work 9", "look 2"])
    assert order([*rest, other])[1] == "b"
