"""Low-rank adaptation: learn a small correction beside weights that stay as they are.

Holds: ``adapt``, which puts a correction of low rank beside every linear layer (Hu et al. 2021),
``merge``, which adds the corrections to the weights, so that what is saved is an ordinary
network, and ``merged``, which does so for a while: afterwards the weights are those from before,
to the bit, because they were kept instead of computed back. Half a hundred approved columns say
little about ten million weights; they say enough about the few per cent that such corrections
have.

Keeps out: which layers a family adapts, the loop (``training.loop``).

Legend: I inputs, O outputs, R rank.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class LoraParams:
    """Rank of the corrections, and ``alpha``, by which they count as alpha / rank."""

    rank: int = 8
    alpha: float = 16.0


class AdaptedLinear(nn.Module):
    """A frozen linear layer and its correction, which is nothing at first."""

    def __init__(self, layer: nn.Linear, params: LoraParams) -> None:
        super().__init__()
        self.layer = layer
        self.scale = params.alpha / params.rank
        self.down = nn.Parameter(torch.empty(params.rank, layer.in_features))
        self.up = nn.Parameter(torch.zeros(layer.out_features, params.rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """(..., I) to (..., O)."""
        correction = F.linear(F.linear(x, self.down), self.up)
        result: Tensor = self.layer(x) + self.scale * correction
        return result

    def merged(self) -> nn.Linear:
        """The layer with its correction added to its weight."""
        with torch.no_grad():
            self.layer.weight += self.scale * (self.up @ self.down)
        return self.layer


def adapt(model: nn.Module, params: LoraParams, wanted: Callable[[str], bool]) -> int:
    """Freeze the model and put a correction beside the linear layers whose name is wanted.

    Returns:
        How many numbers are left to learn.
    """
    model.requires_grad_(False)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and wanted(name):
            _put(model, name, AdaptedLinear(module, params))
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def merge(model: nn.Module) -> None:
    """Take every correction into its layer's weight: names and shapes are as before."""
    for name, module in list(model.named_modules()):
        if isinstance(module, AdaptedLinear):
            _put(model, name, module.merged())


def adapted(model: nn.Module) -> dict[str, AdaptedLinear]:
    """The layers that have a correction, by name."""
    return {n: m for n, m in model.named_modules() if isinstance(m, AdaptedLinear)}


@contextmanager
def merged(model: nn.Module) -> Iterator[None]:
    """The model with its corrections inside its weights, for as long as the block lasts."""
    layers = adapted(model)
    kept = {name: layer.layer.weight.detach().clone() for name, layer in layers.items()}
    merge(model)
    try:
        yield
    finally:
        for name, layer in layers.items():
            with torch.no_grad():
                layer.layer.weight.copy_(kept[name])
            _put(model, name, layer)


def _put(model: nn.Module, name: str, module: nn.Module) -> None:
    *path, last = name.split(".")
    setattr(model.get_submodule(".".join(path)), last, module)
