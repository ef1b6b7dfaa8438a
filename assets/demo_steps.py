"""What was done already: the steps of the demonstration, each remembered once it ended well.

A step has a name and a fingerprint of what it works on. A finished step is not run again, and
what it found is read back; a run that was killed starts again with the step it died in. The
steps themselves are idempotent, so that dying in the middle of one doubles nothing.

Keeps out: what the steps do (``assets.demo``).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Say = Callable[[str], None]


class Steps:
    """Named steps in one JSON file.

    Args:
        file: Where they are remembered; it is made with the first step.
        say: Gets one line a step.
    """

    def __init__(self, file: Path, say: Say) -> None:
        self.file, self.say = file, say
        self.seconds = 0.0
        self._done: dict[str, dict[str, Any]] = (
            json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        )

    def run(self, name: str, fingerprint: str, action: Callable[[], dict[str, Any]]) -> Any:
        """What ``action`` found, now or in an earlier run; a plain JSON object.

        Args:
            name: Names the step in the file and on the screen.
            fingerprint: What it works on; another one makes it run again.
            action: Does it and returns what later steps need.
        """
        before = self._done.get(name)
        if before is not None and before["fingerprint"] == fingerprint:
            self.say(f"[dim]{name}: done before[/dim]")
            self.seconds += before["seconds"]
            return before["found"]
        self.say(f"{name} ...")
        started = time.monotonic()
        found = action()
        seconds = time.monotonic() - started
        self.seconds += seconds
        self._done[name] = {"fingerprint": fingerprint, "seconds": seconds, "found": found}
        self._save()
        shown = ", ".join(f"{k} {v}" for k, v in found.items() if isinstance(v, int | float | str))
        self.say(f"  [green]{seconds:.0f} s[/green] {shown}")
        return found

    def seconds_of(self, name: str) -> float:
        """How long a step took when it ran."""
        return float(self._done[name]["seconds"])

    def timings(self) -> dict[str, float]:
        """Seconds of every step, in the order they ended."""
        return {name: step["seconds"] for name, step in self._done.items()}

    def _save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_suffix(".partial")
        temporary.write_text(json.dumps(self._done, indent=1, ensure_ascii=False), encoding="utf-8")
        os.replace(temporary, self.file)
