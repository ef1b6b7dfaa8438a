"""Files of a user as references: single characters, columns that are cut up, words.

Holds: ``Pictured``, :func:`references_of`, and :func:`pictures_by_hand`, which reads hands to
enrol from a folder or from Parquet.

Keeps out: what is made of them (``attribution``, ``writing``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq

from pipelines.characters import find_characters
from pipelines.drawings import drawing_ink
from pipelines.errors import ModelError, UnreadableImage
from pipelines.geometry import Box
from pipelines.imaging.codec import decode_pages
from pipelines.imaging.ink import normalize_ink
from pipelines.windows import INK_SHARE, ink_extent
from training.families.scriptvit.conditioning import Ink
from training.families.scriptvit.dims import ScriptViTDims
from training.families.scriptvit.words import LINE_SHARE, scale_of_word, word_ink

COLUMN_RATIO = 1.8
"""A picture taller than this many widths is a column of characters."""
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".jp2"})


@dataclass(frozen=True)
class Pictured:
    """What a file shows.

    Attributes:
        file: Its name, for messages.
        inks: References, white on black.
        boxes: Where each stands in the picture, in its pixels.
    """

    file: str
    inks: tuple[Ink, ...]
    boxes: tuple[Box, ...]


def references_of(path: Path, *, is_of_words: bool) -> Pictured:
    """The references that a file holds: one character or word, or those of a column.

    Raises:
        UnreadableImage: If it cannot be read or is blank, or a column has no character.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableImage(
            f"{path} cannot be read ({error.strerror}). Give a picture of a character, a column "
            f"or a word.",
            reason="unreadable",
        ) from error
    return _pictured(next(decode_pages(data, path.name)), str(path), is_of_words=is_of_words)


def pictures_by_hand(path: Path, *, is_of_words: bool) -> dict[str, list[Ink]]:
    """References by hand, from a folder with a folder a hand, or Parquet with image and hand.

    Raises:
        ModelError: If it is neither, or holds no hand.
    """
    found: dict[str, list[Ink]] = {}
    for hand, pictured in _enrolled(path, is_of_words=is_of_words):
        found.setdefault(hand, []).extend(pictured.inks)
    if not found:
        raise ModelError(
            f"{path} holds no hand to enrol; expected a folder a hand with pictures in it, or "
            f"Parquet rows."
        )
    return found


def _enrolled(path: Path, *, is_of_words: bool) -> Iterator[tuple[str, Pictured]]:
    if path.is_dir():
        for file in sorted(path.glob("*/*")):
            if file.suffix.lower() in SUFFIXES:
                yield file.parent.name, references_of(file, is_of_words=is_of_words)
        return
    if not path.is_file():
        raise ModelError(f"There is nothing at {path}; give a folder or a Parquet file of hands.")
    table = pq.read_table(path)
    if missing := sorted({"image", "hand"} - set(table.column_names)):
        raise ModelError(
            f"{path} lacks the columns {', '.join(missing)}; expected image (an encoded picture) "
            f"and hand (a name)."
        )
    for number, row in enumerate(table.select(["image", "hand"]).to_pylist(), 1):
        name = f"row {number} of {path.name}"
        picture = next(decode_pages(row["image"], name))
        yield str(row["hand"]), _pictured(picture, name, is_of_words=is_of_words)


def _pictured(picture: Ink, name: str, *, is_of_words: bool) -> Pictured:
    height, width = picture.shape[:2]
    whole = Box(0, 0, width, height)
    if is_of_words:
        grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        return Pictured(name, (word_ink(np.asarray(grey, np.uint8)),), (whole,))
    if height <= COLUMN_RATIO * width:
        return Pictured(name, (drawing_ink(picture, name),), (whole,))
    ink = normalize_ink(picture).ink
    boxes = sorted((c.box for c in find_characters(ink)), key=lambda box: box.top + box.bottom)
    if not boxes:
        raise UnreadableImage(
            f"{name} looks like a column of {width} by {height} pixels, and no character was found "
            f"in it. Give pictures of single characters instead.",
            reason="no_characters",
        )
    return Pictured(
        name, tuple(ink[b.top : b.bottom, b.left : b.right] for b in boxes), tuple(boxes)
    )


def box_in_picture(box: Box, ink: Ink, place: Box, dims: ScriptViTDims) -> Box:
    """A box in a reference as the model sees it, in pixels of the picture it comes from.

    Args:
        box: In pixels of the fitted reference.
        ink: The reference before it was fitted.
        place: Where that stands in the picture.
        dims: Sizes of the fitted reference.
    """
    extent = ink_extent(ink) or Box(0, 0, ink.shape[1], ink.shape[0])
    if dims.height_px == dims.width_px:
        scale = INK_SHARE * dims.height_px / max(extent.width, extent.height)
        left = (dims.width_px - round(extent.width * scale)) // 2
        top = (dims.height_px - round(extent.height * scale)) // 2
        inner = box.moved(-left, -top).scaled(1 / scale, 1 / scale)
        back = inner.moved(extent.left, extent.top)
    else:
        scale = scale_of_word(extent, dims.height_px)
        top = (dims.height_px - round(LINE_SHARE * dims.height_px)) // 2
        back = box.moved(0, -top).scaled(1 / scale, 1 / scale).moved(extent.left, extent.top)
    inside = back.clipped(ink.shape[1], ink.shape[0]) or Box(0, 0, ink.shape[1], ink.shape[0])
    return inside.moved(place.left, place.top)
