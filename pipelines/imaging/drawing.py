"""What people are shown: pages with their boxes in reading order, and sheets of pictures.

Holds: drawings for reports, previews and eyes. Every column has its own colour and its characters
are joined by a line in the order they are read, so that a wrong order shows at a glance. An
uncertain column is drawn with a second frame.

Keeps out: what is drawn is decided elsewhere; nothing here changes a box.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from pipelines.records import Column

Picture = npt.NDArray[np.uint8]
"""(H, W) grey or (H, W, 3) RGB."""

COLOURS = ((214, 39, 40), (31, 119, 220), (0, 158, 60), (200, 80, 200), (230, 140, 0))
"""RGB, in turn for each column; told apart on paper and on rubbings."""


def draw_boxes(image: Picture, columns: Sequence[Column], *, line_px: int | None = None) -> Picture:
    """The page as RGB with a box and a number, counted over the page, for every character.

    Args:
        image: (H, W) grey or (H, W, 3) RGB; not modified.
        columns: Columns of this page; drawn in the order of ``column_index``.
        line_px: Width of the lines; by default it suits the page at its full size.
    """
    picture = as_rgb(image)
    line = line_px or _thickness(picture)
    ordered = sorted(columns, key=lambda column: column.column_index)
    number = 0
    for index, column in enumerate(ordered):
        colour = COLOURS[index % len(COLOURS)]
        boxes = [character.box for character in column.characters]
        _draw_path(picture, boxes, colour, line)
        for box in boxes:
            number += 1
            _draw_box(picture, box, str(number), colour, line)
        if column.is_order_uncertain:
            _frame(picture, column.box, colour, line)
    return picture


def draw_order(image: Picture, boxes: Sequence[Box], order: Sequence[Sequence[int]]) -> Picture:
    """The same for bare boxes: ``order`` lists the indices of each column in reading order."""
    picture = as_rgb(image)
    line = _thickness(picture)
    number = 0
    for index, column in enumerate(order):
        colour = COLOURS[index % len(COLOURS)]
        _draw_path(picture, [boxes[i] for i in column], colour, line)
        for i in column:
            number += 1
            _draw_box(picture, boxes[i], str(number), colour, line)
    return picture


def contact_sheet(
    images: Sequence[Picture],
    *,
    columns: int = 4,
    height_px: int = 600,
    gap_px: int = 8,
    background: int = 128,
) -> Picture:
    """Pictures scaled to one height, side by side from the left, in rows.

    Args:
        images: Grey or RGB, any sizes; not modified.
        columns: Pictures in a row.
        height_px: Height of each picture.
        gap_px: Space between them.
        background: Grey around them.

    Raises:
        ValueError: If there are no pictures.
    """
    if not images:
        raise ValueError("A contact sheet needs at least one picture; got none.")
    scaled = [_to_height(as_rgb(image), height_px) for image in images]
    rows = [scaled[k : k + columns] for k in range(0, len(scaled), columns)]
    width = max(sum(image.shape[1] + gap_px for image in row) for row in rows) + gap_px
    sheet = np.full((len(rows) * (height_px + gap_px) + gap_px, width, 3), background, np.uint8)
    for k, row in enumerate(rows):
        top, left = gap_px + k * (height_px + gap_px), gap_px
        for image in row:
            sheet[top : top + height_px, left : left + image.shape[1]] = image
            left += image.shape[1] + gap_px
    return sheet


def as_rgb(image: Picture) -> Picture:
    """A copy in RGB."""
    if image.ndim == 2:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)
    return image.copy()


def _to_height(image: Picture, height_px: int) -> Picture:
    width = max(1, round(image.shape[1] * height_px / image.shape[0]))
    kind = cv2.INTER_AREA if height_px < image.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height_px), interpolation=kind), np.uint8)


def _thickness(picture: Picture) -> int:
    return max(1, min(picture.shape[:2]) // 500)


def _draw_box(
    picture: Picture, box: Box, label: str, colour: tuple[int, int, int], line: int
) -> None:
    cv2.rectangle(picture, (box.left, box.top), (box.right - 1, box.bottom - 1), colour, line)
    scale = max(0.3, min(box.width, box.height) / 160)
    place = (box.left + line + 1, box.top + line + round(24 * scale))
    cv2.putText(picture, label, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, line, cv2.LINE_AA)


def _draw_path(
    picture: Picture, boxes: Sequence[Box], colour: tuple[int, int, int], line: int
) -> None:
    points = [(round(x), round(y)) for x, y in (box.center for box in boxes)]
    for first, second in zip(points, points[1:], strict=False):
        cv2.line(picture, first, second, colour, line, cv2.LINE_AA)


def _frame(picture: Picture, box: Box, colour: tuple[int, int, int], line: int) -> None:
    around = box.padded(2 * line, 2 * line)
    top_left, bottom_right = (around.left, around.top), (around.right, around.bottom)
    cv2.rectangle(picture, top_left, bottom_right, colour, line)
