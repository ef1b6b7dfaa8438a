"""Uploads that resume: a file arrives in chunks, each on the disk before the next one comes.

    begin    name, size                 -> id, how many bytes are here (more than 0 after a break)
    append   offset, chunk, its sha256   -> how many bytes are here now
    finish   when all are here           -> taken, a duplicate, or refused with a reason

The id follows from delivery, name, size and date, so that beginning again finds what is here. How
many bytes count is what the database says: it is told after the chunk is synced, and bytes beyond
it, torn off by a crash, are cut away. tus.io does the same over HTTP; its servers for Python are
small projects of one person each, and the hand-over into the inbox is the larger part.

Keeps out: what becomes of a file that is all here (``annotation.desk.handover``).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from annotation.desk.database import Database
from annotation.desk.deliveries import Delivery
from annotation.desk.limits import Limits
from annotation.desk.names import checked
from annotation.desk.users import User
from pipelines.errors import MaterialError
from pipelines.ids import derive_id


class State(StrEnum):
    """Where an upload is. ``HANDING`` is on its way into the inbox, and goes on after a crash."""

    WAITING = "waiting"
    RECEIVING = "receiving"
    HANDING = "handing"
    TAKEN = "taken"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


OPEN = frozenset({State.WAITING, State.RECEIVING, State.HANDING})
"""States in which something is still to be done."""


class UploadRefused(MaterialError):
    """A file or a part of one that is not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file on its way: ``path`` as the browser names it, sizes in bytes.

    ``alike`` names a scan that looks nearly the same; ``url`` is where a fetched file comes from.
    """

    upload_id: str
    delivery_id: str
    owner: str
    path: str
    size: int
    received: int
    state: State
    reason: str
    detail: str
    scan_id: str
    likeness: str
    alike: str
    url: str


class Uploads:
    """The uploads of one desk, and the folder in which they grow."""

    def __init__(self, database: Database, folder: Path, limits: Limits) -> None:
        self.database, self.folder, self.limits = database, folder, limits

    def begin(
        self, delivery: Delivery, user: User, path: str, size: int, modified: int, *, now: datetime
    ) -> Upload:
        """Announce a file, or find the one that was announced so before.

        One that was refused or given up begins anew: the reason may be gone.

        Raises:
            NameRefused: If no file of ours may be named so.
            UploadRefused: If it is too large, one too many, or over the quota or the disk.
        """
        name = checked(path, self.limits.max_path_characters)
        upload_id = derive_id(delivery.delivery_id, str(name), size, modified)
        found = self.find(upload_id)
        if found is not None and found.state is not State.REFUSED:
            return found
        if not 0 < size <= self.limits.max_file_bytes:
            raise UploadRefused(
                f"{name} has {size} bytes; from 1 to {self.limits.max_file_bytes} are taken.",
                reason="too_many_bytes" if size > 0 else "empty",
            )
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(self.folder).free - size < self.limits.spare_disk_bytes:
            raise UploadRefused(
                f"The disk of the desk is nearly full: {name} with {size} bytes does not fit. Ask "
                f"an engineer.",
                reason="disk_full",
            )
        with self.database.transaction() as rows:
            self._require_room(rows, delivery, user, size)
            rows.execute(
                "INSERT INTO uploads (upload_id, delivery_id, owner, path, size, state, "
                "created_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (upload_id) DO UPDATE SET "
                "state = excluded.state, received = 0, reason = '', detail = '' "
                "WHERE state = 'refused'",
                [
                    *(upload_id, delivery.delivery_id, user.name, str(name), size),
                    *(State.RECEIVING.value, now.isoformat()),
                ],
            )
        return self.require(upload_id)

    def announce_fetches(
        self, delivery: Delivery, files: Sequence[tuple[str, str]], *, now: datetime
    ) -> None:
        """Announce files that the desk fetches by itself, each a path and its address, once."""
        rows_of = [
            [
                *(derive_id(delivery.delivery_id, path, url), delivery.delivery_id),
                *(delivery.owner, path, 0, State.WAITING.value, url, now.isoformat()),
            ]
            for path, url in files
        ]
        with self.database.transaction() as rows:
            rows.executemany(
                "INSERT OR IGNORE INTO uploads (upload_id, delivery_id, owner, path, size, state, "
                "url, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows_of,
            )

    def append(self, upload_id: str, offset: int, chunk: bytes, digest: str) -> Upload:
        """Write a chunk where the last one ended; an offset from elsewhere writes nothing.

        Args:
            upload_id: The upload.
            offset: Where the chunk begins in the file.
            chunk: The bytes.
            digest: Their sha256 in hex; empty from a browser that has no cryptography, because
                the desk is reached without HTTPS under another name than localhost.

        Returns:
            The upload as it is now; the sender goes on at ``received``.

        Raises:
            UploadRefused: If the chunk is damaged, or longer than what was announced.
        """
        if digest and hashlib.sha256(chunk).hexdigest() != digest:
            raise UploadRefused(
                "A part of the file was damaged on its way; it is sent again.",
                reason="damaged_chunk",
            )
        with self.locked(upload_id):
            upload = self.require(upload_id)
            if upload.state is not State.RECEIVING or offset != upload.received:
                return upload
            if offset + len(chunk) > upload.size:
                raise UploadRefused(
                    f"{upload.path} was announced with {upload.size} bytes and sends more.",
                    reason="longer_than_announced",
                )
            file = self.file_of(upload)
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_CREAT | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as target:
                target.truncate(offset)
                target.seek(offset)
                target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
            return self.change(upload_id, received=offset + len(chunk))

    def give_up(self, upload_id: str) -> Upload:
        """Forget the bytes of a file that will not come whole; its share of the quota is free."""
        with self.locked(upload_id):
            upload = self.require(upload_id)
            if upload.state is not State.RECEIVING or upload.received == upload.size:
                return upload
            self.forget_file(upload)
            return self.change(
                upload_id,
                state=State.REFUSED.value,
                reason="given_up",
                detail=f"{upload.received} of {upload.size} bytes were here.",
                received=0,
            )

    def file_of(self, upload: Upload) -> Path:
        """Where the bytes are: under the name and the folder it came with."""
        path = Path(upload.path)
        return self.folder / upload.upload_id / (path.parent.name or "files") / path.name

    def forget_file(self, upload: Upload) -> None:
        """Remove the bytes of an upload that needs them no more."""
        shutil.rmtree(self.folder / upload.upload_id, ignore_errors=True)

    def find(self, upload_id: str) -> Upload | None:
        """An upload, or None."""
        with self.database.reading() as rows:
            row = rows.execute("SELECT * FROM uploads WHERE upload_id = ?", [upload_id]).fetchone()
        return None if row is None else _upload(row)

    def require(self, upload_id: str) -> Upload:
        """An upload that is there.

        Raises:
            UploadRefused: If it is not.
        """
        found = self.find(upload_id)
        if found is None:
            raise UploadRefused(f"There is no upload {upload_id!r}.", reason="no_upload")
        return found

    def of_delivery(self, delivery_id: str) -> list[Upload]:
        """The files of a delivery in the order they were announced."""
        return self._select("delivery_id = ? ORDER BY created_at, path", delivery_id)

    def unfinished(self) -> list[Upload]:
        """What is all here but was not handed over before the desk ended."""
        waiting = "state = 'handing' OR (state = 'receiving' AND received = size)"
        return self._select(waiting)

    def waiting(self) -> list[Upload]:
        """What is still to be fetched, in the order it was announced."""
        return self._select("state = 'waiting' ORDER BY created_at, path")

    def taken(self) -> list[Upload]:
        """Everything that is in the inbox or was."""
        return self._select("state = 'taken'")

    def change(self, upload_id: str, **values: object) -> Upload:
        """Set columns of an upload. Raises ``sqlite3.IntegrityError`` for a scan taken already."""
        columns = ", ".join(f"{name} = ?" for name in values)
        with self.database.transaction() as rows:
            rows.execute(
                f"UPDATE uploads SET {columns} WHERE upload_id = ?", [*values.values(), upload_id]
            )
        return self.require(upload_id)

    @contextmanager
    def locked(self, upload_id: str) -> Iterator[None]:
        """Alone with an upload, whoever else asks for it."""
        locks = self.folder / "locks"
        locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (locks / derive_id(upload_id)[:2]).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def used_bytes(self, owner: str) -> int:
        """What counts against somebody's quota: what was taken, and what is announced."""
        with self.database.reading() as rows:
            return _used(rows, owner)

    def _require_room(
        self, rows: sqlite3.Connection, delivery: Delivery, user: User, size: int
    ) -> None:
        (count,) = rows.execute(
            "SELECT count(*) FROM uploads WHERE delivery_id = ?", [delivery.delivery_id]
        ).fetchone()
        if count >= self.limits.max_files_per_delivery:
            raise UploadRefused(
                f"A delivery has at most {self.limits.max_files_per_delivery} files; begin another "
                f"one for the rest.",
                reason="too_many_files",
            )
        used = _used(rows, user.name)
        if used + size > user.quota_bytes:
            raise UploadRefused(
                f"With this file of {size} bytes {user.name} would have brought {used + size}, "
                f"more than the quota of {user.quota_bytes}. Ask an engineer for more.",
                reason="over_quota",
            )

    def _select(self, condition: str, *values: object) -> list[Upload]:
        with self.database.reading() as rows:
            query = f"SELECT * FROM uploads WHERE {condition}"
            return [_upload(row) for row in rows.execute(query, values).fetchall()]


def _used(rows: sqlite3.Connection, owner: str) -> int:
    (used,) = rows.execute(
        "SELECT coalesce(sum(size), 0) FROM uploads WHERE owner = ? AND state IN "
        "('waiting', 'receiving', 'handing', 'taken')",
        [owner],
    ).fetchone()
    return int(used)


def _upload(row: sqlite3.Row) -> Upload:
    values = {key: row[key] for key in row.keys() if key != "created_at"}  # noqa: SIM118
    return Upload(**{**values, "state": State(values["state"])})
