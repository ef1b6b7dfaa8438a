"""How far people agree with each other, and with the draft they were given.

Holds, for two who worked on the same tasks: corrections per 100 characters between their texts,
Krippendorff's alpha over the characters of boxes that both drew, the F1 of boxes, Kendall's tau of
their order, and how often they decided alike. A draft counts as one who approved everything, and so
does ground truth, where it stands among the tasks (``annotation.gold``).

Texts, boxes and order are compared where both approved: nobody claims that the others are whole.
People saw the same draft before they corrected it, so their agreement is higher than it would be of
two who began from nothing; the figures of the draft beside it say how much there was to correct.

Keeps out: which annotation counts (``annotation.decisions``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from annotation import interface
from annotation.label_studio import FullTask, User
from annotation.reviews import PartReview, read_annotation
from annotation.tasks import decision_item
from pipelines.corrections import CorrectionRate, corrections_per_100
from pipelines.geometry import Box, intersection_over_union
from pipelines.records import Decision, Review, ReviewedCharacter

DRAFT = "draft"
"""Stands for the machine where annotators are named."""

TRUTH = "ground truth"
"""Stands for what is known where annotators are named."""

MIN_OVERLAP = 0.5
"""Intersection over union from which two boxes are the same place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two who worked on the same tasks.

    Attributes:
        first: One of them; the draft, where it is one.
        second: The other, whose characters a rate counts by.
        tasks: How many tasks both worked on.
        same_decision: Share of them that both decided alike; None beside the draft.
        both_approved: How many tasks are compared below.
        corrections: From the text of the first to that of the second; None without characters.
        alpha: Krippendorff's, nominal, over boxes that both drew, at most 1; None where it has
            no meaning because there is nothing to tell apart.
        box_f1: Boxes that both drew, in [0, 1]; None without boxes.
        order_tau: Kendall's, of the order of those boxes, in [-1, 1]; None below two boxes.
    """

    first: str
    second: str
    tasks: int
    same_decision: float | None
    both_approved: int
    corrections: CorrectionRate | None
    alpha: float | None
    box_f1: float | None
    order_tau: float | None

    @property
    def sentence(self) -> str:
        """The same in one line, with the 95 % interval of the corrections."""
        told = [f"{self.first} and {self.second}: {self.tasks} tasks"]
        if self.same_decision is not None:
            told.append(f"{self.same_decision:.0%} decided alike")
        told.append(f"{self.both_approved} compared")
        if self.corrections is not None:
            rate = self.corrections
            told.append(
                f"{rate.per_100:.1f} corrections per 100 characters "
                f"({rate.low:.1f} to {rate.high:.1f}, {rate.character_count} characters)"
            )
        for name, value in (
            ("alpha", self.alpha),
            ("box F1", self.box_f1),
            ("order tau", self.order_tau),
        ):
            told.append(f"{name} {'-' if value is None else format(value, '.2f')}")
        return ", ".join(told)


def agreements(
    tasks: Iterable[FullTask],
    users: Mapping[int, User],
    rng: np.random.Generator,
    *,
    truth: Mapping[str, Review] | None = None,
) -> list[Agreement]:
    """Every two who worked on the same tasks, the draft among them; ``rng`` draws intervals.

    Of several annotations of one person the latest counts. Where a column's ``truth`` is known,
    by column id, it is compared with everyone who did not make it.
    """
    shared: dict[tuple[str, str], list[tuple[PartReview, PartReview]]] = defaultdict(list)
    for task in tasks:
        read = _by_annotator(task, users)
        drafted = _draft(task, users)
        if drafted is not None and read:
            for name, one in read.items():
                shared[DRAFT, name].append((drafted, one))
        known = (truth or {}).get(str(task.data["column_id"]))
        for name, one in read.items() if known is not None else ():
            if known is not None and name not in (known.annotator, known.approver):
                shared[TRUTH, name].append((_true(known, task, one), one))
        for a, b in combinations(sorted(read), 2):
            shared[a, b].append((read[a], read[b]))
    return [_agreement(names, pairs, rng) for names, pairs in sorted(shared.items())]


def matched(
    a: Sequence[ReviewedCharacter], b: Sequence[ReviewedCharacter]
) -> list[tuple[int, int]]:
    """Places of ``a`` and ``b`` that are the same box, best overlaps first; each at most once."""
    overlaps = sorted(
        (-intersection_over_union(one.box, other.box), i, j)
        for i, one in enumerate(a)
        for j, other in enumerate(b)
    )
    found: list[tuple[int, int]] = []
    for overlap, i, j in overlaps:
        if -overlap < MIN_OVERLAP:
            break
        if all(i != k and j != m for k, m in found):
            found.append((i, j))
    return sorted(found)


def krippendorff_alpha(values: Sequence[tuple[str, str]]) -> float | None:
    """Krippendorff's alpha of nominal values that two gave to the same units.

    See Krippendorff, Content Analysis, section 11.3. None without two different values.
    """
    counts = Counter(value for pair in values for value in pair)
    total = sum(counts.values())
    expected = total * total - sum(count * count for count in counts.values())
    if not expected:
        return None
    observed = 2 * sum(one != other for one, other in values)
    return 1 - (total - 1) * observed / expected


def kendall_tau(order: Sequence[int]) -> float | None:
    """Kendall's tau of a permutation against the order from first to last; None below two."""
    pairs = list(combinations(order, 2))
    if not pairs:
        return None
    return sum(1 if a < b else -1 for a, b in pairs) / len(pairs)


