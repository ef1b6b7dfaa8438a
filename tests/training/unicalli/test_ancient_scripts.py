"""Another script learned from a model's eye and brush: mechanics, not skill."""

import dataclasses

import numpy as np
import pytest
import torch

from pipelines.records import Script
from tests.training.examples import CHARACTERS, bundle, face
from training.ancient import AncientMaterial, alone
from training.families.unicalli.ancient_scripts import brush_of, eye_of, learn_script
from training.families.unicalli.reading import ReadingParams, UniCalliReader
from training.families.unicalli.recipe import AncientRecipe
from training.families.unicalli.weights import load_bundle, save_bundle
from training.families.unicalli.writing import UniCalliWriter, WritingParams
from training.glyph_bank import bank_from_fonts
from training.loop import LoopParams
from training.vocabulary import Vocabulary

FEW = LoopParams(steps=2, warmup_steps=1, learning_rate=1e-3)
RECIPE = AncientRecipe(
    name="test", script=Script.ORACLE_BONE, content_font="drawn", eye=FEW, brush=FEW,
    characters_at_once=4,
)  # fmt: skip
TABLE = Vocabulary(tuple(CHARACTERS[:5]))


def parent():
    """A model whose every weight says something, as after training on columns."""
    whole = bundle()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in whole.model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * 0.05)
    return whole


def learned(folder, recipe=RECIPE):
    bank = bank_from_fonts({"drawn": face(folder)}, TABLE)
    material = AncientMaterial(vocabulary=TABLE, read=bank, written=bank, judged={})
    return learn_script(parent(), material, recipe, face(folder), "old", None)


def weights(whole):
    return {k: v.clone() for k, v in whole.model.state_dict().items()}


def test_the_eye_and_the_brush_start_as_they_were_in_the_model():
    whole = parent()
    latents = torch.randn(3, 4, 12, 12, generator=torch.Generator().manual_seed(0))
    reader, writer = eye_of(whole), brush_of(whole)
    assert torch.equal(reader.read_out.weight, whole.model.content_out.weight)
    silent = torch.zeros(3, whole.dims.time_width)
    assert torch.equal(reader.stem(latents, silent), whole.model.eye(latents, silent))
    assert torch.equal(writer.brush.leave.weight, whole.model.brush.leave.weight)
    assert not writer.brush.told.weight.any()


def test_the_parent_is_left_as_it_is(tmp_path):
    whole = parent()
    before = weights(whole)
    bank = bank_from_fonts({"drawn": face(tmp_path)}, TABLE)
    material = AncientMaterial(vocabulary=TABLE, read=bank, written=bank, judged={})
    learn_script(whole, material, RECIPE, face(tmp_path), "old", None)
    after = weights(whole)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_model_reads_what_its_eye_reads(tmp_path):
    """Without blocks nothing but the eye and the read-out decides."""
    still = dataclasses.replace(FEW, steps=0)
    whole, library = learned(tmp_path, dataclasses.replace(RECIPE, eye=still, brush=still))
    image = torch.randn(2, 1, 48, 48, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    ink = ((image + 1) * 127.5).round().byte().numpy()
    latents = whole.autoencoder.encode(torch.from_numpy(ink).float() / 127.5 - 1)
    eye = eye_of(parent())
    with torch.inference_mode():
        scores = library.similarity(eye(latents)) * eye.log_temperature.clamp(max=4.6).exp()
    column = np.zeros((1, 5 * 48, 48), np.uint8)
    column[0, :96] = ink[:, 0].reshape(96, 48)
    reader = UniCalliReader(whole, library)
    found = reader.scores(column)[0, :2]
    assert torch.allclose(found, scores.softmax(dim=-1), atol=1e-4)


def test_what_was_learned_is_an_ordinary_checkpoint(tmp_path):
    whole, library = learned(tmp_path)
    assert whole.recipe["script"] == "oracle_bone"
    assert (whole.recipe["eye_steps"], whole.recipe["brush_steps"]) == (2, 2)
    save_bundle(whole, tmp_path / "model", "# a card\n")
    again = load_bundle(tmp_path / "model")
    assert again.vocabulary == TABLE
    assert again.recipe["script"] == "oracle_bone"
    writer = UniCalliWriter(again, library, WritingParams(steps=2))
    column = writer.write_column(CHARACTERS[:3], "old", seed=1)
    assert column.ink.shape == (3 * 48, 48)
    picture = face(tmp_path).draw(CHARACTERS[0], 60)
    reader = UniCalliReader(again, library, ReadingParams(candidates=3))
    ((proposal,),) = reader.read_columns([alone(picture)])
    assert len(proposal.candidates) == 3
    assert {name for name, _ in proposal.candidates} <= set(TABLE.characters)


def test_the_same_recipe_learns_the_same(tmp_path):
    first, second = (weights(learned(tmp_path)[0]) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("part", ["eye.", "brush."])
def test_both_are_trained(tmp_path, part):
    still = dataclasses.replace(FEW, steps=0)
    before = weights(learned(tmp_path, dataclasses.replace(RECIPE, eye=still, brush=still))[0])
    after = weights(learned(tmp_path)[0])
    assert any(not torch.equal(before[n], after[n]) for n in before if n.startswith(part))
