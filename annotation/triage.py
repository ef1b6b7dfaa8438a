"""What is put before people first: columns where an hour of theirs is worth most.

Holds: uncertainty of the reader, disagreement of the two readers, rarity of the characters,
and the priority they make. All in [0, 1], so that Label Studio's Data Manager can sort by them.

Keeps out: the queue itself, which is a sorted view in Label Studio (``annotation.push``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.corrections import edit_distance
from pipelines.records import ILLEGIBLE, Reading
from pipelines.scripts import canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageParams:
    """How the parts weigh, and how often a character may occur and still be called rare.

    The reader's doubt tells most: it has weighed the second reader already. On worn pages of two
    hands that neither reader had learned, 672 and 710 characters, it tells wrong characters from
    right ones with an area under the curve of 0.884 and 0.930, disagreement alone with 0.757 and
    0.801 (0.660 and 0.737, if the draft itself is compared), and both as weighed here with 0.880
    and 0.928. That a rare character teaches the next model most and a doubtful order spoils a
    column is judgement, not measurement. Writing the draft again and comparing it with the ink was
    measured too and found nothing more (``training.families.unicalli.resynthesis``): it has no
    weight here.
    """

    disagreement_weight: float = 0.2
    uncertainty_weight: float = 0.5
    rarity_weight: float = 0.2
    order_weight: float = 0.1
    rare_at_most_count: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Triage:
    """Why a column comes early or late; ``priority`` high first."""

    priority: float
    uncertainty: float
    disagreement: float
    rarity: float


def triage(
    reading: Reading,
    second: Reading | None,
    *,
    is_order_uncertain: bool,
    counts: Mapping[str, int],
    params: TriageParams = TriageParams(),
) -> Triage:
    """Weigh one column.

    Args:
        reading: What the reader drafted. A place it refused counts as wholly uncertain.
        second: The second opinion; without one there is no disagreement.
        is_order_uncertain: Whether the order of the characters is in doubt.
        counts: How often each character occurs in what is at hand (canonical forms).
        params: The weights.
    """
    characters = reading.characters
    total = max(1, len(characters))
    uncertainty = sum(1 - min(1.0, max(0.0, c.score)) if c.text else 1.0 for c in characters)
    rare = sum(
        counts.get(canonical(c.text), 0) <= params.rare_at_most_count for c in characters if c.text
    )
    disagreement = disagreement_of(reading, second)
    parts = (
        (params.disagreement_weight, disagreement),
        (params.uncertainty_weight, uncertainty / total),
        (params.rarity_weight, rare / total),
        (params.order_weight, float(is_order_uncertain)),
    )
    priority = sum(weight * value for weight, value in parts) / sum(weight for weight, _ in parts)
    return Triage(
        priority=round(priority, 4),
        uncertainty=round(uncertainty / total, 4),
        disagreement=round(disagreement, 4),
        rarity=round(rare / total, 4),
    )


def disagreement_of(reading: Reading, second: Reading | None) -> float:
    """Share of places the two readers read differently, variants folded, in [0, 1].

    Compared is what the first reader named before it heeded the second: a draft that followed the
    second reader agrees with it for nothing.

    Places are compared box by box where both read the same boxes, otherwise by edit distance.
    A place that both refused is no agreement.
    """
    if second is None or not reading.characters:
        return 0.0
    theirs = {character.character_id: canonical(character.text) for character in second.characters}
    if set(theirs) == {character.character_id for character in reading.characters}:
        differing = sum(
            not character.text
            or canonical(character.alone or character.text) != theirs[character.character_id]
            for character in reading.characters
        )
        return differing / len(reading.characters)
    ours = "".join(
        canonical(c.alone or c.text) if c.text else ILLEGIBLE for c in reading.characters
    )
    other = "".join(canonical(character) for character in second.text)
    # A refused place is no evidence for anything: it must not match the other's refusal.
    distance = edit_distance(ours, other.replace(ILLEGIBLE, "\0"))
    return min(1.0, distance / max(len(ours), len(other), 1))
