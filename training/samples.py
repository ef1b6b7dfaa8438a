"""From samples in a table to columns that a family can train on.

Holds: ``labelled_inks``: the ink of each sample with a vocabulary id for each character,
``UNKNOWN_CELL`` for what must not be learned: □, and characters the model has no name for
(counted, not hidden).

Keeps out: batches (``training.columns``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pipelines.imaging.codec import decode_png
from pipelines.records import ILLEGIBLE, Sample
from pipelines.store import Store
from training.columns import UNKNOWN_CELL, LabelledInk
from training.vocabulary import Vocabulary


def labelled_inks(
    samples: Iterable[Sample], store: Store, vocabulary: Vocabulary
) -> tuple[list[LabelledInk], Counter[str]]:
    """Columns ready to train on, and what could not be learned, by character."""
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
            )
        )
    return columns, unknown
