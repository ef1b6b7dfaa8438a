"""The checkpoint folder: safetensors alone, strict, and what is loaded writes as before."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipelines.errors import ModelError
from tests.training.calliffusion.examples import CHARACTERS, bundle
from training.families.calliffusion.weights import load_bundle, save_bundle


@pytest.fixture
def folder(tmp_path):
    save_bundle(bundle(), tmp_path / "saved", "# card\n")
    return tmp_path / "saved"


def test_it_comes_back_with_half_the_precision(folder):
    assert {p.name for p in folder.iterdir()} == {
        "model.safetensors", "recipe.json", "vocabulary.txt", "card.md",
    }  # fmt: skip
    loaded, before = load_bundle(folder), bundle()
    assert loaded.characters == tuple(CHARACTERS)
    assert loaded.dims == before.dims
    assert loaded.recipe["hands"] == before.recipe["hands"]
    assert len(loaded.fingerprint) == 16
    assert loaded.fingerprint == load_bundle(folder).fingerprint
    for name, value in loaded.model.state_dict().items():
        assert torch.equal(value, before.model.state_dict()[name].half().float()), name


def test_a_tensor_too_many_or_too_few_is_refused(folder):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    first = next(iter(tensors))
    save_file({k: v for k, v in tensors.items() if k != first}, path)
    with pytest.raises(ModelError, match="1 tensors are missing, extra"):
        load_bundle(folder)
    save_file({**tensors, "more": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match="1 tensors are missing, extra"):
        load_bundle(folder)


def test_pickles_and_other_families_are_refused(folder):
    recipe = json.loads((folder / "recipe.json").read_text())
    torch.save({}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="no whole safetensors file"):
        load_bundle(folder)
    (folder / "recipe.json").write_text(json.dumps({**recipe, "family": "unicalli"}))
    with pytest.raises(ModelError, match="holds family 'unicalli' in format 1"):
        load_bundle(folder)


def test_a_model_told_by_a_language_model_asks_for_it(folder):
    recipe = json.loads((folder / "recipe.json").read_text())
    recipe["dims"]["bert_width"] = 24
    (folder / "recipe.json").write_text(json.dumps(recipe))
    with pytest.raises(ModelError, match="Name its folder with --bert"):
        load_bundle(folder)
