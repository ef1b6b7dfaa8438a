"""Deterministic diffusion: what is laid is found again, and inversion is undone by sampling."""

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler

from training.processes.ddim import Levels, data_from_noise, invert, lay_noise, sample, transfer

LEVELS = Levels(tuple(np.linspace(0.999, 0.02, 31)), tuple(range(30)))
SPREAD = 0.5


def noise_of_gaussian(latent, timestep):
    """The noise that is expected in a latent if data is normal with deviation ``SPREAD``."""
    alpha = LEVELS.alphas[timestep + 1]
    return latent * (1 - alpha) ** 0.5 / (alpha * SPREAD**2 + 1 - alpha)


def normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_data_laid_under_noise_is_found_again():
    data, noise = normal(2, 3), normal(2, 3).flip(0)
    found = data_from_noise(lay_noise(data, noise, 0.3), noise, 0.3)
    torch.testing.assert_close(found, data)


def test_there_is_one_level_more_than_steps():
    with pytest.raises(ValueError, match="2 steps lie between 3 levels; got 2"):
        Levels((0.9, 0.5), (1, 2))


def test_a_step_is_the_one_that_diffusers_makes():
    scheduler: Any = DDIMScheduler(clip_sample=False, set_alpha_to_one=False)
    scheduler.set_timesteps(10)
    t = int(scheduler.timesteps[3])
    latent, noise = normal(1, 4, 8, 8), normal(1, 4, 8, 8).flip(2)
    wanted = scheduler.step(noise, t, latent).prev_sample
    alpha, next_alpha = scheduler.alphas_cumprod[t], scheduler.alphas_cumprod[t - 100]
    torch.testing.assert_close(transfer(latent, noise, float(alpha), float(next_alpha)), wanted)


def test_sampling_turns_noise_into_data_of_the_right_spread():
    made = sample(noise_of_gaussian, normal(20_000), LEVELS)
    assert abs(float(made.std()) - SPREAD) < 0.06


def test_inversion_keeps_every_latent_and_sampling_undoes_it():
    data = SPREAD * normal(4, 16)
    found = invert(noise_of_gaussian, data, LEVELS)
    assert len(found) == 31
    assert found[0] is data
    error = (sample(noise_of_gaussian, found[-1], LEVELS) - data).abs().mean()
    assert error < 0.03


def test_refinements_make_inversion_exact():
    data = SPREAD * normal(4, 16)
    errors = []
    for refinements in (0, 1, 8):
        found = invert(noise_of_gaussian, data, LEVELS, refinements)
        errors.append((sample(noise_of_gaussian, found[-1], LEVELS) - data).abs().mean())
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    assert errors[2] < 1e-4
