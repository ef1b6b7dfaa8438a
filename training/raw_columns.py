"""Raw columns to learn to locate in: windows of ink with its true boxes, as nobody has cut it.

Holds: ``raw_columns_from_bank``. Characters of one hand follow one another in sizes that vary,
with gaps or overlapping, off their axis, at times joined by a trace of the brush; what is left of
the character before shows at the upper edge, the lower edge cuts off the last. Only whole
characters have boxes, and only as many as a window has cells; cell k of the content is the k-th
of them.

Keeps out: fitted and written columns (``training.columns``), whole pages
(``pipelines.synthesis``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
import torch

from pipelines.geometry import Box
from pipelines.raw_windows import core_map
from pipelines.synthesis.setting import wander
from pipelines.windows import INK_SHARE, ink_extent
from training.augment import AugmentParams, augment, damage
from training.columns import EMPTY_CELL, ColumnPictures, Columns, hands_to_draw
from training.glyph_bank import GlyphBank
from training.slices import Slice

Ink = npt.NDArray[np.uint8]

WRITTEN = replace(
    AugmentParams(),
    scale_low=0.95,
    shift_share=0.01,
    neighbour_probability=0.0,
    speck_probability=0.0,
    missing_probability=0.0,
)
"""What is done to each character before it is set; damage comes over the whole window."""
WORN = replace(AugmentParams(), speck_probability=0.15, missing_probability=0.12)

MOST_A_CELL = 4
"""Characters set for each cell of a window, at most."""


@dataclass(frozen=True, kw_only=True)
class SettingParams:
    """How raw columns are set; pairs are bounds, shares are of a character's usual side.

    Attributes:
        side_share: Usual side of a character over the window's width.
        flatness: Logarithm of height over width.
        variations: Deviations of the size from one character to the next, one a column.
        gap_share: Usual distance from one character's ink to the next; below 0 they overlap.
        drift_share: How far the axis wanders, at most.
        grid_share: Share of columns in equal cells.
        pitch: Height of such a cell over the characters' height.
        joined_share: Share of columns whose characters are joined by traces of the brush.
        opening_share: Share of windows that begin at the head of the column.
        ending_share: Share of windows in which the column ends.
        beside_share: Share of windows into whose side a neighbouring column reaches.
        least_seen: Share of a character's height inside the window from which it is whole.
    """

    side_share: tuple[float, float] = (0.6, 1.0)
    flatness: tuple[float, float] = (-0.35, 0.35)
    variations: tuple[float, ...] = (0.04, 0.12, 0.25)
    gap_share: tuple[float, float] = (-0.12, 0.4)
    drift_share: float = 0.12
    grid_share: float = 0.25
    pitch: tuple[float, float] = (1.0, 1.4)
    joined_share: float = 0.2
    opening_share: float = 0.25
    ending_share: float = 0.3
    beside_share: float = 0.1
    least_seen: float = 0.93


_DEFAULT = SettingParams()


def raw_columns_from_bank(
    bank: GlyphBank,
    prompts: Mapping[str, str],
    *,
    size: int,
    cells: int,
    cell_px: int,
    seed: int,
    hand_weights: Mapping[str, float] | None = None,
    params: SettingParams = _DEFAULT,
) -> Columns:
    """Raw windows, each in one hand; box maps are maps of cores.

    Args:
        bank: Characters by hand.
        prompts: Style prompt of each hand.
        size: Windows in a batch.
        cells: Height of a window over its width.
        cell_px: Width of a window.
        seed: Of all randomness.
        hand_weights: How often each hand is drawn, 1 where nothing is said.
        params: How columns are set.
    """
    places, weights = hands_to_draw(bank, hand_weights)
    present = list(places)

    def columns(wanted: Slice) -> ColumnPictures:
        rng, generator = wanted.numpy_seeded(seed), wanted.torch_seeded(seed)
        count = wanted.size(size)
        hands = rng.choice(present, size=count, p=weights)
        windows = [_Column(cells, cell_px, params, rng) for _ in hands]
        taken = [
            rng.choice(places[hand], window.needed)
            for hand, window in zip(hands, windows, strict=True)
        ]
        flat = torch.from_numpy(bank.pictures[np.concatenate(taken)])[:, None].float() / 255
        written = augment(flat, cell_px, WRITTEN, generator)[:, 0]
        pictures = (written * 255).byte().numpy()
        classes = np.full((count, cells), EMPTY_CELL, np.int64)
        inks, maps, start = [], [], 0
        for row, (window, own) in enumerate(zip(windows, taken, strict=True)):
            boxes = window.set(pictures[start : start + len(own)])
            start += len(own)
            shown = [bank.classes[own[index]] for index, _ in boxes]
            classes[row, : len(shown)] = shown
            inks.append(window.ink)
            maps.append(core_map([box for _, box in boxes], cell_px, cells * cell_px))
        images = torch.from_numpy(np.stack(inks))[:, None].float() / 255
        worn = damage(images.reshape(count * cells, 1, cell_px, cell_px), WORN, generator)
        return ColumnPictures(
            images=worn.reshape(images.shape) * 2 - 1,
            box_maps=torch.from_numpy(np.stack(maps))[:, None].float() / 127.5 - 1,
            classes=torch.from_numpy(classes),
            prompts=tuple(prompts[bank.hand_names[hand]] for hand in hands),
        )

    return columns


class _Column:
    """One window: how it is set is drawn first, then characters are set in it."""

    def __init__(
        self, cells: int, cell_px: int, params: SettingParams, rng: np.random.Generator
    ) -> None:
        self.params, self.rng, self.cells = params, rng, cells
        self.ink: Ink = np.zeros((cells * cell_px, cell_px), np.uint8)
        self.side = cell_px * float(rng.uniform(*params.side_share))
        self.stretch = float(np.exp(rng.uniform(*params.flatness)))
        self.gap = float(rng.uniform(*params.gap_share))
        self.cell = self.side * self.stretch * float(rng.uniform(*params.pitch))
        self.is_grid = bool(rng.random() < params.grid_share)
        self.is_joined = bool(rng.random() < params.joined_share)
        self.is_opening = bool(rng.random() < params.opening_share)
        room = int(np.ceil(1.6 * cells * cell_px / (self.side * self.stretch))) + 2
        self.needed = min(room, MOST_A_CELL * cells)
        if rng.random() < params.ending_share:
            self.needed = min(self.needed, int(rng.integers(1, cells + 4)))
        self.sizes = np.exp(wander(self.needed, float(rng.choice(params.variations)), rng))
        drift = float(rng.uniform(0, params.drift_share)) / 2
        self.axis = wander(self.needed, drift * self.side, rng)

    def set(self, pictures: Ink) -> list[tuple[int, Box]]:
        """Fill the window; which picture is the k-th whole character, and its box."""
        rng, height = self.rng, self.ink.shape[0]
        found: list[tuple[int, Box]] = []
        y, last = float(rng.uniform(0, 0.5)) * self.side, None
        for index, picture in enumerate(pictures):
            glyph = self._glyph(picture, float(self.sizes[index]))
            inset = (self.cell - glyph.shape[0]) / 2 if self.is_grid else 0.0
            if index == 0 and not self.is_opening:
                # The window begins about where the character before ends.
                y = float(rng.uniform(-0.12, 0.1)) * self.side - glyph.shape[0] - inset
            if y + inset >= height:
                break
            box = self._put(glyph, float(self.axis[index]), round(y + inset))
            if last is not None and self.is_joined and rng.random() < 0.6:
                self._join(last, box)
            last = box
            seen = min(box.bottom, height) - max(box.top, 0)
            inside = box.clipped(self.ink.shape[1], height)
            is_whole = seen >= self.params.least_seen * box.height
            if is_whole and inside is not None and len(found) < self.cells:
                found.append((index, inside))
            gap = self.side * self.gap * float(rng.uniform(0.4, 1.6))
            # Even where characters overlap, the next begins lower.
            after = max(glyph.shape[0] + gap, 0.4 * glyph.shape[0])
            y += self.cell if self.is_grid else after
        if rng.random() < self.params.beside_share:
            self._beside(pictures)
        return found

    def _glyph(self, picture: Ink, size: float) -> Ink:
        """Cut to its ink and resized; at least two pixels each way."""
        extent = ink_extent(picture)
        if extent is None:
            return np.full((2, 2), 255, np.uint8)
        tight = picture[extent.top : extent.bottom, extent.left : extent.right]
        scale = size * self.side / (INK_SHARE * picture.shape[0])
        width = min(round(extent.width * scale), self.ink.shape[1])
        shape = (max(2, width), max(2, round(extent.height * scale * self.stretch)))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(tight, shape, interpolation=method), np.uint8)

    def _put(self, glyph: Ink, off_axis: float, top: int) -> Box:
        height, width = glyph.shape
        spare = self.ink.shape[1] - width
        left = int(np.clip(round(spare / 2 + off_axis), 0, spare))
        y0, y1 = max(0, top), min(self.ink.shape[0], top + height)
        if y1 > y0:
            part = self.ink[y0:y1, left : left + width]
            np.maximum(part, glyph[y0 - top : y1 - top], out=part)
        return Box(left, top, left + width, top + height)

    def _join(self, upper: Box, lower: Box) -> None:
        """A trace of the brush from the foot of one character to the head of the next."""
        ends = [
            (box.left + box.width * float(self.rng.uniform(0.25, 0.75)), y)
            for box, y in (
                (upper, upper.bottom - 0.1 * upper.height),
                (lower, lower.top + 0.1 * lower.height),
            )
        ]
        if abs(ends[1][1] - ends[0][1]) > 0.6 * self.side:
            return  # A hand lifts the brush for so long a way.
        points = [(round(x * 16), round(y * 16)) for x, y in ends]
        thick = max(1, round(self.side * float(self.rng.uniform(0.02, 0.06))))
        cv2.line(self.ink, points[0], points[1], 255, thick, cv2.LINE_AA, 4)

    def _beside(self, pictures: Ink) -> None:
        """Rims of a neighbouring column's characters at one side."""
        rng, width = self.rng, self.ink.shape[1]
        reach = int(rng.integers(2, 2 + max(1, width // 10)))
        rim = np.concatenate([p[:, -width // 3 :][:, :reach] for p in rng.permutation(pictures)])
        rows = min(len(rim), self.ink.shape[0])
        side = slice(0, reach) if rng.random() < 0.5 else slice(width - reach, width)
        part = self.ink[:rows, side]
        np.maximum(part, rim[:rows], out=part)
