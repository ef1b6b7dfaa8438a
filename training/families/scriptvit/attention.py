"""Attention that can show where it looked, and the blocks made of it.

Holds: ``Attention``, ``Block`` of the style encoder, ``DecoderBlock`` of the generator.

Keeps out: what attends to what (``style_encoder``, ``generator``).

Legend: B batch, H heads, Q queries, K keys, D width.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Queries look at keys in several heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_query = nn.Linear(width, width)
        self.to_pair = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def _split(self, x: Tensor, keys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        key, value = self.to_pair(keys).chunk(2, dim=-1)
        query = self.to_query(x)
        query, key, value = (
            rearrange(part, "B L (H d) -> B H L d", H=self.heads) for part in (query, key, value)
        )
        return query, key, value

    def forward(self, x: Tensor, keys: Tensor) -> Tensor:
        """(B, Q, D) and (B, K, D) to (B, Q, D)."""
        seen = F.scaled_dot_product_attention(*self._split(x, keys))
        mixed: Tensor = self.out(rearrange(seen, "B H L d -> B L (H d)"))
        return mixed

    def shown(self, x: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and how much each query looked at each key: (B, H, Q, K), rows sum to one."""
        query, key, value = self._split(x, keys)
        weights = torch.softmax(query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5, dim=-1)
        mixed: Tensor = self.out(rearrange(weights @ value, "B H L d -> B L (H d)"))
        return mixed, weights


class FeedForward(nn.Sequential):
    """Each token by itself."""

    def __init__(self, width: int, ratio: int) -> None:
        super().__init__(
            nn.LayerNorm(width),
            nn.Linear(width, ratio * width),
            nn.GELU(),
            nn.Linear(ratio * width, width),
        )


class Block(nn.Module):
    """Tokens look at each other."""

    def __init__(self, width: int, heads: int, mlp_ratio: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.feed_forward = FeedForward(width, mlp_ratio)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, D) to the same."""
        normed = self.norm(x)
        x = x + self.attention(normed, normed)
        moved: Tensor = x + self.feed_forward(x)
        return moved


class DecoderBlock(nn.Module):
    """Content queries look at each other, then at the style memory."""

    def __init__(self, width: int, heads: int, mlp_ratio: int) -> None:
        super().__init__()
        self.own_norm = nn.LayerNorm(width)
        self.own = Attention(width, heads)
        self.norm = nn.LayerNorm(width)
        self.memory_norm = nn.LayerNorm(width)
        self.cross = Attention(width, heads)
        self.feed_forward = FeedForward(width, mlp_ratio)

    def forward(self, x: Tensor, memory: Tensor, looked: list[Tensor] | None = None) -> Tensor:
        """(B, Q, D) and (B, K, D) to (B, Q, D).

        Where in the memory each query looked, (B, H, Q, K), is added to ``looked`` if it is given.
        """
        normed = self.own_norm(x)
        x = x + self.own(normed, normed)
        asked, keys = self.norm(x), self.memory_norm(memory)
        if looked is None:
            x = x + self.cross(asked, keys)
        else:
            seen, weights = self.cross.shown(asked, keys)
            looked.append(weights)
            x = x + seen
        moved: Tensor = x + self.feed_forward(x)
        return moved
