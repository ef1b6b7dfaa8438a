"""That something may have changed in Label Studio: a hint to look sooner, and never more.

Label Studio calls a webhook once, within a second, unsigned, and stops calling one that failed
often. So a call changes nothing but the time of a file; what changed is asked of Label Studio.

Keeps out: looking (``assets.automation``), and the door that takes the call (``annotation.desk``).
"""

from __future__ import annotations

import hmac
import os
from pathlib import Path

HOOK_PATH = "/hooks/label-studio"
SECRET_HEADER = "x-beitie-secret"

HOOK_ACTIONS = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED", "TASKS_DELETED")
"""What is worth a hint: everything that changes what people decided."""

MIN_SECRET_CHARACTERS = 16
"""A shorter secret is as good as none."""


class Hints:
    """One file beside the journal; the time of its last change is the hint."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "hint"

    def give(self) -> None:
        """Say that a look may be worth it."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.touch()
        os.utime(self.file)

    def last(self) -> float:
        """When the last one was given, in seconds since 1970; 0 if never."""
        try:
            return self.file.stat().st_mtime
        except FileNotFoundError:
            return 0.0


def is_secret(given: str, secret: str) -> bool:
    """Whether a call carries our secret, compared in constant time; without a secret, never."""
    is_set = len(secret) >= MIN_SECRET_CHARACTERS
    return hmac.compare_digest(given.encode(), secret.encode()) and is_set
