"""Push and pull: nothing twice, nothing lost, nothing approved ever changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from annotation import interface, sync
from annotation.in_memory import InMemoryLabelStudio
from annotation.journal import Decided, Flagged, Journal
from annotation.simulated import SIMULATED_ANNOTATOR, annotate_batch
from annotation.sync import PullParams, PushParams, project_title, pull, push
from annotation.tasks import decision_item, region
from pipelines.errors import ServiceError, TableError
from pipelines.records import Decision, Reading, Review, ReviewTask
from tests.annotation.examples import a_batch


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal")


@pytest.fixture
def loop(label_studio, batch, images, journal):
    """Push, annotate and pull of one batch, on either server."""
    return Loop(label_studio, batch, images, journal)


class Loop:
    def __init__(self, client, batch, images, journal):
        self.client, self.batch, self.images, self.journal = client, batch, images, journal

    def push(self, client=None, **params):
        # The page view doubles the requests; one test has it.
        params = {"with_page_view": False, **params}
        return push(
            self.batch.tables,
            self.batch.store,
            self.batch.name,
            client or self.client,
            images=self.images,
            code_version="test",
            params=PushParams(**params),
        )

    def annotate(self):
        return annotate_batch(self.batch.tables, self.batch.name, self.client, self.batch.truth)

    def pull(self, **params):
        return pull(
            self.batch.tables,
            self.batch.name,
            self.client,
            journal=self.journal,
            params=PullParams(**params),
        )

    def rows(self):
        return self.batch.tables.read("review_tasks", self.batch.name, ReviewTask)

    def reviews(self):
        return self.batch.tables.read("reviews", self.batch.name, Review)

    def tasks(self):
        return list(self.client.tasks(self.rows()[0].project_id))

    def result_of(self, task, text, decision="approve"):
        """The drafted boxes with another text."""
        shapes = [i for i in task.predictions[-1]["result"] if i["from_name"] == interface.BOX]
        items = [
            item
            for shape, character in zip(shapes, text, strict=True)
            for item in region(
                shape["id"],
                shape["value"],
                texts={interface.WRITTEN: character},
                states=(),
                width=shape["original_width"],
                height=shape["original_height"],
            )
        ]
        return [*items, decision_item(decision)]

    def submit(self, task, text, by, decision="approve"):
        return self.client.add_annotation(
            task.task_id,
            self.result_of(task, text, decision),
            completed_by=self.client.ensure_user(by, by.split("@")[0]),
            lead_time_s=5.0,
        )


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


def test_everything_twice_is_everything_once(loop):
    loop.push()
    again = loop.push(with_page_view=True)
    assert (again.tasks_created, again.tasks_found, again.page_tasks_created) == (0, 2, 1)
    again = loop.push(with_page_view=True)
    assert (again.tasks_created, again.tasks_found, again.page_tasks_created) == (0, 2, 0)
    assert len(loop.tasks()) == 2
    assert [len(task.predictions) for task in loop.tasks()] == [1, 1]
    loop.annotate()
    worked = loop.annotate()
    assert (worked.annotated, worked.found_annotated) == (0, 2)
    first = loop.pull()
    reviews = loop.reviews()
    second = loop.pull()
    assert (second.reviews, second.new_reviews) == (2, 0)
    assert loop.reviews() == reviews
    assert len(loop.journal.entries(loop.batch.name)) == 2
    after_work = loop.push()
    assert (after_work.tasks_created, after_work.tasks_begun) == (0, 2)
    assert first.tasks_read == 2


def test_a_task_deleted_by_hand_is_reported_and_pushed_again(loop):
    loop.push()
    victim, kept = loop.tasks()
    loop.client.delete_task(victim.task_id)
    found = loop.pull()
    assert found.rejected == {"task_deleted": 1, "not_reviewed": 1}
    again = loop.push()
    assert (again.tasks_created, again.tasks_found) == (1, 1)
    assert {t.data["key"] for t in loop.tasks()} == {victim.data["key"], kept.data["key"]}
    assert loop.pull().rejected == {"not_reviewed": 2}


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


def test_a_new_release_refreshes_what_nobody_has_begun(loop):
    loop.push()
    begun, untouched = loop.tasks()
    loop.submit(begun, "天地玄黃宇", "liu@example.org", decision="needs-expert")
    loop.batch.read("release-2", {0: "夫", 6: "紅"})
    found = loop.push()
    assert (found.tasks_created, found.tasks_refreshed, found.tasks_begun) == (0, 1, 1)
    rows = loop.rows()
    assert [(r.release_id, r.draft) for r in rows] == [
        ("release-1", "天他玄黃宇"),
        ("release-2", "宙紅荒日"),
    ]
    versions = {
        task.task_id: [p["model_version"] for p in task.predictions] for task in loop.tasks()
    }
    assert versions == {begun.task_id: ["release-1"], untouched.task_id: ["release-2"]}
    assert loop.push().tasks_refreshed == 0
    assert len(loop.tasks()) == 2


class Killed(BaseException):
    """What SIGKILL is to the code under test: nothing catches it."""


class DiesAfter:
    """A client whose process dies when it has made so many changes, before or after the last."""

    CHANGES = (
        "ensure_project",
        "import_tasks",
        "delete_predictions",
        "add_predictions",
        "update_task",
        "delete_task",
    )

    def __init__(self, client, changes):
        self.client, self.left = client, changes

    def __getattr__(self, name):
        method = getattr(self.client, name)
        if name not in self.CHANGES:
            return method

        def counted(*args, **kwargs):
            if self.left == 0:
                raise Killed
            self.left -= 1
            return method(*args, **kwargs)

        return counted


@pytest.mark.parametrize("phase", ["new", "refresh"])
def test_a_push_killed_anywhere_is_completed_by_the_next(phase, tables, store, images):
    batch = a_batch(tables, store, (5, 4, 23), name="killed")
    deaths = 0
    for changes in range(40):
        loop = Loop(InMemoryLabelStudio(images.document_root), batch, images, None)
        batch.read("release-1", {1: "他"})
        if phase == "refresh":
            loop.push()
            batch.read("release-2", {2: "云", 12: "士"})
        before = batch.tables.manifest("review_tasks", batch.name)
        try:
            loop.push(DiesAfter(loop.client, changes), tasks_per_request=1)
        except Killed:
            deaths += 1
            assert batch.tables.manifest("review_tasks", batch.name) == before
            loop.push()
        else:
            break
        tasks = loop.tasks()
        assert len(tasks) == len({t.data["key"] for t in tasks}) == 4
        release = "release-2" if phase == "refresh" else "release-1"
        assert [[p["model_version"] for p in t.predictions] for t in tasks] == [[release]] * 4
        assert {row.release_id for row in loop.rows()} == {release}
    # One project and four imports; or one look and, for each task, away, anew, marked.
    assert deaths == {"new": 5, "refresh": 13}[phase]


def test_a_duplicate_task_is_removed_unless_begun(loop):
    loop.push()
    task = loop.tasks()[0]
    twin = {"data": dict(task.data), "predictions": []}
    project = loop.rows()[0].project_id
    loop.client.import_tasks(project, [twin])
    assert len(loop.tasks()) == 3
    assert loop.push().duplicates_removed == 1
    assert [t.task_id for t in loop.tasks()][0] == task.task_id
    assert len(loop.tasks()) == 2
    foreign = {"data": {"image": "u", "title": "mine", "comparison": "-"}, "predictions": []}
    loop.client.import_tasks(project, [foreign])
    loop.push()
    assert len(loop.tasks()) == 3, "what people add by hand is theirs"


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
    monkeypatch.setattr("annotation.cursor.OVERLAP", sync.OVERLAP * 0)
    monkeypatch.setattr(sync, "OVERLAP", sync.OVERLAP * 0)
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
def test_a_column_that_cannot_be_shown_is_rejected_and_the_rest_goes_on(loop):
    (first, second) = loop.batch.tables.read("readings", loop.batch.name, Reading)
    loop.batch.tables.write("readings", loop.batch.name, Reading, [second])
    found = loop.push()
    assert (found.columns, found.accepted, found.rejected) == (2, 1, {"no_reading": 1})
    (rejection,) = loop.batch.tables.rejections("review_tasks", loop.batch.name)
    assert (rejection.item_id, rejection.stage) == (first.column_id, "review_tasks")


@pytest.mark.parametrize("label_studio", ["in_memory"], indirect=True)
def test_a_column_whose_picture_is_of_another_size_is_rejected(loop):
    column = loop.batch.columns[0]
    wider = replace(column, box=column.box.padded(5, 0))
    loop.batch.tables.write(
        "columns", loop.batch.name, type(column), [wider, loop.batch.columns[1]]
    )
    found = loop.push()
    assert found.rejected == {"column_disagrees": 1}


@pytest.mark.parametrize("label_studio", ["in_memory"], indirect=True)
def test_a_batch_that_is_not_ready_leaves_nothing_behind(label_studio, tables, store, images):
    with pytest.raises(TableError, match="There is no columns for batch 'early'"):
        push(tables, store, "early", label_studio, images=images, code_version="test")
    assert label_studio.find_project(project_title("early")) is None
    with pytest.raises(TableError, match="review_tasks"):
        pull(tables, "early", label_studio, journal=Journal(images.document_root / "j"))


@pytest.mark.parametrize("label_studio", ["in_memory"], indirect=True)
def test_pictures_that_are_not_served_stop_the_push(loop):
    loop.client.document_root = None
    with pytest.raises(ServiceError, match="does not serve their pictures.*DOCUMENT_ROOT"):
        loop.push()
    assert loop.batch.tables.manifest("review_tasks", loop.batch.name) is None


def test_titles_fit_and_stay_apart():
    long = "a-work-with-a-title-that-nobody-would-believe-to-be-so-long"
    titles = {project_title(b, s) for b in (long + "1", long + "2") for s in ("", " pages")}
    assert len(titles) == 4
    assert max(map(len, titles)) <= 50
    assert project_title("b1", " pages") == "Beitie b1 pages"
