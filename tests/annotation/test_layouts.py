"""From the page view to layouts: on the double and on the real server."""

from __future__ import annotations

import pytest

from annotation import interface
from annotation.in_memory import InMemoryLabelStudio
from annotation.layout_journal import LayoutJournal
from annotation.layout_pull import CHANGED_AFTER_APPROVAL, pull_layouts
from annotation.pull import PullParams
from annotation.reviews import SIMULATED_EMAIL
from annotation.segments import SegmentParams
from annotation.simulated import SIMULATED_ANNOTATOR
from pipelines.errors import TableError
from pipelines.geometry import Box
from pipelines.layouts import LayoutReview
from tests.annotation.examples import a_batch
from tests.annotation.layouts import a_layout, page_tasks, submit_layout
from tests.annotation.loop import Loop


@pytest.fixture
def on_either(loop):
    """A pushed batch, on the double and on the real server."""
    loop.push(with_page_view=True)
    return loop


@pytest.fixture
def pushed(images, batch, journal):
    """The same on the double alone: what Label Studio does is no question there."""
    loop = Loop(InMemoryLabelStudio(images.document_root), batch, images, journal)
    loop.push(with_page_view=True)
    return loop


def pull(loop, **params):
    return pull_layouts(
        loop.batch.tables,
        loop.batch.name,
        loop.client,
        journal=loop.journal,
        params=PullParams(**params),
    )


def layouts(loop):
    return loop.batch.tables.read("layouts", loop.batch.name, LayoutReview)


def boxes(loop):
    return [column.box for column in loop.batch.columns]


def test_columns_come_back_in_the_order_of_their_numbers(on_either):
    first, second = boxes(on_either)
    (task,) = page_tasks(on_either.client, on_either.batch.name)
    added = Box(1, 30, 20, 90)
    submit_layout(
        on_either.client,
        task,
        [(2, first), (1, second), (1.5, added)],
        seal=[Box(0, 0, 9, 9)],
        damaged=[Box(5, 5, 30, 30)],
        not_writing=[Box(2, 3, 8, 9)],
    )
    found = pull(on_either)
    assert (found.pages, found.layouts, found.new_layouts, found.rejected) == (1, 1, 1, {})
    (layout,) = layouts(on_either)
    assert layout.columns == (second, added, first)
    assert (layout.seals, layout.damaged) == ((Box(0, 0, 9, 9),), (Box(5, 5, 30, 30),))
    assert (layout.not_writing, layout.is_right) == ((Box(2, 3, 8, 9),), True)
    assert layout.annotator == "liu@example.org"
    assert layout.page_id == on_either.batch.pages[0].page_id
    again = pull(on_either)
    assert (again.layouts, again.new_layouts, again.tasks_read) == (1, 0, 0)
    assert layouts(on_either) == [layout]
    assert len(LayoutJournal(on_either.journal).entries(on_either.batch.name)) == 1


def test_a_draft_that_somebody_confirms_is_the_layout(on_either):
    (task,) = page_tasks(on_either.client, on_either.batch.name)
    drafted = task.predictions[0]["result"]
    on_either.client.add_annotation(
        task.task_id,
        [*drafted, a_layout(task, [])[0]],
        completed_by=on_either.client.ensure_user("liu@example.org", "liu"),
        lead_time_s=3,
    )
    assert pull(on_either).layouts == 1
    assert layouts(on_either)[0].columns == tuple(boxes(on_either))


def test_a_page_nobody_decided_about_says_so(pushed):
    found = pull(pushed)
    assert (found.pages, found.rejected, found.unusable) == (1, {"not_reviewed": 1}, ())


def test_the_last_word_of_people_holds_and_an_unusable_one_changes_nothing(pushed):
    first, second = boxes(pushed)
    (task,) = page_tasks(pushed.client, pushed.batch.name)
    submit_layout(pushed.client, task, [(1, first), (2, second)])
    pull(pushed)
    submit_layout(pushed.client, task, [(1, first)], by="wang@example.org")
    assert pull(pushed).new_layouts == 1
    (layout,) = layouts(pushed)
    assert (layout.columns, layout.annotator) == ((first,), "wang@example.org")
    submit_layout(pushed.client, task, [(1, first), (1, second)], by="wang@example.org")
    found = pull(pushed)
    assert "both have the number 1: change one" in found.unusable[0]
    assert (found.layouts, found.rejected, layouts(pushed)) == (1, {}, [layout])
    assert len(LayoutJournal(pushed.journal).entries(pushed.batch.name)) == 2


def test_a_layout_outlives_its_task_and_the_table(pushed):
    (task,) = page_tasks(pushed.client, pushed.batch.name)
    submit_layout(pushed.client, task, [(1, boxes(pushed)[0])])
    pull(pushed)
    kept = layouts(pushed)
    pushed.client.delete_task(task.task_id)
    tables = pushed.batch.tables
    tables.filesystem.rm(tables.folder("layouts", pushed.batch.name), True)
    assert pull(pushed).layouts == 1
    assert layouts(pushed) == kept


def test_a_wrong_layout_that_nobody_corrected_is_told_as_such(pushed):
    (task,) = page_tasks(pushed.client, pushed.batch.name)
    drawn = [(1, boxes(pushed)[0]), (1, boxes(pushed)[1])]
    submit_layout(pushed.client, task, drawn, decision=interface.LAYOUT_WRONG)
    assert pull(pushed).layouts == 1
    (layout,) = layouts(pushed)
    assert (layout.is_right, layout.columns) == (False, ())


