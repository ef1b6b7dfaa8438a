"""The loop of several players: each has its own optimiser, and learns every so many iterations.

Paper: the generator every second iteration; discriminator, recogniser and writer classifier in
each. ``training.loop`` knows one loss; this is its sibling for games.

Holds: ``StaggeredParams``, ``Player`` and :func:`play`.

Keeps out: what players compute (``adversary``), data.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from pipelines.errors import ModelError
from training.loop import Fitted
from training.processes.adversarial import takes_part
from training.slices import Slice

logger = logging.getLogger(__name__)

Update = Callable[[Slice], dict[str, float]]
"""Leaves gradients in a player's parameters; returns its losses."""


@dataclass(frozen=True, kw_only=True)
class StaggeredParams:
    """How long and how fast.

    Attributes:
        seconds: Wall-clock budget.
        iterations: Upper bound, reached or not.
        generator_every: Iterations from one update of the generator to the next.
        learning_rate: Of the judges; HWT's is 5e-5, for weeks on a GPU.
        generator_rate: Of the generator.
        average_decay: Of the running average that the generator keeps in the end.
        keep_every_s: How often the weights so far are kept.
    """

    seconds: float = 1500.0
    iterations: int = 10**9
    generator_every: int = 2
    learning_rate: float = 2e-4
    generator_rate: float = 3e-4
    betas: tuple[float, float] = (0.0, 0.999)
    clip_norm: float = 1.0
    average_decay: float = 0.995
    log_every_s: float = 20.0
    keep_every_s: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Player:
    """Who learns, from what, and how often."""

    name: str
    parameters: Sequence[nn.Parameter]
    update: Update
    every: int
    learning_rate: float
    is_averaged: bool = False


def play(
    players: Sequence[Player],
    params: StaggeredParams,
    *,
    log: Path | None = None,
    keep: Callable[[], None] = lambda: None,
) -> Fitted:
    """Train all players in place; those that are averaged end with their average.

    Args:
        players: In the order in which they learn within an iteration.
        params: How long and how fast.
        log: A file that gets one JSON line now and then.
        keep: Writes down the weights as they are; called now and then with averages in place,
            and before a run that broke is given up.

    Raises:
        ModelError: If a loss or gradient is not a number. No broken update is ever made: all
            weights are those from before it, averages in place, and they have been kept.
    """
    optimisers = [
        torch.optim.Adam(p.parameters, lr=p.learning_rate, betas=params.betas) for p in players
    ]
    averages = [[p.detach().clone() for p in one.parameters] for one in players if one.is_averaged]
    averaged = [list(one.parameters) for one in players if one.is_averaged]
    parts: dict[str, float] = {}
    started = time.monotonic()
    logged = kept = 0.0
    count = 0
    while count < params.iterations and (spent := time.monotonic() - started) < params.seconds:
        for player, optimiser in zip(players, optimisers, strict=True):
            if not takes_part(count, player.every):
                continue
            optimiser.zero_grad(set_to_none=True)
            try:
                values = _updated(player, Slice(number=count), params.clip_norm)
            except FloatingPointError as error:
                _swap(averaged, averages)
                keep()
                raise ModelError(
                    f"{error} at iteration {count}, in the update of the {player.name}. That "
                    f"update was not made; the weights from before are kept. Lower its learning "
                    f"rate ({player.learning_rate:.2g})."
                ) from error
            optimiser.step()
            for name, value in values.items():
                parts[name] = 0.95 * parts.get(name, value) + 0.05 * value
        count += 1
        decay = min(params.average_decay, (1 + count) / (10 + count))
        with torch.no_grad():
            for own, mean in zip(averaged, averages, strict=True):
                torch._foreach_lerp_(mean, [p.detach() for p in own], 1 - decay)
        if spent - logged > params.log_every_s:
            logged = spent
            _write({"seconds": round(spent), "step": count, **_rounded(parts)}, log)
        if spent - kept > params.keep_every_s:
            kept = spent
            _swap(averaged, averages)
            keep()
            _swap(averaged, averages)
    _swap(averaged, averages)
    seconds = time.monotonic() - started
    return Fitted(steps=count, seconds=seconds, parts=_rounded(parts))


def _updated(player: Player, part: Slice, clip_norm: float) -> dict[str, float]:
    values = player.update(part)
    broken = {name: value for name, value in values.items() if not math.isfinite(value)}
    if broken:
        raise FloatingPointError(f"The loss became {broken}")
    norm = torch.nn.utils.clip_grad_norm_(player.parameters, clip_norm)
    if not torch.isfinite(norm):
        raise FloatingPointError(f"The gradient became {norm.item()}")
    return values


def _swap(averaged: list[list[nn.Parameter]], averages: list[list[torch.Tensor]]) -> None:
    """Weights and averages trade places."""
    with torch.no_grad():
        for own, mean in zip(averaged, averages, strict=True):
            for parameter, other in zip(own, mean, strict=True):
                held = parameter.detach().clone()
                parameter.copy_(other)
                other.copy_(held)


def _rounded(parts: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in parts.items()}


def _write(line: dict[str, object], log: Path | None) -> None:
    text = json.dumps({"stage": "writing", **line})
    logger.info(text)
    if log is not None:
        with log.open("a", encoding="utf-8") as file:
            file.write(text + "\n")
