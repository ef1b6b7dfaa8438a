"""What a page task holds, for whole pages and for the segments of a handscroll."""

from __future__ import annotations

from dataclasses import replace

from annotation import interface
from annotation.images import Derivative
from annotation.page_tasks import HAND_VERSION, LAYOUT_VERSION, page_payloads, page_task
from annotation.payloads import Pictures
from annotation.places import box_of
from annotation.segments import SegmentParams
from pipelines.geometry import Box
from pipelines.hand_styles import SalientStroke
from tests.annotation.examples import a_batch

PICTURE = Derivative(url="u", width=100, height=100)


def shown(task):
    frame = Box(*task["data"]["frame"])
    result = task["predictions"][0]["result"]
    boxes = [box_of(i["value"], frame) for i in result if i["from_name"] == interface.LAYOUT]
    numbers = [i["value"]["number"] for i in result if i["from_name"] == interface.ORDER]
    return list(zip(numbers, boxes, strict=True))


def test_a_page_shows_its_columns_with_their_numbers(tables, store):
    batch = a_batch(tables, store, (3, 2, 4))
    page = batch.pages[0]
    frame = Box(0, 0, page.width, page.height)
    task = page_task(page, batch.columns[::-1], picture=PICTURE, batch=batch.name, frame=frame)
    assert interface.task_problems(task, interface.page_interface()) == []
    assert shown(task) == [(n, column.box) for n, column in enumerate(batch.columns, 1)]
    assert (task["data"]["key"], task["data"]["part"]) == (page.page_id, 1)


def a_stroke(page, box, name="1234567890ab"):
    return SalientStroke(
        stroke_id=name, page_id=page.page_id, column_id="c", work_id="w", box=box, weight=0.5,
        model_fingerprint="m", code_version="t",
    )  # fmt: skip


def test_strokes_that_told_the_hand_are_a_prediction_of_their_own(tables, store):
    batch = a_batch(tables, store, (3, 2))
    page = batch.pages[0]
    frame = Box(0, 0, page.width, page.height)
    strokes = [a_stroke(page, Box(4, 5, 14, 25)), a_stroke(page, Box(0, 0, 9999, 9), "b" * 12)]
    plain, told = (
        page_task(page, batch.columns, given, picture=PICTURE, batch=batch.name, frame=frame)
        for given in ([], strokes)
    )
    assert interface.task_problems(told, interface.page_interface()) == []
    layout, hand = told["predictions"]
    assert (layout["model_version"], hand["model_version"]) == (LAYOUT_VERSION, HAND_VERSION)
    (region,) = hand["result"]  # what reaches over the frame is left out
    assert box_of(region["value"], frame) == strokes[0].box
    assert region["value"]["rectanglelabels"] == [interface.STROKE_LABEL]
    assert plain["predictions"] == [layout]
    assert plain["data"]["sha"] != told["data"]["sha"]


def test_strokes_of_the_table_reach_the_tasks_of_their_pages(tables, store, images):
    batch = a_batch(tables, store, (3, 2))
    page = batch.pages[0]
    tables.write("salient_strokes", batch.name, SalientStroke, [a_stroke(page, Box(4, 5, 14, 25))])
    pictures = Pictures(store=store, images=images, max_side_px=400)
    (task,) = page_payloads(tables, batch.name, pictures, SegmentParams())
    assert [p["model_version"] for p in task["predictions"]] == [LAYOUT_VERSION, HAND_VERSION]


def test_a_segment_shows_the_columns_that_lie_whole_in_it(tables, store):
    batch = a_batch(tables, store, (3, 2, 4))
    page, (first, second, third) = batch.pages[0], batch.columns
    frame = Box(second.box.left, 0, page.width, page.height)
    task = page_task(
        page, batch.columns, picture=PICTURE, batch=batch.name, frame=frame, part=1, parts=2
    )
    assert shown(task) == [(1, first.box), (2, second.box)]
    cut = replace(frame, left=second.box.left + 1)
    task = page_task(
        page, batch.columns, picture=PICTURE, batch=batch.name, frame=cut, part=1, parts=2
    )
    assert shown(task) == [(1, first.box)]
    assert task["data"]["key"] == f"{page.page_id}/1/2"
    assert "part 1 of 2 from the right" in task["data"]["title"]
    assert third.box not in [box for _, box in shown(task)]


def test_pictures_of_segments_are_bounded_and_of_their_frames(tables, store, images, monkeypatch):
    batch = a_batch(tables, store, (2,) * 9)
    asked, get = [], store.get

    def counted(key):
        asked.append(key)
        return get(key)

    monkeypatch.setattr(store, "get", counted)
    images.prepare()
    pictures = Pictures(store=store, images=images, max_side_px=120)
    tasks = list(page_payloads(tables, batch.name, pictures, SegmentParams()))
    assert len(tasks) > 2
    assert len(asked) == 1, "a handscroll is decoded once for all its segments"
    for task in tasks:
        left, top, right, bottom = task["data"]["frame"]
        item = task["predictions"][0]["result"][0]
        width, height = item["original_width"], item["original_height"]
        assert max(width, height) <= 120
        assert abs(width / height - (right - left) / (bottom - top)) < 0.05
    seen = {box for task in tasks for _, box in shown(task)}
    assert seen == {column.box for column in batch.columns}
