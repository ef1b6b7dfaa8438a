"""Writing: content clean, image and box map from noise, window after window.

Holds: ``UniCalliWriter``. A text longer than the model's window is written in windows that
overlap: the last characters of one are given to the next, clean, so that a column goes on as it
began. For the same reason single characters can be written again (:meth:`rewrite`) while the
others stay as they are.

Keeps out: pictures and outlines of what was written (``training.sheets``), reading it back
(``training.gate``).

Legend: N characters, C cells of a window, Z latent channels, S side of a cell in latents.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from einops import rearrange
from torch import Tensor

from pipelines.errors import ModelError
from pipelines.geometry import Box
from pipelines.windows import ink_extent
from training.families.unicalli.conditioning import library_rows
from training.families.unicalli.library import ReferenceLibrary
from training.families.unicalli.network import Ready, Streams, TextCondition, Times, at_latents
from training.processes.flow import euler_step, lay_noise, velocity_from_data
from training.roles import WrittenColumn

Ink = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class WritingParams:
    """How a column is written.

    Attributes:
        steps: Euler steps from noise to ink.
        guidance: How far to go beyond what is written without knowing text and prompt, towards
            both (Ho and Salimans 2022); 1 does not look at the former and costs half.
        overlap: Characters of one window that are given to the next.
    """

    steps: int = 16
    guidance: float = 2.0
    overlap: int = 1


@dataclass(frozen=True, kw_only=True)
class _Canvas:
    """Characters under the brush: latents of ink and boxes (N, Z, S, S) and which are done (N,)."""

    image: Tensor
    boxes: Tensor
    is_done: Tensor


class UniCalliWriter:
    """Writes columns with one model and one reference library."""

    def __init__(
        self, bundle: Ready, library: ReferenceLibrary, params: WritingParams | None = None
    ) -> None:
        self.bundle, self.library = bundle, library
        self.params = params or WritingParams()
        if not 0 <= self.params.overlap < bundle.model.dims.cells:
            raise ModelError(
                f"Windows of {bundle.model.dims.cells} characters cannot overlap by "
                f"{self.params.overlap}; give 0 to {bundle.model.dims.cells - 1}."
            )
        self._rows = library_rows(bundle.vocabulary, library)
        self._known = set(library.characters)

    def write_column(self, text: str, prompt: str, seed: int = 0) -> WrittenColumn:
        """A column from nothing.

        Args:
            text: Characters of the model's table.
            prompt: Style prompt in the wording of training.
            seed: The same seed writes the same column.

        Raises:
            ModelError: If the text is empty or holds a character the model does not know.
        """
        ids = self._ids(text)
        side = self.bundle.model.dims.latent_side
        blank = torch.zeros(len(ids), self.library.latents.shape[1], side, side)
        nothing = _Canvas(image=blank, boxes=blank, is_done=torch.zeros(len(ids), dtype=torch.bool))
        return self._finish(text, ids, nothing, prompt, seed)

    def rewrite(
        self, column: WrittenColumn, places: Collection[int], prompt: str, seed: int
    ) -> WrittenColumn:
        """The same column with the characters at ``places`` written again.

        The others are given to the model as they stand, pixel by pixel the same afterwards.

        Raises:
            ModelError: If a place is not in the column.
        """
        wrong = sorted(set(places) - set(range(len(column.text))))
        if wrong:
            raise ModelError(
                f"The column has {len(column.text)} characters; there is no place {wrong[0]}."
            )
        ids = self._ids(column.text)
        is_done = torch.tensor([place not in places for place in range(len(ids))])
        given = _Canvas(
            image=self._encode(column.ink), boxes=self._encode(column.box_map), is_done=is_done
        )
        fresh = self._finish(column.text, ids, given, prompt, seed)
        ink, box_map = column.ink.copy(), column.box_map.copy()
        for place in places:
            rows = slice(place * ink.shape[1], (place + 1) * ink.shape[1])
            ink[rows], box_map[rows] = fresh.ink[rows], fresh.box_map[rows]
        return replace(column, ink=ink, box_map=box_map, boxes=_boxes_of(ink))

    def _ids(self, text: str) -> Tensor:
        table = self.bundle.vocabulary
        ids = [table.id_of(character) for character in text]
        strange = {
            character
            for character, place in zip(text, ids, strict=True)
            if place is None or table.characters[place] not in self._known
        }
        if not text or strange:
            said = f"the model does not know {'、'.join(sorted(strange))}"
            raise ModelError(
                f"Cannot write {text!r}: {said if text else 'the text is empty'}. It writes the "
                f"{len(self._known) - 1} characters of its table."
            )
        return torch.tensor([place for place in ids if place is not None])

    @torch.inference_mode()
    def _finish(
        self, text: str, ids: Tensor, canvas: _Canvas, prompt: str, seed: int
    ) -> WrittenColumn:
        """Write all windows that hold something undone, from the top."""
        cells = self.bundle.model.dims.cells
        style = self.bundle.model.style_ids([prompt])
        noise = torch.Generator().manual_seed(seed)
        start = 0
        while start < len(ids):
            end = min(start + cells, len(ids))
            if not canvas.is_done[start:end].all():
                canvas = self._write_window(ids, start, end, canvas, style, noise)
            start = end if end == len(ids) else end - self.params.overlap
        ink = self._decode(canvas.image)
        return WrittenColumn(
            text=text, ink=ink, box_map=self._decode(canvas.boxes), boxes=_boxes_of(ink)
        )

    def _write_window(
        self,
        ids: Tensor,
        start: int,
        end: int,
        canvas: _Canvas,
        style: Tensor,
        generator: torch.Generator,
    ) -> _Canvas:
        cells, side = self.bundle.model.dims.cells, self.bundle.model.dims.latent_side
        empty = cells - (end - start)
        taken = torch.cat([ids[start:end], ids.new_full((empty,), -1)])[None]
        content = _stack(self.library.latents[self._rows[taken[0]]])
        text = TextCondition(style=style, characters=self.bundle.model.embed_characters(taken))
        is_open = torch.cat([~canvas.is_done[start:end], torch.ones(empty, dtype=torch.bool)])
        given = [_stack(_pad(part[start:end], empty)) for part in (canvas.image, canvas.boxes)]
        image, boxes = (torch.randn(part.shape, generator=generator) for part in given)
        unsaid = torch.randn(content.shape, generator=generator)
        open_at = at_latents(is_open.float()[None], side)
        for now, later in itertools.pairwise(torch.linspace(1, 0, self.params.steps + 1)):
            # What is given is clean at every step; only what is open moves.
            image, boxes = (
                lay_noise(fixed, moving, open_at)
                for fixed, moving in zip(given, (image, boxes), strict=True)
            )
            time = (is_open * now)[None]
            times = Times(image=time, content=torch.zeros(1, cells), boxes=time)
            streams = Streams(image=image, content=content, boxes=boxes)
            clean = self._guided(streams, text, times, unsaid)
            image = euler_step(image, velocity_from_data(image, clean[0], now), now, later)
            boxes = euler_step(boxes, velocity_from_data(boxes, clean[1], now), now, later)
        done = [part.clone() for part in (canvas.image, canvas.boxes)]
        for part, written in zip(done, (image, boxes), strict=True):
            fresh = rearrange(written[0], "Z (C S) side -> C Z S side", S=side)[: end - start]
            part[start:end] = torch.where(
                canvas.is_done[start:end, None, None, None], part[start:end], fresh
            )
        is_done = canvas.is_done.clone()
        is_done[start:end] = True
        return _Canvas(image=done[0], boxes=done[1], is_done=is_done)

    def _guided(
        self, streams: Streams, text: TextCondition, times: Times, unsaid: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Clean image and box map; ``unsaid`` is noise that stands for content nobody named."""
        clean = self.bundle.model(streams, text, times)
        image, boxes = clean.image, clean.boxes
        if self.params.guidance != 1:
            plain = self.bundle.model(
                replace(streams, content=unsaid),
                TextCondition(
                    style=torch.zeros_like(text.style), characters=torch.zeros_like(text.characters)
                ),
                replace(times, content=torch.ones_like(times.content)),
            ).image
            image = plain + self.params.guidance * (image - plain)
        return image, boxes

    @torch.inference_mode()
    def _encode(self, picture: Ink) -> Tensor:
        side = picture.shape[1]
        cells = torch.from_numpy(picture).float().reshape(-1, 1, side, side) / 127.5 - 1
        latents: Tensor = self.bundle.autoencoder.encode(
            cells.contiguous(memory_format=torch.channels_last)
        )
        return latents

    def _decode(self, latents: Tensor) -> Ink:
        grey = (self.bundle.autoencoder.decode(latents).clamp(-1, 1) + 1) * 127.5
        stacked = rearrange(grey, "N 1 h w -> (N h) w").round().byte().numpy()
        return np.asarray(stacked, np.uint8)


def _stack(cells: Tensor) -> Tensor:
    """Cells (C, Z, S, S) below one another, as a batch of one: (1, Z, C * S, S)."""
    return rearrange(cells, "C Z S side -> 1 Z (C S) side")


def _pad(cells: Tensor, empty: int) -> Tensor:
    return torch.cat([cells, cells.new_zeros(empty, *cells.shape[1:])])


def _boxes_of(ink: Ink) -> tuple[Box, ...]:
    """Extent of each character's ink; its whole cell where there is none."""
    cell = ink.shape[1]
    found = []
    for top in range(0, ink.shape[0], cell):
        extent = ink_extent(ink[top : top + cell]) or Box(0, 0, cell, cell)
        found.append(extent.moved(0, top))
    return tuple(found)
