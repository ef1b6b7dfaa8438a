"""Push: nothing twice, nothing half done, whatever happens to the process or the tasks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from annotation.in_memory import InMemoryLabelStudio
from annotation.journal import Journal
from annotation.pull import pull
from annotation.push import project_title, push
from pipelines.errors import ServiceError, TableError
from pipelines.records import Reading
from tests.annotation.examples import a_batch
from tests.annotation.loop import Loop


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


def versions_of(loop):
    """Whose drafts each task holds, oldest first."""
    return {
        task.task_id: [p["model_version"] for p in sorted(task.predictions, key=lambda p: p["id"])]
        for task in loop.tasks()
    }


def test_the_two_newest_releases_stand_beside_the_second_reader(loop):
    loop.batch.read("release-1", {1: "他"}, second_wrong={2: "亥"})
    loop.push()
    assert list(versions_of(loop).values()) == [["release-1", "rapidocr"]] * 2
    ids = {i["id"] for t in loop.tasks() for p in t.predictions for i in p["result"]}
    for release in ("release-2", "release-3"):
        loop.batch.read(release, {0: "夫"}, second_wrong={2: "亥"})
        assert loop.push().tasks_refreshed == 2
    assert list(versions_of(loop).values()) == [["rapidocr", "release-2", "release-3"]] * 2
    assert ids & {i["id"] for t in loop.tasks() for p in t.predictions for i in p["result"]}
    loop.batch.read("release-3", {0: "夫"}, second_wrong={3: "苦"})
    loop.push()
    versions = list(versions_of(loop).values())
    assert versions[0] == ["release-2", "release-3", "rapidocr"], "its old opinion is replaced"
    assert loop.push().tasks_refreshed == 0
    assert list(versions_of(loop).values()) == versions
    assert [row.draft for row in loop.rows()] == ["夫地玄黃宇", "宙洪荒日"]


def test_the_simulated_annotator_corrects_the_draft_and_not_the_second_opinion(loop):
    loop.batch.read("release-1", {1: "他"}, second_wrong={0: "夫", 2: "亥", 3: "苦"})
    loop.push()
    assert loop.annotate().texts_corrected == 1


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
    assert versions_of(loop) == {
        begun.task_id: ["release-1"],
        untouched.task_id: ["release-1", "release-2"],
    }
    assert loop.push().tasks_refreshed == 0
    assert len(loop.tasks()) == 2


class Killed(BaseException):
    """What SIGKILL is to the code under test: nothing catches it."""


class DiesAfter:
    """A client whose process dies when it has made so many changes, before or after the last."""

    CHANGES = (
        "ensure_project",
        "import_tasks",
        "delete_prediction",
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
            loop.push()
            batch.read("release-3", {2: "云", 12: "土"})
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
        release = "release-3" if phase == "refresh" else "release-1"
        expected = ["release-2", "release-3"] if phase == "refresh" else ["release-1"]
        assert list(versions_of(loop).values()) == [expected] * 4
        assert {row.release_id for row in loop.rows()} == {release}
    # One project and four imports; or one look and, for each task, new, old away, marked.
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
