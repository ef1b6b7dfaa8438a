"""Candidates 候選: what both readers propose for a character, numbered for one key each.

The same numbers stand in the guide beside the ink (``annotation.guide``), in the text beside it,
and behind the keys 1 to 5 of the interface; a task carries the lists, so that a pick means what
its annotator saw however often the batch is read again.

Keeps out: drawing them (``annotation.guide``) and what a pick makes of a draft
(``annotation.characters``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.records import Character, CharacterReading

MAX_CANDIDATES = 5
"""As many as have a key, and about as many as one sees at a glance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What is proposed for one place.

    ``texts`` stand in the order of their keys, the first for key 1: the draft, then what the
    second reader read, then what else the first and the second reader thought of. ``draft`` is
    empty where the reader refused, ``second`` where the second reader did; it is None where there
    was no second reader.
    """

    texts: tuple[str, ...]
    draft: str
    second: str | None

    @property
    def is_disputed(self) -> bool:
        """Whether the two readers differ."""
        return self.second is not None and self.second != self.draft


def candidates_of(
    characters: Sequence[Character],
    read: Mapping[str, CharacterReading],
    other: Mapping[str, CharacterReading] | None,
) -> tuple[Candidates, ...]:
    """What both readers propose, a place each.

    Args:
        characters: The places, in reading order.
        read: The reader's characters by id.
        other: Those of the second reader; None where there was none.
    """
    found = []
    for character in characters:
        first = read.get(character.character_id)
        second = other.get(character.character_id) if other is not None else None
        draft, theirs = first.text if first else "", second.text if second else ""
        proposed = [draft, theirs]
        proposed += [first.alone, *(c.text for c in first.candidates)] if first else []
        proposed += [c.text for c in second.candidates] if second else []
        texts = tuple(dict.fromkeys(text for text in proposed if text))
        # Without a draft to stand large, one less is shown.
        texts = texts[: MAX_CANDIDATES if draft else MAX_CANDIDATES - 1]
        found.append(Candidates(texts=texts, draft=draft, second=None if other is None else theirs))
    return tuple(found)


def comparison(candidates: Sequence[Candidates], doubt: str = "") -> str:
    """What is proposed as plain text, one line a character, for a screen without a guide.

    ``*`` marks a place where the readers differ. What is doubtful about the order stands above.
    """
    lines = []
    for number, place in enumerate(candidates, 1):
        keys = " ".join(
            f"{key}{text}" for key, text in enumerate(place.texts, 1) if text != place.draft
        )
        lines.append(
            f"{number:>2}{'*' if place.is_disputed else ' '} {place.draft or '?'}"
            + (f"  | {place.second or '?'}" if place.second is not None else "")
            + (f"  | {keys}" if keys else "")
        )
    said = "\n".join(lines) or "The reader found no character here."
    return f"Order in doubt: {doubt}\n{said}" if doubt else said
