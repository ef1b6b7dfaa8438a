"""What the detector is taught: where middles are, and how far it is from there to the edges.

Holds: the target maps of boxes and the loss. Middles follow CenterNet's focal loss with a hill
as wide and as high as the character, so that a long し and a flat 一 each have their own;
distances follow the generalized overlap of boxes (Rezatofighi et al. 2019) on the top of each
hill.

Keeps out: pages and crops.

Legend: N characters, h and w cells of the map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.detector.network import STRIDE

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Maps of one crop: ``heat`` (h, w), ``distances`` (4, h, w) in strides, ``weight`` (h, w).

    ``heat`` is 1 in the cell of a middle; ``distances`` count where it is above ``HILLTOP``;
    nothing is learned where ``weight`` is 0.
    """

    heat: Floats
    distances: Floats
    weight: Floats


HILL = 0.13
"""Standard deviation of a hill in sides of its box."""

HILLTOP = 0.45


def targets(boxes: Floats, unsure: Floats, height: int, width: int) -> Targets:
    """The maps for boxes (N, 4) in pixels on a crop of that size (multiples of the stride)."""
    h, w = height // STRIDE, width // STRIDE
    heat = np.zeros((h, w), np.float32)
    distances = np.ones((4, h, w), np.float32)
    weight = np.ones((h, w), np.float32)
    for left, top, right, bottom in unsure / STRIDE:
        weight[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1] = 0
    xs, ys = np.arange(w, dtype=np.float32) + 0.5, np.arange(h, dtype=np.float32) + 0.5
    for left, top, right, bottom in boxes / STRIDE:
        x, y = (left + right) / 2, (top + bottom) / 2
        column, row = int(x), int(y)
        if not (0 <= column < w and 0 <= row < h):
            continue
        sx = max(0.45, HILL * (right - left))
        sy = max(0.45, HILL * (bottom - top))
        reach_x, reach_y = int(3 * sx) + 1, int(3 * sy) + 1
        part = (
            slice(max(0, row - reach_y), min(h, row + reach_y + 1)),
            slice(max(0, column - reach_x), min(w, column + reach_x + 1)),
        )
        # Measured from the middle of the middle's cell, so that the hill's top is exactly 1.
        dx, dy = xs[part[1]] - (column + 0.5), ys[part[0]] - (row + 0.5)
        hill = np.exp(-0.5 * ((dx[None] / sx) ** 2 + (dy[:, None] / sy) ** 2))
        is_mine = hill > heat[part]
        heat[part] = np.where(is_mine, hill, heat[part])
        weight[row, column] = 1
        for k, edge in enumerate((left, top, right, bottom)):
            axis = xs[part[1]][None] if k % 2 == 0 else ys[part[0]][:, None]
            away = np.broadcast_to((axis - edge) * (1 if k < 2 else -1), hill.shape)
            view = distances[(k, *part)]
            view[is_mine] = away[is_mine]
    return Targets(heat=heat, distances=distances, weight=weight)


def loss(
    answer: Tensor, heat: Tensor, distances: Tensor, weight: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """The loss of a batch and its parts.

    Args:
        answer: (B, 5, h, w) of the network.
        heat: (B, h, w).
        distances: (B, 4, h, w).
        weight: (B, h, w).
    """
    logit = answer[:, 0]
    chance = torch.sigmoid(logit).clamp(1e-5, 1 - 1e-5)
    is_middle = (heat >= 0.999).float()
    near = (1 - heat) ** 4
    found = is_middle * (1 - chance) ** 2 * torch.log(chance)
    silent = (1 - is_middle) * near * chance**2 * torch.log1p(-chance)
    # Crop by crop: else pages of many small characters would drown those of a few large ones.
    count = (is_middle * weight).sum(dim=(1, 2)).clamp(min=4)
    middle = -(((found + silent) * weight).sum(dim=(1, 2)) / count).mean()
    top = ((heat > HILLTOP) & (weight > 0)).float() * heat
    inside = (distances > 0.02).all(dim=1).float() * top
    overlap = _generalized_overlap(torch.exp(answer[:, 1:].clamp(-4, 5)), distances.clamp(min=0.02))
    edge = (((1 - overlap) * inside).sum(dim=(1, 2)) / inside.sum(dim=(1, 2)).clamp(min=4)).mean()
    total = middle + 1.5 * edge
    return total, {"loss": total.item(), "middle": middle.item(), "edge": edge.item()}


def _generalized_overlap(a: Tensor, b: Tensor) -> Tensor:
    """Of boxes given as distances (B, 4, h, w) from one point inside both, in [-1, 1]."""
    shared = torch.minimum(a, b)
    hull = torch.maximum(a, b)

    def area(d: Tensor) -> Tensor:
        return (d[:, 0] + d[:, 2]) * (d[:, 1] + d[:, 3])

    joint = area(a) + area(b) - area(shared)
    return area(shared) / joint - (area(hull) - joint) / area(hull)
