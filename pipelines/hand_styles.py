"""The hand of a work as a vector, and whose hand is like it.

Holds: the record ``Hand`` and ``Likeness``.

Keeps out: how vectors are made and compared (``training.families.scriptvit``).
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.records import Script


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Another work, and how far its style vector is: one minus their cosine, 0 to 2."""

    work_id: str
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """What a model says of the hand of one work.

    Attributes:
        work_id: Which work; ``calligrapher`` and ``script`` are what was known of it before.
        vector: Of length one; vectors of one ``model_fingerprint`` may be compared.
        references: Characters of the work that it is made from.
        spread: How far single characters of it lie apart, 0 to 2.
        is_one_hand: Whether that is no more than in one hand.
        nearest_hand: The enrolled hand that is most like it, rejected or not.
        distance: To that hand, 0 to 2.
        threshold: Beyond it a hand is not accepted, for so many references.
        is_rejected: Whether the work is by none of the enrolled hands.
        near_works: Other works by likeness, nearest first.
        model_fingerprint: Of the weights.
    """

    work_id: str
    calligrapher: str
    script: Script
    vector: tuple[float, ...]
    references: int
    spread: float
    is_one_hand: bool
    nearest_hand: str
    distance: float
    threshold: float
    is_rejected: bool
    near_works: tuple[Likeness, ...]
    model_fingerprint: str
    code_version: str
