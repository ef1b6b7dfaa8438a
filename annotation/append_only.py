"""Files that are only ever appended to: JSON lines, each on the disk before anyone goes on.

A process killed while it wrote leaves a torn last line. Reading skips it, the next write
removes it: it was never acknowledged to anyone.

Keeps out: what the lines say (``annotation.journal``, ``annotation.layout_journal``).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


def append_lines(file: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write lines and wait until they are on the disk."""
    if lines:
        amend_lines(file, lambda: lines)


def amend_lines(file: Path, decide: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
    """Write the lines that ``decide`` gives; nobody else writes between its look and its lines."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "ab+") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        lines = decide()
        if not lines:
            return
        remove_torn_line(opened.fileno())
        for line in lines:
            opened.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        opened.flush()
        os.fsync(opened.fileno())


def whole_lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers, from 1; none if there is no file."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return
    whole, _, _torn = data.rpartition(b"\n")
    for number, line in enumerate(whole.split(b"\n"), 1):
        if line:
            yield number, line


def remove_torn_line(descriptor: int) -> None:
    """Cut off what a killed process wrote of a line, in an open file."""
    size = os.fstat(descriptor).st_size
    end = size
    while end:
        start = max(0, end - 4096)
        block = os.pread(descriptor, end - start, start)
        found = block.rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end != size:
        os.ftruncate(descriptor, end)
