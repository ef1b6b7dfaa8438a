"""The standard-font content image: what is written, in one neutral hand, at fixed places.

Holds: the one renderer that training, reading, writing and corpora share (paper, appendix C.3),
so that a glyph never has two paddings. Black on white, one square cell a character, the glyph
centred by its ink and scaled so that the em fills ``EM_SHARE`` of the cell; one that is larger
than its cell then is drawn as large as the cell allows.

Keeps out: fonts themselves (``pipelines.glyphs.fonts``) and brush hands (``pipelines.synthesis``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipelines.glyphs.fonts import FontFace

Gray = npt.NDArray[np.uint8]

EM_SHARE = 0.9
"""Em square over cell. The released system uses 0.8 of a 128-pixel cell; small cells need the
pixels more than the margin, and a full-width glyph keeps some margin inside its em anyway."""


def content_cell(character: str, face: FontFace, cell_px: int = 128) -> Gray:
    """One character in its cell.

    Args:
        character: One character; the empty string and a blank give an empty cell.
        face: The standard font.
        cell_px: Side of the cell in pixels.

    Returns:
        (cell_px, cell_px) grey levels, black ink (0) on white (255).

    Raises:
        MissingGlyph: If the font draws nothing for the character.
    """
    cell = np.full((cell_px, cell_px), 255, np.uint8)
    if not character.strip():
        return cell
    em = round(cell_px * EM_SHARE)
    ink = face.draw(character, em)
    # Hieroglyphs may be twice as wide as the em.
    if (longest := max(ink.shape)) > cell_px:
        ink = face.draw(character, em * cell_px // longest)[:cell_px, :cell_px]
    top, left = (cell_px - ink.shape[0]) // 2, (cell_px - ink.shape[1]) // 2
    cell[top : top + ink.shape[0], left : left + ink.shape[1]] = 255 - ink
    return cell


def content_image(text: str, face: FontFace, cell_px: int = 128) -> Gray:
    """A column of cells from top to bottom: (cell_px * len(text), cell_px), black on white.

    Raises:
        MissingGlyph: If the font draws nothing for one of the characters.
    """
    if not text:
        return np.full((cell_px, cell_px), 255, np.uint8)
    return np.concatenate([content_cell(character, face, cell_px) for character in text])
