"""Columns that people approved, as training pages: their boxes are the truth.

Holds: :func:`pages_from_samples`. Each sample gives its column twice, in two sizes that the
detector works at. Characters that nobody can read keep their boxes: they stand there all the
same.

Keeps out: which samples may be trained on (the caller takes those of the train split).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from pipelines.finding.detector import shrunk
from pipelines.imaging.codec import decode_png
from pipelines.records import Sample
from pipelines.store import Store
from training.detector.pages import TrainingPage

SIZES_PX = (24.0, 44.0)
"""Middle character sizes, around those at which pages are searched."""


def pages_from_samples(samples: Iterable[Sample], store: Store) -> Iterator[TrainingPage]:
    """Two training pages a sample, fewer if its characters are small."""
    for sample in samples:
        ink = decode_png(store.get(sample.ink_key))
        boxes = np.array(
            [
                (box.left, box.top, box.right, box.bottom)
                for box in (character.box for character in sample.characters)
            ],
            np.float32,
        ).reshape(-1, 4)
        if not len(boxes):
            continue
        usual = float(np.median(np.max(boxes[:, 2:] - boxes[:, :2], axis=1)))
        for scale in sorted({min(1.0, size / usual) for size in SIZES_PX}):
            small = shrunk(ink, scale)
            factors = np.array(
                [small.shape[1] / ink.shape[1], small.shape[0] / ink.shape[0]] * 2, np.float32
            )
            yield TrainingPage(
                ink=small, boxes=boxes * factors, unsure=np.zeros((0, 4), np.float32)
            )
