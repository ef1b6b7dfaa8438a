"""Raw windows: what a model sees of a column in which nobody has found the characters yet.

Holds: cutting such a window, as wide as the column's ink and a few cells tall, and the map of
cores by which a model says where the whole characters in it stand. A core is a character's box
without its upper and its lower part, filled: boxes that touch or overlap a little stay apart, and
a core whose edge is doubtful is grey there where a thin frame would be gone.

Keeps out: windows of characters that are already found (``pipelines.windows``), and who finds
them (``training``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from pipelines.windows import ink_extent

Ink = npt.NDArray[np.uint8]
Gray = npt.NDArray[np.uint8]

CORE_CUT = 0.2
"""Part of a box's height that its core lacks above, and again below."""
CORE_LEVEL = 128
"""Grey of a found map from which a pixel belongs to a core."""
MARGIN = 0.02
"""Blank beside a column's ink, of its width."""


@dataclass(frozen=True, kw_only=True)
class Strip:
    """The part of a column's picture that windows are cut from, in pixels of the picture.

    Attributes:
        left: Left edge; may lie outside the picture.
        width: Width that is resized to one cell.
        bottom: Where the ink ends.
    """

    left: int
    width: int
    bottom: int

    @classmethod
    def of(cls, ink: Ink) -> Strip | None:
        """Around all ink, or None where there is none."""
        extent = ink_extent(ink)
        if extent is None:
            return None
        margin = round(MARGIN * extent.width)
        return cls(left=extent.left - margin, width=extent.width + 2 * margin, bottom=extent.bottom)


def raw_window(ink: Ink, strip: Strip, top: int, cells: int, cell_px: int) -> Ink:
    """The ink from ``top`` down, one strip wide: (cells * cell_px, cell_px), black outside."""
    height = cells * strip.width
    picture = np.zeros((height, strip.width), np.uint8)
    x0, x1 = max(0, strip.left), min(ink.shape[1], strip.left + strip.width)
    y0, y1 = max(0, top), min(ink.shape[0], top + height)
    if x1 > x0 and y1 > y0:
        picture[y0 - top : y1 - top, x0 - strip.left : x1 - strip.left] = ink[y0:y1, x0:x1]
    method = cv2.INTER_AREA if strip.width > cell_px else cv2.INTER_LINEAR
    size = (cell_px, cells * cell_px)
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)


def core_map(boxes: Sequence[Box], width_px: int, height_px: int) -> Gray:
    """Cores of boxes in white on black, (height_px, width_px); what lies outside is not drawn."""
    picture = np.zeros((height_px, width_px), np.uint8)
    for box in boxes:
        cut = round(CORE_CUT * box.height)
        core = Box(box.left, box.top + cut, box.right, box.bottom - cut)
        inside = core.clipped(width_px, height_px)
        if inside is not None:
            picture[inside.top : inside.bottom, inside.left : inside.right] = 255
    return picture


def boxes_of_cores(picture: Gray, smallest: float = 0.05) -> list[tuple[Box, float]]:
    """Boxes whose cores a map shows, from top to bottom, each with how white its core is.

    Args:
        picture: (H, W), white cores on black.
        smallest: Longer side of a core over the width, under which it is a speck.

    Returns:
        Boxes in pixels of the map, cut off at its edges; whiteness in (0, 1].
    """
    height, width = picture.shape
    is_core = (picture >= CORE_LEVEL).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(is_core, connectivity=4)
    found = []
    for label in range(1, count):
        left, top, across, down, _ = (int(value) for value in stats[label])
        if max(across, down) < smallest * width:
            continue
        # A core of H rows was cut from H / (1 - 2 * cut).
        more = down * CORE_CUT / (1 - 2 * CORE_CUT)
        box = Box(left, round(top - more), left + across, round(top + down + more))
        inside = box.clipped(width, height)
        if inside is not None:
            found.append((inside, float(picture[labels == label].mean()) / 255))
    return sorted(found, key=lambda one: one[0].top + one[0].bottom)
