"""Proposals: manifests that were looked at and wait for a person to describe and confirm them.

Keeps out: what a manifest says (``annotation.desk.iiif``).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from annotation.desk.database import Database
from annotation.desk.iiif import Manifest, Picture


class Proposals:
    """The proposals of one desk."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def keep(self, proposal_id: str, owner: str, manifest: Manifest, *, now: datetime) -> None:
        """Keep what a manifest said, so that what is confirmed is what was shown."""
        with self.database.transaction() as rows:
            rows.execute(
                "INSERT INTO proposals VALUES (?, ?, ?, ?)",
                [proposal_id, owner, json.dumps(asdict(manifest)), now.isoformat()],
            )

    def find(self, proposal_id: str, owner: str) -> Manifest | None:
        """A manifest that this owner looked at, or None."""
        with self.database.reading() as rows:
            row = rows.execute(
                "SELECT manifest FROM proposals WHERE proposal_id = ? AND owner = ?",
                [proposal_id, owner],
            ).fetchone()
        if row is None:
            return None
        told = json.loads(row["manifest"])
        pictures = tuple(Picture(**picture) for picture in told.pop("pictures"))
        return Manifest(**told, pictures=pictures)
