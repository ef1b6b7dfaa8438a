"""What networks cost, and whether the big recipes can be built at all."""

import pytest
import torch
from torch import nn

from tests.training.examples import DIMS
from training.families.unicalli.model import UniCalli
from training.families.unicalli.profiling import count_flops, measure, peak_flops
from training.recipes import unicalli as recipes

PARAMETERS = {"tiny": 14_123_237, "small": 88_405_093, "base": 595_372_709}


def on_meta(recipe):
    with torch.device("meta"):
        return UniCalli(recipe.dims, recipe.vocabulary_size)


@pytest.mark.parametrize("name", list(PARAMETERS))
def test_a_recipe_builds_its_network(name):
    recipe = getattr(recipes, name)()
    model = on_meta(recipe)
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS[name]
    assert recipe.dims.cell_px % (4 * recipe.dims.patch) == 0
    assert recipe.columns_at_once % recipe.columns.accumulate == 0
    assert recipe.needs_gpu == (name != "tiny")
    for loop in (recipe.eye, recipe.brush, recipe.columns):
        assert loop.compiles == recipe.needs_gpu
        assert loop.precision == ("bfloat16" if recipe.needs_gpu else "float32")


def test_operations_are_those_of_the_matrices():
    """The transformer alone, counted by hand from its sizes."""
    model = on_meta(recipes.tiny())
    whole = count_flops(model)
    dims, blocks = model.dims, model.blocks
    model.blocks = nn.ModuleList()
    without = count_flops(model)
    model.blocks = blocks
    picture = 3 * dims.cells * dims.token_side**2
    text = dims.style_tokens + dims.cells
    width = dims.width
    # Queries, keys, values and the way out: 4; the MLP: 2 * 4.
    each = 2 * (picture + text) * 12 * width**2
    # Modulation, 6, of every cell of a picture stream and of every token of text.
    modulation = 2 * (3 * dims.cells + text) * 6 * width * dims.time_width
    attention = 2 * 2 * (picture + text) ** 2 * width
    # After the last block nobody looks at the text: no way out, no MLP, and it asks nothing.
    idle = 2 * text * 9 * width**2 + 2 * 2 * text * (picture + text) * width
    forward = dims.depth * (each + modulation + attention) - idle
    # Backward costs twice the forward: by the weights and by the inputs.
    assert whole.train - without.train == pytest.approx(3 * forward, rel=0.03)
    assert whole.read < whole.train / 3


def test_speed_is_measured_and_leaves_no_gradient():
    torch.manual_seed(0)
    model = UniCalli(DIMS, 10)
    speed = measure(model, columns=2, precision="bfloat16", repeats=1)
    assert speed.trained > 0
    assert speed.read > speed.trained
    assert all(p.grad is None for p in model.parameters())


def test_the_cpu_has_no_peak_to_compare_with():
    assert peak_flops(torch.device("cpu")) is None
