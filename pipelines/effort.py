"""What the columns of one round, annotator and hand took people.

Holds: the record ``Effort``.

Keeps out: how it is counted from decisions (``annotation.effort``).
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.records import Script


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What the columns of one round, annotator and hand took.

    ``round`` counts the releases that drafted for people, in the order they first did, from 1.
    ``corrections`` are per 100 approved characters with a 95 % interval over works (``low``,
    ``high``); ``seconds`` are of the median column, with quartiles.
    """

    round: int
    release_id: str
    annotator: str
    is_simulated: bool
    calligrapher: str
    script: Script
    columns: int
    characters: int
    corrections: float
    corrections_low: float
    corrections_high: float
    seconds: float
    seconds_lower_quartile: float
    seconds_upper_quartile: float
