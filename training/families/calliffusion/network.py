"""The network, from top to bottom: encoders of skeleton and prompt, and a U-Net that heeds both.

Holds: ``CalliffusionDims``, every size of it; ``Condition``, what it is told; ``Calliffusion``.
The U-Net is diffusers' ``UNet2DConditionModel`` on the pixels of a cell. Both modes of the paper
(section 3.3) are this one network: *pro* is told a skeleton, *base* a blank picture and an index.

Keeps out: how what it is told is made (``conditioning``), noise and losses (``objective``).

Legend: B batch, S side of a cell, F fold, P patches, T words, D width of a token.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from diffusers import UNet2DConditionModel
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from pipelines.errors import ModelError
from training.families.calliffusion.encoders import SkeletonEncoder, StateEncoder, WordEncoder


@dataclass(frozen=True, kw_only=True)
class CalliffusionDims:
    """Sizes of the network. The paper names none but those of version 1 (see ``base``).

    Attributes:
        cell_px: Side of a character's cell.
        fold: Squares of so many pixels a side are one place of the U-Net, pixels as channels;
            1 is the paper's. Ours, for two cores: nothing is lost, and a ninth is computed at 3.
        widths: Channels of each level of the U-Net.
        attends: Which levels attend to the tokens; the middle always does.
        layers: Residual blocks a level.
        head_width: Of attention in the U-Net.
        groups: Of its normalization.
        token_width: Of what it attends to.
        patch_px: Side of a patch of the skeleton; a multiple of ``fold``.
        eye_depth: Blocks of the vision transformer.
        characters: In the index table, for base mode.
        index_numbers: By which the table describes a patch.
        mapped: Channels by which tokens are also laid beside the noise at the U-Net's input, at
            their places; 0 is the paper's. Ours: cross-attention alone takes days to learn where
            a stroke lies.
        is_pooled: Whether the mean of the prompt joins the time as well. Ours, for the same reason.
        words: Rows of the word table.
        prompt_tokens: Words of a prompt that count.
        bert_width: Of the states of a language model instead of words; 0 for words.
        prediction: What the network says: the noise (the paper's), the data, which a small network
            learns in the fewest steps, or the velocity of Salimans and Ho (2022).
        noise_steps: T of the noise schedule, linear from ``beta_first`` to ``beta_last``.
    """

    cell_px: int = 48
    fold: int = 3
    widths: tuple[int, ...] = (48, 64, 96)
    attends: tuple[bool, ...] = (False, False, True)
    layers: int = 1
    head_width: int = 32
    groups: int = 16
    token_width: int = 96
    patch_px: int = 6
    eye_depth: int = 2
    characters: int = 1000
    index_numbers: int = 12
    mapped: int = 24
    is_pooled: bool = True
    words: int = 2048
    prompt_tokens: int = 24
    bert_width: int = 0
    prediction: Literal["epsilon", "sample", "v_prediction"] = "sample"
    noise_steps: int = 1000
    beta_first: float = 1e-4
    beta_last: float = 0.02

    def __post_init__(self) -> None:
        """Refuse sizes that do not divide one another."""
        smallest = self.fold * 2 ** (len(self.widths) - 1)
        if self.cell_px % smallest or self.cell_px % self.patch_px or self.patch_px % self.fold:
            raise ModelError(
                f"A cell of {self.cell_px} pixels cannot be cut into patches of {self.patch_px} "
                f"and folded by {self.fold} for {len(self.widths)} levels. Choose a cell that "
                f"{smallest} and {self.patch_px} divide, and patches that {self.fold} divides."
            )


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What a batch of characters is to be.

    Attributes:
        pictures: (B, 1, S, S) skeletons in [0, 1], or blank.
        kinds: (B,) what they are, places in ``encoders.KINDS``.
        index: (B,) 1 + place in the character table, 0 where a picture says what to write.
        prompt: (B, T) words or (B, T, W) states of a language model; zeros where nothing is said.
    """

    pictures: Tensor
    kinds: Tensor
    index: Tensor
    prompt: Tensor

    def joined(self, other: Condition) -> Condition:
        """Both batches as one."""
        return Condition(
            pictures=torch.cat([self.pictures, other.pictures]),
            kinds=torch.cat([self.kinds, other.kinds]),
            index=torch.cat([self.index, other.index]),
            prompt=torch.cat([self.prompt, other.prompt]),
        )

    def without_prompt(self, where: Tensor | None = None) -> Condition:
        """The same with the prompt left out, everywhere or where (B,) says so."""
        if where is None:
            return replace(self, prompt=torch.zeros_like(self.prompt))
        shape = (-1, *(1,) * (self.prompt.ndim - 1))
        return replace(self, prompt=self.prompt * ~where.view(shape))


class Calliffusion(nn.Module):
    """Noise, a time and a condition to what the schedule asks for."""

    hand: nn.Parameter | None
    """(D,) added to every word of a prompt: a hand learned later (``adapting``)."""

    def __init__(self, dims: CalliffusionDims) -> None:
        super().__init__()
        self.dims = dims
        self.eye = SkeletonEncoder(
            dims.cell_px, dims.patch_px, dims.token_width, dims.eye_depth, dims.characters,
            dims.index_numbers,
        )  # fmt: skip
        self.words: nn.Module = (
            StateEncoder(dims.bert_width, dims.token_width)
            if dims.bert_width
            else WordEncoder(dims.words, dims.prompt_tokens, dims.token_width)
        )
        inner = dims.patch_px // dims.fold
        self.lay_out = nn.Linear(dims.token_width, dims.mapped * inner**2) if dims.mapped else None
        unet: Any = UNet2DConditionModel  # diffusers' own types do not say that it is a module
        self.unet: Any = unet(
            sample_size=dims.cell_px // dims.fold,
            in_channels=dims.fold**2 + dims.mapped,
            out_channels=dims.fold**2,
            block_out_channels=dims.widths,
            down_block_types=tuple(
                "CrossAttnDownBlock2D" if attends else "DownBlock2D" for attends in dims.attends
            ),
            up_block_types=tuple(
                "CrossAttnUpBlock2D" if attends else "UpBlock2D"
                for attends in reversed(dims.attends)
            ),
            layers_per_block=dims.layers,
            cross_attention_dim=dims.token_width,
            attention_head_dim=tuple(width // dims.head_width for width in dims.widths),
            norm_num_groups=dims.groups,
            resnet_time_scale_shift="scale_shift",
            class_embed_type="projection" if dims.is_pooled else None,
            projection_class_embeddings_input_dim=dims.token_width if dims.is_pooled else None,
        )
        self.register_parameter("hand", None)
        # The first thing it says is nothing, as of every residual branch.
        nn.init.zeros_(self.unet.conv_out.weight)
        nn.init.zeros_(self.unet.conv_out.bias)

    def forward(self, noised: Tensor, times: Tensor, condition: Condition) -> Tensor:
        """What the schedule asks for: the noise, the data or the velocity.

        Args:
            noised: (B, 1, S, S), ink 1 and ground -1 where there is no noise.
            times: (B,) steps of the schedule, 0 to T - 1.
            condition: Of B characters.

        Returns:
            (B, 1, S, S).
        """
        shown = self.eye(condition.pictures, condition.kinds, condition.index)
        told = self.tell(condition.prompt)
        x = F.pixel_unshuffle(noised, self.dims.fold)
        if self.lay_out is not None:
            x = torch.cat([x, self._mapped(shown)], dim=1)
        x = x.contiguous(memory_format=torch.channels_last)
        said: Tensor = self.unet(
            x,
            times,
            encoder_hidden_states=torch.cat([shown, told], dim=1),
            class_labels=told.mean(dim=1) if self.dims.is_pooled else None,
        ).sample
        return F.pixel_shuffle(said, self.dims.fold)

    def tell(self, prompt: Tensor) -> Tensor:
        """(B, T) words or (B, T, W) states to (B, T, D), in the hand learned later if there is one.

        Where no prompt is given there is no hand either.
        """
        told: Tensor = self.words(prompt)
        if self.hand is None:
            return told
        is_said = (prompt != 0).flatten(1).any(dim=1)
        return told + self.hand * is_said[:, None, None]

    def _mapped(self, shown: Tensor) -> Tensor:
        """Tokens (B, P, D) laid out at their places: (B, mapped, S / F, S / F)."""
        assert self.lay_out is not None
        inner = self.dims.patch_px // self.dims.fold
        laid: Tensor = rearrange(
            self.lay_out(shown),
            "B (h w) (C p q) -> B C (h p) (w q)",
            h=self.dims.cell_px // self.dims.patch_px, p=inner, q=inner,
        )  # fmt: skip
        return laid
