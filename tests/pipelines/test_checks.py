from dataclasses import replace

import pytest

from pipelines import checks
from pipelines.errors import RightsError
from pipelines.geometry import Box, union
from pipelines.ids import split_of
from pipelines.imaging.codec import decode_png
from pipelines.records import (
    Candidate,
    CharacterReading,
    Decision,
    Origin,
    Reader,
    Reading,
    Sample,
    Split,
)
from tests.pipelines.examples import a_column, a_page, a_review, a_work


@pytest.fixture
def page(store):
    return a_page(a_work(), store)


@pytest.fixture
def columns(page, store):
    """Two columns of a page, the right one first."""
    ink = decode_png(store.get(page.ink_key))
    return [a_column(page, store, ink), a_column(page, store, ink, left=20, index=1)]


def names(findings):
    return [(finding.check, finding.item_id) for finding in findings]


def test_what_disappeared_is_found():
    assert checks.conservation("pages", taken=5, accepted=3, rejected=2) == []
    [finding] = checks.conservation("pages", taken=5, accepted=3, rejected=1)
    assert "took 5 items but accounts for 4" in finding.message


def test_every_parent_is_answered():
    assert checks.unanswered("pages", ["a", "b"], ["b", "a", "a"]) == []
    assert names(checks.unanswered("pages", ["a", "b"], ["b", "c"])) == [
        ("unanswered", "a"),
        ("unanswered", "c"),
    ]


def test_an_id_stands_once():
    assert checks.unique_ids("pages", ["a", "b"]) == []
    [finding] = checks.unique_ids("pages", ["a", "b", "a"])
    assert finding.message == "pages holds a 2 times."


def test_boxes_lie_where_they_belong(columns, page):
    assert checks.boxes_inside_page(columns, [page]) == []
    narrow = replace(page, width=70)
    assert names(checks.boxes_inside_page(columns, [narrow])) == [
        ("boxes_inside_page", columns[0].column_id)
    ]
    stray = replace(columns[0].characters[0], box=Box(0, 0, 5, 5))
    moved = replace(columns[0], characters=(stray,))
    assert names(checks.boxes_inside_page([moved], [page])) == [
        ("boxes_inside_page", stray.character_id)
    ]
    assert "is in no table" in checks.boxes_inside_page(columns[:1], [])[0].message


def test_columns_run_from_right_to_left(columns):
    assert checks.reading_order(columns) == []
    swapped = [replace(columns[0], column_index=1), replace(columns[1], column_index=0)]
    [finding] = checks.reading_order(swapped)
    assert "stands to the right" in finding.message
    doubtful = [replace(column, is_order_uncertain=True) for column in swapped]
    assert checks.reading_order(doubtful) == []


def test_a_lower_register_may_start_on_the_right_again(columns):
    upper = replace(columns[1], column_index=0, box=Box(20, 0, 40, 50), characters=())
    lower = replace(columns[0], column_index=1, box=Box(60, 50, 80, 100), characters=())
    assert checks.reading_order([upper, lower]) == []


def test_slanted_columns_are_compared_where_they_stand_beside_each_other(columns):
    """The right one is long and leans far to the left: its middle lies left of the other's."""
    right, left = columns
    leaning = [Box(60 - 8 * k, 20 * k, 80 - 8 * k, 20 * k + 20) for k in range(12)]
    short = [Box(36 - 8 * k, 20 * k, 56 - 8 * k, 20 * k + 20) for k in range(3)]

    def along(column, boxes):
        characters = tuple(replace(column.characters[0], box=box) for box in boxes)
        return replace(column, box=union(boxes), characters=characters)

    pair = [along(right, leaning), along(left, short)]
    assert pair[1].box.center[0] > pair[0].box.center[0]
    assert checks.reading_order(pair) == []
    swapped = [replace(pair[1], column_index=0), replace(pair[0], column_index=1)]
    assert len(checks.reading_order(swapped)) == 1


def test_a_gap_in_the_numbers_is_found(columns):
    gap = [columns[0], replace(columns[1], column_index=2)]
    assert "numbered [0, 2]" in checks.reading_order(gap)[0].message


def test_characters_run_from_top_to_bottom(columns):
    upside_down = replace(columns[0], characters=columns[0].characters[::-1])
    findings = checks.reading_order([upside_down, columns[1]])
    assert len(findings) == 4
    assert {finding.item_id for finding in findings} == {columns[0].column_id}


def test_a_note_of_two_rows_is_read_right_before_left(columns):
    column = columns[0]
    boxes = [
        Box(60, 0, 80, 20),
        Box(71, 20, 80, 30),
        Box(71, 30, 80, 40),
        Box(60, 20, 69, 30),
        Box(60, 30, 69, 40),
    ]
    characters = tuple(replace(c, box=box) for c, box in zip(column.characters, boxes, strict=True))
    assert checks.reading_order([replace(column, characters=characters)]) == []
    left_first = (characters[0], *characters[3:], *characters[1:3])
    [finding] = checks.reading_order([replace(column, characters=left_first)])
    assert "stands above the one before it" in finding.message


