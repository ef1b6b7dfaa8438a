"""The approval journal: who decided what, when, on which content, under which guideline.

Label Studio has no review states, and any member may change an annotation later. So decisions
are written down here, outside of it, one JSON line each, never changed: the line is on the disk
before anything is made from it. A line holds the whole review, so that what was approved can be
restored even if both Label Studio and the tables are lost.

A process killed while it wrote leaves a torn last line. Reading skips it, the next write
removes it: it was never acknowledged to anyone.

Keeps out: what may be approved (``annotation.decisions``), and how reviews are stored for the
graph (``pipelines.tables``).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.errors import TableError
from pipelines.records import Review
from pipelines.schemas import from_arrow, schema_of, to_arrow


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision as it was taken. ``annotation_ids`` has one id for each part of the column.

    ``lead_time_s`` is what Label Studio measured, or what the simulated annotator invented.
    """

    review: Review
    annotation_ids: tuple[int, ...]
    lead_time_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """Something that should not have happened to a column, found at a pull."""

    column_id: str
    reason: str
    detail: str
    content_hash: str


class Journal:
    """Append-only JSON lines, one file a batch: ``<folder>/<batch>.jsonl``, each line fsynced."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file_of(self, batch: str) -> Path:
        """Where a batch's lines are."""
        return self.folder / f"{batch}.jsonl"

    def append(self, batch: str, entries: Sequence[Decided | Flagged], *, at: datetime) -> None:
        """Write lines and wait until they are on the disk."""
        if not entries:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = b"".join(
            json.dumps({"at": at.isoformat(), **_to_json(entry)}, ensure_ascii=False).encode()
            + b"\n"
            for entry in entries
        )
        with open(self.file_of(batch), "ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _remove_torn_line(file.fileno())
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def entries(self, batch: str) -> list[Decided | Flagged]:
        """All lines of a batch in the order they were written.

        Raises:
            TableError: If a line other than a torn last one cannot be read.
        """
        try:
            data = self.file_of(batch).read_bytes()
        except FileNotFoundError:
            return []
        whole, _, _torn = data.rpartition(b"\n")
        return [
            self._parsed(batch, number, line)
            for number, line in enumerate(whole.split(b"\n"), 1)
            if line
        ]

    def decisions(self, batch: str) -> dict[str, Decided]:
        """The last decision about each column, by column id."""
        return {
            entry.review.column_id: entry
            for entry in self.entries(batch)
            if isinstance(entry, Decided)
        }

    def _parsed(self, batch: str, number: int, line: bytes) -> Decided | Flagged:
        try:
            return _from_json(json.loads(line))
        except (ValueError, KeyError, TypeError, pa.ArrowInvalid) as error:
            raise TableError(
                f"Line {number} of the journal {self.file_of(batch)} cannot be read ({error}). "
                f"The journal is only ever appended to: restore the file from a copy."
            ) from error


def _remove_torn_line(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    end = size
    while end:
        start = max(0, end - 4096)
        block = os.pread(descriptor, end - start, start)
        found = block.rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end != size:
        os.ftruncate(descriptor, end)


def _to_json(entry: Decided | Flagged) -> dict[str, Any]:
    if isinstance(entry, Flagged):
        return {
            "kind": "flag",
            "column_id": entry.column_id,
            "reason": entry.reason,
            "detail": entry.detail,
            "content_hash": entry.content_hash,
        }
    row = to_arrow([entry.review], Review).to_pylist()[0]
    row["reviewed_at"] = row["reviewed_at"].isoformat()
    return {
        "kind": "decision",
        "who": entry.review.annotator,
        "annotation_ids": list(entry.annotation_ids),
        "lead_time_s": entry.lead_time_s,
        "review": row,
    }


def _from_json(line: dict[str, Any]) -> Decided | Flagged:
    if line["kind"] == "flag":
        return Flagged(
            column_id=line["column_id"],
            reason=line["reason"],
            detail=line["detail"],
            content_hash=line["content_hash"],
        )
    row = dict(line["review"])
    row["reviewed_at"] = datetime.fromisoformat(row["reviewed_at"]).astimezone(UTC)
    review = from_arrow(pa.Table.from_pylist([row], schema=schema_of(Review)), Review)[0]
    return Decided(
        review=review,
        annotation_ids=tuple(line["annotation_ids"]),
        lead_time_s=float(line["lead_time_s"]),
    )
