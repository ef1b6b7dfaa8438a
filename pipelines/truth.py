"""What really stands on a synthetic page, kept apart from the page.

Holds: ``TruePage``, ``TrueCharacter`` and their file, and the records of a corpus (``Corpus``,
``CorpusPage``) that lie in tables. Read by the simulated annotator, by training and by
evaluation; a stage that read it would be cheating.

Keeps out: how the pages are made (``pipelines.synthesis``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipelines.errors import MaterialError
from pipelines.geometry import Box

TRUTH_FORMAT = 1
DAMAGED_LOSS = 0.35
"""Share of a character's ink that is lost from which it counts as damaged: about where a person
begins to complete it from memory (looked at on our own pages)."""


class Role(StrEnum):
    """What a character is on its page: text, interlinear note, signature or title."""

    BODY = "body"
    NOTE = "note"
    SIGNATURE = "signature"
    TITLE = "title"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueCharacter:
    """What stands in a box: ``loss`` is the share of its ink that damage has taken.

    ``strand`` is 0, or 1 and 2 in the right and left half of an interlinear note.
    """

    box: Box
    written: str
    canonical: str
    column: int
    loss: float
    role: Role = Role.BODY
    strand: int = 0

    @property
    def is_damaged(self) -> bool:
        """Whether so much is lost that a person has to complete it."""
        return self.loss >= DAMAGED_LOSS


@dataclass(frozen=True, slots=True, kw_only=True)
class TruePage:
    """The truth of one page file, its characters in reading order."""

    file: str
    width: int
    height: int
    characters: tuple[TrueCharacter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusPage:
    """One page of a corpus with its truth; pictures are PNG in the store.

    ``image_key`` names the page as scanned; ``ink_key`` its clean ink, white on black;
    ``rules_key``, ``seals_key`` and ``damage_key`` masks of the same size. ``characters`` stand in
    reading order; ``text`` is what was used up of the text, ``missing`` how many characters of it
    the font lacked; ``params`` (JSON) says how the page was drawn.
    """

    page_id: str
    corpus: str
    page_index: int
    width: int
    height: int
    image_key: str
    ink_key: str
    rules_key: str
    seals_key: str
    damage_key: str
    layout: str
    medium: str
    wear: float
    font_id: str
    rights: str
    text: str
    missing: int
    characters: tuple[TrueCharacter, ...]
    seal_boxes: tuple[Box, ...]
    params: str
    code_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FontUse:
    """A font of a corpus: what it is, what it really draws, and how much of the text it lacked.

    ``mapped`` Han characters are in its character map, ``outlined`` of them have an outline of
    their own; ``drawn`` characters of the corpus are from it, ``missing`` were left out.
    """

    font_id: str
    name: str
    script: str
    rights: str
    source: str
    sha256: tuple[str, ...]
    mapped: int
    outlined: int
    pages: int
    drawn: int
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePoint:
    """How often a canonical character stands in a corpus."""

    character: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """What was left out because held-out works have it: shared runs of ``run_length`` characters.

    ``texts`` of ``all_texts`` were cut, ``characters`` of ``all_characters`` taken out.
    """

    run_length: int
    held_out_characters: int
    texts: int
    all_texts: int
    characters: int
    all_characters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """The manifest of a corpus: everything needed to make it again and to judge what it teaches.

    The same ``plan`` (JSON, with the seed), fonts, texts and ``code_version`` give the same
    pictures. ``content_hash`` covers the keys of all of them.
    """

    corpus: str
    seed: int
    pages: int
    rejected: int
    characters: int
    damaged: int
    rights: tuple[str, ...]
    fonts: tuple[FontUse, ...]
    text_files: tuple[str, ...]
    code_points: tuple[CodePoint, ...]
    exclusion: Exclusion
    plan: str
    content_hash: str
    code_version: str


def write_truth(path: Path, title: str, pages: Iterable[TruePage]) -> None:
    """Write the truth of a work.

    The format: ``{"format": 1, "title", "pages": [{"file", "width", "height", "characters":
    [{"box": [left, top, right, bottom], "written", "canonical", "column", "loss", "role",
    "strand"}]}]}``; files relative to the corpus folder, boxes in pixels of the page, characters
    in reading order, column 0 the rightmost.
    """
    plain = {
        "format": TRUTH_FORMAT,
        "title": title,
        "pages": [
            {
                "file": page.file,
                "width": page.width,
                "height": page.height,
                "characters": [
                    {
                        "box": [c.box.left, c.box.top, c.box.right, c.box.bottom],
                        "written": c.written,
                        "canonical": c.canonical,
                        "column": c.column,
                        "loss": c.loss,
                        "role": c.role.value,
                        "strand": c.strand,
                    }
                    for c in page.characters
                ],
            }
            for page in pages
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plain, ensure_ascii=False) + "\n", encoding="utf-8")


def read_truth(path: Path) -> list[TruePage]:
    """The truth of a work, page by page.

    Raises:
        MaterialError: If the file is missing or of another format.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if plain["format"] != TRUTH_FORMAT:
            raise ValueError(f"format {plain['format']}")
        return [
            TruePage(
                file=page["file"],
                width=page["width"],
                height=page["height"],
                characters=tuple(
                    TrueCharacter(
                        box=Box(*c["box"]),
                        written=c["written"],
                        canonical=c["canonical"],
                        column=c["column"],
                        loss=c["loss"],
                        role=Role(c.get("role", "body")),
                        strand=c.get("strand", 0),
                    )
                    for c in page["characters"]
                ),
            )
            for page in plain["pages"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MaterialError(
            f"{path} is not the truth of a synthetic work in format {TRUTH_FORMAT} ({error}). "
            f"Make the corpus again.",
            reason="truth_unreadable",
        ) from error
