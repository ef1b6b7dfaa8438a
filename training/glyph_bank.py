"""Single characters in many hands, held as one array: what the image encoder is trained on.

Holds: ``GlyphBank`` (pictures, class, hand), made from fonts and from real characters. Every
written form a font draws is filed under its canonical character, so that simplified and Japanese
forms teach the same class.

Keeps out: what is done to the pictures in training (``training.augment``).
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.glyphs.fonts import FontFace
from pipelines.windows import fit_cell
from training.vocabulary import Vocabulary

Ink = npt.NDArray[np.uint8]

BANK_CELL_PX = 64


@dataclass(frozen=True)
class GlyphBank:
    """Characters as arrays of equal length.

    Attributes:
        pictures: (N, 64, 64), white ink on black.
        classes: (N,) ids in the vocabulary.
        hands: (N,) index into ``hand_names``.
    """

    pictures: Ink
    classes: npt.NDArray[np.int64]
    hands: npt.NDArray[np.int64]
    hand_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.classes)

    def of_hands(self, names: Iterable[str]) -> GlyphBank:
        """The part written in the named hands, as a copy."""
        wanted = [self.hand_names.index(name) for name in names]
        keep = np.isin(self.hands, wanted)
        return GlyphBank(self.pictures[keep], self.classes[keep], self.hands[keep], self.hand_names)


def bank_from_fonts(
    faces: Mapping[str, FontFace], vocabulary: Vocabulary, em_px: int = BANK_CELL_PX
) -> GlyphBank:
    """Draw every form of every known character in every face that has it.

    ``em_px`` is how large they are drawn before they are fitted to their cells: signs that are
    small in their em need more.
    """
    pictures, classes, hands = [], [], []
    for hand, face in enumerate(faces.values()):
        for character in face.characters():
            class_id = vocabulary.id_of(character)
            if class_id is None or not face.covers(character):
                continue
            pictures.append(fit_cell(face.draw(character, em_px), BANK_CELL_PX))
            classes.append(class_id)
            hands.append(hand)
    return GlyphBank(np.stack(pictures), np.asarray(classes), np.asarray(hands), tuple(faces))


def join_banks(banks: Iterable[GlyphBank]) -> GlyphBank:
    """Several banks as one; hands keep their names."""
    parts = list(banks)
    names = tuple(name for bank in parts for name in bank.hand_names)
    offsets = np.cumsum([0] + [len(bank.hand_names) for bank in parts[:-1]])
    return GlyphBank(
        np.concatenate([bank.pictures for bank in parts]),
        np.concatenate([bank.classes for bank in parts]),
        np.concatenate([b.hands + offset for b, offset in zip(parts, offsets, strict=True)]),
        names,
    )


def bank_from_crops(
    crops: Iterable[tuple[Ink, str]], vocabulary: Vocabulary, hand: str
) -> GlyphBank:
    """Real characters: white ink on black, with what they show; unknown ones are left out."""
    pictures, classes = [], []
    for ink, character in crops:
        class_id = vocabulary.id_of(character)
        if class_id is not None:
            pictures.append(fit_cell(ink, BANK_CELL_PX))
            classes.append(class_id)
    return GlyphBank(
        np.stack(pictures), np.asarray(classes), np.zeros(len(classes), np.int64), (hand,)
    )


def cached_bank(faces: Mapping[str, FontFace], vocabulary: Vocabulary, cache: Path) -> GlyphBank:
    """:func:`bank_from_fonts`, kept in a file named after the fonts and the character table."""
    digest = hashlib.sha256(vocabulary.fingerprint.encode())
    for name, face in faces.items():
        digest.update(name.encode())
        for file in face.files:
            digest.update(f"{file.name}:{file.stat().st_size}".encode())
    path = cache / f"glyphs-{digest.hexdigest()[:16]}.npz"
    if path.is_file():
        stored = np.load(path, allow_pickle=False)
        return GlyphBank(stored["pictures"], stored["classes"], stored["hands"], tuple(faces))
    bank = bank_from_fonts(faces, vocabulary)
    cache.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{uuid.uuid4().hex[:8]}.partial.npz")
    np.savez_compressed(temporary, pictures=bank.pictures, classes=bank.classes, hands=bank.hands)
    os.replace(temporary, path)
    return bank
