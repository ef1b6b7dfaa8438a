"""印: red seals pressed onto a page, white characters on red (白文) or red on white (朱文).

Holds: ``draw_seals``, which returns how much seal paste lies on each pixel.

Keeps out: their colour on paper (``sheet``). What stands in a seal is no text of the page.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from pipelines.synthesis.fields import clouds, grain
from pipelines.synthesis.hands import Hand

Ink = npt.NDArray[np.uint8]


def draw_seals(
    shape: tuple[int, int],
    places: Sequence[Box],
    hand: Hand,
    text: str,
    rng: np.random.Generator,
) -> tuple[Ink, tuple[Box, ...]]:
    """Seal paste on a page.

    Args:
        shape: Of the page.
        places: Squares where seals are wanted; what lies off the page is left out.
        hand: Cuts the seals; a seal script if there is one.
        text: What the characters are taken from.
        rng: All randomness.

    Returns:
        (H, W) paste, 0 to 255, and the box of each seal.
    """
    paste = np.zeros(shape, np.uint8)
    boxes = []
    for place in places:
        side = min(place.width, place.height)
        box = Box(place.left, place.top, place.left + side, place.top + side).clipped(
            shape[1], shape[0]
        )
        if side < 12 or box is None or box.area < side * side:
            continue
        window = paste[box.top : box.bottom, box.left : box.right]
        np.maximum(window, _seal(side, hand, text, rng), out=window)
        boxes.append(box)
    return paste, tuple(boxes)


def _seal(side: int, hand: Hand, text: str, rng: np.random.Generator) -> Ink:
    """One seal: two by two characters, or one, in a square or a round."""
    is_white = bool(rng.random() < 0.5)
    is_round = bool(rng.random() < 0.12)
    rim = max(1, round(0.035 * side * rng.uniform(0.8, 1.8)))
    face = np.zeros((side, side), np.uint8)
    inner = np.zeros((side, side), np.uint8)
    if is_round:
        cv2.circle(face, (side // 2, side // 2), side // 2 - 1, 255, -1, cv2.LINE_AA)
        cv2.circle(inner, (side // 2, side // 2), side // 2 - 1 - rim, 255, -1, cv2.LINE_AA)
    else:
        cv2.rectangle(face, (0, 0), (side - 1, side - 1), 255, -1)
        cv2.rectangle(inner, (rim, rim), (side - 1 - rim, side - 1 - rim), 255, -1)
    forms = [f for c in text if (f := hand.form_of(c)) is not None]
    across = 1 if side < 26 or is_round and rng.random() < 0.5 else 2
    cell = (side - 2 * rim) / across
    strokes = np.zeros((side, side), np.uint8)
    for index in range(across * across if forms else 0):
        written = forms[int(rng.integers(0, len(forms)))]
        glyph = hand.draw(written, 1.2 * cell, 0.0, 1.0)
        # The cutter fills the cell whatever the character.
        fill = round(cell * 0.88 * (0.72 if is_round else 1.0))
        fitted = cv2.resize(glyph, (max(2, fill), max(2, fill)), interpolation=cv2.INTER_AREA)
        row, column = index % across, across - 1 - index // across
        top = round(rim + row * cell + (cell - fill) / 2)
        left = round(rim + column * cell + (cell - fill) / 2)
        strokes[top : top + fill, left : left + fill] = fitted[: side - top, : side - left]
    cut = cv2.subtract(face, strokes) if is_white else cv2.add(cv2.subtract(face, inner), strokes)
    cut = np.minimum(cut, face)
    # Paste lies unevenly, and the rim has chipped.
    patchy = np.clip(0.86 + 0.13 * clouds((side, side), max(4.0, side / 6), rng), 0, 1)
    patchy *= np.clip(1.15 + 0.25 * grain((side, side), 2.5, rng), 0, 1)
    return np.asarray(cut * patchy, np.uint8)
