"""What the U-Net is told, as tokens: a vision transformer for skeletons, words for prompts.

Holds: ``SkeletonEncoder``, ``WordEncoder`` (trained here, no download) and ``StateEncoder``, which
takes the states of a language model that somebody else trained (``bert``). Blocks are diffusers'.

Keeps out: which prompts and pictures (``conditioning``), the U-Net (``network``).

Legend: B batch, S side of a cell, P patches of a cell, T words of a prompt, D width of a token,
K numbers by which the index table describes a patch.
"""

from __future__ import annotations

import torch
from diffusers.models.attention import BasicTransformerBlock
from einops import rearrange
from torch import Tensor, nn

KINDS = ("nothing", "standard", "own")
"""What the picture beside a prompt is: blank, since an index says what to write; the skeleton of
the standard font's character; or the skeleton of a picture that is to be followed."""


class SkeletonEncoder(nn.Module):
    """A small vision transformer over the patches of a cell."""

    def __init__(
        self, cell_px: int, patch_px: int, width: int, depth: int, characters: int, numbers: int
    ) -> None:
        super().__init__()
        self.patch_px, self.numbers = patch_px, numbers
        patches = (cell_px // patch_px) ** 2
        self.patch_in = nn.Linear(patch_px**2, width)
        self.places = nn.Parameter(0.02 * torch.randn(patches, width))
        self.kinds = nn.Embedding(len(KINDS), width)
        self.index_table = nn.Embedding(characters + 1, patches * numbers, padding_idx=0)
        self.index_in = nn.Linear(numbers, width, bias=False)
        self.blocks = _blocks(width, depth)
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.kinds.weight, std=0.02)

    def forward(self, pictures: Tensor, kinds: Tensor, index: Tensor) -> Tensor:
        """Tokens of pictures and indices, one a patch.

        Args:
            pictures: (B, 1, S, S) in [0, 1], blank where an index says what to write.
            kinds: (B,) places in ``KINDS``.
            index: (B,) 1 + place in the character table, 0 where a picture says it.

        Returns:
            (B, P, D).
        """
        said = self.index_table(index).unflatten(1, (-1, self.numbers))
        x = self.patch_in(patches_of(pictures, self.patch_px)) + self.index_in(said)
        x = x + self.places + self.kinds(kinds)[:, None]
        for block in self.blocks:
            x = block(x)
        tokens: Tensor = self.norm(x)
        return tokens

    @torch.no_grad()
    def start_from(self, skeletons: Tensor) -> None:
        """Let the index table begin as the standard skeletons, patch by patch in K numbers.

        Ours: the principal components of the patches. A table that starts from chance has to
        learn each character by itself, which takes a GPU. Characters without a skeleton (all
        black) begin as nothing.

        Args:
            skeletons: (characters, 1, S, S) in [0, 1].
        """
        patches = patches_of(skeletons, self.patch_px)
        flat = patches.flatten(0, 1)
        _, vectors = torch.linalg.eigh(flat.T @ flat)
        components = vectors[:, -self.numbers :]
        self.index_table.weight[1:] = (patches @ components).flatten(1)
        self.index_in.weight.copy_(self.patch_in.weight @ components)


class WordEncoder(nn.Module):
    """A prompt as words, each a row of a table, and a block in which they see one another."""

    def __init__(self, words: int, length: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(words, width, padding_idx=0)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        self.blocks = _blocks(width, 1)
        self.norm = nn.LayerNorm(width)

    def forward(self, words: Tensor) -> Tensor:
        """(B, T) ids, 0 for none, to (B, T, D)."""
        x = self.table(words) + self.places
        for block in self.blocks:
            x = block(x)
        tokens: Tensor = self.norm(x)
        return tokens


class StateEncoder(nn.Module):
    """States of a frozen language model, brought to the width of our tokens."""

    def __init__(self, states: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Linear(states, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, states: Tensor) -> Tensor:
        """(B, T, states) to (B, T, D)."""
        tokens: Tensor = self.norm(self.enter(states))
        return tokens


def patches_of(pictures: Tensor, patch_px: int) -> Tensor:
    """(B, 1, S, S) to (B, P, patch_px ** 2), row by row."""
    return rearrange(pictures, "B 1 (h p) (w q) -> B (h w) (p q)", p=patch_px, q=patch_px)


def _blocks(width: int, depth: int) -> nn.ModuleList:
    heads = max(1, width // 32)
    return nn.ModuleList(
        [
            BasicTransformerBlock(width, heads, width // heads, activation_fn="gelu")
            for _ in range(depth)
        ]
    )
