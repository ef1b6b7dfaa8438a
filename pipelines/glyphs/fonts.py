"""Brush hands cast in fonts: what a font really draws, and the drawing itself.

Holds: ``FontFace``, one face over one file or many (web fonts come in slices), which answers
from outlines instead of the character map: brush fonts claim thousands of characters for which
they draw nothing, or the same placeholder box.

Keeps out: which fonts there are and where from (``pipelines.glyphs.registry``), and how glyphs
are laid out (``pipelines.glyphs.content``, ``pipelines.synthesis``).
"""

from __future__ import annotations

import ctypes
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import freetype
import numpy as np
import numpy.typing as npt
from fontTools.ttLib import TTLibError, woff2

from pipelines.errors import FontError, MissingGlyph

Gray = npt.NDArray[np.uint8]

PLACEHOLDER_REPEATS = 6
"""An outline shared by more characters than this is a placeholder: variants that a font draws
alike come in twos and threes."""

_OUTLINE_ONLY = freetype.FT_LOAD_NO_SCALE | freetype.FT_LOAD_NO_BITMAP
_DRAW = freetype.FT_LOAD_NO_HINTING | freetype.FT_LOAD_NO_BITMAP | freetype.FT_LOAD_RENDER


def _openable(file: Path) -> str | io.BytesIO:
    """FreeType's Python wheel is built without Brotli, so WOFF2 is unpacked here."""
    if file.suffix.lower() != ".woff2":
        return str(file)
    unpacked = io.BytesIO()
    with file.open("rb") as packed:
        woff2.decompress(packed, unpacked)
    unpacked.seek(0)
    return unpacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many characters a font maps, and what it draws for them.

    ``outlined`` have a form of their own; ``blank`` draw nothing; ``placeholders`` a box or
    another shape that stands for many characters.
    """

    mapped: int
    outlined: int
    blank: int
    placeholders: int


class FontFace:
    """A face that may be spread over several files.

    Args:
        files: TTF, OTF, TTC (its first face), WOFF or WOFF2 (slower to open). The first file that
            maps a character draws it.

    Raises:
        FontError: If there is no file, or one is no font.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        if not files:
            raise FontError(
                "A font needs at least one file, found none. Fetch the fonts again.",
                reason="font_missing",
            )
        self.files = tuple(files)
        self._faces: list[freetype.Face] = []
        self._where: dict[int, tuple[int, int]] = {}
        for index, file in enumerate(files):
            try:
                face = freetype.Face(_openable(file))
            except (freetype.FT_Exception, TTLibError, OSError) as error:
                raise FontError(
                    f"{file} is no font that FreeType opens ({error}). Fetch it again or remove "
                    f"it from the registry.",
                    reason="font_unreadable",
                ) from error
            self._faces.append(face)
            for code, glyph in face.get_chars():
                if glyph:  # the listing ends with an entry for no character
                    self._where.setdefault(code, (index, glyph))

    @cached_property
    def _placeholders(self) -> frozenset[bytes]:
        """Fingerprints of what the font draws instead of a character."""
        seen = Counter(
            print_
            for code, where in self._where.items()
            if code >= 0x3400 and (print_ := self._outline(where)) is not None
        )
        repeated = {outline for outline, count in seen.items() if count > PLACEHOLDER_REPEATS}
        missing = {self._outline((index, 0)) for index in range(len(self._faces))}
        return frozenset(repeated | {outline for outline in missing if outline is not None})

    def _outline(self, where: tuple[int, int]) -> bytes | None:
        index, glyph = where
        face = self._faces[index]
        face.load_glyph(glyph, _OUTLINE_ONLY)
        # Straight from FreeType's memory: its Python list of points is twenty times slower, and
        # a font is asked for all of its outlines to find the placeholders.
        outline = face.glyph.outline._FT_Outline
        if outline.n_points == 0:
            return None
        size = outline.n_points * ctypes.sizeof(freetype.FT_Vector)
        points = ctypes.string_at(outline.points, size)
        return hashlib.blake2b(points, digest_size=12).digest()

    def characters(self) -> list[str]:
        """Every character the files map, drawn or not, by code point."""
        return [chr(code) for code in sorted(self._where)]

    def covers(self, character: str) -> bool:
        """Whether the font has an outline of its own for the character."""
        where = self._where.get(ord(character)) if len(character) == 1 else None
        if where is None:
            return False
        outline = self._outline(where)
        return outline is not None and outline not in self._placeholders

    def coverage(self, characters: Iterable[str]) -> Coverage:
        """What the font really has of the characters that it maps: outlines, not claims."""
        places = [where for c in characters if (where := self._where.get(ord(c))) is not None]
        prints = [self._outline(where) for where in places]
        blank = sum(outline is None for outline in prints)
        placeholders = sum(outline in self._placeholders for outline in prints)
        return Coverage(
            mapped=len(places),
            outlined=len(places) - blank - placeholders,
            blank=blank,
            placeholders=placeholders,
        )

    def covered(self, characters: Iterable[str]) -> list[str]:
        """Those of the characters that the font really draws, in the order given."""
        return [character for character in characters if self.covers(character)]

    def rise(self, character: str, em_px: int) -> int:
        """How far the top of a drawn character lies above its line, in pixels.

        Raises:
            MissingGlyph: As :meth:`draw`.
        """
        return int(self._rendered(character, em_px).bitmap_top)

    def draw(self, character: str, em_px: int) -> Gray:
        """The ink of a character, cut to its own extent.

        Args:
            character: One character.
            em_px: Size of the em square in pixels.

        Returns:
            (H, W) grey levels, ink 255 on 0, antialiased; at least one pixel each way.

        Raises:
            MissingGlyph: If the font draws nothing of its own for the character.
        """
        bitmap = self._rendered(character, em_px).bitmap
        if bitmap.rows == 0 or bitmap.width == 0:
            return np.zeros((1, 1), np.uint8)
        # Straight from FreeType's memory again: the wrapper's buffer is a Python list of pixels.
        size = bitmap.rows * bitmap.pitch
        pixels = ctypes.string_at(bitmap._FT_Bitmap.buffer, size)
        rows = np.frombuffer(pixels, np.uint8).reshape(bitmap.rows, bitmap.pitch)
        return rows[:, : bitmap.width].copy()

    def _rendered(self, character: str, em_px: int) -> freetype.GlyphSlot:
        if not self.covers(character):
            raise MissingGlyph(
                f"{self.files[0].name} has no outline for {character!r} "
                f"(U+{ord(character[0]):04X}). Use another font or leave the character out.",
                reason="missing_glyph",
            )
        index, glyph = self._where[ord(character)]
        face = self._faces[index]
        face.set_pixel_sizes(em_px, em_px)
        face.load_glyph(glyph, _DRAW)
        return face.glyph
