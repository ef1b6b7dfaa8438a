"""Pictures by one hand to a style memory and a style vector: the hand itself.

Holds: ``StyleEncoder`` (paper: a vision transformer over all references), the ``StyleMemory`` it
gives, and ``HandHead``, which scores known hands in training.

Keeps out: how it learns (``objective``), which hand it is (``attribution``).

Legend: B sets, N references in a set, P patches of a reference, D width, S style width, H heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from training.families.scriptvit.attention import Attention, Block
from training.families.scriptvit.dims import ScriptViTDims


@dataclass(frozen=True, kw_only=True)
class StyleMemory:
    """What references say of their hand.

    Attributes:
        tokens: (B, N * P, D), the tokens of all references one after the other.
        vector: (B, S) of length one; a cosine of two is their likeness.
        weights: (B, H, N * P), how much each patch counted for the half of the vector that is a
            mean; rows sum to one.
    """

    tokens: Tensor
    vector: Tensor
    weights: Tensor


def patches(dims: ScriptViTDims, patch_px: int, stem_widths: tuple[int, ...]) -> nn.Sequential:
    """A picture to a grid of tokens: linear patches, or strided convolutions if there is a stem."""
    if not stem_widths:
        return nn.Sequential(nn.Conv2d(1, dims.width, patch_px, stride=patch_px))
    layers: list[nn.Module] = []
    for fed, width in zip((1, *stem_widths), stem_widths, strict=False):
        layers += [
            nn.Conv2d(fed, width, 3, stride=2, padding=1),
            nn.GroupNorm(8, width),
            nn.SiLU(),
        ]
    return nn.Sequential(*layers, nn.Conv2d(stem_widths[-1], dims.width, 3, padding=1))


class StyleEncoder(nn.Module):
    """Patches look at each other, in their own picture and across all of a set.

    No reference has a number: their order changes nothing.
    """

    def __init__(self, dims: ScriptViTDims) -> None:
        super().__init__()
        self.dims = dims
        self.patches = patches(dims, dims.patch_px, dims.stem_widths)
        self.places = nn.Parameter(0.02 * torch.randn(dims.tokens, dims.width))
        self.alone = nn.ModuleList(
            Block(dims.width, dims.heads, dims.mlp_ratio) for _ in range(dims.alone_depth)
        )
        self.together = nn.ModuleList(
            Block(dims.width, dims.heads, dims.mlp_ratio) for _ in range(dims.together_depth)
        )
        self.norm = nn.LayerNorm(dims.width)
        self.asked = nn.Parameter(0.02 * torch.randn(1, 1, dims.width))
        self.pool = Attention(dims.width, dims.heads)
        self.to_style = nn.Sequential(
            nn.LayerNorm(2 * dims.width), nn.Linear(2 * dims.width, dims.style_width)
        )

    def forward(self, references: Tensor) -> StyleMemory:
        """(B, N, 1, height, width) in [0, 1], white on black."""
        sets, count = references.shape[:2]
        grid = self.patches(rearrange(references, "B N C h w -> (B N) C h w"))
        x = rearrange(grid, "M D r c -> M (r c) D") + self.places
        for block in self.alone:
            x = block(x)
        x = rearrange(x, "(B N) P D -> B (N P) D", B=sets, N=count)
        for block in self.together:
            x = block(x)
        tokens = self.norm(x)
        pooled, weights = self.pool.shown(self.asked.expand(sets, -1, -1), tokens)
        # What is strongest anywhere belongs to a hand as well: one hooked stroke may tell it.
        said = torch.cat([pooled[:, 0], tokens.amax(dim=1)], dim=1)
        vector = F.normalize(self.to_style(said), dim=-1)
        return StyleMemory(tokens=tokens, vector=vector, weights=weights[:, :, 0])


class HandHead(nn.Module):
    """Cosines of a style vector to a direction for each hand."""

    def __init__(self, style_width: int, hands: int) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.randn(hands, style_width))

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, S) of length one to (B, hands) in [-1, 1]."""
        return vectors @ F.normalize(self.directions, dim=-1).T
