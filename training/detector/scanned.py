"""Whole scanned pages with true boxes, as training pages: their ink is what the pipeline finds.

Holds: :func:`pages_from_synthesis`, aged pages whose truth is known because they were drawn, and
:func:`pages_from_codh`, real pages on which people boxed every character of the text. Pages drawn
for the detector alone (``training.detector.pages``) are ink from the beginning; these have been
through scanning, wear and ``normalize_ink``, and bring what that leaves behind.

Keeps out: columns that people approved (``training.detector.reviewed``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from pipelines import codh
from pipelines.finding.evidence import left_over, pieces_of
from pipelines.geometry import Box
from pipelines.imaging.codec import decode_pages
from pipelines.imaging.ink import Ink, normalize_ink
from pipelines.synthesis.hands import Hand
from pipelines.synthesis.pages import sample_pages
from pipelines.texts import Text
from training.detector.pages import TrainingPage
from training.detector.reviewed import at_training_sizes

KEPT = 0.35
"""Share of its ink that must be found for a character to count; else it may count or not."""


def pages_from_synthesis(
    seed: int, count: int, hands: Sequence[Hand], texts: Sequence[Text]
) -> Iterator[TrainingPage]:
    """Two training pages, of two sizes, for each of ``count`` aged pages of all layouts."""
    for page in sample_pages(seed=seed, count=count, hands=hands, texts=texts):
        ink = normalize_ink(page.image).ink
        boxes = [character.box for character in page.characters]
        is_kept = [_inked(ink, box) >= KEPT * _inked(page.ink, box) for box in boxes]
        kept = [box for box, is_there in zip(boxes, is_kept, strict=True) if is_there]
        lost = [box for box, is_there in zip(boxes, is_kept, strict=True) if not is_there]
        yield from at_training_sizes(ink, kept, lost)


def pages_from_codh(wheel: Path, books: Collection[str]) -> Iterator[TrainingPage]:
    """Two training pages for each page of the books named.

    The truth leaves out what does not belong to the page: a facing page, the number on the fold.
    Ink beyond the outermost true boxes is therefore neither right nor wrong.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = codh.extract(wheel, Path(folder))
        for truth, file in zip(codh.read_truth(wheel), files, strict=True):
            if truth.book in books:
                ink = normalize_ink(next(decode_pages(file.read_bytes(), file.name))).ink
                boxes = [character.box for character in truth.characters]
                yield from at_training_sizes(ink, boxes, _beyond(ink, boxes))


def _inked(ink: Ink, box: Box) -> int:
    """Pixels of ink in a box."""
    part = ink[box.top : box.bottom, box.left : box.right]
    return int(np.count_nonzero(part > 127))


def _beyond(ink: Ink, boxes: list[Box]) -> list[Box]:
    """The pieces of ink outside the rectangle that holds all boxes, if of a character's size."""
    text = Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )
    usual = float(np.median([max(box.width, box.height) for box in boxes]))
    pieces = pieces_of(ink)
    beyond = []
    for label in left_over(pieces, [text], 0.5):
        left, top, width, height = (int(v) for v in pieces.stats[label][: cv2.CC_STAT_AREA])
        if 0.2 * usual < max(width, height) < 3 * usual:
            beyond.append(Box(left, top, left + width, top + height))
    return beyond
