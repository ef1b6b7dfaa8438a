"""Training pages as batches of crops, drawn in a process of their own.

Holds: ``CropParams``, :func:`crop` and :func:`batches`. Each page gives a few crops at slightly
different sizes; crops of many pages are shuffled before they are batched.

Keeps out: how pages are drawn (``training.detector.pages``) and where given ones come from
(``training.detector.reviewed``, ``training.detector.scanned``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from training.detector.glyphs import Hand, Ink
from training.detector.objective import Targets, targets
from training.detector.pages import Boxes, TrainingPage, draw_page


@dataclass(frozen=True, kw_only=True)
class CropParams:
    """Sizes of batches.

    Attributes:
        side_px: Side of a crop, a multiple of 32.
        crops_at_once: Crops in a batch.
        crops_a_page: Crops taken from a large page before the next is drawn.
        shuffled: Crops from which a batch is drawn.
        given_share: Share of pages taken from those given, if there are any.
        workers: Processes that draw pages.
    """

    side_px: int = 288
    crops_at_once: int = 6
    crops_a_page: int = 9
    shuffled: int = 120
    given_share: float = 0.45
    workers: int = 1


@dataclass(frozen=True, kw_only=True)
class Crop:
    """Ink (side, side) uint8 and what is to be answered."""

    ink: Ink
    answer: Targets


class _Crops(IterableDataset[tuple[Tensor, Tensor, Tensor, Tensor]]):
    """Endless crops; the seed fixes them all."""

    def __init__(
        self,
        hands: Sequence[Hand],
        given: Sequence[Sequence[TrainingPage]],
        params: CropParams,
        seed: int,
    ) -> None:
        self.hands, self.given, self.params, self.seed = hands, given, params, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        cv2.setNumThreads(1)
        worker = torch.utils.data.get_worker_info()
        if worker is not None:
            # The trainer must never wait for the processor behind what draws for it.
            os.nice(2)
        rng = np.random.default_rng((self.seed, worker.id if worker else 0))
        waiting: list[Crop] = []
        while True:
            page = self._page(rng)
            area = page.ink.size / self.params.side_px**2
            for _ in range(max(1, min(self.params.crops_a_page, round(1.3 * area)))):
                waiting.append(crop(page, self.params.side_px, rng))
            while len(waiting) > self.params.shuffled:
                chosen = waiting.pop(int(rng.integers(len(waiting))))
                yield (
                    torch.from_numpy(chosen.ink)[None],
                    torch.from_numpy(chosen.answer.heat),
                    torch.from_numpy(chosen.answer.distances),
                    torch.from_numpy(chosen.answer.weight),
                )

    def _page(self, rng: np.random.Generator) -> TrainingPage:
        if self.given and rng.random() < self.params.given_share:
            kind = self.given[int(rng.integers(len(self.given)))]
            return written_anew(kind[int(rng.integers(len(kind)))], rng)
        return draw_page(self.hands, rng)


def written_anew(page: TrainingPage, rng: np.random.Generator) -> TrainingPage:
    """A given page as if by a thicker or a thinner brush: there are few, and each comes often."""
    soft = cv2.GaussianBlur(page.ink, (0, 0), float(rng.uniform(0.3, 0.8)))
    grey = np.divide(soft, 255, dtype=np.float32) ** np.float32(np.exp(rng.normal(0, 0.35)))
    grey *= np.float32(rng.uniform(0.85, 1.25))
    return replace(page, ink=np.asarray(np.clip(grey, 0, 1) * 255, np.uint8))


def crop(page: TrainingPage, side: int, rng: np.random.Generator) -> Crop:
    """A square part of a page, scaled a little; a page smaller than that is set on blank ground.

    Characters of which the edge cuts off more than a third teach nothing.
    """
    scale = float(np.exp(rng.normal(0, 0.12)))
    aspect = float(np.exp(rng.normal(0, 0.04)))
    window = (round(side / scale * aspect), round(side / scale / aspect))
    height, width = page.ink.shape
    top = int(rng.integers(-side // 8, max(1, height - window[0] + side // 8)))
    left = int(rng.integers(-side // 8, max(1, width - window[1] + side // 8)))
    if len(page.boxes) and rng.random() < 0.6:  # most crops hold writing
        x0, y0, x1, y1 = page.boxes[int(rng.integers(len(page.boxes)))]
        top = round((y0 + y1) / 2 - window[0] * rng.random())
        left = round((x0 + x1) / 2 - window[1] * rng.random())
    ink: Ink = np.zeros(window, np.uint8)
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(height, top + window[0]), min(width, left + window[1])
    if y1 > y0 and x1 > x0:
        ink[y0 - top : y1 - top, x0 - left : x1 - left] = page.ink[y0:y1, x0:x1]
    ink = np.asarray(cv2.resize(ink, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    factors = np.array([side / window[1], side / window[0]] * 2, np.float32)
    shift = np.array([left, top, left, top], np.float32)
    boxes = (page.boxes - shift) * factors
    unsure = (page.unsure - shift) * factors
    clipped = np.clip(boxes, 0, side)
    area, seen = _areas(boxes), _areas(clipped)
    is_whole, is_seen = seen > 0.65 * area, seen > 0
    unsure = np.concatenate([unsure, clipped[is_seen & ~is_whole]])
    return Crop(ink=ink, answer=targets(clipped[is_whole], unsure, side, side))


def _areas(boxes: Boxes) -> Boxes:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def batches(
    hands: Sequence[Hand], given: Sequence[Sequence[TrainingPage]], params: CropParams, seed: int
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Endless batches: ink (B, 1, S, S) uint8, heat, distances, weight.

    Args:
        hands: What pages are drawn in.
        given: Kinds of pages with boxes, each kind as often as the others; none may be empty.
        params: Sizes and shares.
        seed: All randomness.
    """
    loader = DataLoader(
        _Crops(hands, given, params, seed),
        batch_size=params.crops_at_once,
        num_workers=params.workers,
        prefetch_factor=6 if params.workers else None,
        # A forked child inherits OpenCV's threads as they stood, and may wait for them forever.
        multiprocessing_context="spawn" if params.workers else None,
    )
    return iter(loader)
