"""Readers judged on approved crops."""

from dataclasses import replace

import pytest

from pipelines.evaluations import Unit
from pipelines.geometry import Box
from pipelines.imaging.codec import encode_png
from pipelines.records import (
    ILLEGIBLE,
    Origin,
    Polarity,
    Reader,
    Sample,
    SampleCharacter,
    Script,
    Split,
)
from tests.training.examples import WORK, drawn_column
from training.evaluation import Judge
from training.roles import NOTHING, Proposal

OTHER = replace(WORK, work_id="v", script=Script.SEAL)


class Says:
    """Names the same characters of every column, each with the same score."""

    def __init__(self, text, score=0.8):
        self.text, self.score = text, score

    def read_columns(self, columns):
        return [
            [
                NOTHING
                if character == ILLEGIBLE
                else Proposal(text=character, score=self.score, margin=0.1, candidates=())
                for character in self.text
            ]
            for _ in columns
        ]


@pytest.fixture
def split(store):
    ink_key = store.put(encode_png(drawn_column(4)), ".png")

    def judge(texts=("一為三□",), works=(WORK,), written=None, known=()):
        samples = [
            Sample(
                sample_id=f"s{i}", column_id=f"c{i}", page_id="p1", work=work, split=Split.TEST,
                origin=Origin.REVIEW, ink_key=ink_key, polarity=Polarity.DARK_ON_LIGHT,
                characters=tuple(
                    SampleCharacter(
                        box=Box(8, 4 + 48 * k, 48, 44 + 48 * k),
                        written=(written or text)[k], canonical=text[k], is_damaged=False,
                    )
                    for k in range(4)
                ),
                prompt="", review_id="r", code_version="test",
            )
            for i, (text, work) in enumerate(zip(texts, works, strict=True))
        ]  # fmt: skip
        return Judge(samples, store, known)

    return judge


@pytest.fixture
def judged(split):
    def figures(reader, *arguments, **options):
        judge = split(*arguments, **options)
        columns = judge.columns(judge.proposals(reader))
        return {row.metric: row for row in judge.figures(columns, Reader.UNICALLI, "m")}

    return figures


@pytest.fixture
def compared(split):
    """What one reader needs more than another."""

    def rows(reader, other, **options):
        judge = split(**options)
        columns, others = (judge.columns(judge.proposals(one)) for one in (reader, other))
        found = judge.compare(columns, others, Reader.UNICALLI, "m", "other")
        return {row.metric: row for row in found}

    return rows


def test_what_nobody_can_read_is_not_judged(judged):
    found = judged(Says("一為七人"))
    assert found["accuracy"].value == pytest.approx(2 / 3)
    assert found["accuracy"].character_count == 3
    assert found["corrections_per_100"].value == pytest.approx(100 / 3)


def test_a_refusal_costs_recall_but_not_precision(judged):
    found = judged(Says("一□三□"))
    assert found["precision"].value == 1
    assert found["accuracy"].value == pytest.approx(2 / 3)
    assert found["f1"].value == pytest.approx(0.8)


def test_variants_are_folded_and_counted_as_written_beside(judged):
    found = judged(Says("一為三□"), written="一爲三□")
    assert found["accuracy"].value == 1
    assert found["accuracy_as_written"].value == pytest.approx(2 / 3)


def test_scores_are_held_against_how_often_they_are_right(judged):
    assert judged(Says("一為三□", score=0.9))["calibration_error"].value == pytest.approx(0.1)


def test_scripts_are_told_apart_where_there_are_several(judged):
    alone = judged(Says("一為三□"))
    assert not [metric for metric in alone if "script" in metric]
    found = judged(Says("一為三□"), texts=("一為三□", "上下七□"), works=(WORK, OTHER))
    assert found["accuracy of script regular"].value == 1
    assert found["accuracy of script seal"].value == 0
    assert found["accuracy"].value == 0.5


def test_two_models_are_compared_on_the_same_columns(compared):
    found = compared(Says("一為三□"), Says("一為七□"))
    (row,) = found.values()
    assert row.value == pytest.approx(-100 / 3)
    assert (row.model_id, row.against) == ("m", "other")
    assert row.low <= row.value <= row.high


def test_a_model_beside_itself_needs_nothing_more(compared):
    (row,) = compared(Says("一為七□"), Says("一為七□")).values()
    assert (row.value, row.low, row.high) == (0, 0, 0)


def test_works_are_drawn_again_where_there_are_several(judged, compared):
    one = {"texts": ("一為三□", "上下七□"), "works": (WORK, WORK)}
    two = {"texts": ("一為三□", "上下七□"), "works": (WORK, OTHER)}
    for options, unit in ((one, Unit.COLUMN), (two, Unit.WORK)):
        rows = [*judged(Says("一為三□"), **options).values()]
        rows += compared(Says("一為三□"), Says("一為七□"), **options).values()
        assert {row.resampled for row in rows} == {unit}


def test_known_hands_stand_beside_unseen_ones(judged, compared):
    options = {
        "texts": ("一為三□", "上下七□"),
        "works": (replace(WORK, calligrapher="顏真卿"), OTHER),
        "known": ("顏真卿", "unknown"),
    }
    found = judged(Says("一為三□"), **options)
    assert found["accuracy of known hands"].value == 1
    assert found["accuracy of unseen hands"].value == 0
    more = compared(Says("一為三□"), Says("上下七□"), **options)
    assert more["more_corrections_per_100 of known hands"].value == -100
    assert more["more_corrections_per_100 of unseen hands"].value == 100
    assert more["more_corrections_per_100"].value == 0


def test_a_second_opinion_reaches_a_reader_that_heeds_it(split):
    class Repeats:
        def read_columns(self, columns):
            return [list(column.second) for column in columns]

    judge = split()
    said = judge.proposals(Says("一為三□"))
    assert judge.proposals(Repeats(), said) == said


def test_edit_distance_stands_in_both_published_forms(judged):
    found = judged(Says("為一三□"))
    # Two characters in each other's place: two edits of three.
    assert found["ned"].value == pytest.approx(2 / 3)
    assert found["callibench_ned"].value == pytest.approx(2 / 3)
    assert found["callibench_f1"].value == 1, "a bag of characters knows no order"
    assert found["accuracy"].value == pytest.approx(1 / 3)


def test_what_is_folded_and_what_is_exact_stand_beside_each_other(judged):
    found = judged(Says("一為三□"), written="一爲三□")
    assert found["f1"].value == 1
    assert found["f1_as_written"].value == pytest.approx(2 / 3)
    assert found["precision_as_written"].value == pytest.approx(2 / 3)
    assert found["ned"].value == 0
    assert found["ned_as_written"].value == pytest.approx(1 / 3)
    assert found["callibench_ned"].value == 0


def test_the_distance_is_told_of_each_script(judged):
    found = judged(Says("一為三□"), texts=("一為三□", "上下七□"), works=(WORK, OTHER))
    assert found["ned of script regular"].value == 0
    assert found["ned of script seal"].value == 1
    assert found["ned"].value == 0.5
    assert found["ned"].low <= 0.5 <= found["ned"].high
