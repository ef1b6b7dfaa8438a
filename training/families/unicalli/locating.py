"""Locating: image clean, content and box map from noise, window after window down a raw column.

Holds: ``locate_characters``. A window shows the column from where the last located character
ends. The predicted map says where whole characters stand, the k-th cell of the predicted content
what the k-th of them says; a character that the lower edge cuts off is left to the next window.
As in reading, one step is the default, and the noise is the same for every window.

Keeps out: what the content is read as (``reading``), cutting windows and drawing maps
(``pipelines.raw_windows``), pages (``pipelines.characters``).

Legend: B windows, C cells, Z latent channels, S side of a cell in latents.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from einops import rearrange
from torch import Tensor

from pipelines.finding.evidence import EvidenceParams, Pieces, fitted, pieces_of
from pipelines.geometry import Box, intersection_area
from pipelines.raw_windows import Strip, boxes_of_cores, raw_window
from pipelines.windows import INK_LEVEL
from training.families.unicalli.network import InkCoder, Ready, Streams, TextCondition, Times
from training.processes.flow import euler_step, velocity_from_data

Ink = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class LocatingParams:
    """How raw columns are gone down.

    Attributes:
        steps: Euler steps from noise to content and box map.
        windows_at_once: Windows in one batch, each of another column.
        edge_share: Blank that parts a whole character from the window's lower edge, of a cell;
            what stands lower may be cut off.
        repeated_share: Shared area over the smaller box from which two boxes are one character.
        seed: Of the starting noise.
        evidence: How boxes are drawn to their ink.
    """

    steps: int = 1
    windows_at_once: int = 16
    edge_share: float = 0.05
    repeated_share: float = 0.5
    seed: int = 0
    evidence: EvidenceParams = field(default=EvidenceParams())


@dataclass(frozen=True, kw_only=True)
class Located:
    """A character as it was found.

    Attributes:
        box: In pixels of the column, drawn to its ink.
        confidence: How clear its core was on the map, in (0, 1].
        content: (Z, S, S) latent of what the network took it to say, in the same pass.
    """

    box: Box
    confidence: float
    content: Tensor


def locate_characters(
    bundle: Ready, inks: Sequence[Ink], params: LocatingParams
) -> list[list[Located]]:
    """The characters of raw columns, each from top to bottom; none in a blank column.

    Args:
        bundle: A model that was trained to locate.
        inks: Columns, (H, W) each, white on black; not modified.
        params: How they are gone down.
    """
    dims = bundle.model.dims
    columns = [_Column(ink, dims.cells, dims.cell_px, params) for ink in inks]
    while waiting := [column for column in columns if column.goes_on()]:
        taken = waiting[: params.windows_at_once]
        windows = np.stack([column.window() for column in taken])
        maps, contents = predict(bundle, windows, params)
        for column, found, content in zip(taken, maps, contents, strict=True):
            column.take(found, content)
    return [column.found for column in columns]


@torch.inference_mode()
def predict(bundle: Ready, windows: Ink, params: LocatingParams) -> tuple[Ink, Tensor]:
    """Box maps and content of raw windows.

    Args:
        bundle: The model.
        windows: (B, C * cell, cell), white on black.
        params: Steps and seed.

    Returns:
        (B, C * cell, cell) maps of cores, and (B, C, Z, S, S) latents of content.
    """
    dims = bundle.model.dims
    image = encode_windows(bundle.autoencoder, windows, dims.cells)
    generator = torch.Generator().manual_seed(params.seed)
    # As in reading, noise, text and times are the same for all windows and given once.
    content, boxes, characters = (
        torch.randn((1, *shape), generator=generator)
        for shape in (image.shape[1:], image.shape[1:], (dims.cells, dims.character_width))
    )
    silence = torch.zeros_like(bundle.model.style_ids([""]))
    text = TextCondition(style=silence, characters=characters)
    seen = content, boxes
    for now, later in itertools.pairwise(torch.linspace(1, 0, params.steps + 1)):
        times = Times.even(dims.cells, image=torch.zeros(1), content=now[None], boxes=now[None])
        seen = bundle.model.locate(Streams(image=image, content=content, boxes=boxes), text, times)
        content, boxes = (
            euler_step(noised, velocity_from_data(noised, data, now), now, later)
            for noised, data in zip((content, boxes), seen, strict=True)
        )
    contents, maps = (
        rearrange(latents, "B Z (C S) side -> B C Z S side", C=dims.cells) for latents in seen
    )
    grey = (bundle.autoencoder.decode(maps.flatten(0, 1)).clamp(-1, 1) + 1) * 127.5
    pictures = rearrange(grey, "(B C) 1 h w -> B (C h) w", C=dims.cells).round().byte().numpy()
    return np.asarray(pictures, np.uint8), contents


def encode_windows(autoencoder: InkCoder, windows: Ink, cells: int) -> Tensor:
    """Latents of (B, C * cell, cell) ink, cell by cell as in training: (B, Z, C * S, S)."""
    split = rearrange(torch.from_numpy(windows), "B (C h) w -> (B C) 1 h w", C=cells)
    latents = autoencoder.encode(
        (split.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
    )
    image: Tensor = rearrange(latents, "(B C) Z S side -> B Z (C S) side", C=cells)
    return image


class _Column:
    """A raw column that is gone down window by window."""

    def __init__(self, ink: Ink, cells: int, cell_px: int, params: LocatingParams) -> None:
        self.ink, self.cells, self.cell_px, self.params = ink, cells, cell_px, params
        self.strip = Strip.of(ink)
        self.inked_rows = np.flatnonzero((ink > INK_LEVEL).any(axis=1))
        self.pieces: Pieces = pieces_of((ink > INK_LEVEL).astype(np.uint8))
        self.top = 0
        self.found: list[Located] = []

    def goes_on(self) -> bool:
        """Whether there is ink left; if so, the next window begins where it does."""
        below = self.inked_rows[self.inked_rows >= self.top]
        if below.size:
            self.top = int(below[0])
        return bool(below.size)

    def window(self) -> Ink:
        assert self.strip is not None, "a column that goes on has ink"
        return raw_window(self.ink, self.strip, self.top, self.cells, self.cell_px)

    def take(self, found: Ink, contents: Tensor) -> None:
        """Keep the whole characters of a window, and go on below the last of them."""
        assert self.strip is not None, "a column that goes on has ink"
        scale = self.strip.width / self.cell_px
        height = found.shape[0]
        ends_here = self.top + height * scale >= self.strip.bottom
        whole = boxes_of_cores(found)[: self.cells]
        lowest = height - self.params.edge_share * self.cell_px
        reached = self.top
        for place, (box, confidence) in enumerate(whole):
            if box.bottom > lowest and not ends_here and place:
                break
            on_ink = fitted(
                (
                    self.strip.left + box.left * scale,
                    self.top + box.top * scale,
                    self.strip.left + box.right * scale,
                    self.top + box.bottom * scale,
                ),
                self.pieces,
                self.params.evidence,
            )
            if on_ink is None:
                continue
            reached = max(reached, on_ink.bottom)
            if not self._is_repeated(on_ink):
                self.found.append(
                    Located(box=on_ink, confidence=confidence, content=contents[place])
                )
        if reached == self.top:
            # Nothing is whole here: leave what may be a character's beginning to the next window.
            reached = self.top + round((self.cells - 1) * self.strip.width)
        self.top = reached

    def _is_repeated(self, box: Box) -> bool:
        if not self.found:
            return False
        last = self.found[-1].box
        shared = intersection_area(last, box)
        return shared > self.params.repeated_share * min(last.area, box.area)
