"""Who may come to the desk: names, hashed passwords, roles and quotas.

Keeps out: that somebody is here now (``annotation.desk.sessions``), what a role allows
(``annotation.desk.roles``).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from annotation.desk import passwords
from annotation.desk.database import Database
from annotation.desk.limits import Limits
from annotation.desk.roles import Permission, Role, granted
from pipelines.errors import MaterialError

FIRST_USER = "beitie"

_NAME = re.compile(r"[\w][\w.@-]{0,63}")
_ADDRESS = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}")


class UserError(MaterialError):
    """A user cannot be made or changed so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One person; ``quota_bytes`` is what they may bring in all.

    ``email`` is their address in Label Studio, so that nobody approves their own work.
    """

    name: str
    roles: tuple[Role, ...]
    quota_bytes: int
    is_active: bool
    email: str = ""

    def may(self, permission: Permission) -> bool:
        """Whether one of the roles allows it."""
        return self.is_active and permission in granted(self.roles)


class Users:
    """The users of one desk."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self.database, self.limits = database, limits

    def all(self) -> list[User]:
        """Everybody, by name."""
        with self.database.reading() as rows:
            found = rows.execute("SELECT * FROM users ORDER BY name").fetchall()
        return [self._user(row) for row in found]

    def find(self, name: str) -> User | None:
        """The user of this name, whatever its case, or None."""
        with self.database.reading() as rows:
            row = rows.execute("SELECT * FROM users WHERE name = ?", [name]).fetchone()
        return None if row is None else self._user(row)

    def add(
        self,
        name: str,
        password: str,
        roles: Collection[Role],
        quota_bytes: int | None = None,
        email: str = "",
    ) -> User:
        """Make a user.

        Raises:
            UserError: If the name is taken or no name, the password too short, no role given, or
                the address none or somebody else's.
        """
        if not _NAME.fullmatch(name):
            raise UserError(
                f"{name!r} is no user name: expected up to 64 letters, digits, dots, hyphens and "
                f"@, beginning with a letter or digit.",
                reason="bad_user_name",
            )
        kept = passwords.hashed(self._usable(password))
        self._require_own(email, name)
        try:
            with self.database.transaction() as rows:
                rows.execute(
                    "INSERT INTO users (name, password, roles, quota_bytes, email) "
                    "VALUES (?, ?, ?, ?, ?)",
                    [name, kept, _joined(roles), quota_bytes, email],
                )
        except sqlite3.IntegrityError:
            raise UserError(
                f"There is a user {name!r} already. Take another name, or give that one a new "
                f"password.",
                reason="name_taken",
            ) from None
        return self._require(name)

    def add_first(self, email: str = "") -> str | None:
        """Make the first user with every role; its password, or None if there is any user."""
        if self.all():
            return None
        password = passwords.invented()
        self.add(FIRST_USER, password, tuple(Role), email=email)
        return password

    def set_password(self, name: str, password: str) -> None:
        """Give a new password; every session of the user ends.

        Raises:
            UserError: If there is no such user, or the password is too short.
        """
        user, kept = self._require(name), passwords.hashed(self._usable(password))
        with self.database.transaction() as rows:
            rows.execute("UPDATE users SET password = ? WHERE name = ?", [kept, user.name])
            rows.execute("DELETE FROM sessions WHERE name = ?", [user.name])

    def change(
        self, name: str, roles: Collection[Role], *, is_active: bool, email: str | None = None
    ) -> User:
        """Give other roles or another address, close or open the user; every session ends.

        Raises:
            UserError: If there is no such user, no role, the address is none or somebody else's,
                or nobody would be left to look after the users.
        """
        user = self._require(name)
        address = user.email if email is None else email
        self._require_own(address, user.name)
        with self.database.transaction() as rows:
            rows.execute(
                "UPDATE users SET roles = ?, is_active = ?, email = ? WHERE name = ?",
                [_joined(roles), is_active, address, user.name],
            )
            rows.execute("DELETE FROM sessions WHERE name = ?", [user.name])
            left = rows.execute("SELECT roles FROM users WHERE is_active").fetchall()
            was_one = user.is_active and Role.ENGINEER in user.roles
            if was_one and not any(Role.ENGINEER in row["roles"].split(",") for row in left):
                raise UserError(
                    f"{user.name!r} is the last engineer; make another one first, or nobody could "
                    f"look after the users.",
                    reason="last_engineer",
                )
        return self._require(name)

    def check(self, name: str, password: str) -> User | None:
        """The user, if name and password fit and the user is active."""
        with self.database.reading() as rows:
            row = rows.execute("SELECT * FROM users WHERE name = ?", [name]).fetchone()
        if len(password) > self.limits.max_password_characters:
            return None
        kept = passwords.of_nobody() if row is None else row["password"]
        if not passwords.matches(password, kept) or row is None or not row["is_active"]:
            return None
        return self._user(row)

    def _require(self, name: str) -> User:
        user = self.find(name)
        if user is None:
            known = ", ".join(one.name for one in self.all()) or "nobody yet"
            raise UserError(f"There is no user {name!r}; known are {known}.", reason="no_user")
        return user

    def _require_own(self, email: str, name: str) -> None:
        if not email:
            return
        if not _ADDRESS.fullmatch(email):
            raise UserError(
                f"{email!r} is no address: expected one like liu@example.org, as Label Studio "
                f"shows it.",
                reason="bad_email",
            )
        for other in self.all():
            is_other = other.name.casefold() != name.casefold()
            if is_other and other.email.casefold() == email.casefold():
                raise UserError(
                    f"{email!r} is the address of {other.name!r}; one person, one account.",
                    reason="email_taken",
                )

    def _usable(self, password: str) -> str:
        low, high = self.limits.min_password_characters, self.limits.max_password_characters
        if not low <= len(password) <= high:
            raise UserError(
                f"The password has {len(password)} characters; from {low} to {high} are taken.",
                reason="bad_password",
            )
        return password

    def _user(self, row: sqlite3.Row) -> User:
        quota = row["quota_bytes"]
        return User(
            name=row["name"],
            roles=tuple(Role(role) for role in row["roles"].split(",")),
            quota_bytes=self.limits.quota_bytes if quota is None else quota,
            is_active=bool(row["is_active"]),
            email=row["email"],
        )


def _joined(roles: Collection[Role]) -> str:
    if not roles:
        known = ", ".join(role.value for role in Role)
        raise UserError(f"A user needs at least one role: {known}.", reason="no_role")
    return ",".join(role.value for role in Role if role in roles)
