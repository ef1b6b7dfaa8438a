"""The floor under every reader: the standard glyph that overlaps a character's ink the most.

Nothing is learnt: both pictures are cut to their ink, brought to one small size, blurred, and
compared by the cosine between them. A reader that does not beat this has learnt nothing either.

Keeps out: readers that learn (``training``), and the content image (``pipelines.glyphs.content``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.glyphs.fonts import FontFace

Ink = npt.NDArray[np.uint8]
Directions = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestParams:
    """How glyphs are compared; the blur forgives strokes that lie a little off."""

    side_px: int = 24
    blur_px: float = 1.5
    em_px: int = 64


_DEFAULT = NearestParams()


class NearestGlyph:
    """A reader without parameters over the glyphs of one font.

    Args:
        characters: What it may answer; characters the font does not draw are left out.
        face: The standard font.
        params: How glyphs are compared.
    """

    def __init__(
        self, characters: Iterable[str], face: FontFace, params: NearestParams = _DEFAULT
    ) -> None:
        self.params = params
        self.characters = tuple(face.covered(dict.fromkeys(characters)))
        glyphs = [face.draw(character, params.em_px) for character in self.characters]
        self._directions = self._compared(glyphs)

    def read(self, inks: Sequence[Ink]) -> list[str]:
        """The nearest character of each picture, the empty string where there is no ink.

        Args:
            inks: (H, W) each, white on black, of any size; not modified.
        """
        if not inks:
            return []
        directions = self._compared(inks)
        best = (directions @ self._directions.T).argmax(axis=1)
        return [
            self.characters[index] if direction.any() else ""
            for index, direction in zip(best, directions, strict=True)
        ]

    def _compared(self, inks: Sequence[Ink]) -> Directions:
        return np.stack([self._direction(ink) for ink in inks]).astype(np.float32)

    def _direction(self, ink: Ink) -> Directions:
        side = self.params.side_px
        square = np.zeros((side, side), np.float32)
        rows = np.flatnonzero((ink > 64).any(axis=1))
        columns = np.flatnonzero((ink > 64).any(axis=0))
        if not rows.size:
            return square.ravel()
        tight = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        # Half of the stretch to a square: a flat 一 must stay flatter than a 十.
        height, width = tight.shape
        longest = max(height, width)
        size = (
            max(1, round(side * (width / longest) ** 0.5)),
            max(1, round(side * (height / longest) ** 0.5)),
        )
        small = cv2.resize(tight, size, interpolation=cv2.INTER_AREA)
        top, left = (side - size[1]) // 2, (side - size[0]) // 2
        square[top : top + size[1], left : left + size[0]] = small
        blurred = np.asarray(cv2.GaussianBlur(square, (0, 0), self.params.blur_px), np.float32)
        direction: Directions = blurred.ravel() / max(float(np.linalg.norm(blurred)), 1e-6)
        return direction
