"""What a network costs: operations of a training step and of reading, and how fast it runs.

Holds: ``count_flops``, which needs no memory and no GPU because it computes on torch's ``meta``
device; ``measure``, which trains and reads with random numbers on a real one; and ``peak_flops``,
so that both together say what share of a GPU is used (model FLOPs utilisation, Chowdhery et al.
2022: recomputed activations do not count as work).

Keeps out: the time that batches take to draw, and the verb (``training.learning``).

Legend: B columns, C cells.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from training.families.unicalli.network import ColumnNetwork, Streams, TextCondition, Times

PEAK_BFLOAT16_FLOPS = {
    "A100": 312e12,
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "H200": 989e12,
    "L40S": 362e12,
    "L4": 121e12,
}
"""Dense bfloat16 operations a second by name of GPU, from NVIDIA's data sheets (half of what they
print where that counts sparsity). Longer names are looked for first."""


@dataclass(frozen=True, kw_only=True)
class Flops:
    """Floating-point operations for one column: a training step that writes, and reading it."""

    train: int
    read: int


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Columns a second: trained (forward and backward, no optimiser), and read in one step."""

    trained: float
    read: float


def count_flops(model: ColumnNetwork) -> Flops:
    """Operations of ``model``, which must be on the ``meta`` device.

    Multiplications and additions count as one each, in matrix products and convolutions alone.
    """
    given = random_inputs(model, 1, torch.device("meta"))
    with FlopCounterMode(display=False) as training:
        train_once(model, given)
    with FlopCounterMode(display=False) as reading, torch.no_grad():
        model.read(*given)
    return Flops(train=training.get_total_flops(), read=reading.get_total_flops())


def measure(
    model: ColumnNetwork,
    *,
    columns: int,
    precision: Literal["float32", "bfloat16"],
    repeats: int = 5,
) -> Speed:
    """How fast ``model`` is where it is, after two warm-up steps; it keeps no gradient."""
    device = model.log_temperature.device
    given = random_inputs(model, columns, device)
    is_half = precision == "bfloat16"

    def train() -> None:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_half):
            train_once(model, given)

    def read() -> None:
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=is_half):
            model.read(*given)

    rates = []
    for action in (train, read):
        for _ in range(2):
            action()
        _wait(device)
        started = time.perf_counter()
        for _ in range(repeats):
            action()
        _wait(device)
        rates.append(columns * repeats / (time.perf_counter() - started))
    model.zero_grad(set_to_none=True)
    return Speed(trained=rates[0], read=rates[1])


def peak_flops(device: torch.device) -> float | None:
    """Dense bfloat16 operations a second that the GPU can do at best; None where it is unknown."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    known = sorted(PEAK_BFLOAT16_FLOPS, key=len, reverse=True)
    return next((PEAK_BFLOAT16_FLOPS[part] for part in known if part in name), None)


def train_once(model: ColumnNetwork, given: tuple[Streams, TextCondition, Times]) -> None:
    """Forward with all streams and backward."""
    streams, text, times = given
    out = model(streams, text, times)
    loss: Tensor = out.image.float().sum() + out.content.float().sum()
    if out.boxes is not None:
        loss = loss + out.boxes.float().sum()
    loss.backward()  # type: ignore[no-untyped-call]


def random_inputs(
    model: ColumnNetwork, columns: int, device: torch.device
) -> tuple[Streams, TextCondition, Times]:
    """Whole columns of noise, with a prompt, half way."""
    dims = model.dims
    shape = (columns, dims.latent_channels, dims.cells * dims.latent_side, dims.latent_side)
    image, content, boxes = (torch.randn(shape, device=device) for _ in range(3))
    half = torch.full((columns, dims.cells), 0.5, device=device)
    style = model.style_ids(["a prompt"] * columns).to(device)
    ids = torch.zeros((columns, dims.cells), dtype=torch.long, device=device)
    text = TextCondition(style=style, characters=model.embed_characters(ids).detach())
    return (
        Streams(image=image, content=content, boxes=boxes),
        text,
        Times(image=half, content=half, boxes=half),
    )


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
