"""Our transformer beside diffusers' FLUX transformer of the same width, heads, depth and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from diffusers import FluxTransformer2DModel
from torch import Tensor, nn

from assets.resources import Project
from tests.benchmarks.measure import fastest, report
from training.families.unicalli.layers import StreamBlock, rotary_angles


@dataclass(frozen=True, kw_only=True)
class TransformerSizes:
    """A transformer small enough for a CPU; tokens are those of columns of five characters."""

    width: int = 256
    heads: int = 4
    depth: int = 3
    columns: int = 16
    picture_tokens: int = 135
    text_tokens: int = 29


def bench_transformer(_: Project) -> None:
    """Tokens a second, forward and backward, of blocks in which text and picture have weights."""
    sizes = TransformerSizes()
    torch.manual_seed(0)
    ours, theirs = our_step(sizes), flux_step(sizes)
    tokens = sizes.columns * (sizes.picture_tokens + sizes.text_tokens)
    our_s, their_s = fastest(ours), fastest(theirs)
    report(
        "tokens a second, ours / FLUX of diffusers",
        their_s / our_s,
        "at least 1",
        f"{tokens / our_s:.0f} and {tokens / their_s:.0f} a second, forward and backward",
    )


class OurBlocks(nn.Module):
    """The blocks of ``UniCalli``, every token with a time of its own."""

    def __init__(self, sizes: TransformerSizes) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            StreamBlock(sizes.width, sizes.heads, sizes.width // 2, 4) for _ in range(sizes.depth)
        )

    def forward(
        self, picture: Tensor, text: Tensor, times: tuple[Tensor, Tensor], angles: Tensor
    ) -> Tensor:
        """Both kinds of tokens through all blocks; the picture's come back."""
        for block in self.blocks:
            picture, text = block(picture, text, *times, angles)
        return picture


def our_step(sizes: TransformerSizes):
    """One forward and backward of our blocks."""
    model = OurBlocks(sizes)
    counts = (sizes.picture_tokens, sizes.text_tokens)
    picture, text = (torch.randn(sizes.columns, n, sizes.width) for n in counts)
    times = tuple(torch.randn(sizes.columns, n, sizes.width // 2) for n in counts)
    places = torch.arange(sum(counts))[:, None].expand(-1, 2)
    axis = sizes.width // sizes.heads // 2
    angles = rotary_angles(places, (axis, axis), 10_000.0)

    def step() -> None:
        model.zero_grad(set_to_none=True)
        model(picture, text, times, angles).sum().backward()

    return step


def flux_step(sizes: TransformerSizes):
    """One forward and backward of FLUX's double blocks; one time for a whole column."""
    head = sizes.width // sizes.heads
    model: Any = FluxTransformer2DModel(
        in_channels=64, num_layers=sizes.depth, num_single_layers=0, attention_head_dim=head,
        num_attention_heads=sizes.heads, joint_attention_dim=sizes.width,
        pooled_projection_dim=sizes.width, axes_dims_rope=(8, head // 2 - 4, head // 2 - 4),
    )  # fmt: skip
    given = {
        "hidden_states": torch.randn(sizes.columns, sizes.picture_tokens, 64),
        "encoder_hidden_states": torch.randn(sizes.columns, sizes.text_tokens, sizes.width),
        "pooled_projections": torch.randn(sizes.columns, sizes.width),
        "timestep": torch.rand(sizes.columns),
        "img_ids": torch.rand(sizes.picture_tokens, 3),
        "txt_ids": torch.zeros(sizes.text_tokens, 3),
    }

    def step() -> None:
        model.zero_grad(set_to_none=True)
        model(**given).sample.sum().backward()

    return step
