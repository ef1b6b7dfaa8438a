"""A model learns to locate: what changes in it, what does not, and that the map is learned."""

import argparse
import dataclasses
import json

import pytest
import torch

from pipelines.errors import ModelError
from tests.training.examples import bank, bundle, library
from training.families.unicalli.learning_to_locate import learn_to_locate
from training.families.unicalli.stages import train_columns
from training.families.unicalli.weights import load_bundle, save_bundle
from training.learning import train
from training.loop import LoopParams
from training.recipes.unicalli import locate

SHORT = dataclasses.replace(
    locate(), loop=LoopParams(steps=12, learning_rate=3e-3, warmup_steps=1, log_every_s=0.0),
    columns_at_once=6, finder_width=8,
)  # fmt: skip
PROMPTS = {"drawn": "a drawn hand"}


def test_the_map_is_learned_and_reading_and_writing_stay_what_they_were(tmp_path):
    whole = bundle()
    before = {name: value.clone() for name, value in whole.model.state_dict().items()}
    log = tmp_path / "curve.jsonl"
    references = library(tmp_path, whole.autoencoder)
    located, fitted = learn_to_locate(whole, bank(tmp_path), PROMPTS, references, SHORT, log=log)
    assert fitted.steps == 12
    assert {name.partition("_")[0] for name in fitted.parts} == {"locate"}
    first = json.loads(log.read_text().splitlines()[0])
    assert fitted.parts["locate_boxes"] < first["locate_boxes"]
    assert located.locates
    assert not whole.locates
    after = located.model.state_dict()
    for name, value in before.items():
        assert torch.equal(whole.model.state_dict()[name], value), name
        assert torch.equal(after[name], value), name
    assert {name.partition(".")[0] for name in after.keys() - before.keys()} == {"finder"}
    assert all(parameter.requires_grad for parameter in located.model.parameters())


def test_it_goes_on_from_a_model_that_locates_and_is_saved_with_its_finder(tmp_path):
    references = library(tmp_path, bundle().autoencoder)
    given = bank(tmp_path), PROMPTS, references
    once, _ = learn_to_locate(bundle(), *given, SHORT, log=None)
    save_bundle(once, tmp_path / "located", "a card\n")
    kept = load_bundle(tmp_path / "located")
    assert kept.locates
    again, _ = learn_to_locate(kept, *given, SHORT, log=None)
    assert again.dims == once.dims
    assert not torch.equal(again.model.finder.leave.weight, kept.model.finder.leave.weight)


def test_other_parts_learn_where_the_recipe_says_so(tmp_path):
    whole = bundle()
    mixed = dataclasses.replace(
        SHORT.objective, read_share=0.3, locate_share=0.4, reading_flow_weight=0.1
    )
    recipe = dataclasses.replace(SHORT, objective=mixed, learning=("finder.", "blocks."))
    references = library(tmp_path, whole.autoencoder)
    located, fitted = learn_to_locate(whole, bank(tmp_path), PROMPTS, references, recipe, log=None)
    assert {name.partition("_")[0] for name in fitted.parts} == {"locate", "read", "write"}
    names = [n for n in located.model.state_dict() if n.startswith("blocks.")]
    assert any(
        not torch.equal(located.model.state_dict()[n], whole.model.state_dict()[n]) for n in names
    )
    assert torch.equal(located.model.content_out.weight, whole.model.content_out.weight)


def test_without_raw_columns_there_is_nothing_to_locate_in(tmp_path):
    whole = bundle()
    with pytest.raises(ModelError, match="no raw columns"):
        train_columns(
            whole.model, None, None, whole.autoencoder, whole.vocabulary,
            library(tmp_path, whole.autoencoder), SHORT.objective, SHORT.loop, 0, None,
        )  # fmt: skip


def test_the_recipe_asks_for_the_model_it_starts_from():
    arguments = argparse.Namespace(recipe="unicalli.locate", parent=None, threads=0)
    with pytest.raises(ModelError, match="--parent"):
        train(arguments)
