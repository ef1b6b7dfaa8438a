"""Windows: what a model sees of a column, N characters at a time.

Holds: cutting windows of consecutive characters (paper, appendix C.1 and section 4.1), placing
single characters in cells for reading, and the box map in both published renderings. Nothing is
skipped: a short column gives a window with empty cells, a character without ink is named in
``Window.missing``, and one outside its picture is an error where its place matters.

Two kinds of window. A *natural* window keeps characters where the brush put them: the tight
region of N characters, resized to one cell by N cells; this is what writing is learned from. A
*fitted* window gives each character its own cell; this is what reading from known boxes uses.

Keeps out: the content image (``pipelines.glyphs.content``) and tensors (``training``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box, union

Ink = npt.NDArray[np.uint8]
Gray = npt.NDArray[np.uint8]

CELLS = 5
CELL_PX = 128
INK_SHARE = 0.86
"""Longest side of a fitted character's ink over the side of its cell."""
INK_LEVEL = 64
"""Grey above which a pixel of antialiased ink counts as ink."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """A few characters of a column as the model sees them.

    Attributes:
        ink: (cells * cell_px, cell_px), white on black.
        boxes: One box a character in pixels of ``ink``, from the top cell on.
        first: Place of the first character in the column; characters follow one another.
        cells: Characters that fit; where there are fewer boxes, the last cells are empty.
        missing: Places among ``boxes`` where there is no ink: the character flaked off, or lies
            outside the picture.
    """

    ink: Ink
    boxes: tuple[Box, ...]
    first: int
    cells: int
    missing: tuple[int, ...] = ()


def fit_cell(ink: Ink, cell_px: int) -> Ink:
    """Cut ink to its extent and place it in the middle of a square cell.

    Args:
        ink: (H, W), white on black; not modified.
        cell_px: Side of the cell.

    Returns:
        (cell_px, cell_px); black where there is no ink at all.
    """
    cell = np.zeros((cell_px, cell_px), np.uint8)
    extent = ink_extent(ink)
    if extent is None:
        return cell
    tight = ink[extent.top : extent.bottom, extent.left : extent.right]
    scale = INK_SHARE * cell_px / max(extent.width, extent.height)
    width, height = max(1, round(extent.width * scale)), max(1, round(extent.height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    top, left = (cell_px - height) // 2, (cell_px - width) // 2
    cell[top : top + height, left : left + width] = cv2.resize(
        tight, (width, height), interpolation=method
    )
    return cell


def ink_extent(ink: Ink) -> Box | None:
    """The smallest box around all ink, or None where there is none."""
    rows = np.flatnonzero((ink > INK_LEVEL).any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero((ink > INK_LEVEL).any(axis=0))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def fitted_windows(
    ink: Ink, boxes: Sequence[Box], cells: int = CELLS, cell_px: int = CELL_PX
) -> Iterator[Window]:
    """Windows for reading: each character in its own cell, the last window padded with black.

    Args:
        ink: (H, W) ink that the boxes refer to.
        boxes: Characters from top to bottom; parts outside the picture are cut off.
        cells: Characters in a window, any number from 1.
        cell_px: Side of a cell.

    Raises:
        ValueError: If a window would hold nothing.
    """
    _check(cells, cell_px)
    for first in range(0, len(boxes), cells):
        taken = boxes[first : first + cells]
        picture = np.zeros((cells * cell_px, cell_px), np.uint8)
        placed = []
        missing = []
        for index, box in enumerate(taken):
            inside = box.clipped(ink.shape[1], ink.shape[0])
            top = index * cell_px
            if inside is not None:
                crop = ink[inside.top : inside.bottom, inside.left : inside.right]
                picture[top : top + cell_px] = fit_cell(crop, cell_px)
            extent = ink_extent(picture[top : top + cell_px])
            if extent is None:
                missing.append(index)
            placed.append((extent or Box(0, 0, cell_px, cell_px)).moved(0, top))
        yield Window(
            ink=picture, boxes=tuple(placed), first=first, cells=cells, missing=tuple(missing)
        )


def natural_windows(
    ink: Ink,
    boxes: Sequence[Box],
    cells: int = CELLS,
    cell_px: int = CELL_PX,
    padding_px: int = 5,
) -> Iterator[Window]:
    """Windows for writing: every run of ``cells`` consecutive characters, as they stand.

    A column shorter than ``cells`` gives one window whose lower cells are empty, and whose boxes
    still lie on their characters. The region is resized without keeping its proportions, as
    published: the crop and its box map to one size.

    Args:
        ink: (H, W) ink that the boxes refer to; not modified.
        boxes: Characters from top to bottom.
        cells: Characters in a window, any number from 1.
        cell_px: Side of a cell.
        padding_px: Blank kept around the characters before resizing.

    Raises:
        ValueError: If a window would hold nothing, or a character lies outside the ink: its place
            in the window would be made up.
    """
    _check(cells, cell_px)
    height, width = ink.shape[:2]
    outside = [k for k, box in enumerate(boxes) if box.clipped(width, height) is None]
    if outside:
        raise ValueError(
            f"Character {outside[0] + 1} of {len(boxes)} at {boxes[outside[0]]} lies outside its "
            f"ink of {width} by {height} pixels. Cut the column again, or leave the character out."
        )
    runs = max(1, len(boxes) - cells + 1) if boxes else 0
    for first in range(runs):
        taken = [box.clipped(width, height) or box for box in boxes[first : first + cells]]
        around = union(taken).padded(padding_px, padding_px)
        region = around.clipped(width, height) or around
        tall = cell_px * len(taken)
        sx, sy = cell_px / region.width, tall / region.height
        picture = np.zeros((cells * cell_px, cell_px), np.uint8)
        crop = ink[region.top : region.bottom, region.left : region.right]
        method = cv2.INTER_AREA if sx * sy < 1 else cv2.INTER_LINEAR
        picture[:tall] = cv2.resize(crop, (cell_px, tall), interpolation=method)
        moved = [box.moved(-region.left, -region.top) for box in taken]
        placed = [_within(box, sx, sy, cell_px, tall) for box in moved]
        blank = (
            k
            for k, box in enumerate(taken)
            if ink_extent(ink[box.top : box.bottom, box.left : box.right]) is None
        )
        yield Window(
            ink=picture, boxes=tuple(placed), first=first, cells=cells, missing=tuple(blank)
        )


def _within(box: Box, sx: float, sy: float, width: int, height: int) -> Box:
    """A box in a picture resized to ``width`` by ``height``, at least one pixel of it inside."""
    scaled = box.scaled(sx, sy)
    left, top = min(scaled.left, width - 1), min(scaled.top, height - 1)
    right, bottom = min(scaled.right, width), min(scaled.bottom, height)
    return Box(left, top, max(left + 1, right), max(top + 1, bottom))


def _check(cells: int, cell_px: int) -> None:
    if cells < 1 or cell_px < 1:
        raise ValueError(
            f"A window needs at least one cell of at least one pixel; got {cells} cells of "
            f"{cell_px} pixels."
        )


def box_map(
    boxes: Sequence[Box],
    width_px: int,
    height_px: int,
    rendering: Literal["outline", "filled"] = "outline",
) -> Gray:
    """The picture that tells the model where characters stand.

    Args:
        boxes: Characters in pixels of the map; what lies outside it is not drawn.
        width_px: Width of the map.
        height_px: Height of the map.
        rendering: ``outline``: black frames on white, 1/32 of the width thick (the released
            4 pixels at 128); ``filled``: boxes in evenly spread greys on black, after the
            released page code, which uses random bright colours.

    Returns:
        (height_px, width_px) grey levels.
    """
    picture = np.full((height_px, width_px), 255 if rendering == "outline" else 0, np.uint8)
    thick = max(1, width_px // 32)
    for index, box in enumerate(boxes):
        inside = box.clipped(width_px, height_px)
        if inside is None:
            continue
        part = picture[inside.top : inside.bottom, inside.left : inside.right]
        cut = (
            slice(inside.top - box.top, inside.bottom - box.top),
            slice(inside.left - box.left, inside.right - box.left),
        )
        if rendering == "outline":
            np.minimum(part, _frame(box, thick)[cut], out=part)
        else:
            part[:] = 255 - (index % 5) * 40
    return picture


def _frame(box: Box, thick: int) -> Gray:
    frame = np.zeros((box.height, box.width), np.uint8)
    frame[thick:-thick, thick:-thick] = 255
    return frame
