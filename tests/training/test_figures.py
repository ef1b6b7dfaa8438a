"""Figures as tables that people read."""

from pipelines.evaluations import Evaluation
from pipelines.records import Reader
from training.figures import figure_table, side_by_side


def row(reader, metric, value, low=None, high=None):
    return Evaluation(
        model_id="m", reader=reader, split_fingerprint="f", metric=metric, value=value,
        low=value if low is None else low, high=value if high is None else high,
        character_count=40,
    )  # fmt: skip


def test_columns_are_aligned():
    assert figure_table("Title", ("who", "a"), [("long name", "1"), ("x", "22")]).split("\n") == [
        "Title",
        "who         a",
        "long name   1",
        "x          22",
    ]


def test_readers_stand_beside_each_other_with_their_intervals():
    text = side_by_side(
        [
            row(Reader.UNICALLI, "accuracy", 0.75, 0.7, 0.8),
            row(Reader.UNICALLI, "calibration_error", 0.1),
            row(Reader.RAPIDOCR, "accuracy", 0.5, 0.4, 0.6),
        ]
    )
    title, header, accuracy, calibration = text.split("\n")
    assert title.startswith("40 characters")
    assert header.split() == ["unicalli", "rapidocr"]
    assert accuracy.split("  ")[0] == "accuracy"
    assert "0.750 (0.700 to 0.800)" in accuracy
    assert "0.500 (0.400 to 0.600)" in accuracy
    assert calibration.split()[-2:] == ["0.100", "-"]


def test_no_evaluations_are_an_empty_table():
    assert side_by_side([]).startswith("0 characters")
