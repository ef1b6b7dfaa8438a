"""Re-synthesis: whether the ink looks as the proposed text would be written.

The ink of a column is drowned in noise half-way, and the writer says what stood there: once told
the proposed text, once told nothing. Where the text is right, knowing it should help. This is how
diffusion models classify (Li et al. 2023, "Your Diffusion Model is Secretly a Zero-Shot
Classifier"); it costs a fraction of writing the text from nothing and needs no hand to be known.

Nothing in the loop uses it: it does not help. On worn pages of two hands that the bundled model
never learned, 672 and 710 characters, the score of a reading that heeds the second reader tells
wrong characters from right ones with an area under the curve of 0.878 and 0.929; together with this
it gains 0.001 (95 % interval -0.003 to +0.005) and 0.001 (-0.003 to +0.004). Alone it reaches 0.62
and 0.73, at eight times the cost of reading. A model that writes better may change that:
``python -m tests.benchmarks resynthesis`` measures it again.

Holds: :class:`Resynthesis`.

Keeps out: writing (``writing``), reading (``reading``), what comes before people first
(``annotation.triage``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from pipelines.windows import Window, box_map, fitted_windows
from training.columns import EMPTY_CELL
from training.families.unicalli.conditioning import ColumnBatch, encode_columns, library_rows
from training.families.unicalli.library import ReferenceLibrary
from training.families.unicalli.network import Streams, TextCondition, Times, at_latents
from training.families.unicalli.weights import Bundle
from training.processes.flow import lay_noise
from training.roles import ColumnInk


@dataclass(frozen=True, kw_only=True)
class ResynthesisParams:
    """How a proposal is held against its ink.

    Attributes:
        times: How far the ink is drowned, in (0, 1); what is found is averaged.
        windows_at_once: Windows in one batch.
        seed: Of the noise.
    """

    times: tuple[float, ...] = (0.4, 0.7)
    windows_at_once: int = 16
    seed: int = 0


class Resynthesis:
    """Holds proposals against ink with one model and one reference library."""

    def __init__(
        self, bundle: Bundle, library: ReferenceLibrary, params: ResynthesisParams | None = None
    ) -> None:
        self.bundle, self.library = bundle, library
        self.params = params or ResynthesisParams()
        self._rows = library_rows(bundle.vocabulary, library)

    def misfits(
        self, columns: Sequence[ColumnInk], texts: Sequence[Sequence[str]]
    ) -> list[list[float]]:
        """For each character, how little its text explains its ink.

        Args:
            columns: Ink and boxes.
            texts: The character proposed for each box; one without a name in the table, or none
                at all, is taken for an empty cell.

        Returns:
            The logarithm of the writer's error with the text over that without; the higher, the
            less the text helps, above 0 where it misleads.
        """
        dims = self.bundle.dims
        windows: list[Window] = []
        ids: list[list[int]] = []
        owners: list[int] = []
        for owner, (column, text) in enumerate(zip(columns, texts, strict=True)):
            known = [self.bundle.vocabulary.id_of(character) for character in text]
            named = [EMPTY_CELL if place is None else place for place in known]
            for window in fitted_windows(column.ink, column.boxes, dims.cells, dims.cell_px):
                part = named[window.first : window.first + len(window.boxes)]
                windows.append(window)
                ids.append(part + [EMPTY_CELL] * (dims.cells - len(part)))
                owners.append(owner)
        found: list[list[float]] = [[] for _ in columns]
        generator = torch.Generator().manual_seed(self.params.seed)
        for start in range(0, len(windows), self.params.windows_at_once):
            chosen = slice(start, start + self.params.windows_at_once)
            errors = self._misfits(windows[chosen], ids[chosen], generator).tolist()
            for owner, window, row in zip(owners[chosen], windows[chosen], errors, strict=True):
                found[owner] += row[: len(window.boxes)]
        return found

    @torch.inference_mode()
    def _misfits(
        self, windows: Sequence[Window], ids: Sequence[Sequence[int]], generator: torch.Generator
    ) -> Tensor:
        """(B, C)."""
        dims = self.bundle.dims
        maps = [box_map(w.boxes, dims.cell_px, dims.cells * dims.cell_px) for w in windows]
        inks, boxes = (
            torch.from_numpy(np.stack(pictures))[:, None].float() / 127.5 - 1
            for pictures in ([window.ink for window in windows], maps)
        )
        batch = encode_columns(
            inks,
            boxes,
            torch.tensor(ids),
            torch.zeros(len(windows), dims.style_tokens, dtype=torch.long),
            self.bundle.autoencoder,
            self.library,
            self._rows,
        )
        found = torch.zeros(batch.characters.shape)
        for time in self.params.times:
            told, untold = self._errors(batch, time, generator)
            found += (told.clamp(min=1e-8) / untold.clamp(min=1e-8)).log()
        return found / len(self.params.times)

    def _errors(
        self, batch: ColumnBatch, time: float, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mean squared error of the writer in each cell, told the text and not told it."""
        model, side = self.bundle.model, self.bundle.dims.latent_side
        drowned = torch.full(batch.characters.shape, time)
        image, boxes, unsaid = (
            torch.randn(part.shape, generator=generator)
            for part in (batch.image, batch.boxes, batch.content)
        )
        image = lay_noise(batch.image, image, at_latents(drowned, side))
        boxes = lay_noise(batch.boxes, boxes, at_latents(drowned, side))
        said = model.embed_characters(batch.characters)
        errors = []
        for content, characters, content_time in (
            (batch.content, said, torch.zeros_like(drowned)),
            (unsaid, torch.zeros_like(said), torch.ones_like(drowned)),
        ):
            clean = model(
                Streams(image=image, content=content, boxes=boxes),
                TextCondition(style=batch.style, characters=characters),
                Times(image=drowned, content=content_time, boxes=drowned),
            ).image
            squares = rearrange(
                (clean - batch.image).square(), "B Z (C S) side -> B C (Z S side)", S=side
            )
            errors.append(squares.mean(dim=-1))
        return errors[0], errors[1]
