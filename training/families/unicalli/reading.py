"""Reading: image clean, content from noise, then the nearest reference of every cell.

Holds: ``UniCalliReader``. One step by default: the network predicts clean content from pure
noise; more steps integrate the flow, and several noises are averaged. They are the same for every
window, so that the same crop always looks the same, whatever stands beside it in a batch. What a
column's characters look like is then weighed by what a second reader named, if one was asked
(``training.second_opinion``), and by what usually follows what (``training.context``).

Keeps out: finding characters (``pipelines.characters``), records (``training.readings``).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipelines.errors import ModelError
from pipelines.windows import Window, fitted_windows
from training.context import Floats, Ids, in_context
from training.families.unicalli.library import BLANK, ReferenceLibrary
from training.families.unicalli.network import Ready, Streams, TextCondition, Times
from training.families.unicalli.objective import cell_similarities
from training.processes.flow import euler_step, velocity_from_data
from training.roles import NOTHING, ColumnInk, Proposal
from training.second_opinion import Candidates, heeding

NO_CHANCE = 1e-12
"""Stands for a chance of nothing, whose logarithm is taken."""


@dataclass(frozen=True, kw_only=True)
class ReadingParams:
    """How a column is read.

    One step from one noise is the best of what was tried: with 210 characters each of two unlearned
    hands, whole and aged, by look, two or four steps read 2 to 7 in a hundred characters fewer
    (their scores of aged ones are nearer the truth, a calibration error of 0.05 to 0.09 instead of
    0.12 to 0.16), and averaging two or four noises changes no share by more than three in a hundred
    (``python -m tests.benchmarks reading``).

    Attributes:
        steps: Euler steps from noise to content.
        candidates: How many proposals each character keeps.
        looked_at: How many candidates by look are weighed in their context.
        context_weight: Of what usually follows what against the look of a character, if the
            checkpoint knows it; 0 goes by look alone.
        softness: Root that is drawn of chances before they are given as scores, so that a score
            of 0.8 is right eight times in ten; look, context and second reader know of the same
            smudges and would be too sure together.
        refuse_below: Score under which no character is named.
        seeds: Starting noises; the chances that each of them leads to are averaged.
        windows_at_once: Windows in one batch.
        seed: Of the first starting noise.
    """

    steps: int = 1
    candidates: int = 5
    looked_at: int = 20
    context_weight: float = 1.0
    softness: float = 2.0
    refuse_below: float = 0.1
    seeds: int = 1
    windows_at_once: int = 16
    seed: int = 0


@dataclass(frozen=True)
class _Look:
    """What one character looks like: candidates likeliest first, and the chance of no ink."""

    candidates: Candidates
    blank: float

    @property
    def is_blank(self) -> bool:
        return self.blank > float(self.candidates.chances[0])


class UniCalliReader:
    """Reads fitted windows with one model and one reference library."""

    def __init__(
        self, bundle: Ready, library: ReferenceLibrary, params: ReadingParams | None = None
    ) -> None:
        self.bundle, self.library = bundle, library
        self.params = params or ReadingParams()
        dims = bundle.model.dims
        self._blank = library.characters.index(BLANK)
        self._ids = bundle.vocabulary.index
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
        """One proposal a box, windows of all columns batched together."""
        dims = self.bundle.model.dims
        windows: list[Window] = []
        owners: list[int] = []
        for owner, column in enumerate(columns):
            for window in fitted_windows(column.ink, column.boxes, dims.cells, dims.cell_px):
                windows.append(window)
                owners.append(owner)
        looks: list[list[_Look]] = [[] for _ in columns]
        for owner, found in zip(owners, self._looks(windows), strict=True):
            looks[owner].extend(found)
        return [
            self._propose(found, column.second)
            for found, column in zip(looks, columns, strict=True)
        ]

    def read(self, windows: Sequence[Window]) -> list[list[Proposal]]:
        """One list of proposals a window, each read as a column of its own.

        Args:
            windows: Fitted windows of the model's own cells and cell size.
        """
        return [self._propose(found, ()) for found in self._looks(windows)]

    def _looks(self, windows: Sequence[Window]) -> Iterator[list[_Look]]:
        """What each character of each window looks like."""
        count = min(self.params.looked_at, len(self.library.characters))
        for start in range(0, len(windows), self.params.windows_at_once):
            part = windows[start : start + self.params.windows_at_once]
            best = self.scores(np.stack([window.ink for window in part])).topk(count)
            places, chances = best.indices.numpy(), best.values.double().numpy()
            for index, window in enumerate(part):
                yield [
                    self._look(places[index, cell], chances[index, cell])
                    for cell in range(len(window.boxes))
                ]

    def _look(self, places: Ids, chances: Floats) -> _Look:
        is_ink = places != self._blank
        return _Look(
            Candidates(
                tuple(self.library.characters[place] for place in places[is_ink]),
                np.maximum(chances[is_ink], NO_CHANCE),
                max(0.0, 1 - float(chances.sum())),
            ),
            float(chances[~is_ink].sum()),
        )

    @torch.inference_mode()
    def scores(self, inks: npt.NDArray[np.uint8]) -> Tensor:
        """Probability of every reference for every cell.

        Args:
            inks: (B, C * cell, cell), white on black.

        Returns:
            (B, C, V + 1), summing to one over the last axis.
        """
        dims = self.bundle.model.dims
        cells = torch.from_numpy(inks).float().reshape(-1, 1, dims.cell_px, dims.cell_px)
        latents = self.bundle.autoencoder.encode(
            (cells / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        )
        count, side = len(inks), dims.latent_side
        image = latents.reshape(count, dims.cells, -1, side, side).permute(0, 2, 1, 3, 4)
        image = image.reshape(count, -1, dims.cells * side, side)
        chances = sum(self._chances(image, *noise) for noise in self._noises)
        return torch.as_tensor(chances / len(self._noises)).reshape(count, dims.cells, -1)

    def _chances(self, image: Tensor, noise: Tensor, character_noise: Tensor) -> Tensor:
        """What the content that one noise leads to looks like: (B * C, V + 1)."""
        dims, model = self.bundle.model.dims, self.bundle.model
        # Noise, text and times are the same for all windows: given once, they are computed once.
        content = noise
        text = TextCondition(style=self._silence, characters=character_noise)
        steps = torch.linspace(1, 0, self.params.steps + 1)
        predicted = content
        for now, later in itertools.pairwise(steps):
            streams = Streams(image=image, content=content, boxes=None)
            times = Times.even(dims.cells, image=torch.zeros(1), content=now[None])
            predicted = model.read(streams, text, times)
            content = euler_step(content, velocity_from_data(content, predicted, now), now, later)
        similar = cell_similarities(predicted, self.library)
        return (similar * model.log_temperature.clamp(max=4.6).exp()).softmax(dim=-1)

    def _propose(self, column: Sequence[_Look], second: Sequence[Proposal]) -> list[Proposal]:
        """Proposals of a column; where a second reader was heeded, with what was seen before."""
        alone = self._weighed(column, [NOTHING] * len(column))
        if not any(said.text for said in second):
            return alone
        told = self._weighed(column, second)
        return [
            replace(proposal, alone=(before.text, before.score))
            for proposal, before in zip(told, alone, strict=True)
        ]

    def _weighed(self, column: Sequence[_Look], second: Sequence[Proposal]) -> list[Proposal]:
        """Look, opinion and context; a cell that looks blank parts what is before and after it."""
        found: list[Proposal] = []
        pairs = zip(column, second, strict=True)
        for is_blank, run in groupby(pairs, lambda pair: pair[0].is_blank):
            looks = list(run)
            if is_blank:
                found += [self._named(look.candidates, look.blank) for look, _ in looks]
            else:
                weighed = self._in_context([heeding(look.candidates, said) for look, said in looks])
                found += [
                    self._named(these, look.blank)
                    for these, (look, _) in zip(weighed, looks, strict=True)
                ]
        return found

    def _in_context(self, column: Sequence[Candidates]) -> list[Candidates]:
        context, weight = self.bundle.context, self.params.context_weight
        if context is None or not weight:
            return list(column)
        # Candidates of all characters in one rectangle; what fills it up has no chance.
        most = max(len(candidates.texts) for candidates in column)
        ids = np.full((len(column), most), -1, np.int64)
        chances = np.full((len(column), most), NO_CHANCE)
        for row, candidates in enumerate(column):
            count = len(candidates.texts)
            ids[row, :count] = [self._ids.get(text, -1) for text in candidates.texts]
            chances[row, :count] = candidates.chances / candidates.chances.max()
        weighed = in_context(context, ids, np.maximum(chances, NO_CHANCE), weight)
        return [
            Candidates(
                candidates.texts,
                row[: len(candidates.texts)],
                candidates.others / float(candidates.chances.sum()),
            )
            for candidates, row in zip(column, weighed, strict=True)
        ]

    def _named(self, candidates: Candidates, blank: float) -> Proposal:
        """Scores share what is left beside other characters and no ink at all."""
        soft = np.append(candidates.chances, candidates.others) ** (1 / self.params.softness)
        scores = soft[:-1] / soft.sum() * (1 - blank)
        ranked = [
            (candidates.texts[place], float(scores[place]))
            for place in np.argsort(-scores, kind="stable")[: max(2, self.params.candidates)]
        ]
        score, second = ranked[0][1], ranked[1][1] if len(ranked) > 1 else 0.0
        refused = blank > score or score < self.params.refuse_below
        return Proposal(
            text="" if refused else ranked[0][0],
            score=score,
            margin=score - second,
            candidates=tuple(ranked[: self.params.candidates]),
        )
