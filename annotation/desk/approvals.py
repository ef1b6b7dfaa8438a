"""What waits for an approver and what became of it, from the journal, and one column to look at.

Holds: the standing of every column, each journal read once as long as it is the same; what the
annotator changed against the draft, character by character, where it stands in the picture.

Keeps out: words for people (``annotation.desk.approval_pages``), rules (``annotation.approval``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from annotation.journal import Flagged, Journal
from annotation.states import Standing, standings
from pipelines.corrections import Edit, align
from pipelines.geometry import Box
from pipelines.records import Review, ReviewedCharacter
from pipelines.scripts import canonical

_NO_SINGLE = "\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A column of a batch and where it stands."""

    batch: str
    standing: Standing

    @property
    def review(self) -> Review:
        """What people said of it; there is one in every column that is shown."""
        review = self.standing.review
        assert review is not None
        return review


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One character as a person left it.

    Attributes:
        number: Its place from the top, from 1.
        character: What stands there.
        edit: Kept, replaced or inserted.
        was: What the draft had instead; empty where it had nothing.
    """

    number: int
    character: ReviewedCharacter
    edit: Edit
    was: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A review beside its draft; ``removed`` has (place it stood before, character)."""

    marks: tuple[Mark, ...]
    removed: tuple[tuple[int, str], ...]

    @property
    def changed(self) -> tuple[Mark, ...]:
        """What the annotator wrote otherwise."""
        return tuple(mark for mark in self.marks if mark.edit is not Edit.KEEP)


class Approvals:
    """The standing of every column with people."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._kept: dict[str, tuple[int, dict[str, Standing]]] = {}

    def of_batch(self, batch: str) -> dict[str, Standing]:
        """By column id; a journal only grows, so its size tells whether it is the same."""
        file = self.journal.file_of(batch)
        size = file.stat().st_size if file.is_file() else 0
        kept = self._kept.get(batch)
        if kept is None or kept[0] != size:
            kept = (size, standings(self.journal.lines(batch)))
            self._kept[batch] = kept
        return kept[1]

    def filed(self) -> list[Filed]:
        """Every column that people decided about, batch by batch, by page and column."""
        return [
            Filed(batch=batch, standing=standing)
            for batch in self.journal.batches()
            for standing in self.of_batch(batch).values()
            if standing.decided is not None
        ]

    def find(self, batch: str, column_id: str) -> Filed | None:
        """One column, if people decided about it."""
        if batch not in self.journal.batches():
            return None
        standing = self.of_batch(batch).get(column_id)
        if standing is None or standing.decided is None:
            return None
        return Filed(batch=batch, standing=standing)

    def waiting(self) -> list[Filed]:
        """What a second person may approve now, the longest waiting first."""
        found = [one for one in self.filed() if one.standing.is_waiting]
        return sorted(found, key=lambda one: (one.review.reviewed_at, one.review.column_id))

    def flagged(self) -> list[tuple[Filed, Flagged]]:
        """Every flag that nobody has dealt with."""
        return [(one, flag) for one in self.filed() for flag in one.standing.flags]


def compared(review: Review) -> Compared:
    """What the annotator changed, by the cheapest way from the draft to the review."""
    draft = "".join(canonical(character) for character in review.draft)
    steps = align(draft, "".join(map(_single, review.characters)))
    written = list(review.draft)
    marks: list[Mark] = []
    removed: list[tuple[int, str]] = []
    at = 0
    for step in steps:
        was = written[at] if step.draft else ""
        at += bool(step.draft)
        if not step.approved:
            removed.append((len(marks) + 1, was))
            continue
        character = review.characters[len(marks)]
        marks.append(Mark(number=len(marks) + 1, character=character, edit=step.edit, was=was))
    return Compared(marks=tuple(marks), removed=tuple(removed))


def _single(character: ReviewedCharacter) -> str:
    return character.canonical if len(character.canonical) == 1 else _NO_SINGLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A character of the text as it is drawn beside the picture, in pixels of the column."""

    mark: Mark
    x: float
    y: float
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A column's picture with its text beside it, at the same height.

    ``width`` and ``height`` are those of the picture, ``total`` of both; ``shown_height`` is in
    pixels of the screen.
    """

    width: int
    height: int
    total: int
    shown_width: int
    shown_height: int
    placed: tuple[Placed, ...]
    boxes: tuple[Box, ...]


CHARACTER_HEIGHT_PX = 64
"""How tall a character of the text stands on the screen, at least: strokes can be compared."""

MIN_HEIGHT_PX, MAX_HEIGHT_PX = 460, 2600


def sheet_of(column: Box, marks: Sequence[Mark]) -> Sheet:
    """Where everything is drawn; ``column`` is its box on the page."""
    places = [m.character.box.moved(-column.left, -column.top) for m in marks]
    gap = max(4, column.width // 8)
    wanted = CHARACTER_HEIGHT_PX * max(1, len(marks))
    shown = min(MAX_HEIGHT_PX, max(MIN_HEIGHT_PX, wanted))
    total = 2 * column.width + gap + column.width // 2
    room = column.height / max(1, len(marks))
    return Sheet(
        width=column.width,
        height=column.height,
        total=total,
        shown_width=round(total * shown / column.height),
        shown_height=shown,
        boxes=tuple(places),
        placed=tuple(
            Placed(
                mark=mark,
                x=column.width + gap + place.center[0],
                y=place.center[1],
                size=round(min(column.width, max(place.height, place.width), 1.4 * room) * 0.9, 1),
            )
            for mark, place in zip(marks, places, strict=True)
        ),
    )
