"""Columns to train on, as batches of pictures: from single characters and from samples.

Holds: ``ColumnPictures``, synthetic columns put together from a ``GlyphBank`` (one hand a column)
and windows of approved samples; each source is a function of a slice (``training.slices``).
Reading is trained on aged, tightly fitted characters, as the reader meets them; writing on clean
ones that keep their own size and place in the cell.

Keeps out: latents (the families), how samples are cut from pages (``pipelines.windows``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipelines.geometry import Box
from pipelines.windows import box_map, fitted_windows, ink_extent, natural_windows
from training.augment import AugmentParams, augment
from training.glyph_bank import GlyphBank
from training.slices import Slice

Ink = npt.NDArray[np.uint8]

EMPTY_CELL = -1
"""Class of a cell that nothing stands in."""
UNKNOWN_CELL = -2
"""Class of a cell with a character that nobody has named, or that the model has no name for."""

CLEAN = AugmentParams(
    rotation_deg=3.0,
    shear=0.06,
    scale_low=0.72,
    scale_high=1.06,
    aspect=0.10,
    shift_share=0.07,
    elastic_share=0.01,
    thicken_probability=0.1,
    thin_probability=0.0,
    speck_probability=0.0,
    missing_probability=0.0,
    neighbour_probability=0.0,
    blur_probability=0.0,
)
"""What a brush does by itself, without time's damage: writing must not learn to pit stone."""


@dataclass(frozen=True, kw_only=True)
class ColumnPictures:
    """A batch of B columns of C cells.

    Attributes:
        images: (B, 1, C * cell, cell) in [-1, 1], white ink on black.
        box_maps: The same shape.
        classes: (B, C) vocabulary ids, ``EMPTY_CELL`` or ``UNKNOWN_CELL``.
        prompts: The style prompt of each column.
    """

    images: Tensor
    box_maps: Tensor
    classes: Tensor
    prompts: tuple[str, ...]


Columns = Callable[[Slice], ColumnPictures]
"""Where columns come from: the same slice always gives the same."""


@dataclass(frozen=True)
class LabelledInk:
    """A column to learn from: ink, boxes in it, for each a vocabulary id or ``UNKNOWN_CELL``.

    ``weight`` says how often its windows are drawn beside those of others.
    """

    ink: Ink
    boxes: tuple[Box, ...]
    classes: tuple[int, ...]
    prompt: str
    weight: float = 1.0


def columns_from_bank(
    bank: GlyphBank,
    prompts: Mapping[str, str],
    *,
    size: int,
    cells: int,
    cell_px: int,
    is_aged: bool,
    seed: int,
    hand_weights: Mapping[str, float] | None = None,
    empty_share: float = 0.04,
) -> Columns:
    """Synthetic columns, each in one hand.

    Args:
        bank: Characters by hand.
        prompts: Style prompt of each hand.
        size: Columns in a batch.
        cells: Characters in a column.
        cell_px: Side of a cell.
        is_aged: Damaged and fitted, for reading; clean and free in its cell, for writing.
        seed: Of all randomness.
        hand_weights: How often each hand is drawn, 1 where nothing is said.
        empty_share: Share of columns that end early, their lower cells empty.
    """
    params = AugmentParams() if is_aged else CLEAN
    places, weights = hands_to_draw(bank, hand_weights)
    present = list(places)

    def columns(wanted: Slice) -> ColumnPictures:
        rng, generator = wanted.numpy_seeded(seed), wanted.torch_seeded(seed)
        count = wanted.size(size)
        hands = rng.choice(present, size=count, p=weights)
        chosen = np.stack([rng.choice(places[hand], cells) for hand in hands])
        flat = torch.from_numpy(bank.pictures[chosen.reshape(-1)])[:, None].float() / 255
        aged = augment(flat, cell_px, params, generator)
        classes = bank.classes[chosen]
        ends = np.where(rng.random(count) < empty_share, rng.integers(1, cells + 1, count), cells)
        empty = np.arange(cells)[None] >= ends[:, None]
        classes = np.where(empty, EMPTY_CELL, classes)
        aged = aged * torch.from_numpy(~empty).float().reshape(-1, 1, 1, 1)
        images = aged.reshape(count, 1, cells * cell_px, cell_px)
        return ColumnPictures(
            images=images * 2 - 1,
            box_maps=_box_maps((images[:, 0] * 255).byte().numpy(), cells, empty),
            classes=torch.from_numpy(classes),
            prompts=tuple(prompts[bank.hand_names[hand]] for hand in hands),
        )

    return columns


