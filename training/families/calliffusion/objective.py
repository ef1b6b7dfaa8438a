"""What a step is trained for: both modes against the truth, and against one another.

Holds: :func:`schedule_of`, the noise schedule (DDPM, linear), and :func:`dual_loss` (section 3.3):

    L = MSE(pro, target) + MSE(base, target) + w * MSE(pro, base)

Both modes get the same ink, the same time and the same noise, in one call of the network.

Keeps out: drawing batches (``material``), sampling (``sampling``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import DDPMScheduler
from torch import Tensor
from torch.nn import functional as F

from training.families.calliffusion.material import Batch
from training.families.calliffusion.network import Calliffusion, CalliffusionDims


@dataclass(frozen=True, kw_only=True)
class ObjectiveParams:
    """``agreement`` is w, how much both modes should say the same; ours, the paper names none."""

    agreement: float = 1.0


def schedule_of(dims: CalliffusionDims) -> Any:
    """The noise that is laid on ink in training: a ``DDPMScheduler``, whose types say nothing."""
    ddpm: Any = DDPMScheduler
    return ddpm(
        num_train_timesteps=dims.noise_steps,
        beta_start=dims.beta_first,
        beta_end=dims.beta_last,
        beta_schedule="linear",
        prediction_type=dims.prediction,
    )


def target_of(schedule: Any, inks: Tensor, noise: Tensor, times: Tensor) -> Tensor:
    """What the network should say: the noise, the data or the velocity."""
    kind = schedule.config.prediction_type
    if kind == "epsilon":
        return noise
    if kind == "sample":
        return inks
    velocity: Tensor = schedule.get_velocity(inks, noise, times)
    return velocity


def dual_loss(
    model: Calliffusion,
    schedule: Any,
    batch: Batch,
    params: ObjectiveParams,
    generator: torch.Generator,
) -> tuple[Tensor, dict[str, float]]:
    """The loss of a batch and its parts.

    Args:
        model: In both modes.
        schedule: From :func:`schedule_of`.
        batch: On the model's device.
        params: Weights.
        generator: On the CPU; of times and noise.
    """
    inks = batch.inks
    times = torch.randint(0, len(schedule.betas), (len(inks),), generator=generator)
    noise = torch.randn(inks.shape, generator=generator)
    times, noise = times.to(inks.device), noise.to(inks.device)
    noised = schedule.add_noise(inks, noise, times)
    target = target_of(schedule, inks, noise, times)
    said = model(
        torch.cat([noised, noised]), torch.cat([times, times]), batch.pro.joined(batch.base)
    )
    pro, base = said.chunk(2)
    parts = {
        "pro": F.mse_loss(pro, target),
        "base": F.mse_loss(base, target),
        "agreement": F.mse_loss(pro, base),
    }
    loss = parts["pro"] + parts["base"] + params.agreement * parts["agreement"]
    return loss, {name: float(part.detach()) for name, part in parts.items()}
