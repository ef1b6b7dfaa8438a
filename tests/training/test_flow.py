"""Straight paths between data and noise."""

import torch

from training.processes.flow import SMALLEST_TIME, euler_step, lay_noise, velocity_from_data

DATA = torch.randn(3, 4, 6, 6, generator=torch.Generator().manual_seed(1))
NOISE = torch.randn(3, 4, 6, 6, generator=torch.Generator().manual_seed(2))


def test_time_0_is_data_and_time_1_is_noise():
    assert torch.equal(lay_noise(DATA, NOISE, torch.zeros(3, 1, 1, 1)), DATA)
    assert torch.equal(lay_noise(DATA, NOISE, torch.ones(3, 1, 1, 1)), NOISE)


def test_perfect_data_gives_the_velocity_noise_minus_data():
    time = torch.tensor([0.2, 0.5, 1.0]).view(3, 1, 1, 1)
    velocity = velocity_from_data(lay_noise(DATA, NOISE, time), DATA, time)
    assert torch.allclose(velocity, NOISE - DATA, atol=1e-5)


def test_steps_with_perfect_data_end_at_the_data():
    state, times = NOISE, torch.linspace(1, 0, 8)
    for now, later in zip(times[:-1], times[1:], strict=True):
        velocity = velocity_from_data(state, DATA, now)
        state = euler_step(state, velocity, now, later)
    assert torch.allclose(state, DATA, atol=1e-5)


def test_velocity_stays_finite_at_time_0():
    wrong = DATA + 0.1
    velocity = velocity_from_data(DATA, wrong, torch.zeros(3, 1, 1, 1))
    assert torch.allclose(velocity, torch.full_like(DATA, -0.1 / SMALLEST_TIME), atol=1e-4)
