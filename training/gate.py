"""The wrong-character gate: what was written must be read back.

Holds: ``written_right``, which writes a column, has it read, and writes the characters again
that read as something else, and :func:`with_cells`. A generator that is never read draws convincing
characters that do not exist; whoever trains on them teaches the next reader nonsense.

Keeps out: writing and reading themselves (the families).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
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
    writer: Writer,
    reader: Recogniser,
    text: str,
    prompt: str,
    *,
    second: Recogniser | None = None,
    seed: int = 0,
    tries: int = 4,
) -> Checked:
    """Write a column and write again what does not read back, up to ``tries`` times in all.

    Of all tries each character keeps the best. Our own reader decides what is wrong; it has learnt
    from the same strokes that the writer has, and takes clotted ink for legible. So ``second``, a
    reader that has not, is asked too: what it cannot read is written again as well, and kept if
    that helps, but it is not called wrong, because many a cursive form only we can read.

    Variants count as the same character.
    """
    column = writer.write_column(text, prompt, seed)
    found = _standing(reader, second, column)
    done = 1
    while done < tries and (again := [p for p, standing in enumerate(found) if not all(standing)]):
        other = writer.rewrite(column, again, prompt, seed + done)
        standing = _standing(reader, second, other)
        better = [place for place in again if standing[place] > found[place]]
        column = with_cells(column, other, better)
        for place in better:
            found[place] = standing[place]
        done += 1
    wrong = tuple(place for place, (is_ours, _) in enumerate(found) if not is_ours)
    return Checked(column=column, wrong=wrong, tries=done)


def _standing(
    reader: Recogniser, second: Recogniser | None, column: WrittenColumn
) -> list[tuple[bool, bool]]:
    """Whether our reader and the second one read each character; what nobody is asked is read."""
    ours = _is_read(reader, column)
    return list(zip(ours, _is_read(second, column) if second else ours, strict=True))


def _is_read(reader: Recogniser, column: WrittenColumn) -> list[bool]:
    (proposals,) = reader.read_columns([ColumnInk(column.ink, column.boxes)])
    return [
        canonical(proposal.text) == canonical(wanted)
        for proposal, wanted in zip(proposals, column.text, strict=True)
    ]


def with_cells(
    column: WrittenColumn, other: WrittenColumn, places: Collection[int]
) -> WrittenColumn:
    """The column with some of its cells as another try has them."""
    ink, box_map, boxes = column.ink.copy(), column.box_map.copy(), list(column.boxes)
    cell = ink.shape[1]
    for place in places:
        rows = slice(place * cell, (place + 1) * cell)
        ink[rows], box_map[rows] = other.ink[rows], other.box_map[rows]
        boxes[place] = other.boxes[place]
    return replace(column, ink=ink, box_map=box_map, boxes=tuple(boxes))
