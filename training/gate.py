"""The wrong-character gate: what was written must be read back.

Holds: ``written_right``, which writes a column, has it read, and writes the characters again
that read as something else. A generator that is never read draws convincing characters that do
not exist; whoever trains on them teaches the next reader nonsense.

Keeps out: writing and reading themselves (the families).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from pipelines.scripts import canonical
from training.roles import ColumnInk, Recogniser, WrittenColumn


class Writer(Protocol):
    """Writes columns, and single characters of them again."""

    def write_column(self, text: str, prompt: str, seed: int = 0) -> WrittenColumn:
        """A column from nothing."""
        ...

    def rewrite(
        self, column: WrittenColumn, places: Collection[int], prompt: str, seed: int
    ) -> WrittenColumn:
        """The same column with some characters written again."""
        ...


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A column that was read back.

    Attributes:
        column: The best of all tries, character by character.
        wrong: Places that still read as something else.
        tries: How often the column was read.
    """

    column: WrittenColumn
    wrong: tuple[int, ...]
    tries: int


def written_right(
    writer: Writer, reader: Recogniser, text: str, prompt: str, *, seed: int = 0, tries: int = 4
) -> Checked:
    """Write a column and write again what does not read back, up to ``tries`` times in all.

    Variants count as the same character.
    """
    column = writer.write_column(text, prompt, seed)
    wrong = _misread(reader, column)
    done = 1
    while wrong and done < tries:
        column = writer.rewrite(column, wrong, prompt, seed + done)
        wrong = _misread(reader, column)
        done += 1
    return Checked(column=column, wrong=wrong, tries=done)


def _misread(reader: Recogniser, column: WrittenColumn) -> tuple[int, ...]:
    (proposals,) = reader.read_columns([ColumnInk(column.ink, column.boxes)])
    return tuple(
        place
        for place, (proposal, wanted) in enumerate(zip(proposals, column.text, strict=True))
        if canonical(proposal.text) != canonical(wanted)
    )
