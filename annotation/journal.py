"""The approval journal: who decided what, when, on which content. Append-only."""

from __future__ import annotations

from pathlib import Path


class Journal:
    """Append-only JSON lines, one file a batch: ``<folder>/<batch>.jsonl``, each line fsynced."""

    def __init__(self, folder: Path) -> None:
        raise NotImplementedError
