"""The network: three picture streams and a text stream in one transformer.

Holds: ``UniCalliDims`` with every size, and ``UniCalli``: image, content and box-map latents plus
style and character tokens in, the clean data of each picture stream out.

The paper: times of their own for content and for image with box map (section 3.1), positions
shared by all picture streams and a learned vector that tells them apart (3.2, E.2). Ours: the
image enters through a convolutional eye beside the linear patches (``stem``), whose tokens are
also handed to the content stream at the same places, as are content tokens to the image, and the
network predicts data instead of velocity; ``training.processes.flow`` turns one into the other.

Keeps out: noise and schedules (``training.processes.flow``), losses (``objective``), what a
prompt says (``pipelines.prompts``).

Legend: B batch, C cells, Z latent channels, S side of a cell in latents, P its side in tokens,
T style tokens, D model width, M time width, F numbers in a token.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from torch import Tensor, nn
from torch.nn import functional as F

from training.families.unicalli.autoencoder import DOWNSAMPLING, LATENT_CHANNELS
from training.families.unicalli.layers import StreamBlock, rotary_angles, time_waves
from training.families.unicalli.stem import Stem


@dataclass(frozen=True, kw_only=True)
class UniCalliDims:
    """Every size of the network; 10 M parameters as it stands."""

    cell_px: int = 48
    cells: int = 5
    patch: int = 4
    width: int = 256
    heads: int = 4
    depth: int = 3
    mlp_ratio: int = 4
    time_width: int = 128
    character_width: int = 64
    style_words: int = 4096
    style_tokens: int = 16
    rope_axes: tuple[int, int] = (32, 32)
    rope_theta: float = 10_000.0

    def __post_init__(self) -> None:
        if sum(self.rope_axes) * self.heads != self.width:
            raise ValueError(
                f"RoPE axes {self.rope_axes} must fill a head of {self.width // self.heads}."
            )

    @property
    def latent_side(self) -> int:
        """S: side of a cell in latents."""
        return self.cell_px // DOWNSAMPLING

    @property
    def token_side(self) -> int:
        """P: side of a cell in tokens."""
        return self.latent_side // self.patch

    @property
    def token_features(self) -> int:
        """F: numbers that one token stands for."""
        return LATENT_CHANNELS * self.patch**2


@dataclass(frozen=True, kw_only=True)
class Streams:
    """The three picture streams as latents, (B, Z, C * S, S) each; no box map is allowed."""

    image: Tensor
    content: Tensor
    boxes: Tensor | None


@dataclass(frozen=True, kw_only=True)
class TextCondition:
    """What is said beside the pictures.

    Attributes:
        style: (B, T) ids of the words of the style prompt, 0 where there is none.
        characters: (B, C, character_width) embeddings of the text, noised with the content.
    """

    style: Tensor
    characters: Tensor


class UniCalli(nn.Module):
    """Reads and writes columns of ``dims.cells`` characters.

    Args:
        dims: Sizes.
        vocabulary_size: Characters that have an embedding; id 0 of the table is "none".
    """

    def __init__(self, dims: UniCalliDims, vocabulary_size: int) -> None:
        super().__init__()
        self.dims = dims
        width, time_width = dims.width, dims.time_width
        self.eye = Stem(width, time_width)
        self.image_in = nn.Linear(dims.token_features, width)
        self.content_in = nn.Linear(dims.token_features, width)
        self.boxes_in = nn.Linear(dims.token_features, width)
        self.stream_offsets = nn.Parameter(torch.zeros(3, 1, width))
        self.character_table = nn.Embedding(vocabulary_size + 1, dims.character_width)
        self.character_in = nn.Linear(dims.character_width, width)
        self.style_table = nn.Embedding(dims.style_words, width, padding_idx=0)
        self.time_in = nn.Sequential(
            nn.Linear(time_width, time_width), nn.SiLU(), nn.Linear(time_width, time_width)
        )
        self.style_in = nn.Linear(width, time_width)
        self.blocks = nn.ModuleList(
            StreamBlock(width, dims.heads, time_width, dims.mlp_ratio) for _ in range(dims.depth)
        )
        self.last_modulation = nn.Linear(time_width, 2 * width)
        self.image_out = nn.Linear(width, dims.token_features)
        self.content_out = nn.Linear(width, dims.token_features)
        self.boxes_out = nn.Linear(width, dims.token_features)
        self.log_temperature = nn.Parameter(torch.tensor(3.0))
        nn.init.normal_(self.character_table.weight, std=1.0)
        nn.init.normal_(self.style_table.weight, std=0.02)
        for module in (self.image_in, self.style_in, self.last_modulation):
            nn.init.zeros_(module.bias)
        nn.init.zeros_(self.last_modulation.weight)

    def forward(
        self, streams: Streams, text: TextCondition, image_time: Tensor, content_time: Tensor
    ) -> Streams:
        """Clean data of every stream as the network sees it through the noise.

        Args:
            streams: Noised latents.
            text: Style words and noised character embeddings.
            image_time: (B,) in [0, 1], of the image and the box map; 0 is clean.
            content_time: (B,) in [0, 1], of the content and the text stream.
        """
        image_mark = self.time_in(time_waves(image_time, self.dims.time_width))
        content_mark = self.time_in(time_waves(content_time, self.dims.time_width))
        words = self.style_table(text.style)
        said = (text.style > 0).sum(dim=1, keepdim=True).clamp(min=1)
        style_mark = self.style_in(words.sum(dim=1) / said)
        image_mark, content_mark = image_mark + style_mark, content_mark + style_mark

        seen = self._see(streams.image, image_mark)
        told = self.content_in(self._patch(streams.content))
        # Content tokens stand where image tokens stand, so each is handed what the other shows
        # at its place, in proportion to how clear the other is. A model that starts from its
        # eye reads at once; without this, attention must first find out that equal places
        # belong together.
        content_tokens = told + (1 - image_time)[:, None, None] * seen
        image_tokens = self.image_in(self._patch(streams.image)) + seen
        image_tokens = image_tokens + (1 - content_time)[:, None, None] * told
        kinds = [image_tokens, content_tokens]
        marks = [image_mark, content_mark]
        if streams.boxes is not None:
            kinds.append(self.boxes_in(self._patch(streams.boxes)))
            marks.append(image_mark)
        count = kinds[0].shape[1]
        picture = torch.cat(
            [kind + offset for kind, offset in zip(kinds, self.stream_offsets, strict=False)], dim=1
        )
        picture_time = torch.cat([repeat(m, "B M -> B L M", L=count) for m in marks], dim=1)
        spoken = torch.cat([words, self.character_in(text.characters)], dim=1)
        angles = self._angles(len(kinds), text.characters.shape[1], words.shape[1]).to(picture)
        for block in self.blocks:
            picture, spoken = block(picture, spoken, picture_time, content_mark[:, None], angles)

        shift, scale = self.last_modulation(F.silu(picture_time)).chunk(2, dim=-1)
        picture = F.layer_norm(picture, picture.shape[-1:]) * (1 + scale) + shift
        image, content, *boxes = picture.split(count, dim=1)
        return Streams(
            image=self._unpatch(self.image_out(image)),
            content=self._unpatch(self.content_out(content)),
            boxes=self._unpatch(self.boxes_out(boxes[0])) if boxes else None,
        )

    def embed_characters(self, ids: Tensor) -> Tensor:
        """(B, C) vocabulary ids, -1 for an empty cell, to (B, C, character_width)."""
        embedded: Tensor = self.character_table(ids + 1)
        return embedded

    def _see(self, image: Tensor, mark: Tensor) -> Tensor:
        cells = rearrange(image, "B Z (C S) side -> (B C) Z S side", S=self.dims.latent_side)
        seen = self.eye(cells, repeat(mark, "B M -> (B C) M", C=len(cells) // len(image)))
        tokens: Tensor = rearrange(seen, "(B C) P D -> B (C P) D", B=len(image))
        return tokens

    def _patch(self, latents: Tensor) -> Tensor:
        return rearrange(
            latents, "B Z (h p) (w q) -> B (h w) (Z p q)", p=self.dims.patch, q=self.dims.patch
        )

    def _unpatch(self, tokens: Tensor) -> Tensor:
        return rearrange(
            tokens, "B (h w) (Z p q) -> B Z (h p) (w q)",
            w=self.dims.token_side, p=self.dims.patch, q=self.dims.patch,
        )  # fmt: skip

    def _angles(self, streams: int, cells: int, words: int) -> Tensor:
        """Style words stand at the origin, a character token in the middle of its cell."""
        side = self.dims.token_side
        rows, columns = torch.meshgrid(
            torch.arange(cells * side), torch.arange(side), indexing="ij"
        )
        grid = torch.stack([rows.flatten(), columns.flatten()], dim=1)
        middles = torch.stack(
            [torch.arange(cells) * side + side // 2, torch.full((cells,), side // 2)], dim=1
        )
        positions = torch.cat([torch.zeros(words, 2), middles, grid.repeat(streams, 1)])
        return rotary_angles(positions, self.dims.rope_axes, self.dims.rope_theta)
