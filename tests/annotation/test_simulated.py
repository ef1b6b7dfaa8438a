"""The simulated annotator corrects what is wrong, touches nothing else, and says who it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from annotation import interface
from annotation.label_studio import FullTask
from annotation.places import box_of, place_of
from annotation.simulated import TrueCharacter, assign_truth, corrected_result
from annotation.tasks import region
from pipelines.geometry import Box

CROP = Box(100, 50, 140, 250)
BOXES = [Box(105, 60 + 40 * i, 135, 90 + 40 * i) for i in range(4)]


def a_task(texts, boxes=BOXES):
    drafted = [
        item
        for i, (text, box) in enumerate(zip(texts, boxes, strict=False))
        for item in region(
            f"r{i}",
            place_of(box, CROP),
            texts={interface.WRITTEN: text} if text else {},
            states=(),
            width=40,
            height=200,
        )
    ]
    return FullTask(
        task_id=7,
        data={"key": "column/1/1", "crop": [CROP.left, CROP.top, CROP.right, CROP.bottom]},
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
        annotations=(),
        predictions=(
            {"id": 1, "result": [{**drafted[0], "id": "older"}] if drafted else []},
            {"id": 2, "result": drafted},
        ),
    )


def true(text, boxes=BOXES, **changes):
    return [
        replace(TrueCharacter(box=box, written=c, canonical=c, column=0), **changes)
        for c, box in zip(text, boxes, strict=False)
    ]


def seen(correction):
    """Boxes with texts and states, as an annotator would see them."""
    regions = {}
    for item in correction.result:
        if item["from_name"] != interface.DECISION:
            value = item["value"]
            shown = regions.setdefault(item["id"], {"place": box_of(value, CROP)})
            shown[item["from_name"]] = value.get("text") or value.get("choices")
    return regions


def counts(correction):
    return (correction.texts_corrected, correction.boxes_removed, correction.boxes_added)


def test_a_right_draft_is_approved_untouched():
    task = a_task("天地玄黃")
    correction = corrected_result(task, true("天地玄黃"))
    assert counts(correction) == (0, 0, 0)
    assert list(correction.result[:-1]) == task.predictions[1]["result"]
    assert correction.result[-1]["value"] == {"choices": ["approve"]}
    assert interface.result_problems(correction.result, interface.column_interface()) == []


def test_wrong_texts_are_corrected_in_place():
    correction = corrected_result(a_task(["天", "他", "", "黃"]), true("天地玄黃"))
    assert counts(correction) == (2, 0, 0)
    assert [r["written"] for r in seen(correction).values()] == [["天"], ["地"], ["玄"], ["黃"]]
    assert list(seen(correction)) == ["r0", "r1", "r2", "r3"]


def offering(task, candidates):
    return replace(task, data={**task.data, "candidates": candidates})


def test_a_candidate_is_picked_by_its_key_and_anything_else_typed():
    task = offering(a_task(["天", "他", "", "黃"]), [["天"], ["他", "地"], ["玄", "亥"], ["黃"]])
    correction = corrected_result(task, true("天地玄黃"))
    assert counts(correction) == (2, 0, 0)
    regions = list(seen(correction).values())
    assert [r.get("pick") for r in regions] == [None, ["2"], ["1"], None]
    assert [r.get("written") for r in regions] == [["天"], ["他"], None, ["黃"]]
    assert interface.result_problems(correction.result, interface.column_interface()) == []
    # Three steps down, two picks, the decision and the submit.
    assert correction.keystrokes == 3 + 2 + 2
    typed = corrected_result(offering(task, [["天"], ["他"], [], ["黃"]]), true("天地玄黃"))
    assert typed.keystrokes == 3 + (1 + 1 + 4 + 1) + (1 + 4 + 1) + 2
    unaided = 4 * (2 + 1 + 4 + 1) + 2
    assert correction.keystrokes_without_draft == typed.keystrokes_without_draft == unaided


def test_a_right_draft_costs_its_decision_alone():
    correction = corrected_result(a_task("天地玄黃"), true("天地玄黃"))
    assert correction.keystrokes == 2


def test_a_false_box_goes_and_a_missed_character_is_drawn():
    drafted = [BOXES[0], Box(100, 238, 112, 250), BOXES[3]]
    correction = corrected_result(a_task("天一黃", drafted), true("天地玄黃"))
    assert counts(correction) == (0, 1, 2)
    regions = seen(correction)
    assert "r1" not in regions
    assert [r["place"] for r in regions.values()] == BOXES
    assert [r["written"][0] for r in regions.values()] == list("天地玄黃")


def test_a_box_that_is_roughly_right_is_kept_and_each_box_shows_one_character():
    shifted = [box.moved(3, 5) for box in BOXES]
    correction = corrected_result(a_task("天地玄黃", shifted), true("天地玄黃"))
    assert counts(correction) == (0, 0, 0)
    assert [r["place"] for r in seen(correction).values()] == shifted
    twice = [BOXES[0], BOXES[0].moved(0, 4), *BOXES[1:]]
    correction = corrected_result(a_task("天天地玄黃", twice), true("天地玄黃"))
    assert counts(correction) == (0, 1, 0)


def test_damage_variants_and_the_illegible_are_marked():
    truth = [
        *true("天", is_damaged=True),
        TrueCharacter(box=BOXES[1], written="□", canonical="□", column=0, is_damaged=True),
        TrueCharacter(box=BOXES[2], written="峯", canonical="峰", column=0),
        TrueCharacter(box=BOXES[3], written="花", canonical="華", column=0),
    ]
    correction = corrected_result(a_task("天地峯花"), truth)
    regions = list(seen(correction).values())
    assert [r.get("state") for r in regions] == [
        ["damaged"],
        ["damaged", "illegible"],
        ["variant"],
        ["variant"],
    ]
    assert [r.get("written") for r in regions] == [["天"], None, ["峯"], ["花"]]
    assert [r.get("canonical") for r in regions] == [None, None, None, ["華"]]
    assert interface.result_problems(correction.result, interface.column_interface()) == []


def test_a_column_of_nothing_is_rejected():
    correction = corrected_result(a_task("天"), [])
    assert (correction.decision, counts(correction)) == ("reject", (0, 1, 0))
    assert [item["from_name"] for item in correction.result] == ["decision"]


def test_a_character_in_two_crops_goes_to_one_task():
    crops = {1: Box(0, 0, 60, 100), 2: Box(40, 0, 100, 100)}
    truth = [
        TrueCharacter(box=box, written="天", canonical="天", column=0)
        for box in (
            Box(5, 0, 25, 20),  # in 1 alone
            Box(42, 20, 58, 40),  # whole in both
            Box(50, 40, 80, 60),  # whole in 2, a third in 1
            Box(200, 0, 220, 20),  # in none
            Box(95, 0, 125, 20),  # a sixth in 2: nobody sees it
        )
    ]
    assigned, unreached = assign_truth(crops, truth)
    assert sum(len(found) for found in assigned.values()) == 3
    assert unreached == 2
    assert assigned[1][0] is truth[0]
    assert truth[2] in assigned[2]
    assert assign_truth(crops, truth) == (assigned, unreached)
