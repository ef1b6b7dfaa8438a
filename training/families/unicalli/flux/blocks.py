"""FLUX's two kinds of blocks, told of time cell by cell.

Holds: ``DoubleBlock`` and ``SingleBlock``, which take over the weights of a diffusers block under
the same names. FLUX modulates a whole batch item by one time; here every token has the time of its
own cell and stream (paper, section 3.2). Modulations are computed once for each cell, not for
each token: they would cost half of the block.

Keeps out: what the tokens are (``network``), where the weights come from (``folder``).

Legend: B batch, L tokens, M marks (what one cell of one stream is told), D model width, K width
of a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Marks:
    """What tokens are told of time and prompt.

    Attributes:
        values: (B, M, D).
        places: (L,) which mark each token is told.
    """

    values: Tensor
    places: Tensor

    def through(self, layer: nn.Module, parts: int) -> tuple[Tensor, ...]:
        """``parts`` modulations of every token, (B, L, D) each."""
        made: Tensor = layer(F.silu(self.values))
        return made[:, self.places].chunk(parts, dim=-1)

    def before(self, others: Marks) -> Marks:
        """These tokens and then others."""
        return Marks(
            torch.cat([self.values, others.values], dim=1),
            torch.cat([self.places, others.places + self.values.shape[1]]),
        )


class DoubleBlock(nn.Module):
    """Text and picture tokens, each with their own weights, in one attention."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.norm1, self.norm1_context = block.norm1, block.norm1_context
        self.attn = block.attn
        self.norm2, self.norm2_context = block.norm2, block.norm2_context
        self.ff, self.ff_context = block.ff, block.ff_context

    def forward(
        self,
        picture: Tensor,
        text: Tensor,
        picture_marks: Marks,
        text_marks: Marks,
        rotation: tuple[Tensor, Tensor],
    ) -> tuple[Tensor, Tensor]:
        """(B, L, D) tokens of both kinds to the same; ``rotation``: (L, K) cosines and sines."""
        p = picture_marks.through(self.norm1.linear, 6)
        t = text_marks.through(self.norm1_context.linear, 6)
        seen, text_seen = self.attn(
            hidden_states=_modulated(self.norm1.norm(picture), p[0], p[1]),
            encoder_hidden_states=_modulated(self.norm1_context.norm(text), t[0], t[1]),
            image_rotary_emb=rotation,
        )
        picture, text = picture + p[2] * seen, text + t[2] * text_seen
        picture = picture + p[5] * self.ff(_modulated(self.norm2(picture), p[3], p[4]))
        text = text + t[5] * self.ff_context(_modulated(self.norm2_context(text), t[3], t[4]))
        return picture, text


class SingleBlock(nn.Module):
    """All tokens with the same weights; attention and MLP side by side."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.norm, self.attn = block.norm, block.attn
        self.proj_mlp, self.act_mlp, self.proj_out = block.proj_mlp, block.act_mlp, block.proj_out

    def forward(self, tokens: Tensor, marks: Marks, rotation: tuple[Tensor, Tensor]) -> Tensor:
        """(B, L, D), text first, to the same."""
        shift, scale, gate = marks.through(self.norm.linear, 3)
        normal = _modulated(self.norm.norm(tokens), shift, scale)
        seen = self.attn(hidden_states=normal, image_rotary_emb=rotation)
        thought = self.act_mlp(self.proj_mlp(normal))
        answer: Tensor = self.proj_out(torch.cat([seen, thought], dim=2))
        return tokens + gate * answer


def _modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    return x * (1 + scale) + shift
