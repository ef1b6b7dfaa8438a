"""From noise to ink: DDIM (Song et al. 2021) in a few steps, guided, and with prompts mixed.

Holds: ``SamplingParams`` and :func:`sample`.

Keeps out: columns and skeletons of what is written (``writing``).

Legend: B batch, S side of a cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from diffusers import DDIMScheduler
from torch import Tensor

from pipelines.errors import ModelError
from training.families.calliffusion.network import Calliffusion, Condition
from training.families.calliffusion.objective import schedule_of


@dataclass(frozen=True, kw_only=True)
class SamplingParams:
    """How ink is drawn from noise.

    Attributes:
        steps: Of the schedule that are taken. Of the tiny model, 8 read better than 4 or 16.
        fresh: How much noise is new at each step: 1 as in DDPM, 0 as in DDIM. With the noise of
            the first step alone, a small network takes its chance shapes for strokes.
        guidance: How far to go beyond what is written without a prompt (Ho and Salimans 2022);
            1 does not look at that and costs half.
    """

    steps: int = 8
    fresh: float = 1.0
    guidance: float = 1.5

    def __post_init__(self) -> None:
        """Refuse what draws nothing."""
        if self.steps < 1:
            raise ModelError(f"Writing takes at least one step; got {self.steps}.")


@torch.inference_mode()
def sample(
    model: Calliffusion,
    condition: Condition,
    mix: Mapping[Tensor, float],
    params: SamplingParams,
    noise: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Characters.

    Args:
        model: The network.
        condition: What to write; its prompt is not looked at.
        mix: Encoded prompts (1, T, ...) with their weights. What the network says under each is
            added up by weight at every step (Liu et al. 2022): ours, the paper mixes styles by
            words alone.
        params: Steps and guidance.
        noise: (B, 1, S, S), to begin with.
        generator: Of fresh noise.

    Returns:
        (B, 1, S, S) in [-1, 1], ink 1.
    """
    # Diffusers' own types say nothing of schedules.
    ddim = cast(Any, DDIMScheduler)
    schedule = ddim.from_config(schedule_of(model.dims).config, timestep_spacing="trailing")
    schedule.set_timesteps(params.steps)
    total = sum(mix.values())
    ink = noise
    for time in schedule.timesteps:
        times = time.expand(len(ink))
        said = torch.zeros_like(ink)
        for prompt, weight in mix.items():
            told = replace(condition, prompt=prompt.expand(len(ink), *prompt.shape[1:]))
            said += weight / total * model(ink, times, told)
        if params.guidance != 1:
            plain = model(ink, times, condition.without_prompt())
            said = plain + params.guidance * (said - plain)
        fresh = torch.randn(ink.shape, generator=generator)
        step = schedule.step(said, time, ink, eta=params.fresh, variance_noise=fresh)
        ink = step.prev_sample
    return ink.clamp(-1, 1)
