"""A model learns to locate: what changes in it, what does not, and that the map is learned."""

import argparse
import dataclasses

import pytest
import torch

from pipelines.errors import ModelError
from tests.training.examples import bank, bundle, library
from training.families.unicalli.learning_to_locate import LEARNING, learn_to_locate
from training.families.unicalli.stages import train_columns
from training.learning import train
from training.loop import LoopParams
from training.recipes.unicalli import locate

SHORT = dataclasses.replace(
    locate(), loop=LoopParams(steps=12, learning_rate=3e-3, warmup_steps=1, log_every_s=0.0),
    columns_at_once=6,
)  # fmt: skip
ALONE = dataclasses.replace(SHORT.objective, read_share=0.0, locate_share=1.0)
PROMPTS = {"drawn": "a drawn hand"}


def test_the_map_is_learned_and_what_sees_and_writes_stays(tmp_path):
    whole = bundle()
    before = {name: value.clone() for name, value in whole.model.state_dict().items()}
    log = tmp_path / "curve.jsonl"
    recipe = dataclasses.replace(SHORT, objective=ALONE)
    references = library(tmp_path, whole.autoencoder)
    fitted = learn_to_locate(whole, bank(tmp_path), PROMPTS, references, recipe, log=log)
    assert fitted.steps == 12
    assert set(fitted.parts) == {"locate_content", "locate_boxes", "locate_retrieval"}
    first = float(log.read_text().splitlines()[0].split('"locate_boxes": ')[1].split(",")[0])
    assert fitted.parts["locate_boxes"] < first
    for name, value in whole.model.state_dict().items():
        if not name.startswith(LEARNING):
            assert torch.equal(value, before[name]), name
    assert not torch.equal(whole.model.boxes_out.weight, before["boxes_out.weight"])
    assert all(parameter.requires_grad for parameter in whole.model.parameters())


def test_reading_and_writing_are_practised_beside_it(tmp_path):
    whole = bundle()
    mixed = dataclasses.replace(SHORT.objective, read_share=0.3, locate_share=0.4)
    recipe = dataclasses.replace(SHORT, objective=mixed)
    references = library(tmp_path, whole.autoencoder)
    fitted = learn_to_locate(whole, bank(tmp_path), PROMPTS, references, recipe, log=None)
    modes = {name.partition("_")[0] for name in fitted.parts}
    assert modes == {"locate", "read", "write"}


def test_without_raw_columns_there_is_nothing_to_locate_in(tmp_path):
    whole = bundle()
    with pytest.raises(ModelError, match="no raw columns"):
        train_columns(
            whole.model, None, None, whole.autoencoder, whole.vocabulary,
            library(tmp_path, whole.autoencoder), ALONE, SHORT.loop, 0, None,
        )  # fmt: skip


def test_the_recipe_asks_for_the_model_it_starts_from():
    arguments = argparse.Namespace(recipe="unicalli.locate", parent=None, threads=0)
    with pytest.raises(ModelError, match="--parent"):
        train(arguments)
