"""Skeletons: ink thinned to lines one pixel wide that hang together as the ink did.

Holds: :func:`skeleton`, the thinning of Zhang and Suen (1984) as scikit-image does it. It leaves
squares of two by two pixels where strokes meet; those are opened here wherever nothing falls
apart, so that a line is one pixel wide. Ink is white (255) on black everywhere, skeletons too.

Keeps out: what is skeletonized (``material``, ``writing``), and how a network sees it
(``encoders``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from skimage.morphology import skeletonize

from pipelines.errors import UnreadableImage
from pipelines.windows import fit_cell, ink_extent

Ink = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

INK_LEVEL = 100
"""Grey above which a pixel of a small cell counts as ink: at a lower one, the soft edges of two
strokes that lie close together join them."""


def skeleton(ink: Ink) -> Ink:
    """The middle lines of all strokes.

    Args:
        ink: (H, W), white on black; not modified.

    Returns:
        (H, W) of 0 and 255. Two pixels are connected if they touch, also at a corner; what was
        connected is, what was apart is apart. A skeleton is its own skeleton.
    """
    lines = np.pad(ink > INK_LEVEL, 1)
    while True:
        thinner = np.asarray(skeletonize(lines, method="zhang"), np.bool_)  # type: ignore[no-untyped-call]
        _open_squares(thinner)
        if np.array_equal(thinner, lines):
            return np.asarray(lines[1:-1, 1:-1] * np.uint8(255), np.uint8)
        lines = thinner


def skeleton_cell(ink: Ink, cell_px: int, name: str) -> Ink:
    """The skeleton of one character, placed in its cell as the hands' characters are.

    Args:
        ink: (H, W), white on black.
        cell_px: Side of the cell.
        name: What it is called in the error.

    Raises:
        UnreadableImage: If there is no ink.
    """
    if ink_extent(ink) is None:
        raise UnreadableImage(
            f"There is no ink in {name}: nothing of it is white on black. Give a picture with one "
            f"character.",
            reason="blank",
        )
    return skeleton(fit_cell(ink, cell_px))


def squares(lines: Mask) -> Mask:
    """(H - 1, W - 1): where a square of two by two pixels is full."""
    return lines[:-1, :-1] & lines[1:, :-1] & lines[:-1, 1:] & lines[1:, 1:]


def _open_squares(lines: Mask) -> None:
    """Take one pixel out of each full square if its neighbours stay connected without it."""
    for top, left in zip(*np.nonzero(squares(lines)), strict=True):
        for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
            if squares(lines)[top, left] and _is_simple(lines, row, column):
                lines[row, column] = False


def _is_simple(lines: Mask, row: int, column: int) -> bool:
    """Whether taking the pixel out neither parts what touches it nor opens a hole.

    Yokoi's connectivity number for neighbours that touch also at corners: it is one.
    """
    around = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
    off = [not lines[row + down, column + right] for down, right in around]
    number = sum(
        off[k] - (off[k] and off[(k + 1) % 8] and off[(k + 2) % 8]) for k in range(0, 8, 2)
    )
    return number == 1
