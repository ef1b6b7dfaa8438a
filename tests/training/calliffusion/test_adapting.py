"""A new hand: the base stays to the bit, the hand lies beside it and can be left out again."""

from dataclasses import replace

import pytest
import torch

from pipelines.errors import ModelError
from tests.training.calliffusion.examples import CHARACTERS, DIMS, HANDS, bundle, face, material
from training.families.calliffusion.adapting import learn_hand, nearest_hand
from training.families.calliffusion.conditioning import pro
from training.families.calliffusion.recipe import AdaptRecipe
from training.families.calliffusion.weights import (
    load_adapter,
    load_bundle,
    save_adapter,
    save_bundle,
    with_adapter,
)  # fmt: skip
from training.loop import LoopParams
from training.lora import adapted, merged

RECIPE = AdaptRecipe(
    loop=LoopParams(steps=3, warmup_steps=1, learning_rate=1e-2), characters_at_once=4, tried=1
)


def some(folder, count=3):
    made = material(folder)
    return [(CHARACTERS[place], made.inks[place]) for place in range(count)]


def said(ready, prompt="broad"):
    generator = torch.Generator().manual_seed(2)
    noised = torch.randn((2, 1, 48, 48), generator=generator)
    told = pro(
        (torch.rand((2, 1, 48, 48), generator=generator) > 0.9).float(),
        torch.ones(2, dtype=torch.long),
        ready.prompts.encode([ready.prompt_of(prompt)] * 2),
    )
    with torch.no_grad():
        return ready.model(noised, torch.tensor([900, 50]), told)


@pytest.fixture
def learned(tmp_path):
    base = bundle()
    return base, learn_hand(base, "mine", some(tmp_path), face(tmp_path), RECIPE, base="test")


def test_the_base_is_untouched_and_the_hand_differs(learned):
    base, adapter = learned
    fresh = bundle().model.state_dict()
    assert all(torch.equal(v, fresh[k]) for k, v in base.model.state_dict().items())
    ready = with_adapter(base, adapter)
    assert not torch.allclose(said(ready), said(base))
    assert ready.prompt_of("mine") == adapter.prompt
    assert "mine" not in base.recipe["hands"]
    assert adapter.facts["learned_from"] == CHARACTERS[:3]
    assert adapter.facts["near"] in HANDS


def test_at_strength_0_it_is_the_base_to_the_bit(learned):
    base, adapter = learned
    assert torch.equal(said(with_adapter(base, adapter, strength=0.0)), said(base))


def test_between_0_and_1_it_lies_between(learned):
    base, adapter = learned
    whole, half = (said(with_adapter(base, adapter, s)) - said(base) for s in (1.0, 0.3))
    assert 0 < half.abs().mean() < whole.abs().mean()


def test_merged_and_taken_out_again_it_is_the_base_to_the_bit(learned):
    base, adapter = learned
    ready = with_adapter(base, adapter)
    before = said(ready)
    names = list(adapted(ready.model))
    with merged(ready.model):
        assert not adapted(ready.model)
        assert torch.allclose(said(ready), before, atol=1e-4)
    assert list(adapted(ready.model)) == names
    assert torch.equal(said(ready), before)
    for name, weight in base.model.state_dict().items():
        place, _, last = name.rpartition(".")
        kept = f"{place}.layer.{last}" if place in names else name
        assert torch.equal(ready.model.state_dict()[kept], weight), name


def test_only_what_the_recipe_names_is_corrected(learned):
    base, adapter = learned
    layers = {name.rpartition(".")[0] for name in adapter.tensors} - {""}
    assert layers
    assert all(name.startswith("unet.") and name.endswith(RECIPE.adapts) for name in layers)
    assert sum(v.numel() for v in adapter.tensors.values()) == adapter.facts["numbers"]


def test_a_folder_of_its_own_beside_a_base_that_is_checked(learned, tmp_path):
    base, adapter = learned
    save_adapter(adapter, tmp_path / "mine")
    assert {p.name for p in (tmp_path / "mine").iterdir()} == {
        "adapter.safetensors", "recipe.json",
    }  # fmt: skip
    again = load_adapter(tmp_path / "mine")
    assert torch.equal(said(with_adapter(base, again)), said(with_adapter(base, adapter)))
    with pytest.raises(ModelError, match="never overwritten"):
        save_adapter(adapter, tmp_path / "mine")
    other = replace(base, fingerprint="f" * 16)
    with pytest.raises(ModelError, match="learned on test with fingerprint 0123456789abcdef"):
        with_adapter(other, again)
    with pytest.raises(ModelError, match="expected 'calliffusion' in format 1"):
        load_bundle(tmp_path / "mine")
    save_bundle(base, tmp_path / "base", "card")
    with pytest.raises(ModelError, match="expected 'calliffusion.adapter'"):
        load_adapter(tmp_path / "base")


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_characters_are_refused(tmp_path, count):
    with pytest.raises(ModelError, match=f"{count} characters of 'mine' were given"):
        learn_hand(bundle(), "mine", some(tmp_path, count), face(tmp_path), RECIPE)


def test_a_name_that_is_taken_is_refused(tmp_path):
    with pytest.raises(ModelError, match="knows a hand called 'broad' already"):
        learn_hand(bundle(), "broad", some(tmp_path), face(tmp_path), RECIPE)


def test_an_unknown_hand_is_refused_by_name():
    with pytest.raises(ModelError, match="not learned the hand 'nobody'. It knows broad, narrow"):
        bundle().prompt_of("nobody")


def test_the_nearest_hand_is_the_one_that_errs_least(tmp_path):
    """A network that says the ink under one prompt alone is nearest under that prompt."""
    base = bundle()
    narrow = base.prompts.encode([HANDS["narrow"]])

    class Knows(torch.nn.Module):
        dims = DIMS

        def forward(self, noised, times, told):
            is_it = (told.prompt == narrow).all(dim=1)[:, None, None, None]
            return torch.where(is_it, -torch.ones_like(noised), 3 * torch.ones_like(noised))

    ready = replace(base, model=Knows())
    assert nearest_hand(ready, some(tmp_path), face(tmp_path), RECIPE) == "narrow"
