"""Hands: a brush font with what is known of it, and where its strokes begin and end.

Holds: ``Hand``, which draws glyphs at any size and turn, knows which form of a character it has,
and finds the ends of a glyph's strokes, from which ligatures between neighbours are drawn.

Keeps out: the list of fonts (``pipelines.glyphs.registry``), where glyphs stand (``setting``).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from skimage.morphology import skeletonize

from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import Font, FontRole, load_fonts
from pipelines.records import Script
from pipelines.scripts import written_forms

Ink = npt.NDArray[np.uint8]
Point = tuple[float, float]

VISIBLE = 64
"""Grey level from which an antialiased pixel counts as ink of its character."""

_SKELETON_PX = 40


class Hand:
    """One hand: a font of the list with its opened face.

    Args:
        font: Its entry, for script, role and licence.
        face: Its outlines.
    """

    def __init__(self, font: Font, face: FontFace) -> None:
        self.font = font
        self.face = face
        self._forms: dict[str, str | None] = {}
        self._ends: dict[str, tuple[Point, Point]] = {}

    @cached_property
    def is_joined(self) -> bool:
        """Whether the script joins neighbours: running and cursive do."""
        return self.font.script in (Script.RUNNING, Script.CURSIVE)

    def form_of(self, character: str) -> str | None:
        """The form in which the hand has a character: itself, else a variant, else None."""
        if character not in self._forms:
            forms = written_forms(character)
            self._forms[character] = next((f for f in forms if self.face.covers(f)), None)
        return self._forms[character]

    def draw(self, written: str, em_px: float, turn_deg: float, stretch: float) -> Ink:
        """A glyph, turned and stretched, cut to its visible ink.

        Args:
            written: A form that the hand has.
            em_px: Size of the em square.
            turn_deg: Turn to the left.
            stretch: Height over width, 1 as the font has it.

        Returns:
            (H, W) white on black, antialiased, at least one pixel each way.
        """
        glyph = self.face.draw(written, max(4, round(em_px)))
        height, width = glyph.shape
        pad = 2 + round(0.05 * max(height, width))
        size = (
            round(width / np.sqrt(stretch)) + 2 * pad,
            round(height * np.sqrt(stretch)) + 2 * pad,
        )
        turn = np.deg2rad(turn_deg)
        across, down = 1 / np.sqrt(stretch), np.sqrt(stretch)
        move = np.array(
            [
                [np.cos(turn) * across, np.sin(turn) * down, 0],
                [-np.sin(turn) * across, np.cos(turn) * down, 0],
            ]
        )
        move[:, 2] = np.array(size) / 2 - move[:, :2] @ np.array((width / 2, height / 2))
        drawn = np.asarray(cv2.warpAffine(glyph, move, size, flags=cv2.INTER_LINEAR), np.uint8)
        seen = drawn >= VISIBLE
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        if not rows.size:
            return np.full((1, 1), 255, np.uint8)
        return drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

    def stroke_ends(self, written: str) -> tuple[Point, Point]:
        """Where the first stroke begins and the last one ends, as shares of the glyph's box.

        A font does not know the order of strokes; the end of a stroke that lies highest (and
        left) and the one that lies lowest (and right) stand in for it.
        """
        if written not in self._ends:
            glyph = self.face.draw(written, _SKELETON_PX) > 127
            line: npt.NDArray[np.bool_] = skeletonize(np.pad(glyph, 1))  # type: ignore[no-untyped-call]
            around = cv2.boxFilter(line.astype(np.float32), -1, (3, 3), normalize=False)
            ys, xs = np.nonzero(line & (around == 2))
            if ys.size < 2:
                ys, xs = np.nonzero(np.pad(glyph, 1))
            if ys.size == 0:
                ys, xs = np.array([0, line.shape[0] - 1]), np.array([0, line.shape[1] - 1])
            scale = np.array((line.shape[1], line.shape[0]), np.float64)
            first = int(np.argmin(ys + 0.35 * xs))
            last = int(np.argmax(ys + 0.25 * xs))
            begin, end = np.array((xs[first], ys[first])), np.array((xs[last], ys[last]))
            self._ends[written] = (
                (float((begin / scale)[0]), float((begin / scale)[1])),
                (float((end / scale)[0]), float((end / scale)[1])),
            )
        return self._ends[written]


def load_hands(
    font_dir: Path,
    *,
    registry: Path | None = None,
    roles: Iterable[FontRole] = (FontRole.HAND, FontRole.PRINT),
) -> list[Hand]:
    """Every fetched font of these roles as a hand, by font id; the rest of the list is left out.

    So are fonts of hieroglyphs, in which no text of ours can be set.

    Raises:
        FontError: If a list or a font file cannot be read.
    """
    wanted = set(roles)
    fonts = load_fonts(registry, font_dir)
    return [
        Hand(font, FontFace(font.files))
        for _, font in sorted(fonts.items())
        if font.is_fetched and font.role in wanted and font.script is not Script.HIEROGLYPHS
    ]
