"""Drawings: single characters or signs, copied or cut out one by one, from a Parquet file.

Holds: ``read_drawings``, which makes ink of every row's picture and refuses what cannot be used,
with a reason (rows = drawings + rejections), and ``split_drawings``, which holds some of them out.

Keeps out: characters on pages (``pipelines.characters``), what is learned from drawings
(``training.ancient``).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import MetadataError, UnreadableImage
from pipelines.imaging.codec import decode_pages
from pipelines.records import Rejection, Script
from pipelines.scripts import canonical
from pipelines.windows import fit_cell, ink_extent

Ink = npt.NDArray[np.uint8]
Picture = npt.NDArray[np.uint8]

STAGE = "drawings"
REQUIRED = ("image", "character")
SAME_PX = 32
"""Side of the cells in which drawings are compared with one another."""
MIN_CONTRAST = 48
"""Grey levels between ground and ink, under which a picture is blank."""
ONE_IN = 20
"""One character in so many is held out altogether."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One picture of one character.

    Attributes:
        drawing_id: Hash of its ink: the same ink has the same id wherever it comes from.
        character: What it shows, canonical.
        ink: (H, W), white on black.
    """

    drawing_id: str
    character: str
    ink: Ink


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingSplit:
    """What is learned, and the two things that a reader is judged on.

    Attributes:
        learned: At least one drawing of every character that is no newcomer.
        others: One drawing each of characters that have several.
        newcomers: All drawings of characters of which none is learned.
    """

    learned: tuple[Drawing, ...]
    others: tuple[Drawing, ...]
    newcomers: tuple[Drawing, ...]


def read_drawings(path: Path, script: Script) -> tuple[list[Drawing], list[Rejection]]:
    """Every row of a Parquet file as a drawing or a rejection.

    Args:
        path: Has the columns ``image`` (an encoded picture, or a struct with its ``bytes``) and
            ``character``; a column ``script`` is heeded, others are not.
        script: Rows that say they are in another one are refused.

    Raises:
        MetadataError: If the file is no Parquet file, or lacks a column.
    """
    drawings: list[Drawing] = []
    rejections: list[Rejection] = []
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(_rows(path), start=1):
        drawing = _drawing(row, f"{path.name}, row {number}", script)
        if isinstance(drawing, Drawing):
            key = (drawing.drawing_id, drawing.character)
            if key not in seen:
                seen.add(key)
                drawings.append(drawing)
                continue
            drawing = ("repeated", f"the same drawing of {drawing.character} came before")
        reason, detail = drawing
        rejections.append(
            Rejection(
                item_id=f"{path.name}:{number}",
                stage=STAGE,
                reason=reason,
                detail=f"{path.name}, row {number}: {detail}.",
            )
        )
    return drawings, rejections


def drawing_ink(picture: Picture, name: str) -> Ink:
    """The ink of a drawing whose rim is ground, dark on light or light on dark.

    Args:
        picture: (H, W) grey or (H, W, 3) RGB.
        name: What it is called in the error.

    Returns:
        (H, W), white on black, as strong as it can be.

    Raises:
        UnreadableImage: If nothing stands out from the ground.
    """
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    rim = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    away = np.abs(grey.astype(np.int32) - int(np.median(rim)))
    most = int(away.max())
    ink = np.asarray(away * 255 // max(1, most), np.uint8)
    if most < MIN_CONTRAST or ink_extent(ink) is None:
        raise UnreadableImage(
            f"{name} is blank: its darkest and lightest places are {most} grey levels from its "
            f"rim, expected at least {MIN_CONTRAST}. Give a picture with one character on an even "
            f"ground.",
            reason="blank",
        )
    return ink


def split_drawings(drawings: Sequence[Drawing]) -> DrawingSplit:
    """Hold out by hashes, so that the same drawings are held out whatever joins them later.

    One character in twenty is a newcomer. Of the others that have several drawings, the one with
    the smallest id is held out.
    """
    by_character: dict[str, list[Drawing]] = defaultdict(list)
    for drawing in drawings:
        by_character[drawing.character].append(drawing)
    learned: list[Drawing] = []
    others: list[Drawing] = []
    newcomers: list[Drawing] = []
    for character, group in by_character.items():
        ranked = sorted(group, key=lambda drawing: drawing.drawing_id)
        if is_newcomer(character):
            newcomers += ranked
        else:
            others += ranked[:1] if len(ranked) > 1 else []
            learned += ranked[1:] if len(ranked) > 1 else ranked
    return DrawingSplit(learned=tuple(learned), others=tuple(others), newcomers=tuple(newcomers))


def is_newcomer(character: str) -> bool:
    """Whether all drawings of a character are held out; one character in twenty is."""
    return int(hashlib.sha256(f"newcomer:{character}".encode()).hexdigest(), 16) % ONE_IN == 0


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise MetadataError(
            f"{path} cannot be read as Parquet ({error}). Expected a Parquet file with the columns "
            f"{' and '.join(REQUIRED)}.",
            reason="drawings_unreadable",
        ) from error
    names = file.schema_arrow.names
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise MetadataError(
            f"{path} lacks {' and '.join(missing)}; it has the columns {', '.join(names)}. "
            f"Expected {' and '.join(REQUIRED)}, and script if it holds several.",
            reason="columns_missing",
        )
    wanted = [name for name in (*REQUIRED, "script") if name in names]
    for batch in file.iter_batches(batch_size=256, columns=wanted):
        yield from batch.to_pylist()


def _drawing(row: dict[str, Any], name: str, script: Script) -> Drawing | tuple[str, str]:
    """A row's drawing, or why there is none: a code and a sentence's end."""
    character, image, said = row["character"], row["image"], row.get("script")
    if said not in (None, "", script.value):
        return "other_script", f"its script is {said!r}, expected {script.value!r}"
    if not isinstance(character, str) or len(character.strip()) != 1:
        return "not_one_character", f"it is labelled {character!r}, expected one character"
    data = image.get("bytes") if isinstance(image, dict) else image
    if not isinstance(data, bytes):
        return "no_picture", f"its image is {type(data).__name__}, expected an encoded picture"
    try:
        ink = drawing_ink(next(decode_pages(data, name)), name)
    except UnreadableImage as error:
        return error.reason, str(error).rstrip(".")
    shape = fit_cell(ink, SAME_PX) > 127
    return Drawing(
        drawing_id=hashlib.sha256(np.packbits(shape).tobytes()).hexdigest()[:16],
        character=canonical(character.strip()),
        ink=ink,
    )
