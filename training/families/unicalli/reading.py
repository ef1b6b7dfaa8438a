"""Reading: image clean, content from noise, then the nearest reference of every cell.

Holds: ``UniCalliReader``. One step by default: the network predicts clean content from pure
noise; more steps integrate the flow. The noise is the same for every window, so that the same
crop always gives the same reading, whatever stands beside it in a batch.

Keeps out: finding characters (``pipelines.characters``), records (``training.readings``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipelines.windows import Window, fitted_windows
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
        refuse_below: Score under which no character is named.
        windows_at_once: Windows in one batch.
        seed: Of the starting noise.
    """

    steps: int = 1
    candidates: int = 5
    refuse_below: float = 0.05
    windows_at_once: int = 16
    seed: int = 0


class UniCalliReader:
    """Reads fitted windows with one model and one reference library."""

    def __init__(
        self, bundle: Bundle, library: ReferenceLibrary, params: ReadingParams | None = None
    ) -> None:
        self.bundle, self.library = bundle, library
        self.params = params or ReadingParams()
        dims = bundle.dims
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
        read: list[list[Proposal]] = [[] for _ in columns]
        for owner, proposals in zip(owners, self.read(windows), strict=True):
            read[owner].extend(proposals)
        return read

    def read(self, windows: Sequence[Window]) -> list[list[Proposal]]:
        """One list of proposals a window, one proposal a character.

        Args:
            windows: Fitted windows of the model's own cells and cell size.
        """
        found: list[list[Proposal]] = []
        for start in range(0, len(windows), self.params.windows_at_once):
            part = windows[start : start + self.params.windows_at_once]
            scores = self.scores(np.stack([window.ink for window in part]))
            for window, rows in zip(part, scores, strict=True):
                found.append([self._propose(row) for row in rows[: len(window.boxes)]])
        return found

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

    def _propose(self, row: Tensor) -> Proposal:
        best = row.topk(min(self.params.candidates + 1, len(row)))
        ranked = [
            (self.library.characters[int(place)], float(score))
            for score, place in zip(best.values, best.indices, strict=True)
        ]
        named = tuple((c, s) for c, s in ranked if c != BLANK)[: self.params.candidates]
        refused = ranked[0][0] == BLANK or ranked[0][1] < self.params.refuse_below
        return Proposal(
            text="" if refused else ranked[0][0],
            score=ranked[0][1],
            margin=ranked[0][1] - ranked[1][1],
            candidates=named,
        )
