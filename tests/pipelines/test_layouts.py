"""Pages cut as people laid them out: their columns, their order, and every character answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from pipelines.columns import ColumnParams, make_columns
from pipelines.geometry import Box, union
from pipelines.ids import box_id
from pipelines.layouts import LayoutReview, Said, shared_characters
from pipelines.records import Column, Rejection
from pipelines.store import Store
from tests.drawing import draw_page
from tests.pipelines.test_columns import WORK, page_of

PARAMS = ColumnParams()


def a_layout(*columns, **changes):
    layout = LayoutReview(
        layout_id="layout-1",
        page_id="p",
        work=WORK,
        is_right=True,
        columns=columns,
        seals=(),
        damaged=(),
        not_writing=(),
        annotation_ids=(1,),
        annotator="liu@example.org",
        guideline_version="1",
        content_hash="h",
        reviewed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return replace(layout, **changes)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A page of three columns, and how the machine cuts it."""
    store = Store(str(tmp_path_factory.mktemp("store")))
    page = page_of(draw_page(np.random.default_rng(3), (6, 5, 6)).ink, store)
    machine = list(make_columns(page, store, PARAMS, "v1"))
    assert len(machine) == 3
    return page, store, machine


def cut(drawn, layout, *kept):
    """Columns and rejections, with every character of the machine answered exactly once."""
    page, store, machine = drawn
    outcomes = list(make_columns(page, store, PARAMS, "v1", Said(layout, kept)))
    columns = [outcome for outcome in outcomes if isinstance(outcome, Column)]
    rejections = [outcome for outcome in outcomes if isinstance(outcome, Rejection)]
    everywhere = sorted(c.character_id for column in machine for c in column.characters)
    inside = [c.character_id for column in columns for c in column.characters]
    assert len(set(inside)) == len(inside)
    assert len(everywhere) == len(inside) + len(rejections), "in = accepted + rejected"
    assert set(inside) <= set(everywhere)
    assert [column.column_index for column in columns] == list(range(len(columns)))
    assert len({column.column_id for column in columns}) == len(columns)
    for column in columns:
        assert column.column_id == box_id("p", column.box)
        assert column.layout_id == layout.layout_id
        for character in column.characters:
            assert union([column.box, character.box]) == column.box
    return columns, rejections


def ids(column):
    return [character.character_id for character in column.characters]


def test_a_confirmed_layout_changes_nothing(drawn):
    machine = drawn[2]
    columns, _ = cut(drawn, a_layout(*(c.box for c in machine)))
    # Drawn figures are no writing: the machine doubts which way up they stand, the person does not.
    unsaid = {"layout_id": "", "is_order_uncertain": False, "order_doubt": ""}
    assert [replace(c, **unsaid) for c in columns] == [replace(c, **unsaid) for c in machine]
    assert not any(column.is_order_uncertain for column in columns)


def test_the_order_is_the_persons(drawn):
    first, second, third = drawn[2]
    columns, _ = cut(drawn, a_layout(third.box, first.box, second.box))
    assert [ids(c) for c in columns] == [ids(c) for c in (third, first, second)]


def test_characters_of_a_deleted_column_are_left_out_with_a_reason(drawn):
    first, second, third = drawn[2]
    columns, rejections = cut(drawn, a_layout(first.box, third.box))
    assert [ids(c) for c in columns] == [ids(first), ids(third)]
    assert {r.reason for r in rejections} == {"outside_layout"}
    assert len(rejections) == len(second.characters)
    assert "in no column that liu@example.org drew" in rejections[0].detail


def test_seals_and_what_is_no_writing_hold_no_text(drawn):
    first, second, third = drawn[2]
    head, foot = first.characters[0].box, third.characters[-1].box
    layout = a_layout(first.box, second.box, third.box, seals=(head,), not_writing=(foot,))
    columns, rejections = cut(drawn, layout)
    assert sorted(r.reason for r in rejections) == ["in_seal", "not_writing"]
    assert [ids(c) for c in columns] == [ids(first)[1:], ids(second), ids(third)[:-1]]
    assert [c.box for c in columns] == list(layout.columns)


def test_characters_of_a_damaged_area_stay(drawn):
    boxes = [c.box for c in drawn[2]]
    columns, rejections = cut(drawn, a_layout(*boxes, damaged=(boxes[0],)))
    assert (len(columns), rejections) == (3, [])


