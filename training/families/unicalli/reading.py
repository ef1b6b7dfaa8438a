"""Reading: image clean, content from noise, then the nearest reference of every cell.

Holds: ``UniCalliReader``. One step by default: the network predicts clean content from pure
noise; more steps integrate the flow, and several noises are averaged. They are the same for every
window, so that the same crop always looks the same, whatever stands beside it in a batch.
Characters that are known already are given to the network clean: the column is completed from
them. A raw column is located first (``locating``) and its characters read like any others.

Keeps out: what characters are named that look so (``naming``), finding characters on pages
(``pipelines.characters``), records (``training.readings``).

Legend: B windows, C cells, Z latent channels, S side of a cell in latents, V references.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from einops import rearrange
from torch import Tensor

from pipelines.errors import ModelError
from pipelines.geometry import Box
from pipelines.windows import Window, fitted_windows
from training.context import Floats, Ids
from training.families.unicalli.conditioning import library_rows
from training.families.unicalli.library import BLANK, ReferenceLibrary
from training.families.unicalli.locating import (
    Located,
    LocatingParams,
    encode_windows,
    locate_characters,
)
from training.families.unicalli.naming import NO_CHANCE, Look, Namer, NamingParams
from training.families.unicalli.network import Ready, Streams, TextCondition, Times, at_latents
from training.families.unicalli.objective import cell_similarities
from training.processes.flow import euler_step, lay_noise, velocity_from_data
from training.roles import ColumnInk, Proposal
from training.second_opinion import Candidates


@dataclass(frozen=True, kw_only=True)
class ReadingParams(NamingParams):
    """How a column is read, and what is proposed then (``naming``).

    One step from one noise is the best of what was tried: with 210 characters each of two unlearned
    hands, whole and aged, by look, two or four steps read 2 to 7 in a hundred characters fewer
    (their scores of aged ones are nearer the truth, a calibration error of 0.05 to 0.09 instead of
    0.12 to 0.16), and averaging two or four noises changes no share by more than three in a hundred
    (``python -m tests.benchmarks reading``).

    Attributes:
        steps: Euler steps from noise to content.
        looked_at: How many candidates by look are weighed in their context.
        seeds: Starting noises; the chances that each of them leads to are averaged.
        windows_at_once: Windows in one batch.
        seed: Of the first starting noise.
        locating: How raw columns are gone down.
    """

    steps: int = 1
    looked_at: int = 20
    seeds: int = 1
    windows_at_once: int = 16
    seed: int = 0
    locating: LocatingParams = field(default=LocatingParams())


@dataclass(frozen=True, kw_only=True)
class LocatedColumn:
    """A raw column as it was found and read, from top to bottom.

    Attributes:
        boxes: Its characters, in pixels of the column.
        proposals: What each says.
        confidences: How sure each box is, in (0, 1].
    """

    boxes: tuple[Box, ...]
    proposals: tuple[Proposal, ...]
    confidences: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class _Given:
    """What of B windows is known before they are read; B is 1 where nothing is known of any.

    Attributes:
        content: (B, Z, C * S, S) references of known characters, anything elsewhere.
        characters: (B, C, character_width) their embeddings, anything elsewhere.
        is_open: (B, C) 0 where the character is known, 1 elsewhere.
    """

    content: Tensor
    characters: Tensor
    is_open: Tensor


class UniCalliReader:
    """Reads fitted windows with one model and one reference library."""

    def __init__(
        self, bundle: Ready, library: ReferenceLibrary, params: ReadingParams | None = None
    ) -> None:
        self.bundle, self.library = bundle, library
        self.params = params or ReadingParams()
        dims = bundle.model.dims
        self._blank = library.characters.index(BLANK)
        self._rows = library_rows(bundle.vocabulary, library)
        self._namer = Namer(bundle.context, bundle.vocabulary.index, self.params)
        if self.params.seeds < 1 or self.params.steps < 1:
            raise ModelError(
                f"Reading takes at least one step from one noise; got {self.params.steps} steps "
                f"and {self.params.seeds} seeds."
            )
        shape = (1, library.latents.shape[1], dims.cells * dims.latent_side, dims.latent_side)
        self._silence = torch.zeros_like(bundle.model.style_ids([""]))
        self._noises: list[tuple[Tensor, Tensor]] = []
        for number in range(self.params.seeds):
            generator = torch.Generator().manual_seed(self.params.seed + number)
            content = torch.randn(shape, generator=generator)
            characters = (1, dims.cells, dims.character_width)
            self._noises.append((content, torch.randn(characters, generator=generator)))

    def read_columns(self, columns: Sequence[ColumnInk]) -> list[list[Proposal]]:
        """One proposal a box, windows of all columns batched together.

        Raises:
            ValueError: If a column has known characters, but not one (or "") a box.
        """
        dims = self.bundle.model.dims
        windows: list[Window] = []
        known: list[Sequence[str]] = []
        owners: list[int] = []
        for owner, column in enumerate(columns):
            if column.known and len(column.known) != len(column.boxes):
                raise ValueError(
                    f"Column {owner + 1} has {len(column.boxes)} boxes and {len(column.known)} "
                    f'known characters. Give one a box, "" where it is not known.'
                )
            for window in fitted_windows(column.ink, column.boxes, dims.cells, dims.cell_px):
                windows.append(window)
                known.append(column.known[window.first : window.first + dims.cells])
                owners.append(owner)
        looks: list[list[Look]] = [[] for _ in columns]
        for owner, found in zip(owners, self._looks(windows, known), strict=True):
            looks[owner].extend(found)
        return [
            self._namer.propose(found, column.second, column.known)
            for found, column in zip(looks, columns, strict=True)
        ]

    def locate(
        self, inks: Sequence[npt.NDArray[np.uint8]], *, is_one_pass: bool = False
    ) -> list[LocatedColumn]:
        """Find and read the characters of raw columns.

        Args:
            inks: Columns, (H, W) each, white on black, of any length.
            is_one_pass: Take what the network read while it located; else each character is read
                again from its box, which is surer and costs a second pass.

        Raises:
            ModelError: If the model never learned to locate.
        """
        if not self.bundle.locates:
            raise ModelError(
                "This model reads and writes, but never learned to locate. Train it further: "
                "python -m training train --recipe unicalli.locate --parent CHECKPOINT "
                "--out FOLDER."
            )
        found = locate_characters(self.bundle, inks, self.params.locating)
        boxes = [tuple(one.box for one in column) for column in found]
        if is_one_pass:
            proposals = [self._namer.propose(self._looks_of(column)) for column in found]
        else:
            proposals = self.read_columns(
                [ColumnInk(ink, places) for ink, places in zip(inks, boxes, strict=True)]
            )
        return [
            LocatedColumn(
                boxes=places,
                proposals=tuple(said),
                confidences=tuple(one.confidence for one in column),
            )
            for places, said, column in zip(boxes, proposals, found, strict=True)
        ]

    def read(self, windows: Sequence[Window]) -> list[list[Proposal]]:
        """One list of proposals a window, each read as a column of its own.

        Args:
            windows: Fitted windows of the model's own cells and cell size.
        """
        nothing = [()] * len(windows)
        return [self._namer.propose(found) for found in self._looks(windows, nothing)]

    def _looks(
        self, windows: Sequence[Window], known: Sequence[Sequence[str]]
    ) -> Iterator[list[Look]]:
        """What each character of each window looks like, beside those that are known."""
        count = min(self.params.looked_at, len(self.library.characters))
        for start in range(0, len(windows), self.params.windows_at_once):
            part = windows[start : start + self.params.windows_at_once]
            ids = self._ids_of(known[start : start + self.params.windows_at_once])
            best = self.scores(np.stack([window.ink for window in part]), ids).topk(count)
            places, chances = best.indices.numpy(), best.values.double().numpy()
            for index, window in enumerate(part):
                yield [
                    self._look(places[index, cell], chances[index, cell])
                    for cell in range(len(window.boxes))
                ]

    def _looks_of(self, column: Sequence[Located]) -> list[Look]:
        """What the characters of a located column were taken for in the same pass."""
        if not column:
            return []
        similar = self.library.similarity(torch.stack([one.content for one in column]))
        count = min(self.params.looked_at, len(self.library.characters))
        best = self._as_chances(similar).topk(count)
        places, chances = best.indices.numpy(), best.values.double().numpy()
        return [self._look(*row) for row in zip(places, chances, strict=True)]

    def _ids_of(self, known: Sequence[Sequence[str]]) -> Ids:
        """(B, C) vocabulary ids of known characters, -1 where none is, or no reference of it."""
        ids = np.full((len(known), self.bundle.model.dims.cells), -1, np.int64)
        for row, characters in enumerate(known):
            for cell, character in enumerate(characters):
                place = self.bundle.vocabulary.id_of(character) if character else None
                if place is not None and int(self._rows[place]) != self._blank:
                    ids[row, cell] = place
        return ids

    def _look(self, places: Ids, chances: Floats) -> Look:
        is_ink = places != self._blank
        return Look(
            Candidates(
                tuple(self.library.characters[place] for place in places[is_ink]),
                np.maximum(chances[is_ink], NO_CHANCE),
                max(0.0, 1 - float(chances.sum())),
            ),
            float(chances[~is_ink].sum()),
        )

    @torch.inference_mode()
    def scores(self, inks: npt.NDArray[np.uint8], known: Ids | None = None) -> Tensor:
        """Probability of every reference for every cell.

        Args:
            inks: (B, C * cell, cell), white on black.
            known: (B, C) vocabulary ids of characters that are known, -1 where none is.

        Returns:
            (B, C, V + 1), summing to one over the last axis.
        """
        cells = self.bundle.model.dims.cells
        image = encode_windows(self.bundle.autoencoder, inks, cells)
        given = self._given(known)
        chances = sum(self._chances(image, given, *noise) for noise in self._noises)
        return torch.as_tensor(chances / len(self._noises)).reshape(len(inks), cells, -1)

    def _given(self, known: Ids | None) -> _Given:
        ids = torch.full((1, self.bundle.model.dims.cells), -1)
        if known is not None and (known >= 0).any():
            ids = torch.from_numpy(known)
        references = self.library.latents[self._rows[ids]]
        return _Given(
            content=rearrange(references, "B C Z S side -> B Z (C S) side"),
            characters=self.bundle.model.embed_characters(ids),
            is_open=(ids < 0).float(),
        )

    def _chances(
        self, image: Tensor, given: _Given, noise: Tensor, character_noise: Tensor
    ) -> Tensor:
        """What the content that one noise leads to looks like: (B * C, V + 1)."""
        dims, model = self.bundle.model.dims, self.bundle.model
        # Noise, text and times are the same for all windows of which nothing is known: given once,
        # they are computed once.
        open_at = at_latents(given.is_open, dims.latent_side)
        content = lay_noise(given.content, noise, open_at)
        text = TextCondition(
            style=self._silence.expand(len(given.is_open), -1),
            characters=lay_noise(given.characters, character_noise, given.is_open[..., None]),
        )
        clean = torch.zeros_like(given.is_open)
        steps = torch.linspace(1, 0, self.params.steps + 1)
        predicted = content
        for now, later in itertools.pairwise(steps):
            streams = Streams(image=image, content=content, boxes=None)
            times = Times(image=clean, content=now * given.is_open, boxes=clean)
            predicted = model.read(streams, text, times)
            content = euler_step(content, velocity_from_data(content, predicted, now), now, later)
            # What is given is clean at every step.
            content = lay_noise(given.content, content, open_at)
        return self._as_chances(cell_similarities(predicted, self.library))

    def _as_chances(self, similar: Tensor) -> Tensor:
        temperature = self.bundle.model.log_temperature.detach().clamp(max=4.6).exp()
        return (similar * temperature).softmax(dim=-1)