def test_the_simulated_annotator_lays_nothing_out(pushed):
    (task,) = page_tasks(pushed.client, pushed.batch.name)
    pushed.client.ensure_user(SIMULATED_EMAIL, SIMULATED_ANNOTATOR)
    submit_layout(pushed.client, task, [(1, boxes(pushed)[0])], by=SIMULATED_EMAIL)
    assert pull(pushed).rejected == {"not_reviewed": 1}


def test_who_may_not_approve_may_not_lay_out(pushed):
    (task,) = page_tasks(pushed.client, pushed.batch.name)
    submit_layout(pushed.client, task, [(1, boxes(pushed)[0])])
    found = pull(pushed, approvers=("wang@example.org",))
    assert found.rejected == {"not_an_approver": 1}
    assert "liu@example.org laid it out" in found.unusable[0]


def outside(result):
    result[1]["value"]["x"] = 140.0
    return result


def without_label(result):
    result[1]["value"]["rectanglelabels"] = []
    return result


@pytest.mark.parametrize(
    ("change", "reason", "said"),
    [
        (lambda r: [r[0], r[1], *r[3:]], "no_number", "has no number: give it its place"),
        (lambda r: r[1:], "no_decision", "does not say whether the layout is right"),
        (outside, "unreadable_box", "outside"),
        (without_label, "no_label", "a box without a label"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(pushed, change, reason, said):
    (task,) = page_tasks(pushed.client, pushed.batch.name)
    result = a_layout(task, list(enumerate(boxes(pushed), 1)))
    pushed.client.add_annotation(
        task.task_id,
        change(result),
        completed_by=pushed.client.ensure_user("liu@example.org", "liu"),
        lead_time_s=1,
    )
    found = pull(pushed)
    assert found.rejected == {reason: 1}
    assert said in found.unusable[0]
    assert found.unusable[0].startswith("Page 1 of")


def test_two_columns_around_the_same_characters_are_named(pushed):
    (task,) = page_tasks(pushed.client, pushed.batch.name)
    first, second = boxes(pushed)
    again = Box(first.left + 1, first.top, first.right, first.bottom)
    submit_layout(pushed.client, task, [(1, first), (2, again), (3, second)])
    found = pull(pushed)
    assert found.rejected == {"columns_overlap": 1}
    assert "the columns 1 at" in found.unusable[0]
    assert "share 5 characters" in found.unusable[0]


def test_an_approved_column_that_a_layout_changes_is_flagged(on_either):
    column = on_either.tasks()[0]
    on_either.submit(column, "天地玄黃宇", "wang@example.org")
    on_either.pull()
    (task,) = page_tasks(on_either.client, on_either.batch.name)
    submit_layout(on_either.client, task, [(1, boxes(on_either)[1])])
    for _ in range(2):
        (flag,) = pull(on_either).flags
        assert (flag.column_id, flag.reason) == (
            column.data["column_id"],
            CHANGED_AFTER_APPROVAL,
        )
        assert "wang@example.org approved as '天地玄黃宇'" in flag.detail
    assert sum(e == flag for e in on_either.journal.entries(on_either.batch.name)) == 1


def test_a_handscroll_is_joined_once_every_part_is_decided(
    tables, store, images, journal, label_studio, request
):
    name = request.node.name.replace("[", "-").rstrip("]")
    batch = a_batch(tables, store, (2,) * 9, name=name)
    loop = Loop(label_studio, batch, images, journal)
    loop.push(with_page_view=True, segments=SegmentParams(overlap=0.9))
    tasks = page_tasks(loop.client, name)
    assert len(tasks) > 2
    numbered = list(enumerate(boxes(loop), 1))
    shown = []
    for task in tasks:
        found = pull(loop)
        assert found.rejected == {"not_reviewed": 1}
        frame = Box(*task.data["frame"])
        own = [(n, b) for n, b in numbered if frame.left <= b.left and b.right <= frame.right]
        shown += own
        submit_layout(loop.client, task, own)
    assert len(shown) > len(numbered), "some stand in an overlap"
    assert pull(loop).layouts == 1
    (layout,) = layouts(loop)
    assert layout.columns == tuple(boxes(loop))
    assert len(layout.annotation_ids) == len(tasks)
    first = Box(*tasks[0].data["frame"])
    gone = next(b for n, b in shown if first.left <= b.left and shown.count((n, b)) > 1)
    own = [
        (n, b) for n, b in numbered if first.left <= b.left and b.right <= first.right and b != gone
    ]
    submit_layout(loop.client, tasks[0], own)
    assert "give it the same number in both" in pull(loop).unusable[0]


def test_a_journal_of_layouts_that_was_edited_is_refused(pushed):
    (task,) = page_tasks(pushed.client, pushed.batch.name)
    submit_layout(pushed.client, task, [(1, boxes(pushed)[0])])
    pull(pushed)
    file = LayoutJournal(pushed.journal).file_of(pushed.batch.name)
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"kind": "layout", "who')
    assert pull(pushed).layouts == 1, "a torn last line was never acknowledged"
    file.write_bytes(b"nonsense\n" + whole)
    with pytest.raises(TableError, match="Line 1 of the journal of layouts"):
        pull(pushed)


def test_a_batch_pushed_without_pages_has_no_layouts(images, batch, journal):
    loop = Loop(InMemoryLabelStudio(images.document_root), batch, images, journal)
    loop.push()
    found = pull(loop)
    assert found.rejected == {"no_task": 1}
