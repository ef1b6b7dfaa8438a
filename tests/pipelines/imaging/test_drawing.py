"""Drawings show every box and leave the page as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipelines.geometry import Box
from pipelines.imaging.drawing import contact_sheet, draw_boxes, draw_order
from pipelines.records import Character, Column, Script, Work

WORK = Work(
    work_id="w",
    title="Drawn",
    calligrapher="none",
    script=Script.REGULAR,
    rights="CC0",
    source="drawn by the test",
)


def column(index, boxes, is_uncertain=False):
    return Column(
        column_id=str(index),
        page_id="p",
        work=WORK,
        column_index=index,
        box=Box(boxes[0].left, boxes[0].top, boxes[-1].right, boxes[-1].bottom),
        characters=tuple(
            Character(character_id=str(k), box=box, confidence=1.0) for k, box in enumerate(boxes)
        ),
        image_key="",
        ink_key="",
        order_confidence=1.0,
        is_order_uncertain=is_uncertain,
        code_version="",
    )


@pytest.mark.parametrize("shape", [(200, 100), (200, 100, 3)])
def test_every_box_is_drawn_and_the_page_is_not_changed(shape):
    page = np.full(shape, 255, np.uint8)
    page.flags.writeable = False
    boxes = [Box(60, 20, 90, 60), Box(60, 100, 90, 150)]
    picture = draw_boxes(page, [column(0, boxes), column(1, [Box(10, 20, 40, 60)])])
    assert picture.shape == (200, 100, 3)
    for box in (*boxes, Box(10, 20, 40, 60)):
        assert (picture[box.top, box.left : box.right] != 255).any(axis=1).all()
    assert tuple(picture[20, 60]) != tuple(picture[20, 10])  # another column, another colour


def test_an_uncertain_column_is_framed():
    page = np.full((200, 100), 255, np.uint8)
    certain = column(0, [Box(40, 50, 60, 90)])
    plain = draw_boxes(page, [certain])
    framed = draw_boxes(page, [replace(certain, is_order_uncertain=True)])
    assert (framed != plain).any()


def test_bare_boxes_are_drawn_in_the_order_given():
    page = np.zeros((100, 100), np.uint8)
    boxes = [Box(10, 10, 30, 30), Box(60, 10, 80, 30)]
    one = draw_order(page, boxes, [(0, 1)])
    other = draw_order(page, boxes, [(1, 0)])
    assert (one != other).any()


def test_a_sheet_holds_every_picture_at_one_height():
    images = [np.full((50, 20 + 10 * k), 40 * k, np.uint8) for k in range(5)]
    sheet = contact_sheet(images, columns=2, height_px=100, gap_px=4)
    assert sheet.shape[0] == 3 * 104 + 4
    assert {tuple(colour) for colour in sheet.reshape(-1, 3)} >= {(40 * k,) * 3 for k in range(5)}


def test_an_empty_sheet_is_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet([])
