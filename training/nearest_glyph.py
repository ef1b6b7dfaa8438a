"""The trivial baseline: which standard-font glyph has the most similar pixels.

Holds: ``NearestGlyphReader``. Nothing is learned; whatever UniCalli gains over it is learned.

Keeps out: the learned latents (``training.families.unicalli.library``).
"""

from __future__ import annotations

from collections.abc import Sequence

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


class NearestGlyphReader:
    """Cosine between blurred pixels, mean removed.

    Args:
        vocabulary: What may be named.
        face: The standard font.
    """

    def __init__(self, vocabulary: Vocabulary, face: FontFace) -> None:
        self._characters = face.covered(vocabulary.characters)
        cells = [fit_cell(face.draw(c, 2 * SIDE_PX), SIDE_PX) for c in self._characters]
        self._glyphs = _directions(np.stack(cells))

    def read_columns(self, columns: Sequence[ColumnInk]) -> list[list[Proposal]]:
        """One proposal a box, five candidates each."""
        return [[self._read(column.ink, box) for box in column.boxes] for column in columns]

    def _read(self, ink: npt.NDArray[np.uint8], box: Box) -> Proposal:
        inside = box.clipped(ink.shape[1], ink.shape[0])
        crop: npt.NDArray[np.uint8] = np.zeros((1, 1), np.uint8)
        if inside is not None:
            crop = ink[inside.top : inside.bottom, inside.left : inside.right]
        cell = fit_cell(crop, SIDE_PX)
        similar = self._glyphs @ _directions(cell[None])[0]
        best = np.argsort(similar)[::-1][:5]
        named = tuple((self._characters[place], float(similar[place])) for place in best)
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
