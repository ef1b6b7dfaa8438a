"""The trivial baseline: which standard-font glyph has the most similar pixels.

Holds: ``NearestGlyphReader``. Nothing is learned; whatever UniCalli gains over it is learned.

Keeps out: the learned latents (``training.families.unicalli.library``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.windows import fit_cell
from training.roles import ColumnInk, Proposal
from training.vocabulary import Vocabulary

SIDE_PX = 24
BLUR_PX = 1.2
CANDIDATES = 5

Ink = npt.NDArray[np.uint8]


class NearestGlyphReader:
    """Cosine between blurred pixels, mean removed.

    Args:
        vocabulary: What may be named.
        face: The standard font.
    """

    def __init__(self, vocabulary: Vocabulary, face: FontFace) -> None:
        known = face.covered(vocabulary.characters)
        self._look_at([(face.draw(c, 2 * SIDE_PX), c) for c in known])

    @classmethod
    def of_drawings(cls, drawings: Iterable[tuple[Ink, str]]) -> NearestGlyphReader:
        """The same among given pictures, white on black, of which several may show one character.

        There must be at least two characters.
        """
        reader = cls.__new__(cls)
        reader._look_at(list(drawings))
        return reader

    def _look_at(self, pictures: Sequence[tuple[Ink, str]]) -> None:
        self._characters = [character for _, character in pictures]
        self._glyphs = _directions(np.stack([fit_cell(ink, SIDE_PX) for ink, _ in pictures]))

    def read_columns(self, columns: Sequence[ColumnInk]) -> list[list[Proposal]]:
        """One proposal a box, five candidates each."""
        return [[self._read(column.ink, box) for box in column.boxes] for column in columns]

    def _read(self, ink: Ink, box: Box) -> Proposal:
        inside = box.clipped(ink.shape[1], ink.shape[0])
        crop: Ink = np.zeros((1, 1), np.uint8)
        if inside is not None:
            crop = ink[inside.top : inside.bottom, inside.left : inside.right]
        cell = fit_cell(crop, SIDE_PX)
        similar = self._glyphs @ _directions(cell[None])[0]
        nearest: dict[str, float] = {}
        for place in np.argsort(similar)[::-1]:
            nearest.setdefault(self._characters[place], float(similar[place]))
            if len(nearest) == CANDIDATES:
                break
        named = tuple(nearest.items())
        return Proposal(
            text=named[0][0],
            score=max(0.0, named[0][1]),
            margin=named[0][1] - named[1][1],
            candidates=tuple((c, max(0.0, s)) for c, s in named),
        )


def _directions(cells: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    soft = np.stack([cv2.GaussianBlur(cell, (0, 0), BLUR_PX) for cell in cells])
    flat = soft.reshape(len(cells), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = flat / np.maximum(lengths, 1e-6)
    return unit
