"""The finder: what stands where in a raw column, seen across the borders of its cells.

The eye looks at each cell by itself and was trained on characters that stand in the middle of
theirs. In a raw column a character lies across two cells or three, and what the eye says of its
parts hides where they are. The finder is a second, smaller way in and out for the box map alone:
convolutions over the whole window that halve it twice, hand the transformer a token for each of
its tokens, and draw the map from what comes back, past the same levels (Ronneberger et al. 2015).
Ours; the paper has no locating.

It has a part only where the map is to be drawn after the image, so that a model reads and writes
with it exactly as without it.

Keeps out: cutting windows and boxes from maps (``locating``).

Legend: B batch, Z latent channels, H and S height and width of a window in latents, D model width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from training.families.unicalli.autoencoder import LATENT_CHANNELS

GROUPS = 8
TALL = (5, 3)
"""Kernel at the coarse level: a column's characters stand one above the other."""


@dataclass(frozen=True)
class Seen:
    """A window at three levels: (B, W, H, S), (B, 2W, H / 2, S / 2), (B, 4W, H / 4, S / 4)."""

    fine: Tensor
    medium: Tensor
    coarse: Tensor


class Finder(nn.Module):
    """From a window to tokens, and from tokens to its map.

    Args:
        width: Channels W of the fine level.
        token_width: D.
    """

    def __init__(self, width: int, token_width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(LATENT_CHANNELS, width, 3, padding=1)
        self.fine = _Block(width)
        self.halve = nn.Conv2d(width, 2 * width, 2, stride=2)
        self.medium = _Block(2 * width)
        self.quarter = nn.Conv2d(2 * width, 4 * width, 2, stride=2)
        self.coarse = nn.Sequential(_Block(4 * width, TALL), _Block(4 * width, TALL))
        self.to_tokens = nn.Conv2d(4 * width, token_width, 1)
        self.from_tokens = nn.Conv2d(token_width, 4 * width, 1)
        self.thought = _Block(4 * width, TALL)
        self.to_medium = nn.Conv2d(4 * width, 2 * width, 1)
        self.finer = _Block(2 * width)
        self.to_fine = nn.Conv2d(2 * width, width, 1)
        self.finest = _Block(width)
        self.leave = nn.Conv2d(width, LATENT_CHANNELS, 3, padding=1)
        # At first the transformer is told nothing new, and the map is grey.
        for layer in (self.to_tokens, self.leave):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def see(self, latents: Tensor) -> tuple[Tensor, Seen]:
        """(B, Z, H, S) to tokens (B, H * S / 16, D) in rows from the top, and the levels."""
        fine = self.fine(self.enter(latents.contiguous(memory_format=torch.channels_last)))
        medium = self.medium(self.halve(fine))
        coarse = self.coarse(self.quarter(medium))
        tokens = rearrange(self.to_tokens(coarse), "B D h w -> B (h w) D")
        return tokens, Seen(fine=fine, medium=medium, coarse=coarse)

    def draw(self, tokens: Tensor, seen: Seen) -> Tensor:
        """What the transformer made of the tokens, and the levels, to a map (B, Z, H, S)."""
        laid = rearrange(tokens, "B (h w) D -> B D h w", w=seen.coarse.shape[-1])
        x = self.thought(seen.coarse + self.from_tokens(laid))
        x = self.finer(seen.medium + _doubled(self.to_medium(x)))
        x = self.finest(seen.fine + _doubled(self.to_fine(x)))
        drawn: Tensor = self.leave(x)
        return drawn


class _Block(nn.Module):
    """Two convolutions beside the way through."""

    def __init__(self, width: int, kernel: tuple[int, int] = (3, 3)) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.first = nn.Conv2d(width, width, kernel, padding=padding)
        self.second = nn.Conv2d(width, width, kernel, padding=padding)
        self.norms = nn.ModuleList([nn.GroupNorm(GROUPS, width) for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(F.silu(self.norms[0](x)))
        y = self.second(F.silu(self.norms[1](y)))
        return torch.add(x, y)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
