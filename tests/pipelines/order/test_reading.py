"""Reading order on layouts whose order is known, and what no layout may change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.checks import reading_order
from pipelines.geometry import Box, union
from pipelines.order.doubt import REASONS
from pipelines.order.params import OrderParams
from pipelines.order.reading import order_columns
from pipelines.records import Character, Column
from tests.pipelines.examples import a_work
from tests.pipelines.order.layouts import EVEN, LAYOUTS, Hand, column, page
from tests.pipelines.order.measures import OrderScore, score

SEEDS = st.integers(0, 2**32 - 1)
NAMES = st.sampled_from(sorted(LAYOUTS))

AT_LEAST = {"three_sizes": 0.98, "notes": 0.98}
"""Characters in order over the seeds, where it is not every one."""


def shuffled(boxes, seed):
    """The columns of the boxes given in a random sequence, in the true indices."""
    turn = np.random.default_rng(seed).permutation(len(boxes))
    orders = order_columns([boxes[i] for i in turn])
    return orders, [[int(turn[i]) for i in order.indices] for order in orders]


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_known_layouts_are_read_in_their_order(name):
    total = OrderScore()
    for seed in range(15):
        boxes = LAYOUTS[name](np.random.default_rng(seed))
        orders, columns = shuffled(boxes, seed)
        total += score(columns, any(order.is_uncertain for order in orders))
    assert total.in_order / total.characters >= AT_LEAST.get(name, 1.0)


@settings(deadline=None, max_examples=40)
@given(
    name=NAMES,
    seed=SEEDS,
    scale=st.sampled_from([1, 2, 3, 7, 40]),
    dx=st.integers(-5000, 5000),
    dy=st.integers(-5000, 5000),
)
def test_the_order_knows_no_unit_no_place_and_no_sequence(name, seed, scale, dx, dy):
    boxes = LAYOUTS[name](np.random.default_rng(seed))
    if len(set(boxes)) < len(boxes):
        return
    plain = [order.indices for order in order_columns(boxes)]
    moved = [box.scaled(scale, scale).moved(dx, dy) for box in boxes]
    assert [tuple(column) for column in shuffled(moved, seed)[1]] == plain


@settings(deadline=None, max_examples=40)
@given(name=NAMES, seed=SEEDS, rule=st.sampled_from(["overlap", "50px"]))
def test_every_box_stands_in_one_column_with_a_confidence_for_each_link(name, seed, rule):
    rng = np.random.default_rng(seed)
    boxes = LAYOUTS[name](rng)
    boxes += [boxes[int(k)] for k in rng.integers(0, len(boxes), 3)]
    orders = order_columns(boxes, OrderParams(rule=rule))
    assert sorted(i for order in orders for i in order.indices) == list(range(len(boxes)))
    for order in orders:
        assert len(order.link_confidences) == len(order.indices) - 1
        assert all(0 <= link <= 1 for link in order.link_confidences)
        assert order.confidence <= min(order.link_confidences, default=1)
        assert order.is_uncertain == (order.confidence < OrderParams().uncertain_below)
        assert order.reason in {"", *REASONS}
        assert bool(order.explanation) == order.is_uncertain


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, count=st.integers(0, 70), side=st.integers(40, 4000))
def test_boxes_without_any_layout_are_all_read(seed, count, side):
    rng = np.random.default_rng(seed)
    corners, sizes = rng.integers(0, side, (count, 2)), rng.integers(1, 120, (count, 2))
    boxes = [
        Box(int(x), int(y), int(x + w), int(y + h))
        for (x, y), (w, h) in zip(corners, sizes, strict=True)
    ]
    orders = order_columns(boxes)
    assert sorted(i for order in orders for i in order.indices) == list(range(count))


def test_a_page_of_thousands_of_boxes_is_ordered():
    rng = np.random.default_rng(0)
    boxes = page(rng, Hand(), 60, 50)
    sequence = [i for order in order_columns(boxes) for i in order.indices]
    assert sequence == list(range(3000))


def test_a_gloss_is_read_behind_the_column_that_it_stands_beside():
    rng = np.random.default_rng(1)
    right = column(rng, 0, 0, 8, EVEN)
    left = column(rng, -220, 0, 8, EVEN)
    edge = max(box.right for box in left)
    gloss = [Box(edge + 6, 200 + 40 * k, edge + 36, 235 + 40 * k) for k in range(6)]
    orders = order_columns(right + left + gloss)
    assert [order.indices for order in orders] == [
        tuple(range(8)),
        tuple(range(8, 16)),
        tuple(range(16, 22)),
    ]
    assert orders[2].is_uncertain
    assert orders[2].reason == "small"


def test_a_note_of_two_full_rows_is_sure_and_one_of_a_few_strokes_is_not():
    main = [Box(0, 120 * k, 100, 120 * k + 110) for k in (0, 1)]
    right = [Box(54, 244 + 50 * k, 98, 290 + 50 * k) for k in range(4)]
    left = [Box(2, 244 + 50 * k, 46, 290 + 50 * k) for k in range(4)]
    after = [Box(0, 450 + 120 * k, 100, 560 + 120 * k) for k in range(2)]
    (full,) = order_columns(main + right + left + after)
    assert full.indices == tuple(range(12))
    assert not full.is_uncertain
    (short,) = order_columns(main + right[:2] + left[:1] + after)
    assert short.indices == tuple(range(7))
    assert short.is_uncertain
    assert short.reason == "note"


def test_a_column_that_runs_into_another_is_doubted():
    """Two columns that cross: whichever way they are read, a person should look."""
    boxes = [Box(30 * k, 120 * k, 30 * k + 100, 120 * k + 100) for k in range(6)]
    boxes += [Box(230 - 30 * k, 120 * k, 330 - 30 * k, 120 * k + 100) for k in range(6)]
    assert any(order.is_uncertain for order in order_columns(boxes))


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_what_is_not_doubted_passes_the_check_of_the_graph(name):
    """The blocking check on columns must never stop a page that is read right."""
    for seed in range(6):
        boxes = LAYOUTS[name](np.random.default_rng(seed))
        columns = [
            Column(
                column_id=str(index),
                page_id="page",
                work=a_work(),
                column_index=index,
                box=union(boxes[i] for i in order.indices),
                characters=tuple(
                    Character(character_id=str(i), box=boxes[i], confidence=1.0)
                    for i in order.indices
                ),
                image_key="",
                ink_key="",
                order_confidence=order.confidence,
                is_order_uncertain=order.is_uncertain,
                code_version="test",
            )
            for index, order in enumerate(order_columns(boxes))
        ]
        assert reading_order(columns) == []
