"""A small autoencoder of surfaces, in whose features one picture takes another's statistics.

Holds: ``SurfaceAutoencoder`` and its dimensions. Features have two levels, at a half and a quarter
of the size; the finer one carries grain and edges, the coarser one tone and stains. Everything is
convolutional, so a page of any size is coded like a crop.

Keeps out: ArtBN on the features (``harmony``), training (``learning``), the folder (``weights``).

Legend: B pictures, H and W pixels (multiples of 4), F and C channels of the fine and coarse level.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class SurfaceDims:
    """Channels of the two levels."""

    fine: int = 24
    coarse: int = 32


class ResidualBlock(nn.Module):
    """Two 3 by 3 convolutions around which the input is carried."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) to the same."""
        return torch.add(x, self.second(F.silu(self.first(F.silu(x)))))


class SurfaceAutoencoder(nn.Module):
    """(B, 3, H, W) in [-1, 1] to features of two levels, and back."""

    def __init__(self, dims: SurfaceDims | None = None) -> None:
        super().__init__()
        self.dims = dims or SurfaceDims()
        fine, coarse = self.dims.fine, self.dims.coarse
        self.to_fine = nn.Sequential(
            nn.Conv2d(3, fine, 4, stride=2, padding=1), ResidualBlock(fine)
        )
        self.to_coarse = nn.Sequential(
            nn.Conv2d(fine, coarse, 4, stride=2, padding=1), ResidualBlock(coarse)
        )
        self.from_coarse = nn.Sequential(
            ResidualBlock(coarse), nn.Conv2d(coarse, 4 * fine, 3, padding=1), nn.PixelShuffle(2)
        )
        self.to_picture = nn.Sequential(
            nn.Conv2d(2 * fine, fine, 3, padding=1),
            ResidualBlock(fine),
            nn.Conv2d(fine, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def encode(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, F, H / 2, W / 2) and (B, C, H / 4, W / 4)."""
        fine = self.to_fine(pictures)
        return fine, self.to_coarse(fine)

    def decode(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """Pictures from features of both levels."""
        both = torch.cat([fine, self.from_coarse(coarse)], dim=1)
        pictures: Tensor = self.to_picture(both)
        return pictures
