"""The hand of a work as a vector, and whose hand is like it.

Holds: the records ``Hand``, ``Likeness`` and ``SalientStroke``, and :func:`alike`, which works look
like one hand.

Keeps out: how vectors are made and compared (``training.families.scriptvit``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.geometry import Box
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SalientStroke:
    """A piece of a stroke that told the model most of a hand.

    Attributes:
        stroke_id: Derived from the page and the place.
        page_id: Where it stands; ``column_id`` in which column, ``work_id`` of which work.
        box: In pixels of the page.
        weight: Its share of what was looked at on its character, in (0, 1].
        model_fingerprint: Of the weights.
    """

    stroke_id: str
    page_id: str
    column_id: str
    work_id: str
    box: Box
    weight: float
    model_fingerprint: str
    code_version: str


def alike(hands: Sequence[Hand]) -> dict[str, str]:
    """For each work the name of the look that it has: the first work, by id, that is alike.

    Two works are alike if their vectors are no farther apart than one hand may be from itself (the
    smaller of their thresholds), and so are works that others link. Vectors of different models are
    never compared.
    """
    look = {hand.work_id: hand.work_id for hand in hands}

    def root(work_id: str) -> str:
        while look[work_id] != work_id:
            work_id = look[work_id]
        return work_id

    for place, one in enumerate(hands):
        for other in hands[:place]:
            if one.model_fingerprint != other.model_fingerprint:
                continue
            likeness = sum(a * b for a, b in zip(one.vector, other.vector, strict=True))
            if 1 - likeness <= min(one.threshold, other.threshold):
                first, second = sorted((root(one.work_id), root(other.work_id)))
                look[second] = first
    return {work_id: root(work_id) for work_id in look}
