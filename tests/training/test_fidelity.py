"""Writing judged: against the hand's own ink, and by what reads and recognises it."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.geometry import Box
from pipelines.records import Script
from pipelines.windows import fit_cell
from tests.training.examples import CHARACTERS, DIMS, bundle
from training.families.unicalli.eye import Eye
from training.fidelity import (
    EYE_DISTANCE,
    EYE_FRECHET,
    HAND_NAMED,
    INK_SHARE,
    OWN_INK,
    STANDARD,
    WRITTEN,
    AskedHand,
    FidelityParams,
    judge_writing,
    tables,
)
from training.hand_classifier import HandClassifierParams, train_hand_classifier
from training.roles import Proposal, WrittenColumn
from training.writing_sheet import writing_sheet

SIDE = DIMS.cell_px
FAST = HandClassifierParams(steps=40, characters_at_once=16, widths=(8, 16, 16))
PARAMS = FidelityParams(in_column=2, classifier=FAST)


def drawn(kind, count, seed):
    """Characters of thick or of thin strokes, at random places."""
    rng = np.random.default_rng(seed)
    cells = np.zeros((count, SIDE, SIDE), np.uint8)
    for cell in cells:
        for _ in range(3):
            top, left = rng.integers(4, 36, 2)
            width = {"thick": 9, "thin": 2, "slanted": 4}[kind]
            if kind == "slanted":
                for step in range(30):
                    cell[min(top + step, 44), max(left - step, 2) : max(left - step, 2) + 4] = 255
            else:
                cell[top : top + width, 4:44] = 255
                cell[4:44, left : left + width] = 255
    return cells


class Copies:
    """Writes a column by copying given cells."""

    def __init__(self, cells, text):
        self.cells = dict(zip(text, cells, strict=True))

    def write_column(self, text, prompt, seed=0):
        ink = np.concatenate([self.cells[c] for c in text])
        boxes = tuple(Box(0, SIDE * k, SIDE, SIDE * (k + 1)) for k in range(len(text)))
        return WrittenColumn(text=text, ink=ink, box_map=ink, boxes=boxes)

    def rewrite(self, column, places, prompt, seed):
        return column


class Reads:
    """Reads every character as the first of the alphabet."""

    def read_columns(self, columns):
        first = Proposal(text=CHARACTERS[0], score=1, margin=1, candidates=())
        return [[first] * len(column.boxes) for column in columns]


@pytest.fixture(scope="module")
def text():
    return CHARACTERS[:4]


def asked(text, own=True):
    nothing = np.zeros((0, SIDE, SIDE), np.uint8)
    return AskedHand(
        name="thick", script=Script.REGULAR, prompt="p", text=text,
        standard=drawn("thin", len(text), 1), own=drawn("thick", len(text), 2) if own else nothing,
        others=drawn("thick", 12, 3) if own else nothing,
    )  # fmt: skip


def judged(hand, cells, text):
    (one,) = judge_writing(
        [hand], drawn("thin", 12, 4), Copies(cells, text), {"reads": Reads()}, Eye(bundle()), PARAMS
    )
    return one, {(f.source, f.metric): f for f in one.figures}


@pytest.mark.slow
def test_a_perfect_copy_of_the_hand_stands_beside_floor_and_ceiling(text):
    hand = asked(text)
    # What is written is fitted to its cell before it is compared, and so is own ink.
    own = np.stack([fit_cell(cell, SIDE) for cell in hand.own])
    hand = replace(hand, own=own)
    one, figures = judged(hand, own, text)
    assert figures[WRITTEN, "read by reads"].value == pytest.approx(1 / 4)
    assert figures[OWN_INK, "read by reads"].value == pytest.approx(1 / 4)
    assert figures[WRITTEN, "SSIM"].value > figures[STANDARD, "SSIM"].value
    assert figures[WRITTEN, "L1"].value < figures[STANDARD, "L1"].value
    assert figures[WRITTEN, EYE_DISTANCE].value < figures[STANDARD, EYE_DISTANCE].value
    assert figures[WRITTEN, INK_SHARE].value == pytest.approx(1)
    assert figures[STANDARD, INK_SHARE].value < 0.8, "thin strokes beside thick ones"
    assert (OWN_INK, "L1") not in figures, "a picture beside itself says nothing"
    assert figures[OWN_INK, EYE_FRECHET].value > 0
    assert figures[OWN_INK, HAND_NAMED].value >= 0.75
    assert figures[STANDARD, HAND_NAMED].value <= 0.25
    said = tables(one.figures)
    assert "own ink" in said
    assert "SSIM is better when higher" in said
    sheet = np.asarray(writing_sheet([one], in_column=2, shown=2))
    assert sheet.max() == 255
    assert (sheet < 100).mean() > 0.02


def test_a_script_without_ink_is_read_back_and_nothing_more(text):
    hand = asked(text, own=False)
    one, figures = judged(hand, drawn("thick", len(text), 5), text)
    assert {metric for _, metric in figures} == {"read by reads"}
    assert {source for source, _ in figures} == {WRITTEN, STANDARD}
    assert np.asarray(writing_sheet([one], in_column=2, shown=2)).min() < 50


@pytest.mark.slow
def test_hands_are_told_apart_on_characters_not_seen():
    kinds = ("thick", "thin", "slanted")
    cells = np.concatenate([drawn(kind, 30, 10 + k) for k, kind in enumerate(kinds)])
    classifier = train_hand_classifier(cells, np.repeat(np.arange(3), 30), FAST)
    again = train_hand_classifier(cells, np.repeat(np.arange(3), 30), FAST)
    for k, kind in enumerate(kinds):
        unseen = drawn(kind, 20, 20 + k)
        assert (classifier.named(unseen) == k).mean() > 0.8, kind
        assert (classifier.named(unseen) == again.named(unseen)).all()


@pytest.mark.slow
def test_official_distances_stand_under_their_own_names(text):
    hand, eye = asked(text), Eye(bundle())
    (one,) = judge_writing(
        [hand], drawn("thin", 12, 4), Copies(hand.own, text), {"reads": Reads()}, eye, PARAMS,
        {"LPIPS": eye.distances}, eye.features,
    )  # fmt: skip
    figures = {(f.source, f.metric): f.value for f in one.figures}
    assert figures[WRITTEN, "LPIPS"] == figures[WRITTEN, EYE_DISTANCE]
    assert figures[WRITTEN, "FID"] == figures[WRITTEN, EYE_FRECHET]
    assert "LPIPS" in tables(one.figures)


def test_the_eye_sees_a_character_as_itself():
    eye = Eye(bundle())
    cells = drawn("thick", 3, 6)
    assert eye.distances(cells, cells) == pytest.approx([0, 0, 0], abs=1e-6)
    assert (eye.distances(cells, drawn("thin", 3, 6)) > 0).all()
    assert eye.features(cells).shape == (3, DIMS.width)
