"""Deliveries 送交: files that travel together under one description into one batch.

Keeps out: the files themselves (``annotation.desk.uploads``).
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from annotation.desk.database import Database
from pipelines.errors import MaterialError
from pipelines.metadata import WorkMetadata, parse_metadata

_ID = re.compile(r"[0-9a-f]{32}")
_MAX_TEXT_CHARACTERS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What somebody brings: ``owner`` is the user, ``metadata`` describes the one work."""

    delivery_id: str
    owner: str
    batch: str
    metadata: WorkMetadata
    created_at: str


class Deliveries:
    """The deliveries of one desk."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def open(
        self, delivery_id: str, owner: str, batch: str, metadata: WorkMetadata, *, now: datetime
    ) -> Delivery:
        """Make a delivery, once: the same id again, as after a lost answer, changes nothing.

        Raises:
            MaterialError: If the id is none, or somebody else's or another work's.
        """
        if not _ID.fullmatch(delivery_id):
            raise MaterialError("A delivery's id is 32 hex digits.", reason="bad_request")
        with self.database.transaction() as rows:
            rows.execute(
                "INSERT OR IGNORE INTO deliveries VALUES (?, ?, ?, ?, ?)",
                [delivery_id, owner, batch, json.dumps(asdict(metadata)), now.isoformat()],
            )
        found = self.find(delivery_id, owner)
        if found is None or (found.batch, found.metadata) != (batch, metadata):
            raise MaterialError(
                "This form was sent before with another description. Reload the page and send it "
                "again.",
                reason="bad_request",
            )
        return found

    def find(self, delivery_id: str, owner: str) -> Delivery | None:
        """A delivery of this owner, or None."""
        with self.database.reading() as rows:
            row = rows.execute(
                "SELECT * FROM deliveries WHERE delivery_id = ? AND owner = ?", [delivery_id, owner]
            ).fetchone()
        return None if row is None else _delivery(row)

    def of_owner(self, owner: str) -> list[Delivery]:
        """Everything somebody brought, the newest first."""
        with self.database.reading() as rows:
            found = rows.execute(
                "SELECT * FROM deliveries WHERE owner = ? ORDER BY created_at DESC", [owner]
            ).fetchall()
        return [_delivery(row) for row in found]


def described(values: Mapping[str, str]) -> WorkMetadata:
    """The description of a work from a form.

    Raises:
        MetadataError: As :func:`pipelines.metadata.parse_metadata` does.
        MaterialError: If a field is longer than anybody writes.
    """
    for key, value in values.items():
        if len(value) > _MAX_TEXT_CHARACTERS:
            raise MaterialError(
                f"{key} has {len(value)} characters; at most {_MAX_TEXT_CHARACTERS} are taken.",
                reason="invalid_metadata",
            )
    given = {key: " ".join(value.split()) for key, value in values.items() if value.strip()}
    return parse_metadata(given, "the form")


def _delivery(row: sqlite3.Row) -> Delivery:
    metadata = json.loads(row["metadata"])
    return Delivery(
        delivery_id=row["delivery_id"],
        owner=row["owner"],
        batch=row["batch"],
        metadata=parse_metadata(metadata, "a delivery"),
        created_at=row["created_at"],
    )
