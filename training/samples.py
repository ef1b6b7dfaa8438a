"""From samples in a table to columns that a family can train on.

Holds: ``labelled_inks``: the ink of each sample with a vocabulary id for each character,
``UNKNOWN_CELL`` for what must not be learned: □, and characters the model has no name for
(counted, not hidden); and :func:`look_weights`, by which hands that are seen a thousand times do
not crowd out those that are seen ten times.

Keeps out: batches (``training.columns``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pipelines.hand_styles import Hand, alike
from pipelines.imaging.codec import decode_png
from pipelines.records import ILLEGIBLE, Sample
from pipelines.store import Store
from training.columns import UNKNOWN_CELL, LabelledInk
from training.vocabulary import Vocabulary


def labelled_inks(
    samples: Iterable[Sample],
    store: Store,
    vocabulary: Vocabulary,
    weights: Mapping[str, float] | None = None,
) -> tuple[list[LabelledInk], Counter[str]]:
    """Columns ready to train on, and what could not be learned, by character.

    Args:
        samples: Approved columns.
        store: Has their ink.
        vocabulary: What the model can name.
        weights: Of works, by id; 1 where nothing is said.
    """
    columns: list[LabelledInk] = []
    unknown: Counter[str] = Counter()
    for sample in samples:
        classes: list[int] = []
        for character in sample.characters:
            place = vocabulary.id_of(character.canonical)
            if place is None and character.canonical != ILLEGIBLE:
                unknown[character.canonical] += 1
            classes.append(UNKNOWN_CELL if place is None else place)
        columns.append(
            LabelledInk(
                ink=decode_png(store.get(sample.ink_key)),
                boxes=tuple(character.box for character in sample.characters),
                classes=tuple(classes),
                prompt=sample.prompt,
                weight=(weights or {}).get(sample.work.work_id, 1.0),
            )
        )
    return columns, unknown


def look_weights(
    samples: Sequence[Sample], hands: Sequence[Hand], balance: float
) -> dict[str, float]:
    """How much each work counts, so that works of one look together count less than one by one.

    A look with n characters among the samples weighs n to the power of ``-balance`` each: 0 leaves
    all as they are, 1 gives every look the same share. A work of which no style vector is known is
    a look of its own.
    """
    look_of = alike(hands)
    counts: Counter[str] = Counter()
    for sample in samples:
        work_id = sample.work.work_id
        counts[look_of.get(work_id, work_id)] += len(sample.characters)
    works = {sample.work.work_id for sample in samples}
    return {work: max(1, counts[look_of.get(work, work)]) ** -balance for work in works}
