"""How near a text that was read comes to the true one, in the two forms that are published.

Holds: precision, recall and F1 of two texts as bags of characters, their normalized edit distance
(NED: edits over the longer length, 0 for the same text), and the two forms in which others print
these figures:

- ``callibench``: as CalliBench counts (CalliReader, ICCV 2025, its ``evaluate.py``), and so table 6
  of UniCalli: punctuation and digits are taken out of the true text alone, and what was read is
  turned into simplified characters, which the true text there has already. Who names a comma loses.
- ``symmetric``: both sides keep their Han characters alone (after Chronicles-OCR). Whether variants
  count as the same is the caller's to say, by folding both.

A bag knows nothing of order: a shuffled text has an F1 of 1. NED therefore stands beside it.

Keeps out: intervals (``training.metrics.recognition``), corrections (``pipelines.corrections``).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass

from pipelines.corrections import edit_distance
from pipelines.scripts import is_han, to_simplified


@dataclass(frozen=True, slots=True, kw_only=True)
class TextScores:
    """Of one text beside the true one, all in [0, 1]; ``ned`` is better when lower."""

    precision: float
    recall: float
    f1: float
    ned: float


def callibench(read: str, true: str) -> TextScores:
    """Scores in the form of CalliBench. Characters are simplified one by one, not by phrases."""
    return scores(_simplified(read), _simplified(_without_marks(true)))


def symmetric(read: str, true: str) -> TextScores:
    """Scores of the Han characters of both sides; refusals (□) and marks count on neither."""
    return scores("".join(filter(is_han, read)), "".join(filter(is_han, true)))


def scores(read: str, true: str) -> TextScores:
    """Scores of two texts as they stand; two empty ones are the same."""
    shared = (Counter(read) & Counter(true)).total()
    precision = _share(shared, len(read), is_empty_right=not true)
    recall = _share(shared, len(true), is_empty_right=not read)
    f1 = _share(2 * shared, len(read) + len(true), is_empty_right=True)
    return TextScores(precision=precision, recall=recall, f1=f1, ned=ned(read, true))


def ned(read: str, true: str) -> float:
    """Single-character edits from one to the other over the longer length, in [0, 1]."""
    return edit_distance(read, true) / max(len(read), len(true), 1)


def _share(part: int, whole: int, *, is_empty_right: bool) -> float:
    return part / whole if whole else float(is_empty_right)


def _simplified(text: str) -> str:
    return "".join(map(to_simplified, text))


def _without_marks(text: str) -> str:
    """Without punctuation, digits and line breaks; blanks stay, as they do there."""
    return "".join(c for c in text if unicodedata.category(c)[0] != "P" and c not in "0123456789\n")
