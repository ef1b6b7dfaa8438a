"""The paper's network: three picture streams through the blocks of FLUX.1.

Holds: ``FluxDims`` and ``UniCalliFlux``, a ``ColumnNetwork`` that predicts velocities as FLUX
does. Image, content and box map are picture tokens that share their positions (Duplicate RoPE,
paper 3.2 and E.2), each stream with times of its own; what tells them apart is learned from zero,
in any of the published forms (``Modality``: E.2 says ``stream``, equation 2 ``rotation``, the
published code ``place``). Characters are text tokens after those of the prompt, as in the
published code, and like the whole text stream they keep the content's time.

Chosen here: a character token stands in the middle of its cell, where the published code learns
a place for each; the prompt's tokens keep the mean of the content's times, since cells may have
times of their own; ids 0, 1, 2 of the modality are image, content and boxes.

Keeps out: files (``folder``), the blocks (``blocks``), prompts to T5 and CLIP (``prompts``).

Legend: B batch, C cells, Z latent channels, S side of a cell in latents, P its side in tokens,
T prompt tokens, L tokens, D model width, J width of prompt tokens, M marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from einops import repeat
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pipelines.errors import ModelError
from training.families.unicalli.flux.blocks import DoubleBlock, Marks, SingleBlock
from training.families.unicalli.model import mean_style
from training.families.unicalli.network import (
    ColumnNetwork,
    Modality,
    Streams,
    TextCondition,
    Times,
)
from training.processes.flow import data_from_velocity
from training.style_words import style_ids

FLUX_PARTS = ("x_embedder", "context_embedder", "time_text_embed", "norm_out", "proj_out")
FLUX_BLOCKS = ("transformer_blocks", "single_transformer_blocks")
TIME_UNITS = 1000
"""FLUX embeds times and guidance as thousandths."""


@dataclass(frozen=True, kw_only=True)
class FluxDims:
    """What is ours to choose beside a FLUX checkpoint; the paper's sizes as they stand.

    Attributes:
        cell_px: Side of a cell.
        cells: Characters in a column.
        downsampling: Pixels of a latent.
        latent_channels: Z; times ``patch`` squared it must fill FLUX's tokens.
        patch: Side of a token in latents.
        character_width: Numbers in the embedding of a character.
        style_words: Rows of our own table of prompt words, where there is no T5.
        style_tokens: Words of a prompt, or T5's tokens of it.
        modality: What tells the streams apart.
        guidance: That FLUX is told of; 4 in the published training.
    """

    cell_px: int = 128
    cells: int = 5
    downsampling: int = 8
    latent_channels: int = 16
    patch: int = 2
    character_width: int = 64
    style_words: int = 4096
    style_tokens: int = 24
    modality: Modality = "stream"
    guidance: float = 4.0

    @property
    def latent_side(self) -> int:
        """S."""
        return self.cell_px // self.downsampling

    @property
    def token_side(self) -> int:
        """P."""
        return self.latent_side // self.patch


class PromptEncoder(Protocol):
    """Frozen text encoders of a FLUX folder."""

    def ids(self, prompts: Sequence[str]) -> Tensor:
        """(B, any) ids; a row of zeros stands for no prompt."""

    def encode(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, J) tokens and (B, pooled) summary, on the device of the ids."""


