"""What one annotation says of each character: picks, marks, and what cannot be meant."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from annotation import interface
from annotation.characters import characters_of, is_one_character
from annotation.label_studio import FullTask
from annotation.places import place_of
from annotation.tasks import region
from pipelines.geometry import Box
from pipelines.ids import box_id
from pipelines.records import Mark

CROP, FRAME = Box(100, 50, 140, 250), Box(100, 50, 230, 250)
BOXES = [Box(105, 60 + 40 * i, 135, 90 + 40 * i) for i in range(2)]
CANDIDATES = [["天", "夫", "无"], ["地", "他"]]


def a_region(identifier, box, text, *, pick=None, states=(), frame=FRAME):
    texts = {interface.WRITTEN: text} if text else {}
    place = place_of(box, CROP, frame)
    items = region(identifier, place, texts=texts, states=states, width=65, height=100)
    if pick:
        items.append(
            {
                **{"id": identifier, "from_name": "pick", "to_name": "image", "type": "choices"},
                "value": {**place, "choices": [pick]},
            }
        )
    return items


def a_task(frame=FRAME, candidates=CANDIDATES):
    data = {
        "page_id": "page",
        "crop": [CROP.left, CROP.top, CROP.right, CROP.bottom],
        "character_ids": ["c0", "c1"],
    }
    if frame is not None:
        data["frame"] = [frame.left, frame.top, frame.right, frame.bottom]
    if candidates is not None:
        data["candidates"] = candidates
    drafts = [("release-1", "天地"), ("rapidocr", "夫地")]
    return FullTask(
        task_id=7,
        data=data,
        updated_at=datetime(2026, 3, 1, tzinfo=UTC),
        annotations=(),
        predictions=tuple(
            {
                "id": number,
                "model_version": version,
                "result": [
                    item
                    for index, (box, text) in enumerate(zip(BOXES, texts, strict=True))
                    for item in a_region(f"{version}-{index}", box, text, frame=frame or CROP)
                ],
            }
            for number, (version, texts) in enumerate(drafts)
        ),
    )


def read(*items, task=None):
    return characters_of(list(items), task or a_task())


def first(text, **how):
    """The first drafted region as an annotator left it, and what is wrong with it."""
    (character,), problems = read(*a_region("release-1-0", BOXES[0], text, **how))
    return character, [reason for reason, _ in problems]


def test_a_pick_replaces_a_draft_that_was_left_alone():
    character, problems = first("天", pick="2")
    assert (character.written, character.canonical, problems) == ("夫", "夫", [])
    assert character.character_id == "c0"


def test_a_pick_gives_its_own_form_and_its_reading_follows():
    character, problems = first("天", pick="3")
    assert (character.written, character.canonical, problems) == ("无", "無", [])


def test_a_pick_of_the_draft_and_of_an_emptied_field_count_too():
    assert first("天", pick="1")[0].written == "天"
    assert first("", pick="2")[0].written == "夫"


def test_typing_what_was_picked_is_no_quarrel():
    character, problems = first("夫", pick="2")
    assert (character.written, problems) == ("夫", [])


@pytest.mark.parametrize(
    ("text", "how", "reason", "said"),
    [
        ("大", {"pick": "2"}, "typed_and_picked", "typed 大 and picked 2 夫: which"),
        ("天", {"pick": "5"}, "no_such_candidate", "has 3 candidates, but 5 is picked"),
        ("天", {"pick": "2", "states": ["illegible"]}, "illegible_and_picked", "illegible"),
        ("天地", {}, "several_characters", "one box, one character"),
        ("", {}, "no_text", "type it, or mark it illegible"),
    ],
)
def test_what_cannot_be_meant_is_asked_back(text, how, reason, said):
    _, problems = read(*a_region("release-1-0", BOXES[0], text, **how))
    ((found, sentence),) = problems
    assert found == reason
    assert said in sentence
    assert "the box at 105, 60" in sentence


def test_a_box_drawn_by_hand_has_no_candidates():
    _, problems = read(*a_region("mine", Box(110, 190, 130, 220), "人", pick="1"))
    assert [reason for reason, _ in problems] == ["pick_without_candidates"]
    assert "drawn by hand" in problems[0][1]


def test_a_drafted_box_that_was_moved_keeps_its_candidates():
    moved = BOXES[0].moved(1, 3)
    (character,), problems = read(*a_region("release-1-0", moved, "天", pick="2"))
    assert problems == []
    assert (character.written, character.character_id) == ("夫", box_id("page", moved))


def test_a_pick_means_the_same_whichever_draft_it_was_made_on():
    (character,), problems = read(*a_region("rapidocr-0", BOXES[0], "夫", pick="1"))
    assert (character.written, problems) == ("天", [])


def test_marks_reach_the_character():
    character, problems = first("天", states=["seal", "damaged", "signature"])
    assert (character.marks, character.is_damaged) == ((Mark.SIGNATURE, Mark.SEAL), True)
    assert problems == []
    assert first("天", states=["small-note"])[0].marks == (Mark.SMALL_NOTE,)
    assert first("天", states=["variant"])[0].marks == ()


def test_a_box_in_the_guide_is_a_problem_and_no_character():
    value = {"x": 60.0, "y": 10.0, "width": 20.0, "height": 20.0, "rotation": 0}
    items = region("mine", value, texts={"written": "人"}, states=(), width=65, height=100)
    characters, problems = read(*items)
    assert characters == ()
    assert [reason for reason, _ in problems] == ["unreadable_box"]
    assert "lies in the guide beside the ink" in problems[0][1]


def test_a_task_from_before_there_was_a_guide_still_reads_right():
    task = a_task(frame=None, candidates=None)
    items = a_region("release-1-0", BOXES[0], "天", frame=CROP)
    (character,), problems = read(*items, task=task)
    assert (character.box, character.character_id, problems) == (BOXES[0], "c0", [])
    _, problems = read(*a_region("release-1-0", BOXES[0], "天", pick="1", frame=CROP), task=task)
    assert [reason for reason, _ in problems] == ["no_such_candidate"]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("天", True),
        ("𠀋", True),
        ("葛\U000e0100", True),
        ("⿰木木", True),
        ("", False),
        ("天地", False),
        ("天\ufe00地", False),
        ("葛\U000e0100\U000e0101", False),
    ],
)
def test_one_box_one_character(text, is_one):
    assert is_one_character(text) is is_one
