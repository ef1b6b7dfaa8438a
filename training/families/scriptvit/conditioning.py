"""What is fed in: pictures by known hands, what they say, and how that looks in a standard font.

There is no table of letters: what is to be written enters as a picture, drawn in the content font
(visual archetypes, VATr). A character is its glyph; a word is its letters on one line (``words``).

Holds: ``Material``, made from a bank of characters or from a file of words; ``content_of`` and
``reference_set``, which checks the references of a hand.

Keeps out: batches (``objective``), fonts by id (``training.hands``).

Legend: N pictures, T texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from pipelines.errors import MaterialError, ModelError
from pipelines.glyphs.fonts import FontFace
from pipelines.windows import INK_LEVEL, fit_cell
from training.families.scriptvit.dims import ScriptViTDims
from training.families.scriptvit.words import drawn_word, fitted_word, word_ink
from training.glyph_bank import GlyphBank
from training.vocabulary import Vocabulary

Ink = npt.NDArray[np.uint8]
Ids = npt.NDArray[np.int64]

HELD_OUT_EVERY = 5
"""One text in so many is kept from training, to judge on."""
LEAST_INK = 0.002
"""Share of a reference that must be ink for it to say anything of a hand."""


@dataclass(frozen=True)
class Material:
    """Pictures with their hand and what they say.

    Attributes:
        pictures: (N, height, width) as references, white ink on black.
        written: (N, height, width) the same as what is to be written.
        hands: (N,) index into ``hand_names``.
        text_ids: (N,) index into ``texts``.
        texts: What is written: single characters or words.
        contents: (T, height, width), each text in the content font.
    """

    pictures: Ink
    written: Ink
    hands: Ids
    text_ids: Ids
    hand_names: tuple[str, ...]
    texts: tuple[str, ...]
    contents: Ink

    def __len__(self) -> int:
        return len(self.hands)

    @cached_property
    def is_held_out(self) -> npt.NDArray[np.bool_]:
        """(N,): whether a picture shows a text that is kept from training."""
        return np.asarray(self.text_ids % HELD_OUT_EVERY == HELD_OUT_EVERY - 1)

    @property
    def is_words(self) -> bool:
        """Whether texts are words of letters instead of single characters."""
        return any(len(text) > 1 for text in self.texts)

    def part(self, keep: npt.NDArray[np.bool_]) -> Material:
        """The pictures that are kept, with the same hands and texts."""
        return Material(
            self.pictures[keep], self.written[keep], self.hands[keep], self.text_ids[keep],
            self.hand_names, self.texts, self.contents,
        )  # fmt: skip

    def of_hands(self, names: Sequence[str]) -> Material:
        """The part written by the named hands, numbered in the order named.

        Raises:
            ModelError: If one is not among the hands.
        """
        if unknown := sorted(set(names) - set(self.hand_names)):
            raise ModelError(
                f"The material has no hand {unknown[0]!r}. It has {', '.join(self.hand_names)}."
            )
        numbers = np.full(len(self.hand_names), -1)
        numbers[[self.hand_names.index(name) for name in names]] = np.arange(len(names))
        keep = numbers[self.hands] >= 0
        return Material(
            self.pictures[keep], self.written[keep], numbers[self.hands[keep]], self.text_ids[keep],
            tuple(names), self.texts, self.contents,
        )  # fmt: skip


def material_of_characters(
    bank: GlyphBank, vocabulary: Vocabulary, face: FontFace, dims: ScriptViTDims
) -> Material:
    """Characters of a bank; those that the content font does not draw are left out."""
    size = (dims.written_height_px, dims.written_width_px)
    known = [place for place, c in enumerate(vocabulary.characters) if face.covers(c)]
    numbers = np.full(len(vocabulary), -1)
    numbers[known] = np.arange(len(known))
    keep = numbers[bank.classes] >= 0
    texts = tuple(vocabulary.characters[place] for place in known)
    inks = bank.pictures[keep]
    return Material(
        _resized(inks, (dims.height_px, dims.width_px)), _resized(inks, size),
        bank.hands[keep], numbers[bank.classes[keep]], bank.hand_names,
        texts, np.stack([content_of(text, face, size) for text in texts]),
    )  # fmt: skip


def material_of_words(
    path: Path, face: FontFace, dims: ScriptViTDims, most_letters: int
) -> Material:
    """Words by writer, from Parquet with ``image``, ``text`` and ``writer``, dark on light.

    Words that are longer than ``most_letters``, or have letters that the content font lacks, are
    left out.

    Raises:
        ModelError: If the file is missing, lacks a column, or nothing remains.
    """
    if not path.is_file():
        raise ModelError(f"There is no file of words at {path}. Give a Parquet file with --words.")
    table = pq.read_table(path)
    if missing := sorted({"image", "text", "writer"} - set(table.column_names)):
        raise ModelError(
            f"{path} lacks the columns {', '.join(missing)}; expected image, text and writer."
        )
    size = (dims.written_height_px, dims.written_width_px)
    pictures, written, hands, said = [], [], [], []
    for row in table.select(["image", "text", "writer"]).to_pylist():
        text = row["text"]
        if not 0 < len(text) <= most_letters or not all(c == " " or face.covers(c) for c in text):
            continue
        picture = cv2.imdecode(np.frombuffer(row["image"], np.uint8), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise ModelError(f"{path} holds a picture of {text!r} that is none. Restore the file.")
        ink = word_ink(np.asarray(picture, np.uint8))
        pictures.append(fitted_word(ink, (dims.height_px, dims.width_px)))
        written.append(fitted_word(ink, size, letters=len(text)))
        hands.append(str(row["writer"]))
        said.append(text)
    if not said:
        raise ModelError(f"{path} holds no word of 1 to {most_letters} letters; nothing to learn.")
    names = sorted(set(hands), key=lambda name: (len(name), name))
    texts = sorted(set(said))
    places = {text: place for place, text in enumerate(texts)}
    return Material(
        np.stack(pictures), np.stack(written),
        np.asarray([names.index(hand) for hand in hands]),
        np.asarray([places[text] for text in said]),
        tuple(f"writer-{name}" for name in names), tuple(texts),
        np.stack([content_of(text, face, size) for text in texts]),
    )  # fmt: skip


def content_of(text: str, face: FontFace, size: tuple[int, int]) -> Ink:
    """A text in the content font: one character fills the picture, letters stand on a line.

    Args:
        text: What is to be written.
        face: The content font.
        size: Height and width of the picture.

    Raises:
        MissingGlyph: If the font does not draw a letter.
        MaterialError: If the text is empty.
    """
    if not text:
        raise MaterialError("The text to write is empty. Give a character.", reason="empty_text")
    if len(text) == 1:
        cell = fit_cell(face.draw(text, 2 * size[0]), size[0])
        return np.asarray(_resized(cell[None], size)[0], np.uint8)
    return drawn_word(text, face, size)


def reference_set(pictures: Sequence[Ink], dims: ScriptViTDims) -> Ink:
    """References as the style encoder gets them: (N, height, width), white on black.

    Characters are fitted to their cell and words to their line, as those of training were.

    Raises:
        ModelError: If there are none or too many, or one is blank.
    """
    if not 1 <= len(pictures) <= dims.max_references:
        raise ModelError(
            f"{len(pictures)} references of a hand were given; expected 1 to "
            f"{dims.max_references}. Leave some out, or give at least one."
        )
    for place, picture in enumerate(pictures, 1):
        if (picture > INK_LEVEL).mean() < LEAST_INK:
            raise ModelError(
                f"Reference {place} of {len(pictures)} is blank: less than {LEAST_INK:.1%} of it "
                f"is ink. Give a picture with a character, white on black."
            )
    size = (dims.height_px, dims.width_px)
    if dims.height_px == dims.width_px:
        return np.stack([fit_cell(picture, dims.height_px) for picture in pictures])
    return np.stack([fitted_word(picture, size) for picture in pictures])


def _resized(pictures: Ink, size: tuple[int, int]) -> Ink:
    if pictures.shape[1:] == size:
        return pictures
    method = cv2.INTER_AREA if pictures.shape[1] > size[0] else cv2.INTER_LINEAR
    return np.stack([cv2.resize(p, size[::-1], interpolation=method) for p in pictures])
