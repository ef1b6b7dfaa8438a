"""A learned eye for characters: where a small network sees their middles and edges.

Holds: :func:`detect`, which runs the bundled network on a page's ink at the size it knows best,
tile by tile if the page is large, and :func:`decoded`, which turns its maps into boxes. OpenCV
runs the network; torch is not needed. It was trained by
``python -m training train --recipe detector.tiny``; its card lies beside it.

Keeps out: what the ink says of the boxes (``pipelines.finding.evidence``), training
(``training.detector``).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.finding.network import load_network
from pipelines.imaging.ink import Ink
from pipelines.order.places import pairs_sharing

Floats = npt.NDArray[np.float32]

CHECKPOINT = Path(__file__).with_name("checkpoints") / "detector-3"

STRIDE = 4
_MULTIPLE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorParams:
    """How a page is shown to the network, and what counts of its answer.

    Attributes:
        glance_sides_px: Longest sides of the small copies on which the page is first seen.
        usual_px: Size of characters that the network sees best.
        good_enough: Factor off that size up to which a glance is taken for the look.
        max_enlarged: How much larger than the glance a look may be, at most.
        min_short_px: Shortest side of a glance: scrolls and columns are shown larger.
        tile_px: Largest side of what it is shown at once.
        tile_overlap_px: What neighbouring tiles share: more than the largest character.
        least: Lowest score taken down.
        sure: Score from which a box counts for the middle size.
        overlap: Overlap of two boxes over their union from which one of them goes.
        nested: Overlap over the smaller box from which one of them goes.
    """

    glance_sides_px: tuple[int, ...] = (112, 256, 512)
    usual_px: float = 30.0
    good_enough: float = 1.2
    max_enlarged: float = 3.0
    min_short_px: int = 64
    tile_px: int = 1280
    tile_overlap_px: int = 160
    least: float = 0.15
    sure: float = 0.3
    overlap: float = 0.4
    nested: float = 0.75


@dataclass(frozen=True, slots=True)
class Detections:
    """What the network saw on a page.

    Attributes:
        boxes: (N, 4) in pixels of the page, best first.
        scores: (N,) in (0, 1).
    """

    boxes: Floats
    scores: Floats

    def conviction(self, sure: float) -> float:
        """The mean score of the boxes that have at least ``sure``; 0 if none has."""
        counted = self.scores[self.scores >= sure]
        return float(counted.mean()) if counted.size else 0.0


def detect(ink: Ink, params: DetectorParams) -> Detections:
    """What the network sees on a page.

    Args:
        ink: (H, W) uint8, ink 255 on 0 or its cover on a shrunk copy; not modified.
        params: How it is shown.

    Raises:
        ModelError: If the bundled checkpoint is missing or unreadable.
    """
    best, at, conviction = (
        Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)),
        1.0,
        0.0,
    )
    for scale in _glances(ink, params):
        seen = _seen(ink, scale, params)
        # At the wrong size strokes or columns are taken for characters, but with less conviction.
        if seen.conviction(params.sure) > conviction:
            best, at, conviction = seen, scale, seen.conviction(params.sure)
    if not conviction:
        return best
    sizes = np.max(best.boxes[:, 2:] - best.boxes[:, :2], axis=1)[best.scores >= params.sure]
    usual = float(np.median(sizes)) * at
    again = min(1.0, at * min(params.max_enlarged, params.usual_px / usual))
    is_near = 1 / params.good_enough < again / at < params.good_enough
    return best if is_near else _seen(ink, again, params)


def _glances(ink: Ink, params: DetectorParams) -> list[float]:
    """The scales at which a page is first seen."""
    longest, shortest = max(ink.shape), min(ink.shape)
    least = params.min_short_px / shortest
    return sorted({min(1.0, max(side / longest, least)) for side in params.glance_sides_px})


def _seen(ink: Ink, scale: float, params: DetectorParams) -> Detections:
    """One look at a page, in tiles."""
    small = shrunk(ink, scale)
    height, width = small.shape
    boxes, scores = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
    for top, bottom in _tiles(height, params):
        for left, right in _tiles(width, params):
            tile = small[top:bottom, left:right]
            if not tile.any():
                continue
            found, score = decoded(_maps(tile), params.least)
            # What a tile's inner edge cuts off, the next tile sees whole.
            is_whole = np.ones(len(found), bool)
            for side, (edge, last) in enumerate(
                ((left, 0), (top, 0), (right, width), (bottom, height))
            ):
                if edge != last:
                    limit = params.tile_overlap_px / 2
                    middle = (found[:, side % 2] + found[:, side % 2 + 2]) / 2
                    span = (right - left) if side % 2 == 0 else (bottom - top)
                    is_whole &= (middle >= limit) if side < 2 else (middle < span - limit)
            boxes.append((found + np.array([left, top, left, top], np.float32))[is_whole])
            scores.append(score[is_whole])
    found, score = np.concatenate(boxes), np.concatenate(scores)
    order = np.argsort(-score, kind="stable")
    found, score = found[order], score[order]
    keep = apart(found, params.overlap, params.nested)
    factors = np.array([ink.shape[1] / width, ink.shape[0] / height] * 2, np.float32)
    return Detections(found[keep] * factors, score[keep])


def shrunk(ink: Ink, scale: float) -> Ink:
    """A page at ``scale`` of its size, cover as grey; whole factors first, which is far faster."""
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    factor = int(1 / scale / 1.25)
    if factor > 1:
        size = (-(-ink.shape[1] // factor), -(-ink.shape[0] // factor))
        rest = (size[1] * factor - ink.shape[0], size[0] * factor - ink.shape[1])
        if any(rest):
            ink = np.asarray(
                cv2.copyMakeBorder(ink, 0, rest[0], 0, rest[1], cv2.BORDER_CONSTANT, value=0)
            )
        ink = np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.uint8)
    if ink.shape != (height, width):
        ink = np.asarray(cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return ink


def _tiles(length: int, params: DetectorParams) -> list[tuple[int, int]]:
    """Spans that cover a side, each at most a tile long, neighbours overlapping."""
    if length <= params.tile_px:
        return [(0, length)]
    step = params.tile_px - params.tile_overlap_px
    count = -(-(length - params.tile_overlap_px) // step)
    starts = [round(index * (length - params.tile_px) / (count - 1)) for index in range(count)]
    return [(start, start + params.tile_px) for start in starts]


class _Networks(threading.local):
    """One network a thread: OpenCV's keeps the picture it works on inside."""

    network: cv2.dnn.Net | None = None