def _by_annotator(task: FullTask, users: Mapping[int, User]) -> dict[str, PartReview]:
    found: dict[str, PartReview] = {}
    for annotation in task.annotations:
        if annotation.get("was_cancelled"):
            continue
        read = read_annotation(annotation, task, users)
        if not isinstance(read, PartReview):
            continue
        before = found.get(read.annotator)
        if before is None or before.updated_at < read.updated_at:
            found[read.annotator] = read
    return found


def _draft(task: FullTask, users: Mapping[int, User]) -> PartReview | None:
    """The draft, read as an annotation; empty boxes are allowed because nobody approved it."""
    newest = max(task.predictions, key=lambda prediction: int(prediction["id"]), default=None)
    if newest is None:
        return None
    result = [*newest["result"], decision_item(interface.NEEDS_EXPERT)]
    row = {"id": 0, "result": result, "updated_at": task.updated_at.isoformat()}
    read = read_annotation(row, task, users)
    return read if isinstance(read, PartReview) else None


def _true(known: Review, task: FullTask, beside: PartReview) -> PartReview:
    """What is known of the part of a column that a task shows."""
    crop = Box(*(int(value) for value in task.data["crop"]))
    inside = tuple(c for c in known.characters if crop.top <= c.box.center[1] < crop.bottom)
    return replace(
        beside, annotator=TRUTH, decision=Decision.APPROVED, characters=inside, annotation_id=0
    )


def _agreement(
    names: tuple[str, str],
    pairs: Sequence[tuple[PartReview, PartReview]],
    rng: np.random.Generator,
) -> Agreement:
    first, second = names
    is_draft = first == DRAFT
    whole = [
        (a.characters, b.characters)
        for a, b in pairs
        if b.decision is Decision.APPROVED and (is_draft or a.decision is Decision.APPROVED)
    ]
    texts = [(_text(a), _text(b)) for a, b in whole]
    places = [matched(a, b) for a, b in whole]
    values = [
        (a[i].canonical, b[j].canonical)
        for (a, b), found in zip(whole, places, strict=True)
        for i, j in found
    ]
    drawn = sum(len(a) + len(b) for a, b in whole)
    taus = [
        (tau, len(found))
        for found in places
        if (tau := kendall_tau([j for _, j in found])) is not None
    ]
    alike = sum(a.decision is b.decision for a, b in pairs) / len(pairs)
    return Agreement(
        first=first,
        second=second,
        tasks=len(pairs),
        same_decision=None if is_draft else alike,
        both_approved=len(whole),
        corrections=corrections_per_100(texts, rng) if any(b for _, b in texts) else None,
        alpha=krippendorff_alpha(values),
        box_f1=2 * len(values) / drawn if drawn else None,
        order_tau=(
            sum(tau * count for tau, count in taus) / sum(count for _, count in taus)
            if taus
            else None
        ),
    )


def _text(characters: Sequence[ReviewedCharacter]) -> str:
    return "".join(character.canonical for character in characters)
