"""The network: shapes, prompts left out, hands learned later, and the index table's start."""

from dataclasses import replace

import pytest
import torch

from pipelines.errors import ModelError
from tests.training.calliffusion.examples import CHARACTERS, DIMS, HANDS, PROMPTS, model, standard
from training.families.calliffusion.conditioning import OWN, as_pictures, base, pro
from training.families.calliffusion.network import Calliffusion, CalliffusionDims
from training.recipes.calliffusion import base as base_recipe
from training.recipes.calliffusion import tiny


def condition(count=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    pictures = (torch.rand((count, 1, 48, 48), generator=generator) > 0.9).float()
    prompt = PROMPTS.encode(list(HANDS.values()))[:count]
    return pro(pictures, torch.full((count,), OWN), prompt)


def said(network, told, seed=1):
    generator = torch.Generator().manual_seed(seed)
    noised = torch.randn((len(told.index), 1, 48, 48), generator=generator)
    with torch.no_grad():
        return network(noised, torch.full((len(noised),), 500), told)


@pytest.mark.parametrize(
    "changed",
    [{}, {"mapped": 0}, {"is_pooled": False}, {"bert_width": 24}, {"fold": 1, "patch_px": 8}],
)
def test_every_option_gives_a_picture_and_gradients(changed):
    torch.manual_seed(0)
    dims = replace(DIMS, **changed)
    network = Calliffusion(dims)
    told = condition()
    if dims.bert_width:
        told = replace(told, prompt=torch.randn(2, 5, 24))
    torch.nn.init.normal_(network.unet.conv_out.weight)
    out = network(torch.randn(2, 1, 48, 48), torch.tensor([3, 900]), told)
    assert out.shape == (2, 1, 48, 48)
    out.square().mean().backward()
    silent = [n for n, p in network.named_parameters() if p.grad is None]
    assert silent == []


def test_a_fresh_network_says_nothing():
    torch.manual_seed(0)
    assert not said(Calliffusion(DIMS), condition()).any()


def test_what_is_told_changes_what_is_said():
    network, told = model(), condition()
    first = said(network, told)
    index = torch.tensor([1, 2])
    others = {
        "skeleton": replace(told, pictures=told.pictures.flip(-1)),
        "kind": replace(told, kinds=told.kinds - 1),
        "prompt": replace(told, prompt=told.prompt.flip(0)),
        "no prompt": told.without_prompt(),
        "index": base(index, told),
    }
    for name, other in others.items():
        assert not torch.allclose(said(network, other), first), name


def test_companions_do_not_matter():
    network, told = model(), condition()
    alone = replace(told, **{k: v[:1] for k, v in vars(told).items()})
    generator = torch.Generator().manual_seed(1)
    noised = torch.randn((2, 1, 48, 48), generator=generator)
    times = torch.tensor([500, 20])
    with torch.no_grad():
        both, one = network(noised, times, told), network(noised[:1], times[:1], alone)
    assert torch.allclose(both[:1], one, atol=1e-5)


def test_a_hand_learned_later_speaks_only_where_a_prompt_does():
    network, told = model(), condition()
    with_prompt, without = said(network, told), said(network, told.without_prompt())
    network.hand = torch.nn.Parameter(torch.randn(DIMS.token_width))
    assert not torch.allclose(said(network, told), with_prompt)
    assert torch.equal(said(network, told.without_prompt()), without)


def test_prompts_are_left_out_where_it_says_so():
    told = condition()
    part = told.without_prompt(torch.tensor([True, False]))
    assert not part.prompt[0].any()
    assert torch.equal(part.prompt[1], told.prompt[1])


def test_a_table_that_starts_from_skeletons_says_nearly_what_they_say(tmp_path):
    """With as many numbers as a patch has pixels it says exactly that, but for the kind."""
    torch.manual_seed(0)
    network = Calliffusion(replace(DIMS, index_numbers=DIMS.patch_px**2))
    torch.nn.init.normal_(network.unet.conv_out.weight, std=0.1)
    skeletons = as_pictures(standard(tmp_path))
    network.eye.start_from(skeletons)
    network.eye.kinds.weight.data.zero_()
    index = torch.arange(1, len(CHARACTERS) + 1)
    prompt = PROMPTS.encode([""] * len(index))
    told = pro(skeletons, torch.ones_like(index), prompt)
    assert torch.allclose(said(network, told), said(network, base(index, told)), atol=1e-5)


def test_sizes_that_do_not_divide_are_refused():
    with pytest.raises(ModelError, match="cell of 50 pixels cannot be cut"):
        CalliffusionDims(cell_px=50)


def test_the_networks_of_the_recipes_are_as_large_as_they_say():
    """``base`` is built without memory: 320 to 1280 channels make a network of a GPU."""
    with torch.device("meta"):
        large = Calliffusion(base_recipe().dims)
    assert 600e6 < sum(p.numel() for p in large.parameters()) < 1500e6
    small = Calliffusion(tiny().dims)
    assert sum(p.numel() for p in small.parameters()) * 2 < 15e6
