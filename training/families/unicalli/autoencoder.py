"""Ink to latents and back: a small KL autoencoder for cells and columns.

Holds: ``Autoencoder``, convolutional throughout, so that a column of any height is coded like
its cells. It takes the place of the FLUX autoencoder of the released system: 4 channels at a
quarter of the size, because a 48-pixel cell has a seventh of the pixels of the published 128.

Keeps out: the transformer (``model``) and the reference library (``library``).

Legend: B batch, H and W pixels, Z latent channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LATENT_CHANNELS = 4
DOWNSAMPLING = 4


@dataclass(frozen=True)
class AutoencoderDims:
    """Widths of the two levels."""

    narrow: int = 24
    wide: int = 48


class ResidualBlock(nn.Module):
    """Two 3 by 3 convolutions around which the input is carried."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) to the same."""
        return torch.add(x, self.second(F.silu(self.first(F.silu(x)))))


class Autoencoder(nn.Module):
    """KL-VAE: (B, 1, H, W) in [-1, 1] to (B, 4, H/4, W/4) of about unit variance, and back."""

    scale: Tensor
    shift: Tensor

    def __init__(self, dims: AutoencoderDims | None = None) -> None:
        super().__init__()
        dims = dims or AutoencoderDims()
        narrow, wide = dims.narrow, dims.wide
        self.encoder = nn.Sequential(
            nn.Conv2d(1, narrow, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(narrow, wide, 4, stride=2, padding=1),
            ResidualBlock(wide),
            nn.SiLU(),
            nn.Conv2d(wide, 2 * LATENT_CHANNELS, 3, padding=1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(LATENT_CHANNELS, wide, 3, padding=1),
            ResidualBlock(wide),
            ResidualBlock(wide),
            nn.SiLU(),
            nn.Conv2d(wide, 4 * narrow, 3, padding=1),
            nn.PixelShuffle(2),
            ResidualBlock(narrow),
            nn.SiLU(),
            nn.Conv2d(narrow, 4, 3, padding=1),
            nn.PixelShuffle(2),
        )
        # Measured after training, so that latents reach the transformer with unit variance.
        self.register_buffer("scale", torch.ones(1, LATENT_CHANNELS, 1, 1))
        self.register_buffer("shift", torch.zeros(1, LATENT_CHANNELS, 1, 1))

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latents before scaling."""
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 4)

    def encode(self, images: Tensor) -> Tensor:
        """The mean latents, scaled: (B, 1, H, W) to (B, 4, H/4, W/4)."""
        mean, _ = self.posterior(images)
        return (mean - self.shift) * self.scale

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures in [-1, 1] from scaled latents."""
        return torch.tanh(self.decoder(latents / self.scale + self.shift))

    def loss(self, images: Tensor, generator: torch.Generator, kl_weight: float = 1e-4) -> Tensor:
        """Mean squared error of the picture plus the weighted KL divergence per latent."""
        mean, log_variance = self.posterior(images)
        noise = torch.randn(mean.shape, generator=generator).to(mean.device)
        latents = mean + torch.exp(0.5 * log_variance) * noise
        restored = torch.tanh(self.decoder(latents))
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
        return F.mse_loss(restored, images) + kl_weight * kl.mean()

    @torch.no_grad()
    def measure_scale(self, images: Tensor) -> None:
        """Set shift and scale so that the latents of ``images`` have mean 0 and variance 1."""
        mean, _ = self.posterior(images)
        self.shift.copy_(mean.mean(dim=(0, 2, 3), keepdim=True))
        self.scale.copy_(1 / mean.std(dim=(0, 2, 3), keepdim=True))
