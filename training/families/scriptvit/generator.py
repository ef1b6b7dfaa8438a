"""Content pictures and a style memory to what is written.

Holds: ``Generator``: queries from a content picture, a decoder that looks at the style memory
(paper: three layers of eight heads), and a synthesis network of upsampling convolutions.

Keeps out: the style encoder (``style_encoder``), who judges (``judges``), use (``writing``).

Legend: B pictures, Q queries, K tokens of the style memory, D width, L decoder layers, H heads.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from training.families.scriptvit.attention import DecoderBlock
from training.families.scriptvit.dims import ScriptViTDims


class Generator(nn.Module):
    """Writes a text in a hand: the text is a picture, the hand a memory."""

    def __init__(self, dims: ScriptViTDims) -> None:
        super().__init__()
        self.dims = dims
        widths = dims.synthesis_widths
        # Halvings of the content picture, finest first; their outputs go across to synthesis.
        self.halvings = nn.ModuleList(
            _Half(fed, width) for fed, width in zip((1, *widths[:0:-1]), widths[::-1], strict=True)
        )
        self.to_query = nn.Conv2d(widths[0], dims.width, 1)
        rows, columns = dims.content_grid
        self.places = nn.Parameter(0.02 * torch.randn(rows * columns, dims.width))
        self.decoder = nn.ModuleList(
            DecoderBlock(dims.width, dims.heads, dims.mlp_ratio) for _ in range(dims.decoder_depth)
        )
        self.norm = nn.LayerNorm(dims.width)
        beside = (*widths[1:], 1)
        self.doublings = nn.ModuleList(
            _Double(fed, across, width)
            for fed, across, width in zip((dims.width, *widths), beside, widths, strict=False)
        )
        self.to_ink = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, contents: Tensor, memory: Tensor) -> Tensor:
        """Ink in [0, 1].

        Args:
            contents: (B, 1, height, width) in [0, 1].
            memory: (B, K, D), the tokens of the references.
        """
        queries, passed = self._queries(contents)
        for block in self.decoder:
            queries = block(queries, memory)
        return self._ink(queries, passed)

    def shown(self, contents: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and where the queries of each layer looked: (B, L, H, Q, K)."""
        queries, passed = self._queries(contents)
        layers: list[Tensor] = []
        for block in self.decoder:
            queries = block(queries, memory, layers)
        return self._ink(queries, passed), torch.stack(layers, dim=1)

    def _queries(self, contents: Tensor) -> tuple[Tensor, list[Tensor]]:
        passed, x = [contents], contents
        for half in self.halvings:
            x = half(x)
            passed.append(x)
        return rearrange(self.to_query(x), "B D r c -> B (r c) D") + self.places, passed[:-1]

    def _ink(self, queries: Tensor, passed: list[Tensor]) -> Tensor:
        rows, columns = self.dims.content_grid
        x = rearrange(self.norm(queries), "B (r c) D -> B D r c", r=rows, c=columns)
        for double, across in zip(self.doublings, reversed(passed), strict=True):
            x = double(x, across)
        return torch.sigmoid(self.to_ink(x))


class _Half(nn.Module):
    """A picture of half the size."""

    def __init__(self, fed: int, width: int) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(fed, width, 3, stride=2, padding=1)
        self.norm = nn.GroupNorm(8, width)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.norm(self.convolve(x)))


class _Double(nn.Module):
    """A picture of twice the size, which takes in the content of that size."""

    def __init__(self, fed: int, across: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(fed + across, width, 3, padding=1)
        self.norm = nn.GroupNorm(8, width)
        self.again = nn.Conv2d(width, width, 3, padding=1)
        self.again_norm = nn.GroupNorm(8, width)

    def forward(self, x: Tensor, across: Tensor) -> Tensor:
        large = F.interpolate(x, scale_factor=2.0, mode="nearest")
        x = F.silu(self.norm(self.enter(torch.cat([large, across], dim=1))))
        moved: Tensor = x + F.silu(self.again_norm(self.again(x)))
        return moved
