"""Straight paths between data and noise: rectified flow.

Holds: laying noise, the velocity, its value from predicted data, times and Euler steps. Time 0
is data, time 1 is noise, and the path between is straight (paper, section 3.1).

Keeps out: networks.
"""

from __future__ import annotations

from torch import Tensor

SMALLEST_TIME = 0.05
"""Below this, dividing by time would magnify the network's error instead of the signal."""


def lay_noise(data: Tensor, noise: Tensor, time: Tensor) -> Tensor:
    """The point at ``time`` on the path from data to noise; ``time`` broadcasts to ``data``."""
    return (1 - time) * data + time * noise


def velocity_from_data(noised: Tensor, data: Tensor, time: Tensor) -> Tensor:
    """Velocity (noise minus data) implied by predicted data at ``time``, which broadcasts."""
    return (noised - data) / time.clamp(min=SMALLEST_TIME)


def data_from_velocity(noised: Tensor, velocity: Tensor, time: Tensor) -> Tensor:
    """Data implied by a predicted velocity at ``time``, which broadcasts."""
    return noised - time * velocity


def euler_step(noised: Tensor, velocity: Tensor, time: Tensor, next_time: Tensor) -> Tensor:
    """One step along the path, from ``time`` to the earlier ``next_time``; both broadcast."""
    return noised + velocity * (next_time - time)
