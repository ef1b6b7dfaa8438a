"""Attention that looks at a reference picture too: processors for diffusers' U-Nets.

Holds: ``SharedSelfAttention`` (the paper's Z'), ``DecoupledCrossAttention`` (text and image, each
with keys and values of its own, Z''), and :func:`install`, which puts both into a U-Net.

A batch is one or two halves, without and with the condition (classifier-free guidance); row 0 of
each half is the reference, the others are being made.

Keeps out: where the reference comes from (``inversion``), image features (``folder``).

Legend: B rows of all halves, N rows of a half, H heads, T tokens, D channels of a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from training.families.creativesynth.artbn import ArtBNMode, Direction, art_bn

SELF_ATTENTION = "attn1.processor"


@dataclass(frozen=True, kw_only=True)
class SharingParams:
    """How much of the reference the other rows see. The paper leaves all of it open.

    Attributes:
        mode: What ArtBN does to queries and keys; values stay as they are.
        direction: Whose queries and keys it changes.
        reference_shift: Added to the logits of the reference's tokens: minus infinity and nothing
            of it is seen, 0 and it counts as much as the row itself.
        first_layer: Self-attention layers from this one on share; 0: all.
    """

    mode: ArtBNMode = ArtBNMode.ADAIN
    direction: Direction = Direction.TARGET_FROM_SEMANTIC
    reference_shift: float = 0.0
    first_layer: int = 0


class SharedSelfAttention:
    """Self-attention in which every row but the reference attends to the reference as well."""

    def __init__(self, params: SharingParams, rows: int) -> None:
        self.params = params
        self.rows = rows

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """(B, T, H * D) to the same, by the layers of ``attn``."""
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query = _heads(attn, attn.to_q(hidden_states))
        key, value = _heads(attn, attn.to_k(source)), _heads(attn, attn.to_v(source))
        if self.rows < 2:
            return _projected(attn, _attend(query, key, value))
        query, key, value = (
            rearrange(x, "(c n) h t d -> c n h t d", n=self.rows) for x in (query, key, value)
        )
        reference = _attend(query[:, :1], key[:, :1], value[:, :1])
        made = self._shared(query, key, value)
        both = torch.cat([reference, made], dim=1)
        return _projected(attn, rearrange(both, "c n h t d -> (c n) h t d"))

    def _shared(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        mode, shift = self.params.mode, self.params.reference_shift
        own_query, own_key = query[:, 1:], key[:, 1:]
        their_key = key[:, :1].expand_as(own_key)
        if self.params.direction is Direction.TARGET_FROM_SEMANTIC:
            own_query = art_bn(own_query, query[:, :1], mode)
            own_key = art_bn(own_key, key[:, :1], mode)
        else:
            their_key = art_bn(their_key, own_key, mode)
        bias = None
        if shift:
            tokens = key.shape[-2]
            bias = query.new_zeros(2 * tokens)
            bias[:tokens] = shift
        keys = torch.cat([their_key, own_key], dim=-2)
        values = torch.cat([value[:, :1].expand_as(own_key), value[:, 1:]], dim=-2)
        return _attend(own_query, keys, values, bias)


class DecoupledCrossAttention(nn.Module):
    """Cross-attention to text, plus ``scale`` times that to image features, with one query.

    Without image features, or at scale 0, it is plain cross-attention to the bit. The reference
    row never sees the image: it is to stay what it is.
    """

    def __init__(
        self, to_key: nn.ModuleList | None = None, to_value: nn.ModuleList | None = None,
        scale: float = 0.5, rows: int = 1,
    ) -> None:  # fmt: skip
        super().__init__()
        self.to_k_ip = to_key if to_key is not None else nn.ModuleList()
        self.to_v_ip = to_value if to_value is not None else nn.ModuleList()
        self.scale = scale
        self.rows = rows

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | tuple[Tensor, list[Tensor]] | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """(B, T, H * D) to the same; image features come beside the text as (B, images, T, D)."""
        pictures: list[Tensor] = []
        if isinstance(encoder_hidden_states, tuple):
            encoder_hidden_states, pictures = encoder_hidden_states
        query = _heads(attn, attn.to_q(hidden_states))
        text_key = _heads(attn, attn.to_k(encoder_hidden_states))
        text_value = _heads(attn, attn.to_v(encoder_hidden_states))
        found = _attend(query, text_key, text_value)
        if self.scale:
            for picture, to_key, to_value in zip(pictures, self.to_k_ip, self.to_v_ip, strict=True):
                tokens = rearrange(picture, "b i t d -> b (i t) d")
                key, value = _heads(attn, to_key(tokens)), _heads(attn, to_value(tokens))
                seen = self.scale * _attend(query, key, value)
                if self.rows > 1:
                    seen = seen.clone()
                    seen[:: self.rows] = 0
                found = found + seen
        return _projected(attn, found)


def install(unet: Any, sharing: SharingParams | None, *, rows: int, image_scale: float) -> None:
    """Give a U-Net these processors; image projections that an IP-Adapter brought are kept.

    Args:
        unet: diffusers' ``UNet2DConditionModel``; changed in place.
        sharing: How the reference is shared; None: every row is by itself.
        rows: N, the reference included.
        image_scale: Of the image beside the text.
    """
    chosen: dict[str, Any] = {}
    layer = 0
    for name, old in unet.attn_processors.items():
        if name.endswith(SELF_ATTENTION):
            shares = sharing is not None and layer >= sharing.first_layer
            chosen[name] = SharedSelfAttention(sharing or SharingParams(), rows if shares else 1)
            layer += 1
        else:
            chosen[name] = DecoupledCrossAttention(
                getattr(old, "to_k_ip", None), getattr(old, "to_v_ip", None), image_scale, rows
            )
    unet.set_attn_processor(chosen)


def _heads(attn: Any, x: Tensor) -> Tensor:
    return rearrange(x, "b t (h d) -> b h t d", h=attn.heads)


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias)


def _projected(attn: Any, found: Tensor) -> Tensor:
    """Out of the heads. The transformer blocks of a U-Net add the residual themselves."""
    out: Tensor = attn.to_out[0](rearrange(found, "b h t d -> b t (h d)"))
    return attn.to_out[1](out) / attn.rescale_output_factor  # type: ignore[no-any-return]
