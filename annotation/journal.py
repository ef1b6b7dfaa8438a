"""The approval journal: who decided what, when, on which content, under which guideline.

Label Studio has no review states, and any member may change an annotation later. So decisions
are written down here, outside of it, one JSON line each, never changed: the line is on the disk
before anything is made from it. A line of a decision holds the whole review, so that what was
approved can be restored even if both Label Studio and the tables are lost.

Keeps out: how lines are appended (``annotation.append_only``), what the lines of a column come to
(``annotation.states``), what may be approved
(``annotation.decisions``), and how reviews are stored for the graph (``pipelines.tables``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from annotation.append_only import amend_lines, whole_lines
from pipelines.errors import TableError
from pipelines.records import Review
from pipelines.schemas import from_plain, to_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision as it was taken. ``annotation_ids`` has one id for each part of the column.

    ``lead_time_s`` is what Label Studio measured, or what the simulated annotator invented;
    ``editors`` are the accounts that saved the annotations last; ``note`` is what they wrote to
    whoever looks at it next.
    """

    review: Review
    annotation_ids: tuple[int, ...]
    lead_time_s: float
    editors: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """Something that should not have happened to a column, found at a pull.

    ``edited`` is what the column reads now, where that can be read.
    """

    column_id: str
    reason: str
    detail: str
    content_hash: str
    edited: Decided | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """A flag of which the reason is gone: the edit was undone, the task is back."""

    column_id: str
    reason: str
    content_hash: str


class Action(StrEnum):
    """What a second person does to a column, and ``WITHDRAW``: its annotation is gone again."""

    APPROVE = "approve"
    SEND_BACK = "send_back"
    GROUND_TRUTH = "ground_truth"
    REVOKE = "revoke"
    KEEP = "keep"
    ACCEPT = "accept"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One act of a person on exactly this content.

    ``content_hash`` is the review's; of ``KEEP`` and ``ACCEPT`` the flag's.
    """

    column_id: str
    action: Action
    who: str
    reason: str
    content_hash: str
    annotation_ids: tuple[int, ...]
    guideline_version: str


Entry = Decided | Flagged | Cleared | Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry and when it was written, in UTC."""

    at: datetime
    entry: Entry


class Journal:
    """Append-only JSON lines, one file a batch: ``<folder>/<batch>.jsonl``, each line fsynced."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file_of(self, batch: str) -> Path:
        """Where a batch's lines are."""
        return self.folder / f"{batch}.jsonl"

    def batches(self) -> list[str]:
        """Every batch about which something was decided, sorted."""
        return sorted(file.stem for file in self.folder.glob("*.jsonl"))

    def append(self, batch: str, entries: Sequence[Entry], *, at: datetime) -> None:
        """Write lines and wait until they are on the disk."""
        if entries:
            self.amend(batch, lambda _: entries, at=at)

    def amend(
        self, batch: str, decide: Callable[[list[Line]], Sequence[Entry]], *, at: datetime
    ) -> None:
        """Write what ``decide`` makes of the lines so far; nobody else writes in between."""
        amend_lines(
            self.file_of(batch),
            lambda: [
                {"at": at.isoformat(), **_to_json(entry)} for entry in decide(self.lines(batch))
            ],
        )

    def lines(self, batch: str) -> list[Line]:
        """All lines of a batch in the order they were written.

        Raises:
            TableError: If a line other than a torn last one cannot be read.
        """
        return [self._parsed(batch, *line) for line in whole_lines(self.file_of(batch))]

    def entries(self, batch: str) -> list[Entry]:
        """The same without their times."""
        return [line.entry for line in self.lines(batch)]

    def _parsed(self, batch: str, number: int, line: bytes) -> Line:
        try:
            row = json.loads(line)
            return Line(at=datetime.fromisoformat(row["at"]).astimezone(UTC), entry=_entry(row))
        except (ValueError, KeyError, TypeError) as error:
            raise TableError(
                f"Line {number} of the journal {self.file_of(batch)} cannot be read ({error}). "
                f"The journal is only ever appended to: restore the file from a copy."
            ) from error


def _to_json(entry: Entry) -> dict[str, Any]:
    if isinstance(entry, Decided):
        return {"kind": "decision", "who": entry.review.annotator, **_decided_json(entry)}
    if isinstance(entry, Step):
        return {"kind": "step", **to_plain(entry)}
    if isinstance(entry, Cleared):
        return {"kind": "cleared", **to_plain(entry)}
    edited = {} if entry.edited is None else {"edited": _decided_json(entry.edited)}
    return {
        "kind": "flag",
        "column_id": entry.column_id,
        "reason": entry.reason,
        "detail": entry.detail,
        "content_hash": entry.content_hash,
        **edited,
    }


def _decided_json(decided: Decided) -> dict[str, Any]:
    row = to_plain(decided.review)
    row["reviewed_at"] = row["reviewed_at"].isoformat()
    return {
        "annotation_ids": list(decided.annotation_ids),
        "lead_time_s": decided.lead_time_s,
        "editors": list(decided.editors),
        "note": decided.note,
        "review": row,
    }


def _entry(line: dict[str, Any]) -> Entry:
    row = {key: value for key, value in line.items() if key not in ("at", "kind")}
    kind = line["kind"]
    if kind == "step":
        return from_plain(Step, row)
    if kind == "cleared":
        return from_plain(Cleared, row)
    if kind == "flag":
        edited = row.pop("edited", None)
        return Flagged(**row, edited=None if edited is None else _decided(edited))
    if kind == "decision":
        return _decided(row)
    raise ValueError(f"the kind {kind!r} is unknown to this version")


def _decided(row: dict[str, Any]) -> Decided:
    review = dict(row["review"])
    review["reviewed_at"] = datetime.fromisoformat(review["reviewed_at"])
    return Decided(
        review=from_plain(Review, review),
        annotation_ids=tuple(row["annotation_ids"]),
        lead_time_s=float(row["lead_time_s"]),
        editors=tuple(row.get("editors", ())),
        note=str(row.get("note", "")),
    )
