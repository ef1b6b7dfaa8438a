"""First steps: the autoencoder, the eye and the brush, one character at a time.

Holds: what is trained before columns. Learning single characters against the reference library
first makes everything after it about a hundred times cheaper (measured on two cores: the same
transformer from nothing learns nothing in a quarter of an hour), for reading and for writing.

Keeps out: columns (``objective``) and what the stages are trained on (``training.glyph_bank``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from training.augment import AugmentParams, augment
from training.families.unicalli.autoencoder import Autoencoder
from training.families.unicalli.brush import Brush
from training.families.unicalli.layers import time_waves
from training.families.unicalli.library import ReferenceLibrary
from training.families.unicalli.model import UniCalliDims, mean_style
from training.families.unicalli.network import at_latents
from training.families.unicalli.objective import flow_errors
from training.families.unicalli.stem import Stem
from training.glyph_bank import GlyphBank
from training.processes.flow import lay_noise
from training.slices import Slice

INVERTED_SHARE = 0.3
"""Content images are black on white and calligraphy white on black: the autoencoder sees both."""


@dataclass(frozen=True, kw_only=True)
class Characters:
    """A batch: (B, 1, cell, cell) in [-1, 1], their classes (B,) and the hands they are in (B,)."""

    images: Tensor
    classes: Tensor
    hands: Tensor

    def to(self, device: torch.device) -> Characters:
        """The same on another device."""
        return Characters(
            images=self.images.to(device),
            classes=self.classes.to(device),
            hands=self.hands.to(device),
        )


def characters(
    bank: GlyphBank, size: int, cell_px: int, params: AugmentParams, seed: int
) -> Callable[[Slice], Characters]:
    """Batches of deformed characters.

    Half of a batch is drawn evenly over classes, half over pictures, so that a character that
    only two hands have is seen often enough.
    """
    counts = np.bincount(bank.classes)
    weights = 1 / counts[bank.classes]
    cumulative = np.cumsum(weights / weights.sum())

    def batch(wanted: Slice) -> Characters:
        rng, generator = wanted.numpy_seeded(seed), wanted.torch_seeded(seed)
        count = wanted.size(size)
        even = np.searchsorted(cumulative, rng.random(count // 2))
        plain = rng.integers(0, len(bank), count - count // 2)
        chosen = np.minimum(np.concatenate([even, plain]), len(bank) - 1)
        pictures = torch.from_numpy(bank.pictures[chosen])[:, None].float() / 255
        inked = augment(pictures, cell_px, params, generator)
        return Characters(
            images=inked * 2 - 1,
            classes=torch.from_numpy(bank.classes[chosen]),
            hands=torch.from_numpy(bank.hands[chosen]),
        )

    return batch


def autoencoder_loss(model: Autoencoder, images: Tensor, generator: torch.Generator) -> Tensor:
    """The autoencoder's loss on a batch, some of it inverted."""
    turned = torch.rand((len(images), 1, 1, 1), generator=generator) < INVERTED_SHARE
    signed = torch.where(turned.to(images.device), -images, images)
    return model.loss(signed.contiguous(memory_format=torch.channels_last), generator)


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


class SingleWriter(nn.Module):
    """The brush with what it is told of time and style; all of it goes into the transformer."""

    def __init__(self, dims: UniCalliDims) -> None:
        super().__init__()
        self.dims = dims
        self.brush = Brush(dims.width, dims.time_width)
        self.style_table = nn.Embedding(dims.style_words, dims.width, padding_idx=0)
        self.style_in = nn.Linear(dims.width, dims.time_width)
        self.time_in = nn.Sequential(
            nn.Linear(dims.time_width, dims.time_width),
            nn.SiLU(),
            nn.Linear(dims.time_width, dims.time_width),
        )
        nn.init.normal_(self.style_table.weight, std=0.1)
        with torch.no_grad():
            self.style_table.weight[0] = 0

    def forward(self, image: Tensor, content: Tensor, style: Tensor, time: Tensor) -> Tensor:
        """Clean latents of single characters.

        Args:
            image: (N, Z, S, S) noised.
            content: (N, Z, S, S) of the standard glyph, zeros where it is not known.
            style: (N, T) ids of the prompt's words.
            time: (N,).
        """
        mark = self.time_in(time_waves(time, self.dims.time_width))
        mark = mark + self.style_in(mean_style(self.style_table, style))
        drawn: Tensor = self.brush(image, content, None, mark)
        return drawn

    def loss(
        self,
        latents: Tensor,
        content: Tensor,
        style: Tensor,
        *,
        content_dropout: float,
        style_dropout: float,
        largest_weight: float,
        generator: torch.Generator,
    ) -> Tensor:
        """The flow loss of one character a cell, as of columns (``objective``)."""
        count, device = len(latents), latents.device
        time = torch.rand((count,), generator=generator).to(device)
        told = torch.rand((count, 1, 1, 1), generator=generator).to(device) >= content_dropout
        named = torch.rand((count, 1), generator=generator).to(device) >= style_dropout
        noise = torch.randn(latents.shape, generator=generator).to(device)
        times = time[:, None]
        noised = lay_noise(latents, noise, at_latents(times, latents.shape[-1]))
        clean = self(noised, content * told, style * named, time)
        return flow_errors(clean, latents, times, largest_weight).mean()
