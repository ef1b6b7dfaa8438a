"""The network: three picture streams and a text stream in one transformer.

Holds: ``UniCalliDims`` with every size, and ``UniCalli``, a ``network.ColumnNetwork``: image,
content and box-map latents plus style and character tokens in, the clean data of each picture
stream out.

The paper: times of their own for content and for image with box map (section 3.1), positions
shared by all picture streams and something learned that tells them apart (3.2, E.2). The paper
adds it to the rotary positions, the released code to the tokens, one vector for each place; both
forms and a third, one vector for each stream, are a choice in ``UniCalliDims``.

Ours: every cell of every stream has a time of its own, so that besides reading and writing a
column can be completed, some of its cells being known. The image enters through a convolutional
eye beside the linear patches (``stem``), whose tokens are also handed to the content stream at
the same places, as are content tokens to the image, and to the box map where the image is clearer
than it; it leaves through a convolutional brush (``brush``). The network predicts data instead of
velocity; ``training.processes.flow`` turns one into the other.

Keeps out: noise and schedules (``training.processes.flow``), losses (``objective``), what a
prompt says (``pipelines.prompts``).

Legend: B batch, C cells, Z latent channels, S side of a cell in latents, P its side in tokens,
T style tokens, D model width, M time width, F numbers in a token, K width of a head.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from einops import rearrange, repeat
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from training.families.unicalli.autoencoder import DOWNSAMPLING, LATENT_CHANNELS
from training.families.unicalli.brush import Brush
from training.families.unicalli.finder import Finder
from training.families.unicalli.layers import StreamBlock, rotary_angles, time_waves
from training.families.unicalli.network import (
    ColumnNetwork,
    Modality,
    Streams,
    TextCondition,
    Times,
    at_latents,
)
from training.families.unicalli.stem import Stem
from training.style_words import style_ids


@dataclass(frozen=True, kw_only=True)
class UniCalliDims:
    """Every size of the network; 14 M parameters as it stands, without a finder.

    ``modality`` is what tells the picture streams apart, learned from zero: a vector added to
    the tokens of a ``stream``, one added at each ``place`` of a stream (the released code; columns
    of one length only), or angles added to a stream's ``rotation`` (the paper's equation 2).
    """

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
    style_tokens: int = 24
    rope_axes: tuple[int, int] = (32, 32)
    rope_theta: float = 10_000.0
    modality: Modality = "stream"
    finder_width: int = 0

    def __post_init__(self) -> None:
        if sum(self.rope_axes) * self.heads != self.width:
            raise ValueError(
                f"RoPE axes {self.rope_axes} must fill a head of {self.width // self.heads}."
            )

    @property
    def latent_channels(self) -> int:
        """Z."""
        return LATENT_CHANNELS

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


class UniCalli(ColumnNetwork):
    """Reads and writes columns of ``dims.cells`` characters.

    Args:
        dims: Sizes.
        vocabulary_size: Characters that have an embedding; id 0 of the table is "none".
    """

    dims: UniCalliDims
    predicts: Literal["data"] = "data"

    def __init__(self, dims: UniCalliDims, vocabulary_size: int) -> None:
        super().__init__()
        self.dims = dims
        width, time_width = dims.width, dims.time_width
        self.eye = Stem(width, time_width)
        self.image_in = nn.Linear(dims.token_features, width)
        self.content_in = nn.Linear(dims.token_features, width)
        self.boxes_in = nn.Linear(dims.token_features, width)
        self.modality = nn.Parameter(torch.zeros(3, *_modality_shape(dims)))
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
        self.brush = Brush(width, time_width)
        self.content_out = nn.Linear(width, dims.token_features)
        self.boxes_out = nn.Linear(width, dims.token_features)
        self.finder = Finder(dims.finder_width, width) if dims.finder_width else None
        self.log_temperature = nn.Parameter(torch.tensor(3.0))
        nn.init.normal_(self.character_table.weight, std=1.0)
        nn.init.normal_(self.style_table.weight, std=0.02)
        for module in (self.image_in, self.style_in, self.last_modulation):
            nn.init.zeros_(module.bias)
        nn.init.zeros_(self.last_modulation.weight)

    def forward(self, streams: Streams, text: TextCondition, times: Times) -> Streams:
        """Clean data of every stream as the network sees it through the noise.

        Args:
            streams: Noised latents.
            text: Style words and noised character embeddings.
            times: Of every cell of every stream; those of a missing box map are not looked at.
        """
        thought = self._think(streams, text, times, slice(None))
        image, content, *boxes = rearrange(
            thought, "B (streams tokens) D -> streams B tokens D", tokens=self._tokens(times)
        )
        return Streams(
            image=self._draw(streams, image, text, times),
            content=self._unpatch(self.content_out(content)),
            boxes=self._unpatch(self.boxes_out(boxes[0])) if boxes else None,
        )

    def read(self, streams: Streams, text: TextCondition, times: Times) -> Tensor:
        """The clean content alone: without the brush, and without thoughts on other streams."""
        tokens = self._tokens(times)
        content = self._think(streams, text, times, slice(tokens, 2 * tokens))
        return self._unpatch(self.content_out(content))

    def locate(self, streams: Streams, text: TextCondition, times: Times) -> tuple[Tensor, Tensor]:
        """The clean content and the clean box map, without the brush."""
        if streams.boxes is None:
            raise ValueError("Locating starts from a noised box map; the streams have none.")
        if self.finder is None:
            raise ValueError("This network has no finder: it has not learned to locate.")
        tokens = self._tokens(times)
        found, seen = self.finder.see(streams.image)
        thought = self._think(streams, text, times, slice(tokens, None), found)
        content, boxes = thought.chunk(2, dim=1)
        clearer = at_latents(_clearer(times), self.dims.latent_side)
        known = self._unpatch(self.boxes_out(boxes))
        drawn = (1 - clearer) * known + clearer * self.finder.draw(boxes, seen)
        return self._unpatch(self.content_out(content)), drawn

    def embed_characters(self, ids: Tensor) -> Tensor:
        """(B, C) vocabulary ids, -1 for an empty cell, to (B, C, character_width)."""
        embedded: Tensor = self.character_table(ids + 1)
        return embedded

    def style_ids(self, prompts: Sequence[str]) -> Tensor:
        """(B, style_tokens) ids of the words of style prompts."""
        return style_ids(prompts, self.dims.style_words, self.dims.style_tokens)

    def _think(
        self,
        streams: Streams,
        text: TextCondition,
        times: Times,
        asked: slice,
        found: Tensor | None = None,
    ) -> Tensor:
        """Picture tokens after the last block, (B, asked, D), stream by stream.

        ``found`` is what the finder tells the box map's tokens.
        """
        style = self._style(text)
        image_mark = self._mark(times.image) + style
        content_mark = self._mark(times.content) + style
        seen = self._see(streams.image, image_mark)
        told = self.content_in(self._patch(streams.content))
        # Content tokens stand where image tokens stand, so each is handed what the other shows
        # at its place, in proportion to how clear the other is. A model that starts from its
        # eye reads at once; without this, attention must first find out that equal places
        # belong together.
        image_tokens = self.image_in(self._patch(streams.image)) + seen
        kinds = [
            image_tokens + self._at_tokens(1 - times.content[..., None]) * told,
            told + self._at_tokens(1 - times.image[..., None]) * seen,
        ]
        marks = [image_mark, content_mark]
        if streams.boxes is not None:
            # Where the map is to be drawn after the image, what the image shows takes the place of
            # what the map hides; where both share their times, as in writing and reading, the
            # map is left alone.
            clearer = self._at_tokens(_clearer(times)[..., None])
            drawn = self.boxes_in(self._patch(streams.boxes))
            shown = image_tokens if found is None else image_tokens + found
            kinds.append((1 - clearer) * drawn + clearer * shown)
            marks.append(self._mark(times.boxes) + style)
        if self.dims.modality != "rotation":
            kinds = [kind + own for kind, own in zip(kinds, self.modality, strict=False)]
        picture, picture_time = torch.cat(kinds, dim=1), torch.cat(marks, dim=1)
        words = self.style_table(text.style)
        spoken = torch.cat([words, self.character_in(text.characters)], dim=1)
        spoken = spoken.expand(len(picture), -1, -1)
        whole = content_mark.mean(dim=1, keepdim=True).expand(-1, words.shape[1], -1)
        spoken_time = torch.cat([whole, content_mark], dim=1)
        angles = self._angles(len(kinds), text.characters.shape[1], words.shape[1])
        blocks = [cast(StreamBlock, block) for block in self.blocks]
        for block in blocks[:-1]:
            picture, spoken = self._through(
                block, picture, spoken, picture_time, spoken_time, angles
            )
        if blocks:
            picture = self._through(
                blocks[-1].conclude, picture, spoken, picture_time, spoken_time, angles, asked
            )
        else:  # A model of single signs has none.
            picture = picture[:, asked]
        modulation = self._at_tokens(self.last_modulation(F.silu(picture_time)))[:, asked]
        shift, scale = modulation.chunk(2, dim=-1)
        return F.layer_norm(picture, picture.shape[-1:]) * (1 + scale) + shift

    def _through(self, block: Callable[..., Any], *given: Tensor | slice) -> Any:
        if self.recomputes and self.training:
            return checkpoint(block, *given, use_reentrant=False)
        return block(*given)

    def _tokens(self, times: Times) -> int:
        """How many tokens a stream has."""
        return times.image.shape[1] * self.dims.token_side**2

    def _style(self, text: TextCondition) -> Tensor:
        """(B, 1, M)."""
        style: Tensor = self.style_in(mean_style(self.style_table, text.style))
        return style[:, None]

    def _mark(self, times: Tensor) -> Tensor:
        """(B, C) times to their (B, C, M) embedding."""
        waves = time_waves(times.reshape(-1), self.dims.time_width)
        mark: Tensor = self.time_in(waves).reshape(*times.shape, -1)
        return mark

    def _see(self, image: Tensor, mark: Tensor) -> Tensor:
        seen = self.eye(self._cells(image), self._of_cells(mark, len(image)))
        tokens: Tensor = rearrange(seen, "(B C) P D -> B (C P) D", B=len(image))
        return tokens

    def _draw(self, streams: Streams, tokens: Tensor, text: TextCondition, times: Times) -> Tensor:
        """The brush sees the content in proportion to how clear it is."""
        clear = rearrange(1 - times.content, "B C -> (B C) 1 1 1")
        mark = self._mark(times.image) + self._style(text)
        drawn = self.brush(
            self._cells(streams.image),
            self._cells(streams.content) * clear,
            rearrange(tokens, "B (C P) D -> (B C) P D", C=mark.shape[1]),
            self._of_cells(mark, len(tokens)),
        )
        image: Tensor = rearrange(drawn, "(B C) Z S side -> B Z (C S) side", B=len(tokens))
        return image

    def _of_cells(self, mark: Tensor, count: int) -> Tensor:
        """(B or 1, C, M) as one row a cell of ``count`` columns."""
        return rearrange(mark.expand(count, -1, -1), "B C M -> (B C) M")

    def _cells(self, latents: Tensor) -> Tensor:
        return rearrange(latents, "B Z (C S) side -> (B C) Z S side", S=self.dims.latent_side)

    def _at_tokens(self, of_cells: Tensor) -> Tensor:
        """What holds for a cell, (B, C, any), for each of its tokens."""
        return repeat(of_cells, "B C any -> B (C P) any", P=self.dims.token_side**2)

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
        angles = rotary_angles(positions, self.dims.rope_axes, self.dims.rope_theta)
        angles = angles.to(self.modality)
        if self.dims.modality == "rotation":
            own = torch.cat([k.expand(len(grid), -1) for k in self.modality[:streams]])
            angles = torch.cat([angles[: words + cells], angles[words + cells :] + own])
        return angles


def _clearer(times: Times) -> Tensor:
    """How much clearer the image is than the box map, (B, C) from 0: 1 where locating starts."""
    return (times.boxes - times.image).clamp(min=0)


def mean_style(table: nn.Embedding, style: Tensor) -> Tensor:
    """Mean of the words of a prompt, (B, T) ids to (B, D); zeros where there is no prompt."""
    said = (style > 0).sum(dim=1, keepdim=True).clamp(min=1)
    words: Tensor = table(style).sum(dim=1)
    return words / said


def _modality_shape(dims: UniCalliDims) -> tuple[int, int]:
    if dims.modality == "rotation":
        return 1, dims.width // dims.heads // 2
    places = dims.cells * dims.token_side**2 if dims.modality == "place" else 1
    return places, dims.width
