"""Reading: image clean, content from noise, then the nearest reference of every cell.

Holds: ``UniCalliReader``. One step by default: the network predicts clean content from pure
noise; more steps integrate the flow. The noise is the same for every window, so that the same
crop always looks the same, whatever stands beside it in a batch. What a column's characters look
like is then weighed by what usually follows what (``training.context``).

Keeps out: finding characters (``pipelines.characters``), records (``training.readings``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipelines.windows import Window, fitted_windows
from training.context import Floats, Ids, in_context
from training.families.unicalli.library import BLANK, ReferenceLibrary
from training.families.unicalli.model import Streams, TextCondition
from training.families.unicalli.objective import cell_similarities
from training.families.unicalli.weights import Bundle
from training.processes.flow import euler_step, velocity_from_data
from training.roles import ColumnInk, Proposal


@dataclass(frozen=True, kw_only=True)
class ReadingParams:
    """How a column is read.

    Attributes:
        steps: Euler steps from noise to content.
        candidates: How many proposals each character keeps.
        looked_at: How many candidates by look are weighed in their context.
        context_weight: Of what usually follows what against the look of a character, if the
            checkpoint knows it; 0 goes by look alone.
        refuse_below: Score under which no character is named.
        windows_at_once: Windows in one batch.
        seed: Of the starting noise.
    """

    steps: int = 1
    candidates: int = 5
    looked_at: int = 20
    context_weight: float = 0.7
    refuse_below: float = 0.05
    windows_at_once: int = 16
    seed: int = 0


@dataclass(frozen=True)
class _Look:
    """What one character looks like: places in the library and chances, likeliest first."""

    places: Ids
    chances: Floats


class UniCalliReader:
    """Reads fitted windows with one model and one reference library."""

    def __init__(
        self, bundle: Bundle, library: ReferenceLibrary, params: ReadingParams | None = None
    ) -> None:
        self.bundle, self.library = bundle, library
        self.params = params or ReadingParams()
        dims = bundle.dims
        self._blank = library.characters.index(BLANK)
        known = bundle.vocabulary.index
        self._ids = np.array([known.get(c, -1) for c in library.characters], np.int64)
        generator = torch.Generator().manual_seed(self.params.seed)
        shape = (1, library.latents.shape[1], dims.cells * dims.latent_side, dims.latent_side)
        self._noise = torch.randn(shape, generator=generator)
        self._character_noise = torch.randn(
            (1, dims.cells, dims.character_width), generator=generator
        )

    def read_columns(self, columns: Sequence[ColumnInk]) -> list[list[Proposal]]:
        """One proposal a box, windows of all columns batched together."""
        dims = self.bundle.dims
        windows: list[Window] = []
        owners: list[int] = []
        for owner, column in enumerate(columns):
            for window in fitted_windows(column.ink, column.boxes, dims.cells, dims.cell_px):
                windows.append(window)
                owners.append(owner)
        looks: list[list[_Look]] = [[] for _ in columns]
        for owner, found in zip(owners, self._looks(windows), strict=True):
            looks[owner].extend(found)
        return [self._propose(column) for column in looks]

    def read(self, windows: Sequence[Window]) -> list[list[Proposal]]:
        """One list of proposals a window, each read as a column of its own.

        Args:
            windows: Fitted windows of the model's own cells and cell size.
        """
        return [self._propose(found) for found in self._looks(windows)]

    def _looks(self, windows: Sequence[Window]) -> Iterator[list[_Look]]:
        """What each character of each window looks like."""
        count = min(self.params.looked_at, len(self.library.characters))
        for start in range(0, len(windows), self.params.windows_at_once):
            part = windows[start : start + self.params.windows_at_once]
            best = self.scores(np.stack([window.ink for window in part])).topk(count)
            places, chances = best.indices.numpy(), best.values.double().numpy()
            for index, window in enumerate(part):
                yield [
                    _Look(places[index, cell], chances[index, cell])
                    for cell in range(len(window.boxes))
                ]

    @torch.inference_mode()
    def scores(self, inks: npt.NDArray[np.uint8]) -> Tensor:
        """Probability of every reference for every cell.

        Args:
            inks: (B, C * cell, cell), white on black.

        Returns:
            (B, C, V + 1), summing to one over the last axis.
        """
        dims, model = self.bundle.dims, self.bundle.model
        cells = torch.from_numpy(inks).float().reshape(-1, 1, dims.cell_px, dims.cell_px)
        latents = self.bundle.autoencoder.encode(
            (cells / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        )
        count, side = len(inks), dims.latent_side
        image = latents.reshape(count, dims.cells, -1, side, side).permute(0, 2, 1, 3, 4)
        image = image.reshape(count, -1, dims.cells * side, side)
        content = self._noise.expand(count, -1, -1, -1)
        text = TextCondition(
            style=torch.zeros(count, dims.style_tokens, dtype=torch.long),
            characters=self._character_noise.expand(count, -1, -1),
        )
        clean = torch.zeros(count)
        times = torch.linspace(1, 0, self.params.steps + 1)
        predicted = content
        for now, later in zip(times[:-1], times[1:], strict=True):
            time = now.expand(count)
            streams = Streams(image=image, content=content, boxes=None)
            predicted = model(streams, text, clean, time).content
            velocity = velocity_from_data(content, predicted, time)
            content = euler_step(content, velocity, time, later.expand(count))
        similar = cell_similarities(predicted, self.library)
        scaled = similar * model.log_temperature.clamp(max=4.6).exp()
        return scaled.softmax(dim=-1).reshape(count, dims.cells, -1)

    def _propose(self, column: Sequence[_Look]) -> list[Proposal]:
        """Proposals of a column; a cell that looks blank parts what is before it and after it."""
        found: list[Proposal] = []
        for is_blank, run in groupby(column, lambda look: look.places[0] == self._blank):
            looks = list(run)
            if is_blank:
                found += [self._named(look.places, look.chances, is_blank=True) for look in looks]
            else:
                found += self._in_context(looks)
        return found

    def _in_context(self, looks: Sequence[_Look]) -> list[Proposal]:
        context, weight = self.bundle.context, self.params.context_weight
        if context is None or not weight:
            return [self._named(look.places, look.chances) for look in looks]
        places = np.stack([look.places for look in looks])
        # What looks blank to some degree stays that likely, but is no candidate.
        chances = np.stack([look.chances for look in looks]) * (places != self._blank)
        total = chances.sum(axis=1, keepdims=True)
        weighed = in_context(context, self._ids[places], np.maximum(chances, 1e-9), weight)
        return [
            self._named(place[order], row[order])
            for place, row in zip(places, weighed * total, strict=True)
            for order in [np.argsort(-row, kind="stable")]
        ]

    def _named(self, places: Ids, scores: Floats, *, is_blank: bool = False) -> Proposal:
        ranked = [
            (self.library.characters[int(place)], float(score))
            for place, score in zip(places, scores, strict=True)
            if place != self._blank
        ][: self.params.candidates]
        score, second = float(scores[0]), float(scores[1]) if len(scores) > 1 else 0.0
        refused = is_blank or score < self.params.refuse_below
        return Proposal(
            text="" if refused else ranked[0][0],
            score=score,
            margin=score - second,
            candidates=tuple(ranked),
        )
