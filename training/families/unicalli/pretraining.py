"""First steps: the autoencoder, then the eye, one character at a time.

Holds: the two stages that come before columns. Learning single characters against the reference
library first makes everything after it about a hundred times cheaper (measured on two cores:
the same transformer from nothing learns nothing in a quarter of an hour).

Keeps out: columns (``objective``) and what the stages are trained on (``training.glyph_bank``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from training.augment import AugmentParams, augment
from training.families.unicalli.autoencoder import Autoencoder
from training.families.unicalli.library import ReferenceLibrary
from training.families.unicalli.stem import Stem
from training.glyph_bank import GlyphBank

INVERTED_SHARE = 0.3
"""Content images are black on white and calligraphy white on black: the autoencoder sees both."""


def characters(
    bank: GlyphBank, size: int, cell_px: int, params: AugmentParams, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches of aged characters: (B, 1, cell, cell) in [-1, 1], and their classes (B,).

    Half of a batch is drawn evenly over classes, half over pictures, so that a character that
    only two hands have is seen often enough.
    """
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    counts = np.bincount(bank.classes)
    weights = 1 / counts[bank.classes]
    cumulative = np.cumsum(weights / weights.sum())
    while True:
        even = np.searchsorted(cumulative, rng.random(size // 2))
        plain = rng.integers(0, len(bank), size - size // 2)
        chosen = np.minimum(np.concatenate([even, plain]), len(bank) - 1)
        pictures = torch.from_numpy(bank.pictures[chosen])[:, None].float() / 255
        inked = augment(pictures, cell_px, params, generator)
        yield inked * 2 - 1, torch.from_numpy(bank.classes[chosen])


def autoencoder_losses(
    model: Autoencoder, batches: Iterator[tuple[Tensor, Tensor]], generator: torch.Generator
) -> Iterator[Tensor]:
    """The autoencoder's loss, batch after batch."""
    for images, _ in batches:
        turned = torch.rand((len(images), 1, 1, 1), generator=generator) < INVERTED_SHARE
        signed = torch.where(turned, -images, images)
        yield model.loss(signed.contiguous(memory_format=torch.channels_last), generator)


class SingleReader(nn.Module):
    """The stem with a linear read-out: what a single character looks like in the standard font.

    The read-out becomes the content stream's last layer when the transformer starts.
    """

    def __init__(self, stem: Stem, width: int, token_features: int, time_width: int) -> None:
        super().__init__()
        self.stem = stem
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.read_out = nn.Linear(width, token_features)
        self.log_temperature = nn.Parameter(torch.tensor(3.0))
        self.time_width = time_width

    def forward(self, latents: Tensor) -> Tensor:
        """(N, Z, S, S) image latents to (N, Z, S, S) content latents."""
        tokens = self.stem(latents, latents.new_zeros(len(latents), self.time_width))
        features = self.read_out(self.norm(tokens))
        side = round(features.shape[1] ** 0.5)
        patch = latents.shape[-1] // side
        content: Tensor = rearrange(
            features, "N (h w) (Z p q) -> N Z (h p) (w q)", h=side, p=patch, q=patch
        )
        return content

    def loss(self, latents: Tensor, classes: Tensor, library: ReferenceLibrary) -> Tensor:
        """Cross-entropy over the cosine to every reference."""
        scores = library.similarity(self(latents)) * self.log_temperature.clamp(max=4.6).exp()
        return F.cross_entropy(scores, classes)
