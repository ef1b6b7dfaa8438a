"""Who did what at the desk, and when: JSON lines that are only ever appended.

Keeps out: who approved which transcription (``annotation.journal``).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import deque
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any


class Audit:
    """One file of JSON lines, for its owner alone; a line is on the disk before we go on."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def note(self, event: str, *, who: str, address: str, at: datetime, **details: object) -> None:
        """Append what happened: ``event`` is a snake_case code, ``details`` are JSON."""
        line = {"at": at.isoformat(), "event": event, "who": who, "address": address, **details}
        data = json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.write(descriptor, self._after_torn() + data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def last(self, count: int) -> list[dict[str, Any]]:
        """The newest lines, the newest first; one torn by a power cut is left out."""
        try:
            with self.file.open(encoding="utf-8") as file:
                lines = deque(file, maxlen=count)
        except FileNotFoundError:
            return []
        found = []
        for line in reversed(lines):
            with suppress(ValueError):
                found.append(json.loads(line))
        return found

    def _after_torn(self) -> bytes:
        """What a line torn by a power cut needs, so that the next one stands by itself."""
        with self.file.open("rb") as file:
            if not file.seek(0, os.SEEK_END):
                return b""
            file.seek(-1, os.SEEK_END)
            return b"" if file.read() == b"\n" else b"\n"
