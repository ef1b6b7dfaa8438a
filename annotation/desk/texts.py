"""The transcription of a page: what people approved, else what the reader drafted.

Holds: columns with their characters and boxes, and the same as plain text and as JSON in the shape
of ``beitie read --json``, with who says so added to each column.

Keeps out: formats for other programs (``pipelines.exports``), and how it is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from annotation.desk.progress import PageSeen, Partitions
from pipelines.geometry import Box
from pipelines.records import ILLEGIBLE, Column, Decision, Reading, Review
from pipelines.states import State

DRAFT, UNREAD = "draft", "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyph:
    """One character as it is shown: ``text`` is one character, ``score`` None if people say so."""

    text: str
    box: Box
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One column of a page.

    ``standing`` is a decision's value, ``done``, ``draft`` or ``unread``.
    """

    column_id: str
    index: int
    box: Box
    standing: str
    who: str
    is_order_uncertain: bool
    glyphs: tuple[Glyph, ...]

    @property
    def text(self) -> str:
        """The column in one string."""
        return "".join(glyph.text for glyph in self.glyphs)

    @property
    def glyph_size(self) -> float:
        """The longer side of its usual character in pixels; 0 of an empty column."""
        return median(max(g.box.width, g.box.height) for g in self.glyphs) if self.glyphs else 0.0


def lines_of(partitions: Partitions, seen: PageSeen) -> list[Line]:
    """The columns of a page, from right to left."""
    columns, _ = partitions.read("columns", seen.batch, Column)
    readings, _ = partitions.read("readings", seen.batch, Reading)
    reviews, _ = partitions.read("reviews", seen.batch, Review)
    page_id = seen.page.page_id
    read = {one.column_id: one for one in readings if one.page_id == page_id}
    reviewed = {one.column_id: one for one in reviews if one.page_id == page_id}
    own = (column for column in columns if column.page_id == page_id)
    return [
        _line(column, reviewed.get(column.column_id), read.get(column.column_id))
        for column in sorted(own, key=lambda column: column.column_index)
    ]


def _line(column: Column, review: Review | None, reading: Reading | None) -> Line:
    standing, who = UNREAD, ""
    glyphs: tuple[Glyph, ...] = ()
    if review is not None and (_is_text(review) or reading is None):
        standing, who = _standing(review), review.annotator
        glyphs = tuple(Glyph(text=c.canonical, box=c.box, score=None) for c in review.characters)
    elif reading is not None:
        standing = DRAFT if review is None else _standing(review)
        who = reading.reader.value
        glyphs = tuple(
            Glyph(text=c.text or ILLEGIBLE, box=c.box, score=c.score) for c in reading.characters
        )
    return Line(
        column_id=column.column_id,
        index=column.column_index,
        box=column.box,
        standing=standing,
        who=who,
        is_order_uncertain=column.is_order_uncertain,
        glyphs=glyphs,
    )


def _is_text(review: Review) -> bool:
    """Whether its text is people's best word: approved, or done and not returned."""
    return review.decision is Decision.APPROVED and review.returned is None


def _standing(review: Review) -> str:
    if review.decision is not Decision.APPROVED:
        return review.decision.value
    if review.returned is not None:
        return DRAFT
    return Decision.APPROVED.value if review.is_approved else State.DONE.value


def as_text(pages: Sequence[tuple[PageSeen, Sequence[Line]]]) -> str:
    """One line a column, an empty line between pages."""
    return "\n\n".join("\n".join(line.text for line in lines) for _, lines in pages) + "\n"


def as_json(pages: Sequence[tuple[PageSeen, Sequence[Line]]]) -> list[dict[str, Any]]:
    """One object a page; boxes are (left, top, right, bottom) in pixels of the page."""
    return [
        {
            "file": seen.file_name,
            "page": seen.page.page_index + 1,
            "page_id": seen.page.page_id,
            "width": seen.page.width,
            "height": seen.page.height,
            "rights": seen.page.work.rights,
            "source": seen.page.work.source,
            "text": "\n".join(line.text for line in lines),
            "columns": [_column_json(line) for line in lines],
        }
        for seen, lines in pages
    ]


def _column_json(line: Line) -> dict[str, Any]:
    return {
        "box": _edges(line.box),
        "text": line.text,
        "standing": line.standing,
        "who": line.who,
        "characters": [
            {"box": _edges(glyph.box), "text": glyph.text, "score": glyph.score}
            for glyph in line.glyphs
        ],
    }


def _edges(box: Box) -> list[int]:
    return [box.left, box.top, box.right, box.bottom]
