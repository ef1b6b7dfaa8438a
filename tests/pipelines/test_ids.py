import dataclasses
from collections import Counter

import pytest

from pipelines.geometry import Box
from pipelines.ids import box_id, derive_id, split_of
from pipelines.records import Split


def test_ids_are_the_same_in_every_run():
    assert derive_id("work", "千字文") == derive_id("work", "千字文")
    assert derive_id("page", 0) == "a0751b8c08265d72"


def test_parts_of_an_id_do_not_run_together():
    assert derive_id("ab", "c") != derive_id("a", "bc")
    assert derive_id("page", 1, 23) != derive_id("page", 12, 3)


def test_a_place_on_another_page_is_another_id():
    box = Box(1, 2, 3, 4)
    assert box_id("page-a", box) == box_id("page-a", Box(1, 2, 3, 4))
    assert (
        len({box_id("page-a", box), box_id("page-b", box), box_id("page-a", box.moved(1, 0))}) == 3
    )


def test_splits_are_eight_to_one_to_one_and_never_move():
    counts = Counter(split_of(f"work-{index}") for index in range(5000))
    assert counts[Split.TRAIN] == pytest.approx(4000, abs=150)
    assert counts[Split.VALIDATION] == pytest.approx(500, abs=100)
    assert counts[Split.TEST] == pytest.approx(500, abs=100)
    # Frozen: a change of the hash would move works between training and test.
    held_out = {index: split_of(f"work-{index}") for index in (1, 3, 10)}
    assert held_out == {1: Split.TEST, 3: Split.VALIDATION, 10: Split.VALIDATION}


def test_records_do_not_change():
    box = Box(1, 2, 3, 4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        box.left = 5
