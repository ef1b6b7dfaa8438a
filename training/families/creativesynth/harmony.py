"""A page brought into harmony with a scan: ArtBN on the features of an autoencoder.

Ink takes the statistics of the scan's ink, ground those of its ground, at both levels of features.

Holds: ``harmonised``.

Keeps out: the network (``autoencoder``), the statistics (``artbn``).

Legend: H and W pixels, T places, D channels.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional as F

from training.families.creativesynth.artbn import ArtBNMode, art_bn
from training.families.creativesynth.autoencoder import SurfaceAutoencoder
from training.families.creativesynth.ground import Field
from training.families.creativesynth.surface import Surface

MULTIPLE = 4
LEAST_PLACES = 64
"""Fewer places of a kind tell no statistics; then both kinds are taken as one."""


@torch.no_grad()
def harmonised(
    model: SurfaceAutoencoder, picture: Field, covered: Field, surface: Surface, strength: float
) -> Field:
    """Give a page the statistics of a scan, ink by ink and ground by ground.

    What the autoencoder cannot give back at all is taken from the page itself: only the change
    that ArtBN makes is added to it.

    Args:
        model: Trained; see ``learning``.
        picture: (H, W, 3), 0 to 255; not modified.
        covered: (H, W), how much ink covers each place, 0 to 1.
        surface: The scan's part, of the same size.
        strength: How much of the change is made, 0 to 1.

    Returns:
        (H, W, 3), 0 to 255; the picture itself at strength 0.
    """
    if not strength:
        return picture
    page, scan = _tensor(picture), _tensor(surface.picture.astype(np.float32))
    weights = _shares(torch.from_numpy(covered)[None, None])
    scan_weights = _shares(torch.from_numpy(surface.ink.astype(np.float32) / 255)[None, None])
    own = model.encode(page)
    theirs = model.encode(scan)
    changed = [
        x + strength * (_by_kind(x, y, weights, scan_weights) - x)
        for x, y in zip(own, theirs, strict=True)
    ]
    change = model.decode(changed[0], changed[1]) - model.decode(*own)
    height, width = picture.shape[:2]
    levels = rearrange(change[0, :, :height, :width], "c h w -> h w c").numpy() * 127.5
    return np.asarray(np.clip(picture + levels, 0, 255), np.float32)


def _by_kind(x: Tensor, reference: Tensor, weights: Tensor, reference_weights: Tensor) -> Tensor:
    """ArtBN of ink and of ground apart, put together by how much ink covers each place."""
    size, other = (x.shape[-2], x.shape[-1]), (reference.shape[-2], reference.shape[-1])
    shares = F.adaptive_avg_pool2d(weights, size)
    reference_shares = F.adaptive_avg_pool2d(reference_weights, other)
    places, seen = _places(x), _places(reference)
    if min(float(shares.sum()), float(reference_shares.sum())) < LEAST_PLACES:
        made = art_bn(places, seen, ArtBNMode.ADAIN)
    else:
        ink, their_ink = _places(shares), _places(reference_shares)
        as_ink = art_bn(places, seen, weight=ink**2, reference_weight=their_ink**2)
        as_ground = art_bn(
            places, seen, weight=(1 - ink) ** 2, reference_weight=(1 - their_ink) ** 2
        )
        made = ink * as_ink + (1 - ink) * as_ground
    return rearrange(made, "b (h w) d -> b d h w", h=size[0])


def _places(x: Tensor) -> Tensor:
    return rearrange(x, "b d h w -> b (h w) d")


def _tensor(picture: Field) -> Tensor:
    """(1, 3, H, W) in [-1, 1], continued to multiples of four."""
    down, across = (-side % MULTIPLE for side in picture.shape[:2])
    whole = cv2.copyMakeBorder(picture, 0, down, 0, across, cv2.BORDER_REPLICATE)
    return torch.from_numpy(whole).permute(2, 0, 1)[None] / 127.5 - 1


def _shares(weights: Tensor) -> Tensor:
    down, across = (-side % MULTIPLE for side in weights.shape[-2:])
    return F.pad(weights, (0, across, 0, down), mode="replicate")