def hands_to_draw(
    bank: GlyphBank, hand_weights: Mapping[str, float] | None
) -> tuple[dict[int, npt.NDArray[np.intp]], npt.NDArray[np.float64]]:
    """Where the characters of each hand that has any stand in the bank, and its chance."""
    present = [hand for hand in range(len(bank.hand_names)) if (bank.hands == hand).any()]
    weights = np.array([(hand_weights or {}).get(bank.hand_names[h], 1.0) for h in present])
    return {hand: np.flatnonzero(bank.hands == hand) for hand in present}, weights / weights.sum()


def columns_from_samples(
    samples: Sequence[LabelledInk],
    *,
    size: int,
    cells: int,
    cell_px: int,
    is_aged: bool,
    seed: int,
) -> Columns:
    """Windows of approved columns, drawn evenly over windows but for the weights of columns.

    For reading, fitted cells are deformed and damaged a little further; for writing, natural
    windows are taken as they are.
    """
    params = replace(
        AugmentParams(),
        speck_probability=0.3,
        missing_probability=0.15,
        rotation_deg=5.0,
        shear=0.1,
        scale_low=0.85,
    )
    cut = fitted_windows if is_aged else natural_windows
    inks, maps, classes, prompts, weights = [], [], [], [], []
    for sample in samples:
        for window in cut(sample.ink, sample.boxes, cells, cell_px):
            taken = [
                # Without ink there is no character to be learned.
                EMPTY_CELL if place in window.missing else value
                for place, value in enumerate(sample.classes[window.first : window.first + cells])
            ]
            inks.append(window.ink)
            maps.append(box_map(window.boxes, cell_px, cells * cell_px))
            classes.append((*taken, *[EMPTY_CELL] * (cells - len(taken))))
            prompts.append(sample.prompt)
            weights.append(sample.weight)
    shares = None if len(set(weights)) == 1 else np.asarray(weights) / sum(weights)
    all_inks, all_maps, all_classes = np.stack(inks), np.stack(maps), np.asarray(classes)

    def columns(wanted: Slice) -> ColumnPictures:
        rng, generator = wanted.numpy_seeded(seed), wanted.torch_seeded(seed)
        count = wanted.size(size)
        chosen = (
            rng.integers(0, len(all_inks), count)
            if shares is None
            else rng.choice(len(all_inks), count, p=shares)
        )
        images = torch.from_numpy(all_inks[chosen])[:, None].float() / 255
        if is_aged:
            single = images.reshape(len(chosen) * cells, 1, cell_px, cell_px)
            images = augment(single, cell_px, params, generator).reshape(images.shape)
        return ColumnPictures(
            images=images * 2 - 1,
            box_maps=torch.from_numpy(all_maps[chosen])[:, None].float() / 127.5 - 1,
            classes=torch.from_numpy(all_classes[chosen]),
            prompts=tuple(prompts[index] for index in chosen),
        )

    return columns


def mixed(sources: Sequence[tuple[float, Columns]], seed: int) -> Columns:
    """Batches of several sources, drawn by their weights."""
    weights = np.array([weight for weight, _ in sources])
    shares = weights / weights.sum()

    def columns(wanted: Slice) -> ColumnPictures:
        # All slices of a batch come from one source.
        drawn = np.random.default_rng((seed, wanted.number)).choice(len(sources), p=shares)
        return sources[int(drawn)][1](wanted)

    return columns


def _box_maps(columns: Ink, cells: int, empty: npt.NDArray[np.bool_]) -> Tensor:
    cell_px = columns.shape[2]
    maps = []
    for column, blank in zip(columns, empty, strict=True):
        boxes = []
        for index in np.flatnonzero(~blank):
            top = int(index) * cell_px
            extent = ink_extent(column[top : top + cell_px])
            boxes.append((extent or Box(0, 0, cell_px, cell_px)).moved(0, top))
        maps.append(box_map(boxes, cell_px, cells * cell_px))
    return torch.from_numpy(np.stack(maps))[:, None].float() / 127.5 - 1
