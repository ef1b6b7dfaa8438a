"""What was written, as files: a page of columns as PNG or as SVG outlines.

Holds: ``save_sheet``, ``sheet_png`` and ``sheet_svg``. All carry within the file what it is:
synthetic, in whose words it was asked for, by which model and seed. Columns
stand from right to left.

Keeps out: writing (the families), pages with damage and paper (``pipelines.synthesis``).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

from training.roles import WrittenColumn

Ink = npt.NDArray[np.uint8]

ENLARGED = 4
"""Models write small; outlines and pictures are drawn this much larger."""
SOFTNESS = 0.35
"""Sigma of the blur before outlines are sharpened, in cells of 48 pixels' pixels."""
STEEPNESS = 3.0
"""How much steeper edges become after the blur."""
MARGIN_SHARE = 0.5
"""White around the page and between columns, in widths of a column."""
CORNER_PX = 0.6
"""How far an outline may leave the edge of the ink, in pixels of the enlarged page."""


def save_sheet(path: Path, columns: Sequence[WrittenColumn], said: Mapping[str, str]) -> None:
    """Write columns as SVG if the file is named so, else as PNG; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".svg":
        path.write_text(sheet_svg(columns, said), encoding="utf-8")
    else:
        path.write_bytes(sheet_png(columns, said))


def sheet_png(columns: Sequence[WrittenColumn], said: Mapping[str, str]) -> bytes:
    """A page, black ink on white, as PNG with ``said`` as its text chunks."""
    chunks = PngImagePlugin.PngInfo()
    for name, value in said.items():
        chunks.add_itxt(name, value)
    picture = Image.fromarray(255 - _page(columns))
    out = io.BytesIO()
    picture.save(out, "PNG", pnginfo=chunks, optimize=True)
    return out.getvalue()


def sheet_svg(columns: Sequence[WrittenColumn], said: Mapping[str, str]) -> str:
    """A page as outlines that any size keeps sharp; holes are cut by the even-odd rule."""
    page = _page(columns)
    found, _ = cv2.findContours(
        (page > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    outlines = []
    for contour in found:
        points = cv2.approxPolyDP(contour, CORNER_PX, closed=True).reshape(-1, 2)
        if len(points) > 2:
            outlines.append("M" + " ".join(f"{x},{y}" for x, y in points) + "Z")
    height, width = page.shape
    described = escape("\n".join(f"{name}: {value}" for name, value in said.items()))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">\n<desc>{described}</desc>\n'
        f'<path fill-rule="evenodd" d="{"".join(outlines)}"/>\n</svg>\n'
    )


def _page(columns: Sequence[WrittenColumn]) -> Ink:
    """White ink on black, columns from right to left, tops aligned."""
    enlarged = [_enlarge(column.ink) for column in columns]
    wide = enlarged[0].shape[1]
    gap = round(MARGIN_SHARE * wide)
    tall = max(ink.shape[0] for ink in enlarged)
    page = np.zeros((tall + 2 * gap, len(enlarged) * (wide + gap) + gap), np.uint8)
    for place, ink in enumerate(reversed(enlarged)):
        left = gap + place * (wide + gap)
        page[gap : gap + ink.shape[0], left : left + wide] = ink
    return page


def _enlarge(ink: Ink) -> Ink:
    """Larger with edges as sharp as before: smoothed, then steepened around the middle grey."""
    large = cv2.resize(ink, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    soft = cv2.GaussianBlur(large, (0, 0), SOFTNESS * ENLARGED).astype(np.float32) / 255
    steep = np.clip((soft - 0.5) * STEEPNESS + 0.5, 0, 1)
    return np.asarray((steep * 255).round(), np.uint8)
