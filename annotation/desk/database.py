"""The desk's own memory: one SQLite file for users, sessions, deliveries and uploads.

Every change is a transaction that is on the disk when it ends (write-ahead log, full
synchronization): what was answered as done is done, also after a power cut.

Keeps out: what the rows mean (the modules that own them), and everything about works, which stands
in the project's tables (``pipelines.tables``).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

BUSY_TIMEOUT_S = 30.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    name TEXT PRIMARY KEY COLLATE NOCASE, password TEXT NOT NULL, roles TEXT NOT NULL,
    quota_bytes INTEGER, is_active INTEGER NOT NULL DEFAULT 1, email TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS sessions (
    token_hash TEXT PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, expires_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS failures (
    name TEXT NOT NULL COLLATE NOCASE, address TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    delivery_id TEXT PRIMARY KEY, owner TEXT NOT NULL COLLATE NOCASE, batch TEXT NOT NULL,
    metadata TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS proposals (
    proposal_id TEXT PRIMARY KEY, owner TEXT NOT NULL COLLATE NOCASE, manifest TEXT NOT NULL,
    created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS uploads (
    upload_id TEXT PRIMARY KEY, delivery_id TEXT NOT NULL REFERENCES deliveries,
    owner TEXT NOT NULL COLLATE NOCASE, path TEXT NOT NULL, size INTEGER NOT NULL,
    received INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '', scan_id TEXT NOT NULL DEFAULT '',
    likeness TEXT NOT NULL DEFAULT '', alike TEXT NOT NULL DEFAULT '',
    url TEXT NOT NULL DEFAULT '', created_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS uploads_of_delivery ON uploads (delivery_id);
CREATE UNIQUE INDEX IF NOT EXISTS one_upload_a_scan ON uploads (scan_id)
    WHERE state IN ('handing', 'taken');
"""


class Database:
    """Connections to the one file; it is made, for its owner alone, when it is first asked."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._is_ready = False

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are all kept if the block ends well, else none."""
        self._prepare()
        with closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to look things up with."""
        self._prepare()
        with closing(self._connect()) as connection:
            yield connection

    def _prepare(self) -> None:
        if self._is_ready:
            return
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.file, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
            names = {row["name"] for row in connection.execute("PRAGMA table_info(users)")}
            if "email" not in names:  # a desk of before there was approval
                connection.execute("ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT ''")
        self._is_ready = True

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.file, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection
