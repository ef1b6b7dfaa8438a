"""What the style encoder learns from: sets of pictures by one hand, told apart by their hand.

A style vector must tell hands that nobody trained it on, and a few fonts are few hands. So each
hand counts several times: leaning, narrow or wide, thin or bold is another hand, as it is to a
reader of calligraphy. What reproduction and time do (small turns, wear, blur) is drawn anew for
each picture and must not matter. The texts of a set are drawn at random: what is written says
nothing of the hand.

Holds: ``HandParams``, ``HandObjective`` (a slice of a batch to a loss), ``varied``.

Keeps out: the loop (``training.loop``), the generator's objective (``adversary``).

Legend: B sets, N references in a set, M pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional as F

from training.augment import AugmentParams, damage
from training.families.scriptvit.conditioning import Material
from training.families.scriptvit.style_encoder import HandHead, StyleEncoder
from training.slices import Slice


@dataclass(frozen=True, kw_only=True)
class Variation:
    """A hand made from another.

    Attributes:
        shear: Of what stands above the middle to the right, a part of its height.
        aspect: Logarithm of width over height.
        weight: Added to strokes: 1 widens them by up to a pixel each side, -1 thins them.
    """

    shear: float = 0.0
    aspect: float = 0.0
    weight: float = 0.0


VARIATIONS = (
    Variation(),
    Variation(shear=0.2, weight=-0.6),
    Variation(aspect=0.25, weight=0.8),
)


@dataclass(frozen=True, kw_only=True)
class HandParams:
    """How sets are drawn and judged.

    Attributes:
        pictures_at_once: In a batch, shared by sets of each size in ``set_sizes`` in turn.
        variations: Each makes a hand of its own out of every hand.
        sharpness: Cosines are multiplied by it before the cross-entropy.
        margin: Taken from the cosine to the right hand, so that hands keep apart.
        jitter: Deviation of shear and aspect within a hand.
        wear: Damage to single characters; words have none.
    """

    pictures_at_once: int = 60
    set_sizes: tuple[int, ...] = (1, 3, 1, 5)
    variations: tuple[Variation, ...] = VARIATIONS
    sharpness: float = 16.0
    margin: float = 0.05
    jitter: float = 0.03
    wear: AugmentParams = AugmentParams(
        speck_probability=0.1, missing_probability=0.05, blur_probability=0.3
    )


class HandObjective:
    """The cross-entropy of the hand of each set."""

    def __init__(
        self,
        encoder: StyleEncoder,
        head: HandHead,
        material: Material,
        params: HandParams,
        seed: int,
    ) -> None:
        self.encoder, self.head, self.params, self.seed = encoder, head, params, seed
        self.pictures = material.pictures
        self.places = [np.flatnonzero(material.hands == h) for h in range(len(material.hand_names))]

    def __call__(self, part: Slice) -> tuple[Tensor, dict[str, float]]:
        """The loss of one slice, and the share of sets whose hand is named right."""
        pictures, labels = self.drawn(part)
        device = next(self.encoder.parameters()).device
        labels = labels.to(device)
        cosines = self.head(self.encoder(pictures.to(device)).vector)
        taken = self.params.margin * F.one_hot(labels, cosines.shape[1])
        loss = F.cross_entropy(self.params.sharpness * (cosines - taken), labels)
        right = (cosines.argmax(dim=1) == labels).float().mean()
        return loss, {"loss": float(loss.detach()), "right": float(right)}

    def drawn(self, part: Slice) -> tuple[Tensor, Tensor]:
        """Sets (B, N, 1, height, width) and their hand with its variation (B,)."""
        params, rng = self.params, part.numpy_seeded(self.seed)
        count = params.set_sizes[part.number % len(params.set_sizes)]
        sets = max(1, part.size(params.pictures_at_once) // count)
        hands = rng.integers(0, len(self.places), sets)
        kinds = rng.integers(0, len(params.variations), sets)
        taken = np.concatenate(
            [rng.choice(self.places[hand], count, replace=False) for hand in hands]
        )
        pictures = torch.from_numpy(self.pictures[taken]).float()[:, None] / 255
        varied_pictures = varied(
            pictures,
            torch.from_numpy(np.repeat(kinds, count)),
            params,
            part.torch_seeded(self.seed),
        )
        labels = torch.from_numpy(hands * len(params.variations) + kinds)
        return rearrange(varied_pictures, "(B N) C h w -> B N C h w", N=count), labels


def varied(
    pictures: Tensor, kinds: Tensor, params: HandParams, generator: torch.Generator
) -> Tensor:
    """Pictures in varied hands, each turned, blurred and worn a little by itself.

    Args:
        pictures: (M, 1, height, width) in [0, 1]; not modified.
        kinds: (M,) index into ``params.variations``.
        params: Strengths.
        generator: Source of all randomness.
    """
    count, _, height, width = pictures.shape
    known = torch.tensor([(v.shear, v.aspect, v.weight) for v in params.variations])
    shear, aspect, weight = known[kinds].T
    shear = shear + params.jitter * torch.randn(count, generator=generator)
    stretch = torch.exp(aspect / 2 + params.jitter * torch.randn(count, generator=generator))
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = 1 / stretch, stretch
    theta[:, 0, 1] = shear * height / width
    theta[:, 1, 0] = params.jitter * torch.randn(count, generator=generator) * width / height
    theta[:, :, 2] = 0.03 * torch.randn((count, 2), generator=generator)
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    x = F.grid_sample(pictures, grid, align_corners=False)
    weight = weight + 0.12 * torch.randn(count, generator=generator)
    x = weighted(x, weight.view(-1, 1, 1, 1))
    soft = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    share = torch.rand((count, 1, 1, 1), generator=generator)
    x = x + share * (soft - x) * (share < params.wear.blur_probability * 2)
    if height == width:
        x = damage(x, params.wear, generator)
    return x.clamp(0, 1)


def weighted(x: Tensor, weight: Tensor) -> Tensor:
    """Strokes widened (up to 1) or thinned (down to -1), mixed with the next wider or thinner."""
    thick = F.max_pool2d(x, 3, stride=1, padding=1)
    thin = -F.max_pool2d(-x, 3, stride=1, padding=1)
    return x + weight.clamp(0, 1) * (thick - x) - (-weight).clamp(0, 1) * (x - thin)
