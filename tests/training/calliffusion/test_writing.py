"""Writing: the same seed the same ink, places by themselves, mixing, pictures, and refusals."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.errors import MissingGlyph, ModelError, UnreadableImage
from tests.training.calliffusion.examples import CHARACTERS, HANDS, bundle, face
from training.families.calliffusion.sampling import SamplingParams
from training.families.calliffusion.writing import CalliffusionWriter, WritingParams
from training.gate import written_right
from training.roles import Proposal

PROMPT = HANDS["broad"]
FAST = SamplingParams(steps=2)


@pytest.fixture
def ready():
    return bundle()


def writer(ready, folder, mode="pro", **others):
    return CalliffusionWriter(
        ready, face(folder), WritingParams(mode=mode, sampling=FAST), **others
    )


def test_without_fresh_noise_everything_comes_from_the_first(ready, tmp_path):
    inks = [
        CalliffusionWriter(
            ready, face(tmp_path), WritingParams(sampling=replace(FAST, fresh=fresh))
        )
        .write_column("三人", PROMPT)
        .ink
        for fresh in (0.0, 0.0, 1.0)
    ]
    assert np.array_equal(inks[0], inks[1])
    assert not np.array_equal(inks[0], inks[2])


@pytest.mark.parametrize("mode", ["pro", "base"])
def test_a_column_of_cells(ready, tmp_path, mode):
    column = writer(ready, tmp_path, mode).write_column("三人中", PROMPT, seed=3)
    assert column.ink.shape == column.box_map.shape == (144, 48)
    assert column.ink.dtype == np.uint8
    assert len(column.boxes) == 3
    assert all(48 * k <= box.top < box.bottom <= 48 * (k + 1) for k, box in enumerate(column.boxes))
    again = writer(ready, tmp_path, mode).write_column("三人中", PROMPT, seed=3)
    other = writer(ready, tmp_path, mode).write_column("三人中", PROMPT, seed=4)
    assert np.array_equal(column.ink, again.ink)
    assert not np.array_equal(column.ink, other.ink)


def test_rewriting_leaves_the_others_alone(ready, tmp_path):
    made = writer(ready, tmp_path)
    column = made.write_column("三人中", PROMPT, seed=3)
    again = made.rewrite(column, {1}, PROMPT, seed=9)
    assert np.array_equal(again.ink[:48], column.ink[:48])
    assert np.array_equal(again.ink[96:], column.ink[96:])
    assert not np.array_equal(again.ink[48:96], column.ink[48:96])
    with pytest.raises(ModelError, match="there is no place 3"):
        made.rewrite(column, {3}, PROMPT, seed=9)


def test_the_gate_takes_it_for_a_writer(ready, tmp_path):
    class ReadsAsThree:
        def read_columns(self, columns):
            three = Proposal(text="三", score=1.0, margin=1.0, candidates=(("三", 1.0),))
            return [[three] * len(column.boxes) for column in columns]

    checked = written_right(
        writer(ready, tmp_path), ReadsAsThree(), "三人", PROMPT, seed=1, tries=2
    )
    assert checked.wrong == (1,)
    assert checked.tries == 2


def test_mixing_goes_from_one_hand_to_the_other(ready, tmp_path):
    def mixed(weight):
        made = writer(ready, tmp_path, mix={HANDS["narrow"]: weight})
        return made.write_column("三人", PROMPT, seed=3).ink.astype(float)

    one = writer(ready, tmp_path).write_column("三人", PROMPT, seed=3).ink
    other = writer(ready, tmp_path).write_column("三人", HANDS["narrow"], seed=3).ink
    assert np.array_equal(mixed(0.0), one)
    assert np.array_equal(mixed(1.0), other)
    assert not np.array_equal(mixed(0.5), one)
    for weights in ({PROMPT: 0.7, HANDS["narrow"]: 0.7}, {PROMPT: -0.1}):
        with pytest.raises(ModelError, match="sum to 1 at most"):
            writer(ready, tmp_path, mix=weights)


def test_a_picture_says_what_the_font_does_not(ready, tmp_path):
    """A letter no font of ours has is written from its picture alone."""
    letter = np.zeros((60, 60), np.uint8)
    letter[5:55, 10:18] = letter[46:55, 10:48] = 255
    with pytest.raises(MissingGlyph):
        writer(ready, tmp_path).write_column("L", PROMPT)
    column = writer(ready, tmp_path, pictures=[letter]).write_column("L", PROMPT)
    turned = writer(ready, tmp_path, pictures=[letter.T]).write_column("L", PROMPT)
    assert column.text == "L"
    assert not np.array_equal(column.ink, turned.ink)
    with pytest.raises(ModelError, match="2 characters were asked for with 1 pictures"):
        writer(ready, tmp_path, pictures=[letter]).write_column("LL", PROMPT)
    with pytest.raises(UnreadableImage, match="no ink in the picture of 'L'"):
        writer(ready, tmp_path, pictures=[np.zeros_like(letter)]).write_column("L", PROMPT)


def test_what_cannot_be_said_is_refused(ready, tmp_path):
    with pytest.raises(ModelError, match="the text is empty"):
        writer(ready, tmp_path).write_column("", PROMPT)
    with pytest.raises(ModelError, match=f"index table of {len(CHARACTERS)} characters lacks 永"):
        writer(ready, tmp_path, "base").write_column("永", PROMPT)
    with pytest.raises(ModelError, match="at least one step"):
        SamplingParams(steps=0)


def test_guidance_of_1_is_the_prompt_alone(ready, tmp_path):
    plain = replace(FAST, guidance=1.0)
    far = replace(FAST, guidance=3.0)
    inks = [
        CalliffusionWriter(ready, face(tmp_path), WritingParams(sampling=params))
        .write_column("三人", PROMPT)
        .ink
        for params in (plain, far)
    ]
    assert not np.array_equal(*inks)
