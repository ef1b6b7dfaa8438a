"""How a batch is reviewed: by one person or by two, with known columns or without.

Read from ``review.toml`` in a project's home:

    people = 1                    # for every batch: an annotator's approval is enough

    [batch."2026-01"]
    people = 2                    # another person must approve what an annotator has done
    gold_share = 0.05             # known columns among the tasks, of what is new
    gold_seed = 1                 # which of them

Without the file one person is enough, and nothing known is asked again.

Keeps out: what follows from it (``annotation.decisions``).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pipelines.errors import MetadataError

FILE_NAME = "review.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRules:
    """The rules of one batch. ``people`` is 1 or 2, ``gold_share`` in [0, 0.5]."""

    people: int = 1
    gold_share: float = 0.0
    gold_seed: int = 0

    @property
    def needs_second_person(self) -> bool:
        """Whether an annotator's approval makes a column done, no more."""
        return self.people == 2


def rules_of(home: Path, batch: str) -> ReviewRules:
    """The rules of a batch: its own table, else what holds for every batch.

    Raises:
        MetadataError: If the file is there and cannot be used.
    """
    file = home / FILE_NAME
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ReviewRules()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _unusable(file, f"it is no TOML: {error}") from error
    own = table.pop("batch", {})
    if not isinstance(own, dict) or not all(isinstance(one, dict) for one in own.values()):
        raise _unusable(file, 'batches are tables, as in [batch."2026-01"]')
    for name, rows in (("every batch", table), *own.items()):
        _require_usable(file, name, rows)
    return ReviewRules(**{**table, **own.get(batch, {})})


def _require_usable(file: Path, name: str, rows: dict[str, Any]) -> None:
    known = [field.name for field in fields(ReviewRules)]
    unknown = sorted(set(rows) - set(known))
    if unknown:
        raise _unusable(file, f"{name} names {', '.join(unknown)}; known are {', '.join(known)}")
    if rows.get("people", 1) not in (1, 2) or isinstance(rows.get("people"), bool):
        raise _unusable(file, f"{name} asks for {rows['people']!r} people; 1 or 2 can be asked for")
    share, seed = rows.get("gold_share", 0), rows.get("gold_seed", 0)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 0.5:
        raise _unusable(file, f"{name} has the gold_share {share!r}; expected one from 0 to 0.5")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise _unusable(file, f"{name} has the gold_seed {seed!r}; expected a whole number")


def _unusable(file: Path, what: str) -> MetadataError:
    return MetadataError(
        f"The rules of review in {file} cannot be used: {what}. Correct the file, or take it away.",
        reason="rules_malformed",
    )
