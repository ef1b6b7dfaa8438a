"""Pull: every task answered, nothing lost, nothing approved ever changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from annotation import cursor, pull
from annotation.journal import Decided, Flagged
from annotation.simulated import SIMULATED_ANNOTATOR
from pipelines.records import Decision
from tests.annotation.examples import a_batch


def test_the_loop_from_columns_to_reviews(loop):
    pushed = loop.push(with_page_view=True)
    assert (pushed.columns, pushed.accepted, pushed.tasks_created) == (2, 2, 2)
    assert pushed.page_tasks_created == 1
    rows = loop.rows()
    assert [row.column_id for row in rows] == [c.column_id for c in loop.batch.columns]
    assert [row.draft for row in rows] == ["天他玄黃宇", "宙洪荒日"]
    assert rows[0].priority > rows[1].priority
    worked = loop.annotate()
    assert (worked.annotated, worked.approved, worked.texts_corrected) == (2, 2, 1)
    found = loop.pull()
    assert (found.columns, found.reviews, found.approved, found.new_reviews) == (2, 2, 2, 2)
    assert (found.rejected, found.flags) == ({}, ())
    reviews = loop.reviews()
    assert [r.text for r in reviews] == ["天地玄黃宇", "宙洪荒日"]
    assert [r.edit_count for r in reviews] == [1, 0]
    assert {(r.annotator, r.is_simulated) for r in reviews} == {(SIMULATED_ANNOTATOR, True)}
    for review, column in zip(reviews, loop.batch.columns, strict=True):
        assert [c.box for c in review.characters] == [c.box for c in column.characters]
        ids = [c.character_id for c in column.characters]
        assert [c.character_id for c in review.characters] == ids
    entries = loop.journal.entries(loop.batch.name)
    assert [e.review for e in entries] == reviews
    assert all(e.lead_time_s > 0 for e in entries)


def test_an_edit_after_approval_is_flagged_and_changes_nothing(loop):
    loop.push()
    task = loop.tasks()[0]
    annotation = loop.submit(task, "天地玄黃宇", "liu@example.org")
    loop.pull()
    (approved,) = loop.reviews()
    loop.client.update_annotation(annotation, loop.result_of(task, "夫地玄黃宇"))
    for _ in range(2):  # a flag stays until it is dealt with
        found = loop.pull()
        (flag,) = found.flags
        assert (flag.column_id, flag.reason) == (approved.column_id, "edited_after_approval")
        assert "夫地玄黃宇" in flag.detail
        assert "liu@example.org" in flag.detail
    assert loop.reviews() == [approved]
    flags = [e for e in loop.journal.entries(loop.batch.name) if isinstance(e, Flagged)]
    assert len(flags) == 1
    loop.client.update_annotation(annotation, loop.result_of(task, "天地玄黃宇"))
    assert loop.pull().flags == ()


def test_an_approval_outlives_its_task_and_the_tables(loop, tmp_path):
    loop.push()
    task = loop.tasks()[0]
    loop.submit(task, "天地玄黃宇", "liu@example.org")
    loop.pull()
    (approved,) = loop.reviews()
    loop.client.delete_task(task.task_id)
    (flag,) = loop.pull().flags
    assert flag.reason == "withdrawn_after_approval"
    assert "task_deleted" in flag.detail
    assert loop.reviews() == [approved]
    loop.batch.tables.filesystem.rm(loop.batch.tables.folder("reviews", loop.batch.name), True)
    loop.pull()
    assert loop.reviews() == [approved]


def test_of_two_annotations_the_approval_counts_and_both_are_named(loop):
    loop.push()
    task = loop.tasks()[0]
    loop.submit(task, "天地玄黃宇", "liu@example.org")
    loop.submit(task, "夫地玄黃宇", "wang@example.org", decision="needs-expert")
    (flag,) = loop.pull().flags
    assert flag.reason == "several_annotations"
    assert "DISAGREE" in flag.detail
    (review,) = loop.reviews()
    assert (review.text, review.annotator) == ("天地玄黃宇", "liu@example.org")
    assert review.decision is Decision.APPROVED


def test_a_person_outranks_the_simulated_annotator(loop):
    loop.push()
    loop.annotate()
    loop.pull()
    assert all(review.is_simulated for review in loop.reviews())
    task = loop.tasks()[0]
    loop.submit(task, "夫地玄黃宇", "liu@example.org")
    found = loop.pull()
    assert found.new_reviews == 1
    first, second = loop.reviews()
    assert (first.text, first.annotator, first.is_simulated) == (
        "夫地玄黃宇",
        "liu@example.org",
        False,
    )
    assert second.is_simulated


def test_what_is_no_approval_is_said_and_may_change(loop):
    loop.push()
    first, second = loop.tasks()
    me = loop.client.whoami().user_id
    loop.client.add_annotation(first.task_id, [], completed_by=me, lead_time_s=1.0, is_skipped=True)
    annotation = loop.submit(second, "宙洪荒日", "liu@example.org", decision="needs-expert")
    found = loop.pull()
    assert (found.rejected, found.reviews, found.approved) == ({"skipped": 1}, 1, 0)
    loop.client.update_annotation(annotation, loop.result_of(second, "宙洪荒日"))
    found = loop.pull()
    assert (found.approved, found.new_reviews, found.flags) == (1, 1, ())
    decisions = [
        entry.review.decision
        for entry in loop.journal.entries(loop.batch.name)
        if isinstance(entry, Decided)
    ]
    assert decisions == [Decision.NEEDS_EXPERT, Decision.APPROVED]


def test_only_those_who_may_approve(loop):
    loop.push()
    task = loop.tasks()[0]
    loop.submit(task, "天地玄黃宇", "liu@example.org")
    found = loop.pull(approvers=("wang@example.org",))
    assert found.rejected == {"not_an_approver": 1, "not_reviewed": 1}
    assert loop.pull(approvers=("liu@example.org",)).approved == 1


def test_a_long_column_is_one_review_over_its_seams(loop, tables, store):
    batch = a_batch(tables, store, (45,), name=loop.batch.name)
    loop.batch = batch
    pushed = loop.push()
    assert (pushed.columns, pushed.accepted, pushed.tasks_created) == (1, 1, 3)
    first, second, third = loop.tasks()
    loop.client.delete_task(second.task_id)
    loop.annotate()
    found = loop.pull()
    assert (found.reviews, found.rejected) == (0, {"task_deleted": 1})
    loop.push()
    assert loop.annotate().annotated == 1
    assert loop.pull().approved == 1
    (review,) = loop.reviews()
    (column,) = batch.columns
    assert review.text == batch.texts[column.column_id]
    assert [c.box for c in review.characters] == [c.box for c in column.characters]
    assert review.task_id == first.task_id
    (entry,) = loop.journal.entries(batch.name)
    assert len(entry.annotation_ids) == 3


@pytest.mark.parametrize("label_studio", ["in_memory"], indirect=True)
def test_columns_that_are_no_more_are_withdrawn_and_their_approval_kept(loop, tables, store):
    loop.push()
    first, second = loop.tasks()
    loop.submit(first, "天地玄黃宇", "liu@example.org")
    loop.pull()
    recut = a_batch(tables, store, (3, 3), name=loop.batch.name)
    loop.batch = recut
    found = loop.push()
    assert (found.tasks_withdrawn, found.tasks_created) == (1, 2)
    assert loop.client.task(second.task_id) is None
    assert loop.client.task(first.task_id) is not None
    (flag,) = loop.pull().flags
    assert (flag.reason, flag.column_id) == ("approved_column_is_gone", first.data["column_id"])


@pytest.mark.parametrize("label_studio", ["in_memory"], indirect=True)
def test_only_what_changed_is_read_again(loop, monkeypatch):
    monkeypatch.setattr(cursor, "OVERLAP", cursor.OVERLAP * 0)
    monkeypatch.setattr(pull, "OVERLAP", cursor.OVERLAP)
    loop.push()
    loop.annotate()
    assert loop.pull().tasks_read == 2
    assert loop.pull().tasks_read <= 1, "only the newest, whose time is the cursor's"
    task = loop.tasks()[0]
    loop.submit(task, "夫地玄黃宇", "liu@example.org")
    found = loop.pull()
    assert found.tasks_read <= 2
    assert loop.reviews()[0].text == "夫地玄黃宇"
    (loop.journal.folder / f"{loop.batch.name}.cursor.json").write_text("{torn")
    before = loop.reviews()
    assert loop.pull().tasks_read == 2
    assert loop.reviews() == before


@pytest.mark.parametrize("label_studio", ["in_memory"], indirect=True)
def test_a_table_of_another_version_is_written_anew(loop):
    loop.push()
    loop.annotate()
    loop.pull()
    reviews = loop.reviews()
    folder = loop.batch.tables.folder("reviews", loop.batch.name)
    manifest = Path(folder) / "manifest.json"
    data = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(data | {"schema": "another"}))
    found = loop.pull()
    assert (found.reviews, found.new_reviews) == (2, 0)
    assert loop.reviews() == reviews