_NETWORKS = _Networks()


def _maps(tile: Ink) -> Floats:
    """The network's answer (5, h, w) to a tile, which is set on blank ground to fit."""
    if _NETWORKS.network is None:
        _NETWORKS.network = load_network(CHECKPOINT)
    height, width = (-(-side // _MULTIPLE) * _MULTIPLE for side in tile.shape)
    ink = np.zeros((1, 1, height, width), np.float32)
    np.multiply(tile, np.float32(1 / 255), out=ink[0, 0, : tile.shape[0], : tile.shape[1]])
    _NETWORKS.network.setInput(ink)
    return np.array(_NETWORKS.network.forward()[0], np.float32)


def decoded(maps: Floats, least: float) -> tuple[Floats, Floats]:
    """Boxes and scores out of the network's maps.

    Args:
        maps: (5, h, w): logit of a middle, logarithms of the distances to left, top, right and
            bottom in strides.
        least: Lowest score, in (0, 1).

    Returns:
        (N, 4) boxes in pixels of the network's input and (N,) scores, best first.
    """
    logit = maps[0]
    is_peak = logit >= cv2.dilate(logit, np.ones((3, 3), np.uint8))
    is_peak &= logit > np.log(least / (1 - least))
    rows, columns = np.nonzero(is_peak)
    order = np.argsort(-logit[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    score = 1 / (1 + np.exp(-logit[rows, columns]))
    left, top, right, bottom = np.exp(np.clip(maps[1:, rows, columns], -4, 5))
    x, y = columns + 0.5, rows + 0.5
    boxes = np.stack([x - left, y - top, x + right, y + bottom], axis=1) * STRIDE
    return boxes.astype(np.float32), score.astype(np.float32)


def apart(boxes: Floats, overlap: float, nested: float) -> npt.NDArray[np.intp]:
    """Which boxes (N, 4), best first, stay when of two that share too much the later goes.

    Args:
        boxes: Best first.
        overlap: Shared over covered area from which two are one.
        nested: Shared over the smaller area from which one lies in the other.
    """
    first, second = pairs_sharing(boxes[:, 0].astype(float), boxes[:, 2].astype(float))
    first, second = np.minimum(first, second), np.maximum(first, second)
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6)
    areas = sides[:, 0] * sides[:, 1]
    low = np.maximum(boxes[first, :2], boxes[second, :2])
    high = np.minimum(boxes[first, 2:], boxes[second, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    joint = areas[first] + areas[second] - shared
    smaller = np.minimum(areas[first], areas[second])
    are_one = (shared > overlap * joint) | (shared > nested * smaller)
    alive = np.ones(len(boxes), bool)
    order = np.lexsort((second[are_one], first[are_one]))
    for better, worse in zip(first[are_one][order], second[are_one][order], strict=True):
        if alive[better]:
            alive[worse] = False
    return np.flatnonzero(alive)
