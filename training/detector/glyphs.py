"""What training pages are set from: pictures of single characters, by hand and by kind.

Holds: ``Hand``, the pictures that one font or one collection of real characters offers, Han and
kana apart, and :func:`training_hands`, which makes them from fetched fonts and real characters.

Keeps out: where pictures stand on a page (``training.detector.pages``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.errors import FontError
from pipelines.glyphs.fonts import FontFace
from pipelines.scripts import is_han
from training.hands import REAL_HAND, fetched_hands, read_characters
from training.vocabulary import build_vocabulary

Ink = npt.NDArray[np.uint8]

EM_PX = 96
"""Size of the em square that pictures are drawn at; enlarging them at most doubles it."""

HIRAGANA = tuple(chr(code) for code in range(0x3042, 0x3094))
KATAKANA = tuple(chr(code) for code in range(0x30A2, 0x30F4))


@dataclass(frozen=True, kw_only=True)
class Hand:
    """Pictures cut to their ink, (H, W) uint8, 255 on 0, at ``EM_PX`` to the em.

    Attributes:
        name: The font's id or the collection's.
        han: Chinese characters.
        kana: Japanese syllables; empty where the font has none.
        connects: Share of its pages on which neighbours are joined by strokes.
    """

    name: str
    han: tuple[Ink, ...]
    kana: tuple[Ink, ...]
    connects: float


MIN_HAN_SHARE = 0.05
"""Share of the Chinese characters that a font must have to be used for them."""

REAL_STEP = 5
"""Of real characters one in so many is taken: they are many of few classes."""


def training_hands(
    font_folder: Path,
    connects: Mapping[str, float],
    characters: int,
    real_characters: Path | None = None,
) -> list[Hand]:
    """The hands among ``connects`` that are on this machine.

    Args:
        font_folder: Where fonts were fetched to.
        connects: Font ids, with the share of pages on which neighbours are joined.
        characters: Chinese characters of each, the commonest.
        real_characters: Parquet file of single characters (``training.hands``), or None.

    Raises:
        FontError: If no font is fetched.
    """
    fonts = fetched_hands(font_folder, tuple(connects))
    if not fonts:
        raise FontError(
            f"None of the hands {', '.join(connects)} is fetched in {font_folder}. Run "
            f"python -m pipelines.glyphs.fetch --into {font_folder} first.",
            reason="font_not_fetched",
        )
    faces = {name: FontFace(font.files) for name, font in fonts.items()}
    hands = hands_from_fonts(faces, build_vocabulary([], characters).characters, connects)
    if real_characters is not None:
        crops = islice(read_characters(real_characters, "train"), 0, None, REAL_STEP)
        hands.append(
            hand_from_crops(REAL_HAND, (ink for ink, _ in crops), connects.get(REAL_HAND, 0.5))
        )
    return hands


def hands_from_fonts(
    faces: Mapping[str, FontFace], han: Sequence[str], connects: Mapping[str, float]
) -> list[Hand]:
    """One hand a face.

    Args:
        faces: By font id.
        han: Characters to draw, as far as a face covers them.
        connects: Share of pages with joined characters, 0.1 where nothing is said.
    """
    hands = []
    for name, face in faces.items():
        drawn = _drawn(face, (character for character in han if is_han(character)))
        hands.append(
            Hand(
                name=name,
                # A kana font with a few Chinese characters would repeat them all over a page.
                han=drawn if len(drawn) >= MIN_HAN_SHARE * len(han) else (),
                kana=_drawn(face, (*HIRAGANA, *KATAKANA[::6])),
                connects=connects.get(name, 0.1),
            )
        )
    return [hand for hand in hands if hand.han or hand.kana]


def hand_from_crops(name: str, crops: Iterable[Ink], connects: float) -> Hand:
    """Real single characters, white ink on black, brought to the size of an em."""
    pictures = []
    for crop in crops:
        tight = _tight((crop >= 128).astype(np.uint8) * 255)
        if tight is not None:
            scale = 0.92 * EM_PX / max(tight.shape)
            pictures.append(_resized(tight, scale))
    return Hand(name=name, han=tuple(pictures), kana=(), connects=connects)


def _drawn(face: FontFace, characters: Iterable[str]) -> tuple[Ink, ...]:
    pictures = (face.draw(c, EM_PX) for c in characters if face.covers(c))
    return tuple(picture for picture in pictures if min(picture.shape) > 1)


def _tight(ink: Ink) -> Ink | None:
    left, top, width, height = cv2.boundingRect(ink)
    return ink[top : top + height, left : left + width] if width and height else None


def _resized(ink: Ink, scale: float) -> Ink:
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    return np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.uint8)
