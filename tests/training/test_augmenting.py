"""Columns written for rare hands: learned, written, read back, refused, and what a table gets."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.augmentations import AugmentationParams, lacks
from pipelines.geometry import Box
from pipelines.imaging.codec import decode_png, encode_png
from pipelines.records import ILLEGIBLE, Origin, Rejection, Sample, SampleCharacter
from pipelines.windows import fit_cell
from tests.pipelines.examples import a_sample
from tests.training.calliffusion.examples import CHARACTERS, bundle, face
from tests.training.scriptvit.examples import bundle as knowing
from training.augmenting import SHOWN, Readers, shown_characters, write_lacking
from training.families.calliffusion.recipe import AdaptRecipe
from training.loop import LoopParams
from training.pens import LearningPen, LookingPen
from training.roles import Proposal

SHORT = AdaptRecipe(loop=LoopParams(steps=2), characters_at_once=2, tried=1)
PARAMS = AugmentationParams(budget=4, fewest_known=2, in_column=2)


class Reading:
    """A reader that reads what it is told to, column after column, the last over and over.

    Of columns of another length, by which the strength of a hand is tried, it reads nothing.
    """

    def __init__(self, *texts):
        self.texts = list(texts)

    def read_columns(self, columns):
        if len(columns[0].boxes) != len(self.texts[0]):
            blank = Proposal(text="", score=0.0, margin=0.0, candidates=())
            return [[blank] * len(column.boxes) for column in columns]
        text = self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]
        return [
            [Proposal(text=c, score=1.0, margin=1.0, candidates=()) for c in text] for _ in columns
        ]


def approved(store, folder, text):
    """A column of the drawn font as an approved sample."""
    drawn = face(folder)
    side = 48
    cells = [fit_cell(drawn.draw(character, 40), side) for character in text]
    boxes = [Box(0, side * k, side, side * (k + 1)) for k in range(len(text))]
    sample = a_sample(text, ink_key=store.put(encode_png(np.concatenate(cells)), ".png"))
    characters = tuple(
        SampleCharacter(box=box, written=c, canonical=c, is_damaged=False)
        for box, c in zip(boxes, text, strict=True)
    )
    return replace(sample, characters=characters)


def outcomes(store, folder, reader, text="一七三上", params=PARAMS):
    (lack,) = lacks([approved(store, folder, text)], CHARACTERS, params)
    readers = Readers(ours=reader, second=None)
    return lack, list(write_lacking(lack, learning(folder, reader), readers, store))


def learning(folder, reader):
    return LearningPen(
        base=bundle(), face=face(folder), knowing=knowing(), reader=reader, recipe=SHORT
    )


@pytest.mark.slow  # learns a hand
def test_what_reads_back_is_a_sample_and_what_does_not_stays_unnamed(tmp_path, store):
    reader = Reading("下不", "中中")
    lack, (first, second) = outcomes(store, tmp_path, reader)
    assert lack.texts == ("下不", "中人")
    assert [c.canonical for c in first.characters] == ["下", "不"]
    assert [c.canonical for c in second.characters] == ["中", ILLEGIBLE]
    for sample in (first, second):
        assert sample.origin is Origin.SYNTHETIC
        ink = decode_png(store.get(sample.ink_key))
        assert all(c.box.clipped(ink.shape[1], ink.shape[0]) == c.box for c in sample.characters)
        assert bundle().fingerprint in sample.work.source


@pytest.mark.slow  # learns a hand
def test_a_column_of_which_nothing_reads_back_is_refused(tmp_path, store):
    _, found = outcomes(store, tmp_path, Reading("七七"))
    assert [type(outcome) for outcome in found] == [Rejection, Rejection]
    assert {outcome.reason for outcome in found} == {"unreadable"}
    assert "none of it reads back" in found[0].detail


def test_a_pen_that_only_looks_writes_the_same_samples(tmp_path, store):
    (lack,) = lacks([approved(store, tmp_path, "一七三上")], CHARACTERS, PARAMS)
    pen = LookingPen(bundle=knowing(fingerprint="f" * 16), face=face(tmp_path))
    readers = Readers(ours=Reading("下不", "中中"), second=None)
    first, second = write_lacking(lack, pen, readers, store, code_version="v")
    assert [c.canonical for c in first.characters] == ["下", "不"]
    assert [c.canonical for c in second.characters] == ["中", ILLEGIBLE]
    assert first.origin is Origin.SYNTHETIC
    assert "f" * 16 in first.work.source
    assert first.code_version == "v"


def test_a_hand_of_which_too_little_is_whole_is_not_learned(tmp_path, store):
    sample = approved(store, tmp_path, "一七三上")
    damaged = tuple(replace(c, is_damaged=True) for c in sample.characters[1:])
    sample = replace(sample, characters=(sample.characters[0], *damaged))
    (lack,) = lacks([sample], CHARACTERS, PARAMS)
    reader = Reading("下")
    readers = Readers(ours=reader, second=None)
    found = list(write_lacking(lack, learning(tmp_path, reader), readers, store))
    assert [outcome.reason for outcome in found] == ["too_few", "too_few"]
    assert "shows 1 undamaged" in found[0].detail


def test_a_hand_is_shown_by_different_whole_characters(tmp_path, store):
    one, other = approved(store, tmp_path, "一一七"), approved(store, tmp_path, "七三")
    shown = shown_characters([one, other], store, face(tmp_path))
    assert [character for character, _ in shown] == ["一", "七", "三"]
    assert all((ink > 127).any() for _, ink in shown)
    assert len(shown) <= SHOWN


def test_samples_of_the_table_are_what_training_reads(tmp_path, store, tables):
    (lack,) = lacks([approved(store, tmp_path, "一七三上")], CHARACTERS, PARAMS)
    assert lack.samples
    tables.write("augmentations", "approved", Sample, lack.samples)
    assert tables.read("augmentations", "approved", Sample) == list(lack.samples)
