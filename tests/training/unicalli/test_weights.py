"""Checkpoints on disk: whole, strict, and never a pickle."""

import json
import pickle
from dataclasses import replace

import pytest
import torch

from pipelines.errors import ModelError
from pipelines.texts import Text
from tests.training.examples import bundle
from training.context import pairs_of_texts
from training.families.unicalli.weights import load_bundle, save_bundle


@pytest.fixture
def folder(tmp_path):
    save_bundle(bundle(), tmp_path / "model", "# a card\n")
    return tmp_path / "model"


def test_what_was_saved_comes_back(folder):
    whole, again = bundle(), load_bundle(folder)
    assert again.vocabulary == whole.vocabulary
    assert again.dims == whole.dims
    assert again.recipe["content_font"] == "drawn"
    for (name, one), other in zip(
        whole.model.state_dict().items(), again.model.state_dict().values(), strict=True
    ):
        assert torch.allclose(one, other, atol=2e-3), name


def test_what_follows_what_travels_with_the_checkpoint(tmp_path, folder):
    whole = bundle()
    text = Text(title="t", author="", body="一二一二一二", file="a.txt")
    told = replace(whole, context=pairs_of_texts([text], whole.vocabulary))
    save_bundle(told, tmp_path / "told", "")
    again = load_bundle(tmp_path / "told")
    assert again.context is not None
    assert again.context.pairs.tolist() == told.context.pairs.tolist()
    assert load_bundle(folder).context is None


def test_a_checkpoint_is_never_overwritten(folder):
    with pytest.raises(ModelError, match="never overwritten"):
        save_bundle(bundle(), folder, "")


def test_a_folder_without_a_checkpoint_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"recipe.json is missing"):
        load_bundle(tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "pickled", "absent"])
def test_broken_weights_are_refused(folder, damage):
    path = folder / "model.safetensors"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "pickled":
        path.write_bytes(pickle.dumps({"model": 1}))
    else:
        path.unlink()
    with pytest.raises(ModelError, match="safetensors"):
        load_bundle(folder)


def test_keys_that_are_missing_or_extra_are_counted(folder):
    recipe = json.loads((folder / "recipe.json").read_text())
    recipe["dims"]["depth"] = 2
    (folder / "recipe.json").write_text(json.dumps(recipe))
    with pytest.raises(ModelError, match="tensors are missing, extra or of another shape"):
        load_bundle(folder)


@pytest.mark.parametrize(("key", "value"), [("family", "other"), ("format_version", 99)])
def test_another_family_or_version_is_refused_by_name(folder, key, value):
    recipe = json.loads((folder / "recipe.json").read_text())
    (folder / "recipe.json").write_text(json.dumps({**recipe, key: value}))
    with pytest.raises(ModelError, match=str(value)):
        load_bundle(folder)


def test_another_character_table_is_refused(folder):
    (folder / "vocabulary.txt").write_text("一\n七\n")
    with pytest.raises(ModelError, match="not the character table"):
        load_bundle(folder)
