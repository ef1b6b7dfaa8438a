"""Adversarial training without models: hinge losses, balanced gradients, the staggered schedule.

Two networks play: one makes pictures, the other tells them from real ones. Auxiliary networks
(who can read, who knows hands) say what else is wanted of a picture. Their gradients differ by
orders of magnitude, so each is scaled to a set part of the adversarial one (HWT, GANwriting), and
all go back through the generator as one sum, once: published code calls backward on losses that
overlap, which counts them several times.

Holds: ``hinge_real_and_fake``, ``hinge_fooled``, ``balanced_gradient``, ``takes_part``.

Keeps out: networks and optimisers (``training.families.scriptvit``).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

SMALLEST_DEVIATION = 1e-7
"""Below it a gradient counts as none (HWT's number)."""


def hinge_real_and_fake(real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator pays: real scores below 1, fake ones above -1."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def hinge_fooled(fake: Tensor) -> Tensor:
    """What the generator pays: it is not bounded, so that it never stops learning."""
    return -fake.mean()


def balanced_gradient(
    made: Tensor,
    adversarial: Tensor,
    auxiliary: Mapping[str, Tensor],
    shares: Mapping[str, float],
) -> tuple[Tensor, dict[str, float]]:
    """The gradient of all losses together by what was made, each of them counted once.

    An auxiliary gradient g is scaled by ``share * std(g_adversarial) / (1e-7 + std(g))``; the
    scale is a number, nothing is learned through it.

    Args:
        made: What the losses judge; it requires a gradient.
        adversarial: A scalar loss.
        auxiliary: Scalar losses by name.
        shares: The part of each, by the same names.

    Returns:
        A gradient of the shape of ``made``, for ``made.backward(gradient)``; and by name the scale
        of each loss.

    Raises:
        FloatingPointError: If a loss or a gradient is not a number; it names the loss.
    """
    total = _gradient("adversarial", adversarial, made)
    unit = total.std()
    scales: dict[str, float] = {}
    for name, loss in auxiliary.items():
        gradient = _gradient(name, loss, made)
        scale = shares[name] * unit / (SMALLEST_DEVIATION + gradient.std())
        scales[name] = float(scale)
        total = total + scale * gradient
    return total, scales


def _gradient(name: str, loss: Tensor, made: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(loss, made, retain_graph=True)
    if not torch.isfinite(loss) or not torch.isfinite(gradient).all():
        raise FloatingPointError(f"The {name} loss became {loss.item()}, or its gradient did")
    return gradient


def takes_part(iteration: int, every: int) -> bool:
    """Whether a network that learns every so many iterations learns in this one, from 0."""
    return iteration % every == every - 1
