"""What really stands on a synthetic page, kept apart from the page.

Holds: ``TruePage``, ``TrueCharacter`` and their file. Read by the simulated annotator and by
evaluation; a stage that read it would be cheating.

Keeps out: how the pages are made (``pipelines.corpora``).
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