def a_reading(column, *, texts="天地玄黃宇", score=0.5):
    characters = tuple(
        CharacterReading(
            character_id=character.character_id,
            box=character.box,
            text=text,
            score=score,
            margin=0.1,
            candidates=(Candidate(text=text, score=score),),
        )
        for character, text in zip(column.characters, texts, strict=False)
    )
    return Reading(
        reading_id="r",
        column_id=column.column_id,
        page_id=column.page_id,
        work=column.work,
        reader=Reader.UNICALLI,
        release_id="rel",
        characters=characters,
    )


def test_a_reading_answers_for_its_column(columns):
    column = columns[0]
    assert checks.readings_fit([a_reading(column)], columns) == []
    refused = a_reading(column, texts=["天", "", "玄", "黃", "宇"])
    assert checks.readings_fit([refused], columns) == []
    for broken, message in [
        (a_reading(column, texts="天地"), "answers for 2 characters"),
        (a_reading(column, texts=["天地", "", "", "", ""]), "more than one character"),
        (a_reading(column, score=1.5), "outside 0 to 1"),
        (replace(a_reading(column), column_id="other"), "is in no table"),
    ]:
        [finding] = checks.readings_fit([broken], columns)
        assert message in finding.message


def test_an_approval_is_complete(columns):
    review = a_review(columns[0])
    assert checks.approvals_complete([review]) == []
    longer = replace(review.characters[0], canonical="天地")
    for broken, message in [
        (replace(review, characters=()), "without any character"),
        (replace(review, characters=(longer,)), "exactly one character"),
        (replace(review, annotator=""), "nobody is named"),
    ]:
        [finding] = checks.approvals_complete([broken])
        assert message in finding.message
    assert (
        checks.approvals_complete([replace(review, characters=(), decision=Decision.REJECTED)])
        == []
    )


def a_sample(title, *, ink_key="ink", split=None):
    work = a_work(title)
    return Sample(
        sample_id=f"sample of {title}",
        column_id="c",
        page_id="p",
        work=work,
        split=split or split_of(work.work_id),
        origin=Origin.REVIEW,
        ink_key=ink_key,
        polarity="dark_on_light",
        characters=(),
        prompt="",
        review_id="",
        code_version="test",
    )


def titles_of(split):
    return [t for t in (f"work {n}" for n in range(60)) if split_of(a_work(t).work_id) is split]


def test_a_work_stays_in_its_split():
    [train, *_], [test, *_] = titles_of(Split.TRAIN), titles_of(Split.TEST)
    good = [a_sample(train, ink_key="a"), a_sample(test, ink_key="b")]
    assert checks.split_leak(good) == []
    [finding] = checks.split_leak([a_sample(test, split=Split.TRAIN)])
    assert "is in train, but its work" in finding.message
    assert "belongs to test" in finding.message


def test_the_same_ink_in_two_splits_is_a_leak():
    [train, *_], [test, *_] = titles_of(Split.TRAIN), titles_of(Split.TEST)
    [finding] = checks.split_leak([a_sample(test), a_sample(train)])
    assert finding.item_id == f"sample of {train}"
    [finding] = checks.split_leak([a_sample(train)], held_out={"ink": Split.TEST})
    assert "the same ink stands in test" in finding.message


def test_rights_and_source_are_named():
    assert checks.rights_named([a_work()]) == []
    messages = [f.message for f in checks.rights_named([a_work(rights=" ", source="")])]
    assert len(messages) == 2
    assert "has no rights" in messages[0]


@pytest.mark.parametrize(
    ("rights", "count"),
    [
        (["public domain", "CC0-1.0", "CC BY 4.0"], 0),
        (["public domain", "CC BY-SA 4.0"], 0),
        (["CC BY-SA 4.0", "CC-BY-SA-4.0"], 0),
        (["CC BY-SA 4.0", "CC BY-NC 4.0"], 1),
        (["CC BY-NC-SA 4.0", "CC BY-SA 4.0"], 2),
        (["CC BY-NC-SA 4.0", "CC BY-NC 4.0"], 1),
        (["public domain", "CC BY-ND 3.0 TW"], 1),
        (["public domain", ""], 1),
        (["public domain", "unknown"], 1),
    ],
)
def test_what_may_not_be_mixed_is_found(rights, count):
    works = [a_work(f"work {index}", rights=text) for index, text in enumerate(rights)]
    assert len(checks.rights_mixture(works)) == count
    if count:
        with pytest.raises(RightsError) as raised:
            checks.refuse_mixture(works)
        assert raised.value.reason == "rights_mixture"
    else:
        checks.refuse_mixture(works)
