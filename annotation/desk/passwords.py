"""Passwords as they are kept: scrypt with a salt each, never the password itself.

Keeps out: who a password belongs to (``annotation.desk.users``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from functools import cache

_N, _R, _P = 1 << 15, 8, 1
"""OWASP's Password Storage Cheat Sheet allows N = 2^15, r = 8 with p = 3; we take a third of its
work, 32 MiB and a tenth of a second, because wrong passwords are counted and slowed down too."""
_MAX_MEMORY_BYTES = 64 << 20
_SALT_BYTES, _KEY_BYTES = 16, 32

_TURNS = threading.BoundedSemaphore(2)  # a flood of sign-ins must not fill the memory


def hashed(password: str) -> str:
    """The password as one line of text: parameters, salt and key."""
    salt = secrets.token_bytes(_SALT_BYTES)
    key = _derived(password, salt, _N, _R, _P)
    return f"scrypt${_N}${_R}${_P}${_text(salt)}${_text(key)}"


def matches(password: str, kept: str) -> bool:
    """Whether the password is the one that was hashed, in time that tells nothing."""
    _, n, r, p, salt, key = kept.split("$")
    derived = _derived(password, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(derived, base64.b64decode(key))


@cache
def of_nobody() -> str:
    """A hash that no password has: unknown names must take as long as known ones."""
    return hashed(secrets.token_hex())


def invented() -> str:
    """A new password of 20 letters and digits that are hard to mistake for one another."""
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(20))


def _derived(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    with _TURNS:
        return hashlib.scrypt(
            password.encode(), salt=salt, n=n, r=r, p=p, maxmem=_MAX_MEMORY_BYTES, dklen=_KEY_BYTES
        )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