class UniCalliFlux(ColumnNetwork):
    """Reads and writes columns with the weights of a FLUX transformer.

    Names of FLUX's weights are those of diffusers; :meth:`new_names` lists the others.

    Args:
        transformer: A ``FluxTransformer2DModel``, whose parts are taken over.
        dims: Sizes.
        vocabulary_size: Characters that have an embedding.
        prompts: T5 and CLIP, or None: then words are learned in a table of our own.

    Raises:
        ModelError: If the latents do not fill FLUX's tokens.
    """

    dims: FluxDims
    predicts: Literal["velocity"] = "velocity"

    def __init__(
        self,
        transformer: Any,
        dims: FluxDims,
        vocabulary_size: int,
        prompts: PromptEncoder | None = None,
    ) -> None:
        super().__init__()
        self.dims, self.prompts = dims, prompts
        config = transformer.config
        features, width = dims.latent_channels * dims.patch**2, int(transformer.inner_dim)
        if features != config.in_channels or dims.cell_px % (dims.downsampling * dims.patch):
            raise ModelError(
                f"FLUX takes tokens of {config.in_channels} numbers; {dims.latent_channels} "
                f"channels in patches of {dims.patch} give {features}, in cells of "
                f"{dims.cell_px} pixels. Choose latents and cells that fill whole tokens."
            )
        self.x_embedder = transformer.x_embedder
        self.context_embedder = transformer.context_embedder
        self.time_text_embed = transformer.time_text_embed
        self.norm_out, self.proj_out = transformer.norm_out, transformer.proj_out
        self.pos_embed = transformer.pos_embed
        self.transformer_blocks = nn.ModuleList(map(DoubleBlock, transformer.transformer_blocks))
        self.single_transformer_blocks = nn.ModuleList(
            map(SingleBlock, transformer.single_transformer_blocks)
        )
        self.is_halved = transformer.x_embedder.weight.dtype != torch.float32
        self.is_guided = bool(config.guidance_embeds)
        shape = {
            "stream": (1, width),
            "place": (dims.cells * dims.token_side**2, width),
            "rotation": (1, int(config.attention_head_dim) // 2),
        }[dims.modality]
        self.modality = nn.Parameter(torch.zeros(3, *shape))
        self.character_table = nn.Embedding(vocabulary_size + 1, dims.character_width)
        self.character_in = nn.Linear(dims.character_width, width)
        self.log_temperature = nn.Parameter(torch.tensor(3.0))
        nn.init.xavier_uniform_(self.character_in.weight)
        nn.init.zeros_(self.character_in.bias)
        if prompts is None:
            joint, pooled = int(config.joint_attention_dim), int(config.pooled_projection_dim)
            self.style_table = nn.Embedding(dims.style_words, joint, padding_idx=0)
            self.style_in = nn.Linear(joint, pooled)

    def new_names(self) -> list[str]:
        """Names of the weights that no FLUX checkpoint has."""
        theirs = tuple(f"{part}." for part in (*FLUX_PARTS, *FLUX_BLOCKS))
        return [name for name in self.state_dict() if not name.startswith(theirs)]

    def forward(self, streams: Streams, text: TextCondition, times: Times) -> Streams:
        """Clean data of every stream; a stream at time zero is clean already."""
        moved = self.velocity(streams, text, times)
        return Streams(
            image=self._clean(streams.image, moved.image, times.image),
            content=self._clean(streams.content, moved.content, times.content),
            boxes=None
            if streams.boxes is None or moved.boxes is None
            else self._clean(streams.boxes, moved.boxes, times.boxes),
        )

    def read(self, streams: Streams, text: TextCondition, times: Times) -> Tensor:
        """The clean content alone."""
        return self._each(streams, text, times).content

    def locate(self, streams: Streams, text: TextCondition, times: Times) -> tuple[Tensor, Tensor]:
        """The clean content and the clean box map alone."""
        clean = self._each(streams, text, times)
        if clean.boxes is None:
            raise ValueError("Locating starts from a noised box map; the streams have none.")
        return clean.content, clean.boxes

    def _each(self, streams: Streams, text: TextCondition, times: Times) -> Streams:
        """Clean data of every stream; what is given once is repeated for every column."""
        count = len(streams.image)

        def each(shared: Tensor) -> Tensor:
            return shared.expand(count, *shared.shape[1:])

        boxes = None if streams.boxes is None else each(streams.boxes)
        return self.forward(
            Streams(image=streams.image, content=each(streams.content), boxes=boxes),
            TextCondition(style=each(text.style), characters=each(text.characters)),
            Times(image=each(times.image), content=each(times.content), boxes=each(times.boxes)),
        )

    def velocity(self, streams: Streams, text: TextCondition, times: Times) -> Streams:
        """Velocity (noise minus data) of every stream."""
        given = [(streams.image, times.image), (streams.content, times.content)]
        if streams.boxes is not None:
            given.append((streams.boxes, times.boxes))
        # Halved or quantized weights meet what is new, in float32, in bfloat16.
        halved = torch.autocast(streams.image.device.type, torch.bfloat16)
        with halved if self.is_halved else nullcontext():
            image, content, *boxes = self.think(given, text, times.content)
        return Streams(image=image, content=content, boxes=boxes[0] if boxes else None)

    def embed_characters(self, ids: Tensor) -> Tensor:
        """(B, C) vocabulary ids, -1 for an empty cell, to (B, C, character_width)."""
        embedded: Tensor = self.character_table(ids + 1)
        return embedded

    def style_ids(self, prompts: Sequence[str]) -> Tensor:
        """(B, any) ids of the words of style prompts, or of T5's and CLIP's tokens."""
        if self.prompts is not None:
            return self.prompts.ids(prompts)
        return style_ids(prompts, self.dims.style_words, self.dims.style_tokens)

    def think(
        self,
        pictures: Sequence[tuple[Tensor, Tensor]],
        text: TextCondition,
        text_times: Tensor,
    ) -> list[Tensor]:
        """Velocities of any number of picture streams.

        Args:
            pictures: Latents (B, Z, C * S, S) and times (B, C) of each stream.
            text: Style and characters; none of the latter if its second axis is empty.
            text_times: (B, C) of the text stream.

        Returns:
            One (B, Z, C * S, S) a stream.
        """
        said, pooled = self._said(text.style)
        kinds = [self.x_embedder(self._patch(latents)) for latents, _ in pictures]
        if self.dims.modality != "rotation":
            kinds = [kind + own for kind, own in zip(kinds, self.modality, strict=False)]
        picture = torch.cat(kinds, dim=1)
        words = self.context_embedder(said)
        spoken = torch.cat([words, self.character_in(text.characters).to(words.dtype)], dim=1)
        picture_marks = self._picture_marks([times for _, times in pictures], pooled)
        text_marks = self._text_marks(text_times, pooled, words.shape[1], text.characters.shape[1])
        cells = pictures[0][1].shape[1]
        rotation = self._rotation(len(kinds), cells, words.shape[1], text.characters.shape[1])
        for block in self.transformer_blocks:
            given = (picture, spoken, picture_marks, text_marks, rotation)
            picture, spoken = self._through(block, *given)
        marks, tokens = text_marks.before(picture_marks), torch.cat([spoken, picture], dim=1)
        for block in self.single_transformer_blocks:
            tokens = self._through(block, tokens, marks, rotation)
        picture = tokens[:, spoken.shape[1] :]
        scale, shift = picture_marks.through(self.norm_out.linear, 2)
        out = self.proj_out(self.norm_out.norm(picture) * (1 + scale) + shift)
        return [self._unpatch(part.float()) for part in out.chunk(len(kinds), dim=1)]

    def _through(self, block: nn.Module, *given: Any) -> Any:
        if self.recomputes and self.training:
            return checkpoint(block, *given, use_reentrant=False)
        return block(*given)

    def _said(self, style: Tensor) -> tuple[Tensor, Tensor]:
        if self.prompts is not None:
            return self.prompts.encode(style)
        return self.style_table(style), self.style_in(mean_style(self.style_table, style))

    def _picture_marks(self, times: Sequence[Tensor], pooled: Tensor) -> Marks:
        """A mark for each cell of each stream."""
        values = torch.cat([self._mark(of_stream, pooled) for of_stream in times], dim=1)
        places = torch.arange(values.shape[1], device=values.device)
        return Marks(values, places.repeat_interleave(self.dims.token_side**2))

    def _text_marks(self, times: Tensor, pooled: Tensor, words: int, characters: int) -> Marks:
        """One mark for the prompt, one for each character."""
        of_cells = self._mark(times, pooled)
        values = torch.cat([of_cells.mean(dim=1, keepdim=True), of_cells[:, :characters]], dim=1)
        places = torch.arange(1, characters + 1, device=values.device)
        return Marks(values, torch.cat([places.new_zeros(words), places]))

    def _mark(self, times: Tensor, pooled: Tensor) -> Tensor:
        """(B, C) times with (B, pooled) summary to (B, C, D), as FLUX embeds them together."""
        flat = times.reshape(-1).float() * TIME_UNITS
        told = repeat(pooled, "B any -> (B C) any", C=times.shape[1])
        guidance = torch.full_like(flat, self.dims.guidance * TIME_UNITS)
        given = (flat, guidance, told) if self.is_guided else (flat, told)
        mark: Tensor = self.time_text_embed(*given)
        return mark.reshape(*times.shape, -1)

    def _rotation(
        self, streams: int, cells: int, words: int, characters: int
    ) -> tuple[Tensor, Tensor]:
        """Cosines and sines of all tokens, text first: the prompt stands at the origin."""
        side = self.dims.token_side
        rows, columns = torch.meshgrid(
            torch.arange(cells * side), torch.arange(side), indexing="ij"
        )
        grid = torch.stack([torch.zeros_like(rows), rows, columns], dim=-1).reshape(-1, 3)
        middles = torch.tensor(
            [[0, cell * side + side // 2, side // 2] for cell in range(characters)]
        ).reshape(-1, 3)
        ids = torch.cat([torch.zeros(words, 3), middles, grid.repeat(streams, 1)])
        cos, sin = self.pos_embed(ids.to(self.modality.device))
        if self.dims.modality == "rotation":
            own = [self.modality[k].expand(len(grid), -1) for k in range(streams)]
            angles = torch.cat([own[0].new_zeros(words + characters, own[0].shape[1]), *own])
            turn = angles.repeat_interleave(2, dim=1)
            cos, sin = (
                cos * turn.cos() - sin * turn.sin(),
                sin * turn.cos() + cos * turn.sin(),
            )
        return cos, sin

    def _clean(self, noised: Tensor, velocity: Tensor, times: Tensor) -> Tensor:
        at = repeat(times, "B C -> B 1 (C S) 1", S=self.dims.latent_side)
        return data_from_velocity(noised, velocity, at)
