"""How ids are made: from the parent's id and the place in it, never from a counter or a clock.

A second run makes the same ids, and joins need no lookup. The split of a work follows from its id
in the same way.

Keeps out: what has an id (``pipelines.records``).
"""

from __future__ import annotations

import hashlib

from pipelines.geometry import Box
from pipelines.records import Split


def derive_id(*parts: str | int) -> str:
    """A stable id of 16 hex digits from a parent's id and the place in it."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()[:16]


def box_id(parent_id: str, box: Box) -> str:
    """The id of what stands in ``box`` on ``parent_id``."""
    return derive_id(parent_id, box.left, box.top, box.right, box.bottom)


def split_of(work_id: str) -> Split:
    """The split of a work: 80 % train, 10 % validation, 10 % test, by the hash of its id."""
    bucket = int(hashlib.sha256(f"split:{work_id}".encode()).hexdigest(), 16) % 10
    return Split.TEST if bucket == 0 else Split.VALIDATION if bucket == 1 else Split.TRAIN
