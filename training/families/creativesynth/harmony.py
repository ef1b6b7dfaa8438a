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

from training.families.creativesynth.artbn import art_bn
from training.families.creativesynth.autoencoder import SurfaceAutoencoder
from training.families.creativesynth.ground import Field
from training.families.creativesynth.surface import Ink, Surface

MULTIPLE = 4
LEAST_PLACES = 64
"""Fewer places of a kind tell no statistics; then it stays as it is."""
HALO_PX = 9
"""What is so near to ink says nothing of the ground."""


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
    near = np.asarray(cv2.dilate(covered, np.ones((HALO_PX, HALO_PX), np.uint8)), np.float32)
    kinds = _stacked(covered, 1 - near)
    scan_kinds = _stacked(_share(surface.ink), _share(surface.untouched))
    own = model.encode(page)
    theirs = model.encode(scan)
    changed = [
        x + strength * (_by_kind(x, y, kinds, scan_kinds) - x)
        for x, y in zip(own, theirs, strict=True)
    ]
    change = model.decode(changed[0], changed[1]) - model.decode(*own)
    height, width = picture.shape[:2]
    levels = rearrange(change[0, :, :height, :width], "c h w -> h w c").numpy() * 127.5
    return np.asarray(np.clip(picture + levels, 0, 255), np.float32)


def _by_kind(x: Tensor, reference: Tensor, kinds: Tensor, reference_kinds: Tensor) -> Tensor:
    """ArtBN of ink and of ground apart, put together by how much ink covers each place."""
    size, other = (x.shape[-2], x.shape[-1]), (reference.shape[-2], reference.shape[-1])
    shares = _places(F.adaptive_avg_pool2d(kinds, size))
    seen_shares = _places(F.adaptive_avg_pool2d(reference_kinds, other))
    places, seen = _places(x), _places(reference)
    # Places of both kinds tell about neither.
    pure, seen_pure = shares**4, seen_shares**4
    made = []
    for k in (slice(0, 1), slice(1, 2)):
        weight, seen_weight = pure[..., k], seen_pure[..., k]
        is_told = min(float(weight.sum()), float(seen_weight.sum())) >= LEAST_PLACES
        if not is_told:
            made.append(places)
            continue
        made.append(art_bn(places, seen, weight=weight, reference_weight=seen_weight))
    ink = shares[..., :1]
    both = ink * made[0] + (1 - ink) * made[1]
    return rearrange(both, "b (h w) d -> b d h w", h=size[0])


def _places(x: Tensor) -> Tensor:
    return rearrange(x, "b d h w -> b (h w) d")


def _tensor(picture: Field) -> Tensor:
    """(1, 3, H, W) in [-1, 1], continued to multiples of four."""
    down, across = (-side % MULTIPLE for side in picture.shape[:2])
    whole = cv2.copyMakeBorder(picture, 0, down, 0, across, cv2.BORDER_REPLICATE)
    return torch.from_numpy(whole).permute(2, 0, 1)[None] / 127.5 - 1


def _share(mask: Ink) -> Field:
    return mask.astype(np.float32) / np.float32(255)


def _stacked(ink: Field, ground: Field) -> Tensor:
    """(1, 2, H, W) how much of each place is ink and ground, continued to multiples of four."""
    down, across = (-side % MULTIPLE for side in ink.shape)
    both = torch.from_numpy(np.stack([ink, ground]).astype(np.float32))[None]
    return F.pad(both, (0, across, 0, down), mode="replicate")
