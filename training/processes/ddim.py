"""Deterministic diffusion: DDIM towards data, and its inversion towards noise.

Holds: noise levels, the step between any two of them, sampling, and inversion that keeps every
latent on the way (Song, Meng and Ermon 2021, equation 12 without noise). ``alpha`` is the share of
the data's variance that is left, the cumulative product of the schedule: 1 is data, 0 is noise.

Keeps out: networks, and the schedule itself (``diffusers``' ``DDIMScheduler`` knows it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

Predict = Callable[[Tensor, int], Tensor]
"""Noise in a latent at a time step of the schedule."""


@dataclass(frozen=True)
class Levels:
    """The noise levels of a run, from data to noise.

    Attributes:
        alphas: N + 1 of them, the first of clean data.
        timesteps: N of them: ``timesteps[k]`` is asked of the network between the levels k and
            k + 1, in both directions.

    Raises:
        ValueError: If there is not one level more than steps.
    """

    alphas: tuple[float, ...]
    timesteps: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.alphas) != len(self.timesteps) + 1:
            raise ValueError(
                f"{len(self.timesteps)} steps lie between {len(self.timesteps) + 1} levels; got "
                f"{len(self.alphas)}."
            )


def lay_noise(data: Tensor, noise: Tensor, alpha: float) -> Tensor:
    """Data under noise, at the level ``alpha``."""
    laid: Tensor = alpha**0.5 * data + (1 - alpha) ** 0.5 * noise
    return laid


def data_from_noise(noised: Tensor, noise: Tensor, alpha: float) -> Tensor:
    """Data implied by the noise that is predicted in a latent at the level ``alpha``, above 0."""
    data: Tensor = (noised - (1 - alpha) ** 0.5 * noise) / alpha**0.5
    return data


def transfer(noised: Tensor, noise: Tensor, alpha: float, next_alpha: float) -> Tensor:
    """From one level to another, either way, with the noise that is predicted."""
    return lay_noise(data_from_noise(noised, noise, alpha), noise, next_alpha)


def sample(predict: Predict, noise: Tensor, levels: Levels) -> Tensor:
    """From the last level to data."""
    latent = noise
    for k in reversed(range(len(levels.timesteps))):
        predicted = predict(latent, levels.timesteps[k])
        latent = transfer(latent, predicted, levels.alphas[k + 1], levels.alphas[k])
    return latent


def invert(predict: Predict, data: Tensor, levels: Levels, refinements: int = 0) -> list[Tensor]:
    """From data to the last level, with every latent on the way.

    Plain inversion asks for the noise in the latent before the step, where sampling asks for that
    in the latent after it; the difference is its error. Each refinement asks again, in the latent
    that was just found, and so comes nearer to what sampling undoes exactly.

    Args:
        predict: The noise in a latent.
        data: Clean latents.
        levels: Where to stop on the way.
        refinements: How often each step is asked again; 0 is plain inversion.

    Returns:
        N + 1 latents, ``data`` first.
    """
    found = [data]
    for k, timestep in enumerate(levels.timesteps):
        alpha, next_alpha = levels.alphas[k], levels.alphas[k + 1]
        following = transfer(found[-1], predict(found[-1], timestep), alpha, next_alpha)
        for _ in range(refinements):
            following = transfer(found[-1], predict(following, timestep), alpha, next_alpha)
        found.append(following)
    return found
