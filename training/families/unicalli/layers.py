"""The parts of the transformer: positions, attention, and the block with two sets of weights.

Holds: rotary positions in two dimensions, sinusoidal time, ``StreamBlock`` (an MMDiT block: text
and picture tokens have weights of their own and attend to all).

Keeps out: what the tokens are (``model``) and how noise is laid on them (``training.processes``).

Legend: B batch, L tokens, H heads, K width of a head, D model width, M time width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from torch import Tensor, nn
from torch.nn import functional as F


def rotary_angles(positions: Tensor, axis_widths: tuple[int, ...], theta: float) -> Tensor:
    """Rotation angles of every token.

    Args:
        positions: (L, A) place on each axis; equal rows get equal angles, which is all that the
            Duplicate RoPE needs: a content token stands where the image token stands.
        axis_widths: How many of the head's numbers turn with each axis; even, summing to K.
        theta: Longest wave length over 2 pi.

    Returns:
        (L, K / 2) angles.
    """
    parts = []
    for axis, width in enumerate(axis_widths):
        rates = theta ** (-torch.arange(0, width, 2, dtype=torch.float32) / width)
        parts.append(positions[:, axis, None].float() * rates)
    return torch.cat(parts, dim=1)


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Turn pairs of numbers of (B, H, L, K) by (L, K / 2) angles."""
    first, second = rearrange(x, "B H L (pairs two) -> two B H L pairs", two=2)
    cos, sin = angles.cos(), angles.sin()
    turned = torch.stack([first * cos - second * sin, first * sin + second * cos])
    return rearrange(turned, "two B H L pairs -> B H L (pairs two)")


def time_waves(times: Tensor, width: int) -> Tensor:
    """Sinusoidal embedding of times in [0, 1]: (B,) to (B, width)."""
    half = width // 2
    rates = torch.exp(-math.log(10_000) * torch.arange(half, dtype=torch.float32) / half)
    angles = 1000 * times[:, None].float() * rates.to(times.device)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


@dataclass(frozen=True)
class Modulation:
    """Shift, scale and gate of one half of a block; (B or 1, L, D) each."""

    shift: Tensor
    scale: Tensor
    gate: Tensor

    def of(self, tokens: slice) -> Modulation:
        """That of some tokens."""
        return Modulation(self.shift[:, tokens], self.scale[:, tokens], self.gate[:, tokens])


class Stream(nn.Module):
    """The weights that one kind of token owns within a block."""

    def __init__(self, width: int, heads: int, time_width: int, mlp_ratio: int) -> None:
        super().__init__()
        self.heads = heads
        self.modulation = nn.Linear(time_width, 6 * width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.after_attention = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, mlp_ratio * width),
            nn.GELU(approximate="tanh"),
            nn.Linear(mlp_ratio * width, width),
        )
        # Gates start closed: a new block passes its input on unchanged.
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def modulations(self, time: Tensor, tokens: int) -> tuple[Modulation, Modulation]:
        """For attention and for the MLP, from (B or 1, L / tokens, M).

        Computed once for every ``tokens`` that share a time: it is as much work for each as a
        fifth of the block.
        """
        said = self.modulation(F.silu(time))
        parts = repeat(said, "B L D -> B (L tokens) D", tokens=tokens).chunk(6, dim=-1)
        return Modulation(*parts[:3]), Modulation(*parts[3:])

    def project(self, x: Tensor, modulation: Modulation) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, (B, H, L, K) each, the first two of unit length."""
        normal = F.layer_norm(x, x.shape[-1:]) * (1 + modulation.scale) + modulation.shift
        q, k, v = rearrange(
            self.queries_keys_values(normal), "B L (three H K) -> three B H L K",
            three=3, H=self.heads,
        )  # fmt: skip
        return F.rms_norm(q, q.shape[-1:]), F.rms_norm(k, k.shape[-1:]), v

    def finish(self, x: Tensor, seen: Tensor, attend: Modulation, think: Modulation) -> Tensor:
        """Add what attention saw, then the MLP of it."""
        x = torch.addcmul(x, attend.gate, self.after_attention(seen))
        normal = F.layer_norm(x, x.shape[-1:]) * (1 + think.scale) + think.shift
        return torch.addcmul(x, think.gate, self.mlp(normal))


class StreamBlock(nn.Module):
    """Text and picture tokens, each with their own weights, in one attention."""

    def __init__(self, width: int, heads: int, time_width: int, mlp_ratio: int) -> None:
        super().__init__()
        self.picture = Stream(width, heads, time_width, mlp_ratio)
        self.text = Stream(width, heads, time_width, mlp_ratio)

    def forward(
        self,
        picture: Tensor,
        text: Tensor,
        picture_time: Tensor,
        text_time: Tensor,
        angles: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """One step of thought.

        Args:
            picture: (B, Lp, D) tokens of all picture streams.
            text: (B, Lt, D) tokens.
            picture_time: (B or 1, cells, M): the tokens of a cell, Lp / cells of them, share it.
            text_time: (B or 1, Lt, M).
            angles: (Lt + Lp, K / 2), text first.
        """
        heard = self._listen(picture, text, picture_time, text_time, angles)
        seen = heard.attention(slice(None))
        words = text.shape[1]
        return (
            self.picture.finish(picture, seen[:, words:], *heard.picture),
            self.text.finish(text, seen[:, :words], *heard.text),
        )

    def conclude(
        self,
        picture: Tensor,
        text: Tensor,
        picture_time: Tensor,
        text_time: Tensor,
        angles: Tensor,
        asked: slice,
    ) -> Tensor:
        """The last step, after which only some picture tokens are looked at: (B, asked, D)."""
        heard = self._listen(picture, text, picture_time, text_time, angles)
        words = text.shape[1]
        asked = slice(*asked.indices(picture.shape[1]))
        seen = heard.attention(slice(words + asked.start, words + asked.stop))
        attend, think = (modulation.of(asked) for modulation in heard.picture)
        return self.picture.finish(picture[:, asked], seen, attend, think)

    def _listen(
        self,
        picture: Tensor,
        text: Tensor,
        picture_time: Tensor,
        text_time: Tensor,
        angles: Tensor,
    ) -> _Heard:
        tokens = picture.shape[1] // picture_time.shape[1]
        of_picture = self.picture.modulations(picture_time, tokens)
        of_text = self.text.modulations(text_time, 1)
        pq, pk, pv = self.picture.project(picture, of_picture[0])
        tq, tk, tv = self.text.project(text, of_text[0])
        return _Heard(
            rotate(torch.cat([tq, pq], dim=2), angles),
            rotate(torch.cat([tk, pk], dim=2), angles),
            torch.cat([tv, pv], dim=2),
            of_picture,
            of_text,
        )


@dataclass(frozen=True)
class _Heard:
    """Queries, keys and values (B, H, L, K) of all tokens, text first, and their modulations."""

    queries: Tensor
    keys: Tensor
    values: Tensor
    picture: tuple[Modulation, Modulation]
    text: tuple[Modulation, Modulation]

    def attention(self, asked: slice) -> Tensor:
        """What the asked tokens see, (B, asked, D)."""
        seen = F.scaled_dot_product_attention(self.queries[:, :, asked], self.keys, self.values)
        return rearrange(seen, "B H L K -> B L (H K)")
