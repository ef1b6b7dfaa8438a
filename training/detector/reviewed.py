"""Columns that people approved, as training pages: their boxes are the truth.

Holds: :func:`pages_from_samples` and :func:`at_training_sizes`. Each sample gives its column
twice, in two sizes that the detector works at. Characters that nobody can read keep their boxes:
they stand there all the same.

Keeps out: which samples may be trained on (the caller takes those of the train split).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from pipelines.finding.detector import shrunk
from pipelines.geometry import Box
from pipelines.imaging.codec import decode_png
from pipelines.imaging.ink import Ink
from pipelines.records import Sample
from pipelines.store import Store
from training.detector.pages import Boxes, TrainingPage

SIZES_PX = (24.0, 44.0)
"""Middle character sizes, around those at which pages are searched."""


def pages_from_samples(samples: Iterable[Sample], store: Store) -> Iterator[TrainingPage]:
    """Two training pages a sample, fewer if its characters are small."""
    for sample in samples:
        ink = decode_png(store.get(sample.ink_key))
        yield from at_training_sizes(ink, [character.box for character in sample.characters])


def at_training_sizes(
    ink: Ink, boxes: Sequence[Box], unsure: Sequence[Box] = ()
) -> Iterator[TrainingPage]:
    """A picture shrunk so that its characters measure ``SIZES_PX``; none if it has no box.

    Args:
        ink: (H, W) uint8, ink 255 on 0.
        boxes: Its characters, in pixels.
        unsure: What may count as a character or not.
    """
    if not boxes:
        return
    usual = float(np.median([max(box.width, box.height) for box in boxes]))
    for scale in sorted({min(1.0, size / usual) for size in SIZES_PX}):
        small = shrunk(ink, scale)
        factors = np.array(
            [small.shape[1] / ink.shape[1], small.shape[0] / ink.shape[0]] * 2, np.float32
        )
        yield TrainingPage(
            ink=small, boxes=_corners(boxes) * factors, unsure=_corners(unsure) * factors
        )


def _corners(boxes: Sequence[Box]) -> Boxes:
    table = [(box.left, box.top, box.right, box.bottom) for box in boxes]
    return np.asarray(table, np.float32).reshape(-1, 4)
