"""What an annotation says: characters, order, states, and what cannot be read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from annotation import interface
from annotation.label_studio import FullTask, User
from annotation.places import box_of, place_of
from annotation.reviews import (
    REMARKS,
    SIMULATED_EMAIL,
    PartReview,
    content_hash,
    join_parts,
    read_annotation,
)
from annotation.tasks import decision_item, region
from pipelines.geometry import Box
from pipelines.ids import box_id
from pipelines.records import Decision, Mark, Rejection, ReviewTask
from tests.pipelines.examples import a_work

CROP = Box(100, 50, 140, 250)
BOXES = [Box(105, 60 + 40 * i, 135, 90 + 40 * i) for i in range(4)]
IDS = [f"character-{i}" for i in range(4)]
USERS = {1: User(user_id=1, email="liu@example.org"), 2: User(user_id=2, email=SIMULATED_EMAIL)}
NOW = "2026-03-01T12:00:00Z"


def character(identifier, box, text="天", states=(), reading=None):
    texts = {interface.WRITTEN: text} if text else {}
    if reading:
        texts[interface.CANONICAL] = reading
    return region(identifier, place_of(box, CROP), texts=texts, states=states, width=40, height=200)


def a_task(part=1, parts=1, order=(0, 1, 2, 3)):
    drafted = [item for i in order for item in character(f"r{i}", BOXES[i])]
    return FullTask(
        task_id=7,
        data={
            "column_id": "column",
            "page_id": "page",
            "crop": [CROP.left, CROP.top, CROP.right, CROP.bottom],
            "character_ids": [IDS[i] for i in order],
            "release_id": "release-1",
            "part": part,
            "parts": parts,
        },
        updated_at=datetime(2026, 3, 1, tzinfo=UTC),
        annotations=(),
        predictions=({"id": 1, "model_version": "release-1", "result": drafted},),
    )


def an_annotation(*regions, decision="approve", by=1, number=11):
    result = [item for items in regions for item in items]
    if decision:
        result.append(decision_item(decision))
    return {
        "id": number,
        "result": result,
        "completed_by": by,
        "lead_time": 12.5,
        "updated_at": NOW,
    }


def read(*regions, task=None, **how):
    return read_annotation(an_annotation(*regions, **how), task or a_task(), USERS)


def test_what_was_left_as_drafted_keeps_its_ids():
    part = read(*(character(f"r{i}", BOXES[i], text) for i, text in enumerate("天地玄黃")))
    assert isinstance(part, PartReview)
    assert [c.character_id for c in part.characters] == IDS
    assert [c.box for c in part.characters] == BOXES
    assert "".join(c.written for c in part.characters) == "天地玄黃"
    assert (part.annotator, part.is_simulated, part.lead_time_s) == ("liu@example.org", False, 12.5)
    assert part.decision is Decision.APPROVED
    assert part.updated_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_moved_or_drawn_box_gets_the_id_of_its_place():
    moved = BOXES[1].moved(2, 3)
    part = read(character("r0", BOXES[0]), character("r1", moved), character("new", BOXES[2]))
    assert [c.character_id for c in part.characters] == [IDS[0], box_id("page", moved), IDS[2]]


def test_characters_stand_from_top_to_bottom_however_they_were_drawn():
    part = read(
        character("late", BOXES[3], "黃"),
        character("r0", BOXES[0], "天"),
        character("r2", BOXES[2], "玄"),
        character("r1", BOXES[1], "地"),
    )
    assert "".join(c.written for c in part.characters) == "天地玄黃"


def test_a_note_in_two_rows_keeps_its_drafted_order_and_takes_additions_by_height():
    task = a_task(order=(1, 3, 0))
    drawn = BOXES[2]
    part = read(
        character("x", drawn, "丁"),
        character("r0", BOXES[0], "丙"),
        character("r1", BOXES[1], "甲"),
        character("r3", BOXES[3], "乙"),
        task=task,
    )
    assert "".join(c.written for c in part.characters) == "甲丁乙丙"


def test_written_form_and_reading_are_two_things():
    part = read(
        character("r0", BOXES[0], "峯"),
        character("r1", BOXES[1], "无", reading="無"),
        character("r2", BOXES[2], "⿰木木", reading="林", states=["damaged", "variant"]),
        character("r3", BOXES[3], "", states=["illegible"]),
    )
    assert [(c.written, c.canonical) for c in part.characters] == [
        ("峯", "峰"),
        ("无", "無"),
        ("⿰木木", "林"),
        ("□", "□"),
    ]
    assert [c.is_damaged for c in part.characters] == [False, False, True, False]
    assert [c.is_illegible for c in part.characters] == [False, False, False, True]


@pytest.mark.parametrize("mark", ["□", "〓", "###"])
def test_every_mark_for_an_unreadable_place_becomes_one(mark):
    part = read(character("r0", BOXES[0], mark))
    assert (part.characters[0].written, part.characters[0].is_illegible) == ("□", True)


@pytest.mark.parametrize(
    ("regions", "how", "reason"),
    [
        ([character("r0", BOXES[0])], {"decision": None}, "no_decision"),
        ([], {}, "no_characters"),
        ([character("r0", BOXES[0], "")], {}, "no_text"),
        ([character("r0", BOXES[0], "天地")], {}, "several_characters"),
        ([character("r0", BOXES[0])[1:]], {}, "unreadable_box"),
        (
            [[{**character("r0", BOXES[0])[0], "value": {"x": 1, "y": 1, "width": 9,
               "height": 9, "rotation": 45}}]],
            {},
            "unreadable_box",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_approved_says_why(regions, how, reason):
    result = read(*regions, **how)
    assert isinstance(result, Rejection)
    assert (result.item_id, result.stage, result.reason) == ("column", "reviews", reason)
    assert "annotation 11 of task 7" in result.detail


def test_only_an_approval_must_be_complete():
    part = read(character("r0", BOXES[0], ""), decision="needs-expert")
    assert isinstance(part, PartReview)
    assert part.decision is Decision.NEEDS_EXPERT


def test_two_decisions_are_none():
    annotation = an_annotation(character("r0", BOXES[0]))
    annotation["result"].append({**decision_item("reject"), "id": "other"})
    assert read_annotation(annotation, a_task(), USERS).reason == "no_decision"


def test_texts_as_label_studio_has_kept_them_over_the_years():
    items = character("r0", BOXES[0])
    items[1]["value"]["text"] = " 天 "
    assert read(items).characters[0].written == "天"
    items[1]["value"]["text"] = ["天", ""]
    assert read(items).characters[0].written == "天"


def test_the_simulated_annotator_is_known_as_such():
    part = read(character("r0", BOXES[0]), by=2)
    assert (part.annotator, part.is_simulated) == ("simulated-annotator", True)
    stranger = read(character("r0", BOXES[0]), by=99)
    assert (stranger.annotator, stranger.is_simulated) == ("user-99", False)


ROW = ReviewTask(
    column_id="column",
    page_id="page",
    work=a_work(),
    project_id=1,
    task_id=7,
    reading_id="reading",
    release_id="release-1",
    draft="天他玄峯",
    priority=0.5,
    uncertainty=0.1,
    disagreement=0.0,
    is_order_uncertain=False,
)


def test_parts_are_joined_in_order_and_counted_against_the_draft():
    second = read(
        character("r2", BOXES[2], "玄"), character("r3", BOXES[3], "峯"), task=a_task(2, 2)
    )
    first = read(
        character("r0", BOXES[0], "天"), character("r1", BOXES[1], "地"), task=a_task(1, 2)
    )
    first, second = replace(first, task_id=7), replace(second, task_id=8, annotation_id=12)
    review = join_parts([second, first], ROW, "2026.1")
    assert review.text == "天地玄峰"
    assert review.edit_count == 1, "the draft's variant form was no mistake"
    assert (review.task_id, review.annotation_id) == (7, 11)
    assert review.draft == ROW.draft
    assert review.draft_release_id == "release-1"
    assert review.content_hash == join_parts([first, second], ROW, "2026.2").content_hash


def test_the_gravest_decision_holds_and_one_simulated_part_makes_it_simulated():
    first = read(character("r0", BOXES[0]), task=a_task(1, 2))
    second = read(character("r2", BOXES[2]), task=a_task(2, 2), by=2, decision="reject")
    review = join_parts([first, second], ROW, "2026.1")
    assert review.decision is Decision.REJECTED
    assert review.is_simulated
    assert review.annotator == "liu@example.org+simulated-annotator"


def test_the_content_hash_sees_every_change_that_matters():
    base = read(character("r0", BOXES[0], "天"), character("r1", BOXES[1], "地")).characters
    known = content_hash(Decision.APPROVED, base)
    variants = [
        content_hash(Decision.REJECTED, base),
        content_hash(Decision.APPROVED, base[:1]),
        content_hash(Decision.APPROVED, base[::-1]),
        *(
            content_hash(Decision.APPROVED, (replace(base[0], **change), base[1]))
            for change in (
                {"written": "夫"},
                {"canonical": "夫"},
                {"is_damaged": True},
                {"is_illegible": True},
                {"marks": (Mark.SEAL,)},
                {"marks": (Mark.SEAL, Mark.SIGNATURE)},
                {"box": base[0].box.moved(1, 0)},
            )
        ),
    ]
    assert len({known, *variants}) == len(variants) + 1
    assert content_hash(Decision.APPROVED, (replace(base[0], character_id="x"), base[1])) == known


def test_what_was_decided_before_there_were_marks_keeps_its_hash():
    character = read(character_of("r0")).characters[0]
    content = ["approved", [[[105, 60, 135, 90], "天", "天", False, False]]]
    known = hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
    assert content_hash(Decision.APPROVED, [character]) == known
    unsaid = dict.fromkeys(REMARKS, "")
    assert content_hash(Decision.APPROVED, [character], unsaid) == known


def character_of(identifier):
    return character(identifier, BOXES[0])


def remark(control, kind, value):
    return {"id": control, "from_name": control, "to_name": "image", "type": kind, "value": value}


def test_notes_and_remarks_about_the_column_reach_the_review():
    said = [
        remark("note", "textarea", {"text": ["see the colophon"]}),
        remark("script", "choices", {"choices": ["running"]}),
        remark("calligrapher", "textarea", {"text": ["王獻之"]}),
    ]
    plain = join_parts([read(character_of("r0"))], ROW, "2026.1")
    review = join_parts([read(character_of("r0"), said)], ROW, "2026.1")
    assert (review.note, review.script_remark, review.calligrapher_remark) == (
        "see the colophon",
        "running",
        "王獻之",
    )
    assert (plain.note, plain.script_remark, plain.calligrapher_remark) == ("", "", "")
    assert review.content_hash != plain.content_hash, "another script is another claim"
    noted = join_parts([read(character_of("r0"), said[:1])], ROW, "2026.1")
    assert noted.content_hash == plain.content_hash, "a note changes nothing of an approval"


def test_a_new_note_to_an_open_question_shows():
    asked = [
        join_parts(
            [read(character_of("r0"), remarks, decision="needs-expert")], ROW, "2026.1"
        ).content_hash
        for remarks in (
            [],
            [remark("note", "textarea", {"text": ["who wrote this?"]})],
            [remark("note", "textarea", {"text": ["it is 褚"]})],
        )
    ]
    assert len(set(asked)) == 3


def test_the_notes_of_all_parts_are_kept():
    parts = [
        replace(read(character_of("r0"), task=a_task(n, 3)), note=note)
        for n, note in ((1, "above"), (2, ""), (3, "below"))
    ]
    assert join_parts(parts, ROW, "2026.1").note == "above; below"


def test_percent_of_the_browser_is_pixels_of_the_page():
    value = {"x": 12.5, "y": 5.0, "width": 75.0, "height": 15.0, "rotation": 0}
    assert box_of(value, CROP) == BOXES[0]