def test_a_column_that_was_parted_and_two_that_were_joined(drawn):
    first, second, third = drawn[2]
    seam = first.characters[2].box.bottom + 2
    upper, lower = replace(first.box, bottom=seam), replace(first.box, top=seam)
    joined = union([second.box, third.box])
    columns, rejections = cut(drawn, a_layout(upper, lower, joined))
    assert rejections == []
    assert [ids(c) for c in columns] == [ids(first)[:3], ids(first)[3:], ids(second) + ids(third)]
    assert columns[2].is_order_uncertain
    assert "side by side" in columns[2].order_doubt
    assert len(columns[2].link_confidences) == len(columns[2].characters) - 1


def test_a_column_drawn_too_tight_cuts_no_character(drawn):
    first, second, third = drawn[2]
    x = round(second.box.center[0])
    tight = replace(second.box, left=x - 8, right=x + 8)
    columns, _ = cut(drawn, a_layout(first.box, tight, third.box))
    assert ids(columns[1]) == ids(second)
    assert columns[1].box != tight


def test_a_column_drawn_where_nothing_was_found_waits_for_its_characters(drawn):
    first, second, third = drawn[2]
    blank = Box(0, 0, 12, drawn[0].height)
    columns, _ = cut(drawn, a_layout(first.box, second.box, third.box, blank))
    assert columns[3].characters == ()
    assert columns[3].is_order_uncertain
    assert "no character was found in it" in columns[3].order_doubt


def test_a_page_without_ink_and_with_a_drawn_column(store):
    page = page_of(np.zeros((200, 100), np.uint8), store)
    (column,) = make_columns(page, store, PARAMS, "v1", Said(a_layout(Box(10, 10, 50, 190))))
    assert isinstance(column, Column)
    assert column.characters == ()
    (nothing,) = make_columns(page, store, PARAMS, "v1", Said(a_layout()))
    assert isinstance(nothing, Rejection)


def test_a_layout_called_wrong_puts_every_column_in_doubt(drawn):
    page, store, machine = drawn
    layout = a_layout(is_right=False)
    columns = list(make_columns(page, store, PARAMS, "v1", Said(layout)))
    assert [c.column_id for c in columns] == [c.column_id for c in machine]
    assert all(column.is_order_uncertain for column in columns)
    assert {c.order_doubt for c in columns} == {
        "a person says that the layout of this page is wrong"
    }


class TestApproved:
    """Columns that people approved stay as they are, whatever a layout draws over them."""

    def test_in_the_place_of_the_drawn_column_that_holds_it(self, drawn):
        first, second, third = drawn[2]
        wider = second.box.padded(3, 3)
        columns, rejections = cut(drawn, a_layout(third.box, wider, first.box), second)
        assert [ids(c) for c in columns] == [ids(third), ids(second), ids(first)]
        assert columns[1].column_id == second.column_id
        assert columns[1].image_key == second.image_key
        assert rejections == []

    def test_beside_what_else_a_drawn_column_holds(self, drawn):
        first, second, third = drawn[2]
        both = union([first.box, second.box])
        columns, _ = cut(drawn, a_layout(both, third.box), second)
        assert [ids(c) for c in columns] == [ids(second), ids(first), ids(third)]
        assert columns[1].box != both

    def test_once_where_it_was_parted(self, drawn):
        first, second, third = drawn[2]
        seam = first.characters[2].box.bottom + 2
        upper, lower = replace(first.box, bottom=seam), replace(first.box, top=seam)
        columns, _ = cut(drawn, a_layout(upper, lower, second.box, third.box), first)
        assert [ids(c) for c in columns] == [ids(first), ids(second), ids(third)]

    def test_where_it_was_deleted_or_called_a_seal(self, drawn):
        first, second, third = drawn[2]
        columns, _ = cut(drawn, a_layout(first.box, third.box), second)
        assert [ids(c) for c in columns] == [ids(first), ids(second), ids(third)]
        columns, _ = cut(drawn, a_layout(first.box, third.box, seals=(second.box,)), second)
        assert [ids(c) for c in columns] == [ids(first), ids(second), ids(third)]


def test_leaning_columns_of_the_machine_may_overlap_and_copies_may_not():
    characters = [Box(10, y, 20, y + 10) for y in (0, 20, 40)]
    column, copy, beside = Box(8, 0, 22, 50), Box(6, 0, 24, 50), Box(0, 0, 16, 25)
    assert shared_characters(characters, [column, copy]) == [(0, 1, 3)]
    assert shared_characters(characters, [column, copy], [column, copy]) == []
    assert shared_characters(characters, [column, beside]) == [(0, 1, 1)]
    more = [*characters, Box(0, 0, 4, 4)]
    assert shared_characters(more, [column, beside]) == []
