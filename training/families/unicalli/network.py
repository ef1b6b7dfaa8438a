"""What the objective, the reader and the writer ask of a network, whichever it is.

Holds: ``Streams``, ``Times`` and ``TextCondition``, which every form of UniCalli takes;
``ColumnNetwork``, which our own transformer (``model``) and the one on FLUX (``flux.network``)
both are; ``InkCoder``, which turns ink into the latents that they speak of; and ``Ready``, both
together with the character table.

Keeps out: networks.

Legend: B batch, C cells, Z latent channels, S side of a cell in latents, T style tokens.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from einops import rearrange, repeat
from torch import Tensor, nn

from training.context import PairModel
from training.vocabulary import Vocabulary

Modality = Literal["stream", "place", "rotation"]


@dataclass(frozen=True, kw_only=True)
class Streams:
    """The three picture streams as latents, (B, Z, C * S, S) each; no box map is allowed."""

    image: Tensor
    content: Tensor
    boxes: Tensor | None


@dataclass(frozen=True, kw_only=True)
class Times:
    """How far each cell of each stream is from clean data: (B, C) in [0, 1], 0 clean, 1 noise.

    The text stream keeps the time of the content: it says the same.
    """

    image: Tensor
    content: Tensor
    boxes: Tensor

    @classmethod
    def even(
        cls, cells: int, *, image: Tensor, content: Tensor, boxes: Tensor | None = None
    ) -> Times:
        """One time (B,) for all cells of a stream; the box map shares the image's (paper, 3.1).

        Locating alone gives the map a time of its own.
        """
        boxes = image if boxes is None else boxes
        image, content, boxes = (t[:, None].expand(-1, cells) for t in (image, content, boxes))
        return cls(image=image, content=content, boxes=boxes)


@dataclass(frozen=True, kw_only=True)
class TextCondition:
    """What is said beside the pictures.

    Attributes:
        style: (B, T) ids from :meth:`ColumnNetwork.style_ids`; a row of zeros says nothing.
        characters: (B, C, character_width) embeddings of the text, noised with the content.
    """

    style: Tensor
    characters: Tensor


class ColumnDims(Protocol):
    """Sizes that the rest of the family asks for."""

    @property
    def cell_px(self) -> int:
        """Side of a cell in pixels."""

    @property
    def cells(self) -> int:
        """C: characters in a column."""

    @property
    def latent_channels(self) -> int:
        """Z."""

    @property
    def latent_side(self) -> int:
        """S."""

    @property
    def patch(self) -> int:
        """Side of a token in latents."""

    @property
    def token_side(self) -> int:
        """P: side of a cell in tokens."""

    @property
    def character_width(self) -> int:
        """Numbers in the embedding of a character."""


class ColumnNetwork(nn.Module, ABC):
    """A network that completes columns, some streams or cells of which are known.

    ``predicts`` says what is learned of a stream: the clean ``data``, or the ``velocity`` from
    data to noise; then the network has :meth:`velocity` too. Set ``recomputes`` to train with less
    memory: blocks are computed again on the way back.
    """

    dims: ColumnDims
    predicts: Literal["data", "velocity"]
    log_temperature: nn.Parameter
    recomputes = False

    @abstractmethod
    def forward(self, streams: Streams, text: TextCondition, times: Times) -> Streams:
        """Clean data of every stream as the network sees it through the noise."""

    @abstractmethod
    def read(self, streams: Streams, text: TextCondition, times: Times) -> Tensor:
        """The clean content alone.

        What is the same for all columns (noise, text, times) may be given once, with B = 1.
        """

    @abstractmethod
    def locate(self, streams: Streams, text: TextCondition, times: Times) -> tuple[Tensor, Tensor]:
        """The clean content and the clean box map alone; given once is what :meth:`read` says.

        Raises:
            ValueError: If ``streams`` has no box map.
        """

    def velocity(self, streams: Streams, text: TextCondition, times: Times) -> Streams:
        """Velocity (noise minus data) of every stream, of a network that predicts it."""
        raise NotImplementedError

    @abstractmethod
    def embed_characters(self, ids: Tensor) -> Tensor:
        """(B, C) vocabulary ids, -1 for an empty cell, to (B, C, character_width)."""

    @abstractmethod
    def style_ids(self, prompts: Sequence[str]) -> Tensor:
        """(B, T) ids of style prompts on the CPU, no row of which is all zeros if it has words."""

    def _patch(self, latents: Tensor) -> Tensor:
        """(B, Z, C * S, S) latents as one row of numbers a token, (B, C * P * P, F)."""
        return rearrange(
            latents, "B Z (h p) (w q) -> B (h w) (Z p q)", p=self.dims.patch, q=self.dims.patch
        )

    def _unpatch(self, tokens: Tensor) -> Tensor:
        """Back again."""
        return rearrange(
            tokens, "B (h w) (Z p q) -> B Z (h p) (w q)",
            w=self.dims.token_side, p=self.dims.patch, q=self.dims.patch,
        )  # fmt: skip


def at_latents(times: Tensor, side: int) -> Tensor:
    """(B, C) times as they lie on the latents of a column: (B, 1, C * S, 1)."""
    return repeat(times, "B C -> B 1 (C S) 1", S=side)


class InkCoder(Protocol):
    """Ink to latents of about unit variance and back; frozen when columns are trained."""

    def encode(self, images: Tensor) -> Tensor:
        """(B, 1, H, W) in [-1, 1] to (B, Z, H / S', W / S')."""

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures in [-1, 1] from latents."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Its weights."""

    def state_dict(self) -> dict[str, Tensor]:
        """Its weights by name."""


class Ready(Protocol):
    """A model ready to read and write."""

    @property
    def model(self) -> ColumnNetwork:
        """The network."""

    @property
    def autoencoder(self) -> InkCoder:
        """Frozen."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The character table."""

    @property
    def context(self) -> PairModel | None:
        """What follows what in texts, or None."""

    @property
    def locates(self) -> bool:
        """Whether the network has learned to locate characters in raw columns."""
