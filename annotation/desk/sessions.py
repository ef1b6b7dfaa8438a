"""Who is here now: sessions, forms that only our own pages can send, and patience that ends.

The cookie holds 256 random bits; the database holds only their hash, so that a stolen copy opens
no session. The token of a form is the cookie's, signed with the desk's own key.

Keeps out: names and passwords (``annotation.desk.users``), and cookies themselves
(``annotation.desk.doors``).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from annotation.desk.database import Database
from annotation.desk.limits import Limits
from annotation.desk.users import User, Users

_KEY_BYTES = 32


class Sessions:
    """The sessions of one desk. ``key_file`` is made, for its owner alone, when first needed."""

    def __init__(self, database: Database, users: Users, limits: Limits, key_file: Path) -> None:
        self.database, self.users, self.limits = database, users, limits
        self.key_file = key_file

    def open(self, user: User, *, now: datetime) -> str:
        """A new session; its token goes to the browser and is kept nowhere."""
        token = new_token()
        ends = now + timedelta(hours=self.limits.session_hours)
        with self.database.transaction() as rows:
            rows.execute("DELETE FROM sessions WHERE expires_at < ?", [now.isoformat()])
            rows.execute(
                "INSERT INTO sessions VALUES (?, ?, ?)", [_hash(token), user.name, ends.isoformat()]
            )
        return token

    def user_of(self, token: str, *, now: datetime) -> User | None:
        """Whose session it is, or None if it is nobody's or has run out."""
        with self.database.reading() as rows:
            row = rows.execute(
                "SELECT name FROM sessions WHERE token_hash = ? AND expires_at > ?",
                [_hash(token), now.isoformat()],
            ).fetchone()
        user = None if row is None else self.users.find(row["name"])
        return user if user is not None and user.is_active else None

    def close(self, token: str) -> None:
        """End a session."""
        with self.database.transaction() as rows:
            rows.execute("DELETE FROM sessions WHERE token_hash = ?", [_hash(token)])

    def form_token(self, token: str) -> str:
        """What a form of this browser carries, so that no other page can send it."""
        return hmac.new(self._key(), token.encode(), hashlib.sha256).hexdigest()

    def is_form_token(self, token: str, given: str) -> bool:
        """Whether a form came from one of our pages in this browser."""
        return hmac.compare_digest(self.form_token(token).encode(), given.encode())

    def must_wait(self, name: str, address: str, *, now: datetime) -> bool:
        """Whether there were too many wrong passwords of late."""
        since = (now - timedelta(minutes=self.limits.failure_window_minutes)).isoformat()
        with self.database.reading() as rows:
            of_address = rows.execute(
                "SELECT name FROM failures WHERE address = ? AND at > ?", [address, since]
            ).fetchall()
        of_name = [row for row in of_address if row["name"].casefold() == name.casefold()]
        return (
            len(of_name) >= self.limits.failures_per_name
            or len(of_address) >= self.limits.failures_per_address
        )

    def failed(self, name: str, address: str, *, now: datetime) -> None:
        """Remember a wrong password."""
        since = now - timedelta(minutes=self.limits.failure_window_minutes)
        with self.database.transaction() as rows:
            rows.execute("DELETE FROM failures WHERE at < ?", [since.isoformat()])
            rows.execute("INSERT INTO failures VALUES (?, ?, ?)", [name, address, now.isoformat()])

    def _key(self) -> bytes:
        try:
            return self.key_file.read_bytes()
        except FileNotFoundError:
            self.key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial = self.key_file.with_name(f".{self.key_file.name}-{secrets.token_hex(4)}")
            partial.touch(0o600)
            partial.write_bytes(secrets.token_bytes(_KEY_BYTES))
            try:
                os.link(partial, self.key_file)  # whoever comes first decides
            except FileExistsError:
                pass
            finally:
                partial.unlink()
            return self.key_file.read_bytes()


def new_token() -> str:
    """256 random bits for a cookie."""
    return secrets.token_urlsafe(32)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
