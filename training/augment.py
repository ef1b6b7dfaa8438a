"""What time and a hasty brush do to a character, as tensor operations on whole batches.

Holds: ``augment``: affine and elastic deformation, strokes made thicker or thinner, specks and
pitting, missing pieces, neighbours that reach into the cell, uneven ink. Seeded by a generator.

Keeps out: damage to whole pages (``pipelines.synthesis``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class AugmentParams:
    """How strong each deformation is; shares are probabilities, sizes are parts of the cell."""

    rotation_deg: float = 7.0
    shear: float = 0.16
    scale_low: float = 0.78
    scale_high: float = 1.08
    aspect: float = 0.16
    shift_share: float = 0.06
    elastic_share: float = 0.045
    thicken_probability: float = 0.3
    thin_probability: float = 0.25
    hollow_probability: float = 0.15
    speck_probability: float = 0.5
    missing_probability: float = 0.35
    neighbour_probability: float = 0.3
    blur_probability: float = 0.3


def augment(
    pictures: Tensor, cell_px: int, params: AugmentParams, generator: torch.Generator
) -> Tensor:
    """Deform a batch of single characters.

    Args:
        pictures: (B, 1, S, S) ink in [0, 1], white on black; not modified.
        cell_px: Side of the result.
        params: Strengths.
        generator: Source of all randomness.

    Returns:
        (B, 1, cell_px, cell_px) in [0, 1].
    """
    x = F.grid_sample(
        pictures, _grid(len(pictures), cell_px, params, generator), align_corners=False
    )
    x = _strokes(x, params, generator)
    x = _neighbours(x, params, generator)
    x = damage(x, params, generator)
    return x.clamp(0, 1)


def _rand(shape: tuple[int, ...], low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator) * (high - low) + low


def _chosen(count: int, probability: float, generator: torch.Generator) -> Tensor:
    """(count, 1, 1, 1) of zeros and ones."""
    return (torch.rand((count, 1, 1, 1), generator=generator) < probability).float()


def _grid(count: int, size: int, p: AugmentParams, g: torch.Generator) -> Tensor:
    """Where each pixel of the result is taken from: affine plus a smooth random field."""
    angle = _rand((count,), -p.rotation_deg, p.rotation_deg, g) * (math.pi / 180)
    shear = _rand((count,), -p.shear, p.shear, g)
    scale = _rand((count,), p.scale_low, p.scale_high, g)
    aspect = torch.exp(_rand((count,), -p.aspect, p.aspect, g))
    sx, sy = 1 / (scale * aspect), aspect / scale
    cos, sin = torch.cos(angle), torch.sin(angle)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = cos * sx, (shear - sin) * sx
    theta[:, 1, 0], theta[:, 1, 1] = sin * sy, cos * sy
    theta[:, :, 2] = _rand((count, 2), -2 * p.shift_share, 2 * p.shift_share, g)
    grid = F.affine_grid(theta, [count, 1, size, size], align_corners=False)
    field = torch.randn((count, 2, 5, 5), generator=g) * (2 * p.elastic_share)
    smooth = F.interpolate(field, size=(size, size), mode="bicubic", align_corners=True)
    return grid + smooth.permute(0, 2, 3, 1)


def _strokes(x: Tensor, p: AugmentParams, g: torch.Generator) -> Tensor:
    """Thicker where the brush was wet, thin or hollow where the stone wore down, then blurred."""
    kind = torch.rand((len(x), 1, 1, 1), generator=g)
    thick = F.max_pool2d(x, 3, stride=1, padding=1)
    thin = 0.5 * (x - F.max_pool2d(-x, 3, stride=1, padding=1))
    x = torch.where(kind < p.thicken_probability, thick, x)
    x = torch.where(kind > 1 - p.thin_probability, thin, x)
    # A worn rubbing keeps the two edges of a stroke and loses the ink between them.
    inner = -F.max_pool2d(-x, 3, stride=1, padding=1)
    hollowed = _chosen(len(x), p.hollow_probability, g) * _rand((len(x), 1, 1, 1), 0.4, 1.0, g)
    x = x - hollowed * inner
    soft = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    blurred = _chosen(len(x), p.blur_probability, g)
    x = blurred * soft + (1 - blurred) * x
    # Normalized ink is nearly black and white: steepen around a random threshold.
    threshold = _rand((len(x), 1, 1, 1), 0.3, 0.6, g)
    return torch.sigmoid((x - threshold) * 14)


def _neighbours(x: Tensor, p: AugmentParams, g: torch.Generator) -> Tensor:
    """Ends of the characters above and below that reach into the cell."""
    count, size = len(x), x.shape[-1]
    order = torch.randperm(count, generator=g)
    reach = max(1, round(size * 0.12))
    above, below = torch.zeros_like(x), torch.zeros_like(x)
    above[:, :, :reach] = x[order][:, :, -reach - size // 10 : -(size // 10)]
    below[:, :, -reach:] = x[order.flip(0)][:, :, size // 10 : size // 10 + reach]
    taken_above = _chosen(count, p.neighbour_probability / 2, g)
    taken_below = _chosen(count, p.neighbour_probability / 2, g)
    return torch.maximum(x, torch.maximum(above * taken_above, below * taken_below))


def damage(x: Tensor, p: AugmentParams, g: torch.Generator) -> Tensor:
    """Specks of white, pits of black, and pieces that are gone, of (B, 1, S, S) in [0, 1]."""
    count, size = len(x), x.shape[-1]
    fine = torch.rand((count, 1, size // 2, size // 2), generator=g)
    fine = F.interpolate(fine, size=(size, size), mode="bilinear", align_corners=False)
    amount = _rand((count, 1, 1, 1), 0.0, 0.16, g)
    amount = amount * _chosen(count, p.speck_probability, g)
    x = torch.where(fine > 1 - amount, torch.ones_like(x), x)
    pits = _rand((count, 1, 1, 1), 0.0, 0.22, g)
    pits = pits * _chosen(count, p.speck_probability, g)
    x = torch.where(fine < pits, torch.zeros_like(x), x)
    coarse = torch.randn((count, 1, 6, 6), generator=g)
    coarse = F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False)
    gone = coarse > _rand((count, 1, 1, 1), 1.0, 2.2, g)
    gone = gone & (_chosen(count, p.missing_probability, g) > 0)
    return torch.where(gone, torch.zeros_like(x), x)
