"""The journal of layouts: who laid out which page, when, under which guideline.

One line a decision, in ``<journal>/layouts/<batch>.jsonl``, beside the approvals and kept like
them (``annotation.append_only``). Unlike an approval a layout may be put right later: the last
line of a page holds, and the earlier ones stay to be read.

Keeps out: what layouts are taken (``annotation.layouts``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from annotation.append_only import append_lines, whole_lines
from annotation.journal import Journal
from pipelines.errors import TableError
from pipelines.layouts import LayoutReview
from pipelines.schemas import from_arrow, schema_of, to_arrow


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidOutPage:
    """A layout as it was taken; ``seen_at`` is when its tasks had last changed by then."""

    layout: LayoutReview
    seen_at: datetime


class LayoutJournal:
    """Append-only lines beside a journal of approvals, one file a batch."""

    def __init__(self, journal: Journal) -> None:
        self.folder = journal.folder / "layouts"

    def file_of(self, batch: str) -> Path:
        """Where a batch's lines are."""
        return self.folder / f"{batch}.jsonl"

    def append(self, batch: str, entries: Sequence[LaidOutPage], *, at: datetime) -> None:
        """Write lines and wait until they are on the disk."""
        lines = [{"at": at.isoformat(), **_to_json(entry)} for entry in entries]
        append_lines(self.file_of(batch), lines)

    def entries(self, batch: str) -> list[LaidOutPage]:
        """All lines of a batch in the order they were written.

        Raises:
            TableError: If a line other than a torn last one cannot be read.
        """
        return [self._parsed(batch, *line) for line in whole_lines(self.file_of(batch))]

    def latest(self, batch: str) -> dict[str, LaidOutPage]:
        """The layout that holds for each page, by page id."""
        return {entry.layout.page_id: entry for entry in self.entries(batch)}

    def _parsed(self, batch: str, number: int, line: bytes) -> LaidOutPage:
        try:
            return _from_json(json.loads(line))
        except (ValueError, KeyError, TypeError, pa.ArrowInvalid) as error:
            raise TableError(
                f"Line {number} of the journal of layouts {self.file_of(batch)} cannot be read "
                f"({error}). It is only ever appended to: restore the file from a copy."
            ) from error


def _to_json(entry: LaidOutPage) -> dict[str, Any]:
    row = to_arrow([entry.layout], LayoutReview).to_pylist()[0]
    row["reviewed_at"] = row["reviewed_at"].isoformat()
    return {
        "kind": "layout",
        "who": entry.layout.annotator,
        "seen_at": entry.seen_at.isoformat(),
        "layout": row,
    }


def _from_json(line: dict[str, Any]) -> LaidOutPage:
    row = dict(line["layout"])
    row["reviewed_at"] = datetime.fromisoformat(row["reviewed_at"]).astimezone(UTC)
    table = pa.Table.from_pylist([row], schema=schema_of(LayoutReview))
    return LaidOutPage(
        layout=from_arrow(table, LayoutReview)[0],
        seen_at=datetime.fromisoformat(line["seen_at"]).astimezone(UTC),
    )
