"""Corrections of low rank beside frozen weights."""

import torch
from torch import nn

from tests.training.examples import DIMS
from training.families.unicalli.model import UniCalli
from training.lora import LoraParams, adapt, merge

PARAMS = LoraParams(rank=2, alpha=4.0)


def a_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Sequential(nn.Linear(5, 3)))


def test_it_starts_as_the_network_it_adapts():
    network, x = a_network(), torch.randn(4, 6)
    before = network(x)
    learned = adapt(network, PARAMS, lambda name: True)
    assert torch.equal(network(x), before)
    assert learned == 2 * (6 + 5) + 2 * (5 + 3)


def test_only_corrections_learn_and_merging_changes_nothing():
    network, x = a_network(), torch.randn(4, 6)
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    adapt(network, PARAMS, lambda name: name != "0")
    optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.02)
    for _ in range(5):
        optimiser.zero_grad()
        network(x).square().sum().backward()
        optimiser.step()
    learned = network(x)
    merge(network)
    assert torch.allclose(network(x), learned, atol=1e-6)
    after = network.state_dict()
    assert after.keys() == weights.keys()
    changed = {name for name in weights if not torch.equal(after[name], weights[name])}
    assert changed == {"2.0.weight"}


def test_a_whole_model_keeps_its_keys():
    torch.manual_seed(0)
    model = UniCalli(DIMS, 10)
    keys = {name: value.shape for name, value in model.state_dict().items()}
    learned = adapt(model, PARAMS, lambda name: name.startswith("blocks"))
    assert 0 < learned < sum(value.numel() for value in model.parameters()) / 3
    merge(model)
    assert {name: value.shape for name, value in model.state_dict().items()} == keys
