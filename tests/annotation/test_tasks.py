"""Percent and pixels, long columns and their seams, and what a task holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation import interface
from annotation.images import Derivative
from annotation.places import box_of, place_of
from annotation.tasks import column_task, region_id, split_column
from annotation.triage import Triage
from pipelines.geometry import Box
from pipelines.records import Reading
from tests.annotation.examples import CELL_PX, a_batch

PICTURE = Derivative(url="/data/local-files/?d=images/ab/x.jpg", width=36, height=120)
WEIGHED = Triage(priority=0.5, uncertainty=0.2, disagreement=0.1, rarity=0.0)


@st.composite
def box_in_crop(draw):
    left, top = draw(st.integers(0, 20_000)), draw(st.integers(0, 20_000))
    width, height = draw(st.integers(1, 12_000)), draw(st.integers(1, 12_000))
    x = draw(st.integers(0, width - 1))
    y = draw(st.integers(0, height - 1))
    right = draw(st.integers(x + 1, width))
    bottom = draw(st.integers(y + 1, height))
    crop = Box(left, top, left + width, top + height)
    return crop, Box(left + x, top + y, left + right, top + bottom)


@given(box_in_crop())
def test_pixels_survive_percent_exactly(drawn):
    crop, box = drawn
    assert box_of(place_of(box, crop), crop) == box


@given(box_in_crop(), st.integers(2, 6))
def test_pixels_survive_a_browser_that_rounds(drawn, digits):
    crop, box = drawn
    rounded = {name: round(value, digits) for name, value in place_of(box, crop).items()}
    if rounded["width"] == 0 or rounded["height"] == 0:
        return  # a hair of a giant picture: Label Studio would not draw it either
    back = box_of(rounded, crop)
    allowed = 0.5 + max(crop.width, crop.height) * 10.0**-digits / 100
    assert max(
        abs(back.left - box.left),
        abs(back.top - box.top),
        abs(back.right - box.right),
        abs(back.bottom - box.bottom),
    ) <= max(1, allowed + 0.5)


def test_a_box_over_the_edge_is_cut_to_the_picture():
    crop = Box(100, 200, 200, 400)
    assert box_of({"x": -5, "y": 90, "width": 50, "height": 30}, crop) == Box(100, 380, 145, 400)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"x": 1, "y": 1, "width": 5}, "needs x, y, width and height"),
        ({"x": 1, "y": 1, "width": float("nan"), "height": 5}, "finite"),
        ({"x": 1, "y": 1, "width": 0, "height": 5}, "holds nothing"),
        ({"x": 120, "y": 1, "width": 5, "height": 5}, "outside"),
        ({"x": 1, "y": 1, "width": 5, "height": 5, "rotation": 30}, "turned by 30"),
        ({"x": "left", "y": 1, "width": 5, "height": 5}, "needs x, y, width and height"),
    ],
)
def test_a_place_that_is_none_is_refused(value, said):
    with pytest.raises(ValueError, match=said):
        box_of(value, Box(0, 0, 100, 100))


@pytest.mark.parametrize(("length", "parts"), [(1, 1), (20, 1), (21, 2), (40, 2), (41, 3)])
def test_a_long_column_is_cut_between_characters(tables, store, length, parts):
    (column,) = a_batch(tables, store, (length,)).columns
    cut = split_column(column, 20)
    assert len(cut) == parts
    assert [c for part in cut for c in part.characters] == list(column.characters)
    sizes = [len(part.characters) for part in cut]
    assert max(sizes) <= 20
    assert max(sizes) - min(sizes) <= 1
    assert cut[0].crop.top == column.box.top
    assert cut[-1].crop.bottom == column.box.bottom
    for above, below in zip(cut, cut[1:], strict=False):
        assert above.crop.bottom == below.crop.top
        gap = (above.characters[-1].box.bottom, below.characters[0].box.top)
        assert gap[0] <= above.crop.bottom <= gap[1]
    for part in cut:
        assert all(c.box.clipped(10_000, part.crop.bottom) == c.box for c in part.characters)
    assert len({part.key for part in cut}) == parts
    assert cut == split_column(column, 20)


def test_overlapping_characters_are_whole_on_both_sides_of_a_seam(tables, store):
    (column,) = a_batch(tables, store, (4,)).columns
    taller = [
        type(c)(character_id=c.character_id, confidence=1.0, box=grown)
        for c in column.characters
        if (grown := c.box.padded(0, CELL_PX // 2).clipped(10_000, column.box.bottom))
        and (grown := Box(grown.left, max(grown.top, column.box.top), grown.right, grown.bottom))
    ]
    fields = {name: getattr(column, name) for name in column.__slots__}
    column = type(column)(**{**fields, "characters": tuple(taller)})
    above, below = split_column(column, 2)
    assert above.crop.bottom > below.crop.top
    for part in (above, below):
        for character in part.characters:
            assert box_of(place_of(character.box, part.crop), part.crop) == character.box


def test_the_same_draft_makes_the_same_task(tables, store):
    batch = a_batch(tables, store)
    column = batch.columns[0]
    (part,) = split_column(column, 20)
    reading, other = tables.read("readings", batch.name, Reading)

    def make():
        return column_task(
            part, reading, None, picture=PICTURE, triage=WEIGHED, place=1, batch=batch.name
        )

    task = make()
    assert task == make()
    assert interface.task_problems(task, interface.column_interface()) == []
    data = task["data"]
    assert data["draft"] == "天他玄黃宇"
    assert data["column_id"] == column.column_id
    assert (data["part"], data["parts"]) == (1, 1)
    (prediction,) = task["predictions"]
    assert prediction["model_version"] == "release-1"
    assert prediction["score"] == pytest.approx((4 * 0.9 + 0.3) / 5)
    ids = [item["id"] for item in prediction["result"] if item["from_name"] == interface.BOX]
    assert ids == [region_id(c.character_id, "release-1") for c in column.characters]
    texts = [
        item["value"]["text"]
        for item in prediction["result"]
        if item["from_name"] == interface.WRITTEN
    ]
    assert texts == [["天"], ["他"], ["玄"], ["黃"], ["宇"]]
    batch.read("release-2", {})
    newer = tables.read("readings", batch.name, Reading)[0]
    task_2 = column_task(
        part, newer, None, picture=PICTURE, triage=WEIGHED, place=1, batch=batch.name
    )
    assert task_2["data"]["sha"] != data["sha"]
    assert task_2["data"]["key"] == data["key"]
    ids_2 = {item["id"] for item in task_2["predictions"][0]["result"]}
    assert not ids_2 & set(ids)


def test_a_refused_place_has_a_box_without_text_and_both_readers_are_shown(tables, store):
    batch = a_batch(tables, store, (3,))
    batch.read("release-1", {0: "", 2: "云"}, second_wrong={2: "玄", 1: "也"})
    (part,) = split_column(batch.columns[0], 20)
    (reading,) = tables.read("readings", batch.name, Reading)
    (second,) = tables.read("second_readings", batch.name, Reading)
    task = column_task(
        part, reading, second, picture=PICTURE, triage=WEIGHED, place=1, batch=batch.name
    )
    names = [item["from_name"] for item in task["predictions"][0]["result"]]
    assert names == ["box", "box", "written", "box", "written"]
    assert task["data"]["draft"] == "□地云"
    lines = task["data"]["comparison"].splitlines()
    assert lines[0].startswith(" 1* ?  | 天")
    assert lines[1].startswith(" 2* 地  | 也")
    assert lines[2].startswith(" 3* 云  | 玄  | 2玄")
    assert task["data"]["candidates"] == [["天"], ["地", "也"], ["云", "玄"]]


def test_a_doubtful_order_is_told_to_the_annotator(tables, store):
    batch = a_batch(tables, store, (3,))
    (reading,) = tables.read("readings", batch.name, Reading)
    doubt = "a note in two rows is read right row first"
    doubtful = replace(batch.columns[0], is_order_uncertain=True, order_doubt=doubt)
    (part,) = split_column(doubtful, 20)
    task = column_task(
        part, reading, None, picture=PICTURE, triage=WEIGHED, place=1, batch=batch.name
    )
    first, *others = task["data"]["comparison"].splitlines()
    assert first == f"Order in doubt: {doubt}"
    assert len(others) == 3
