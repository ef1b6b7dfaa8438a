"""What a reader is worth: one figure a row, as an evaluation writes it.

Holds: the record ``Evaluation``, and what its interval draws again.

Keeps out: how figures are made (``training.evaluation``), and what follows from them
(``assets.promotion``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipelines.records import Reader


class Unit(StrEnum):
    """What a bootstrap draws again as a whole: what may fail together."""

    WORK = "work"
    COLUMN = "column"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One figure of one reader on one frozen split, with a 95 % bootstrap interval.

    ``resampled`` says what the interval draws again. Where ``against`` names another model, the
    figure is the difference of the two on the same columns, drawn together: this model's minus
    the other's.
    """

    model_id: str
    reader: Reader
    split_fingerprint: str
    metric: str
    value: float
    low: float
    high: float
    character_count: int
    resampled: Unit = Unit.COLUMN
    against: str = ""
