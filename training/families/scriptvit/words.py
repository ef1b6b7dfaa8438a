"""Words of letters as pictures: cleaned, fitted to a line, and drawn in the content font.

A word is as long as it is: in a picture of one width its letters would be wide or narrow by chance.
So its ink is cut out and made as high as the line. As a *reference* it keeps its proportions, and
what is longer than the picture is cut off at the end; as something *to be written* it gets the same
width for each letter (as in HWT), and so does the same word in the content font, letters of which
then lie about where the hand has them.

Holds: :func:`word_ink`, :func:`fitted_word` and its :func:`scale_of_word`, :func:`drawn_word`.

Keeps out: files of words and references that are refused (``conditioning``).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.windows import ink_extent

Ink = npt.NDArray[np.uint8]

LINE_SHARE = 0.875
"""Height of a word's ink over the height of its picture."""
LETTER_SHARE = 0.3
"""Width of a letter that is to be written over the height of the picture, if the word fits."""
RULE_HEIGHT, RULE_WIDTH, RULE_RATIO = 0.08, 0.28, 5
"""What is at most so high and at least so wide, as shares of the height of a picture, and so many
times as wide as high, is a rule of the paper and no stroke. Chosen on words of DHSD."""
GAP_SHARE, BLANK_SHARE = 0.08, 0.3
"""Between two letters of the content font, and of a blank, over the em."""
DRAWN_EM_PX = 64


def word_ink(picture: Ink) -> Ink:
    """A word, dark on light, as white ink on black, without the rules it stands on.

    The median of the picture becomes 0, its darkest part 255: a pale pen is no hand.

    Args:
        picture: (height, width) of grey levels; not modified.
    """
    ink = 255 - picture.astype(np.float32)
    low, high = np.quantile(ink, [0.5, 0.99])
    scaled = (ink - low) / max(1.0, float(high - low)) * 255
    return _without_rules(np.asarray(np.clip(scaled, 0, 255), np.uint8))


def fitted_word(ink: Ink, size: tuple[int, int], letters: int = 0) -> Ink:
    """A word cut to its ink, as high as the line, from the left of the picture on.

    Args:
        ink: (any, any), white on black; not modified. Nothing is cut from a blank one.
        size: Height and width of the picture.
        letters: Its number of letters, each of which gets the same width; 0 keeps proportions.
    """
    height, width = size
    found = ink_extent(ink)
    picture = np.zeros(size, np.uint8)
    if found is None:
        return picture
    cut = ink[found.top : found.bottom, found.left : found.right]
    high = round(LINE_SHARE * height)
    wide = max(1, round(found.width * scale_of_word(found, height)))
    if letters:
        wide = max(1, round(min(LETTER_SHARE * height, width / letters) * letters))
    method = cv2.INTER_AREA if cut.shape[0] > high else cv2.INTER_LINEAR
    placed = cv2.resize(cut, (wide, high), interpolation=method)[:, :width]
    top = (height - high) // 2
    picture[top : top + high, : placed.shape[1]] = placed
    return picture


def scale_of_word(extent: Box, height_px: int) -> float:
    """By how much a reference of that extent is enlarged in a picture so high."""
    return round(LINE_SHARE * height_px) / extent.height


def drawn_word(text: str, face: FontFace, size: tuple[int, int]) -> Ink:
    """A word in the content font, fitted as what is to be written.

    Raises:
        MissingGlyph: If the font does not draw a letter.
    """
    em = DRAWN_EM_PX
    line = np.zeros((2 * em, (len(text) + 1) * 2 * em), np.uint8)
    left = 0
    for letter in text:
        if letter == " ":
            left += round(BLANK_SHARE * em)
            continue
        ink = face.draw(letter, em)
        top = round(1.3 * em) - face.rise(letter, em)
        rows = slice(max(0, top), min(len(line), top + ink.shape[0]))
        columns = slice(left, left + ink.shape[1])
        part = ink[rows.start - top : rows.stop - top]
        np.maximum(line[rows, columns], part, out=line[rows, columns])
        left += ink.shape[1] + round(GAP_SHARE * em)
    return fitted_word(line, size, letters=len(text))


def _without_rules(ink: Ink) -> Ink:
    height = ink.shape[0]
    count, labels, boxes, _ = cv2.connectedComponentsWithStats((ink > 60).astype(np.uint8))
    rules = [
        label
        for label in range(1, count)
        if boxes[label][cv2.CC_STAT_HEIGHT] <= RULE_HEIGHT * height
        and boxes[label][cv2.CC_STAT_WIDTH] >= RULE_WIDTH * height
        and boxes[label][cv2.CC_STAT_WIDTH] >= RULE_RATIO * boxes[label][cv2.CC_STAT_HEIGHT]
    ]
    if not rules:
        return ink
    # A rule's soft edge goes with it.
    where = cv2.dilate(np.isin(labels, rules).astype(np.uint8), np.ones((3, 3), np.uint8))
    beside = (labels > 0) & ~np.isin(labels, rules)
    return np.asarray(np.where((where > 0) & ~beside, 0, ink), np.uint8)
