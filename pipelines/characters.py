"""Characters 字 on a page nobody has annotated: one box each, from the ink.

Holds: ``find_characters`` and ``search``. A learned eye says where characters stand
(``pipelines.finding.detector``); the ink says where their edges are, and what the eye has passed
over in the middle of a column is parted by the rhythm of writing (``pipelines.finding``). The
rhythm alone, across the page and down its columns, is the method ``RHYTHM``: it needs no training
and finds only what stands in regular columns of one size.

Keeps out: reading order (``pipelines.columns``) and what a character says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import cv2
import numpy as np

from pipelines.finding.cells import CellParams, cells_of_strips
from pipelines.finding.detector import Detections, DetectorParams, apart, detect, shrunk
from pipelines.finding.evidence import EvidenceParams, Pieces, fitted, left_over, pieces_of
from pipelines.finding.facing import FacingParams, cut_off
from pipelines.finding.gaps import GapParams, gaps_in_columns, parted
from pipelines.finding.readings import ReadingParams, beside_larger
from pipelines.finding.strips import StripParams, column_strips, ink_of_strips
from pipelines.geometry import Box, intersection_area
from pipelines.imaging.ink import Ink
from pipelines.windows import ink_extent


class Method(StrEnum):
    """How characters are looked for."""

    DETECTOR = "detector"
    RHYTHM = "rhythm"


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterParams:
    """What is asked of a character.

    Attributes:
        method: The learned eye with the ink's evidence, or the rhythm of ink alone.
        least_score: The eye's score from which something is a character.
        supported_score: The same where neighbours above and below are characters.
        fine_side_px: Longest side of the copy of a page that is seen and on which edges are found.
        fine_short_px: Its shorter side, at least: a scroll is kept larger.
        working_side_px: Longest side of the copy on which rhythm is sought.
        weathered_specks: Specks a character from which stone may be weathered.
        weathered_count: Characters up to which it may be: more are small, and show their rows.
        weathered_least: Characters from which it may be: fewer show no columns.
        weathered_conviction: The eye's mean score under which it is; there the regular columns
            of a stele say more than the eye.
        alone_side_px: Long side up to which a picture may be of one character alone.
        alone_share: Share of both sides that its ink must reach over to be one.
        alone_aspect: Of its ink, longer over shorter side, at most.
        speck_size: Side of the largest speck, in characters.
        convinced: The eye's score from which it outvotes the rhythm on weathered stone.
        slope: Of the logistic curve from the eye's log odds to a confidence, fitted to what was
            right on five CODH pages.
        offset: Of the same curve.
    """

    method: Method = Method.DETECTOR
    least_score: float = 0.45
    supported_score: float = 0.15
    fine_side_px: int = 1536
    fine_short_px: int = 640
    working_side_px: int = 1280
    weathered_specks: float = 2.0
    weathered_count: int = 48
    weathered_least: int = 8
    weathered_conviction: float = 0.57
    alone_side_px: int = 400
    alone_share: float = 0.5
    alone_aspect: float = 2.2
    speck_size: float = 0.12
    convinced: float = 0.6
    slope: float = 2.0
    offset: float = 1.0
    detector: DetectorParams = field(default=DetectorParams())
    evidence: EvidenceParams = field(default=EvidenceParams())
    gaps: GapParams = field(default=GapParams())
    facing: FacingParams = field(default=FacingParams())
    readings: ReadingParams = field(default=ReadingParams())
    strips: StripParams = field(default=StripParams())
    cells: CellParams = field(default=CellParams())


@dataclass(frozen=True, slots=True)
class FoundCharacter:
    """A place where a character stands; ``confidence`` in [0, 1].

    Confidence is the share of boxes like it that were right (at an overlap of half) on pages
    with true boxes.
    """

    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class DroppedInk:
    """Ink that was considered and is no character, with the reason as a code."""

    box: Box
    reason: str


_DEFAULT = CharacterParams()


def find_characters(ink: Ink, params: CharacterParams = _DEFAULT) -> list[FoundCharacter]:
    """The characters of a page in no particular order; none on a page without writing.

    Args:
        ink: (H, W) uint8, ink 255 on 0; not modified.
        params: What is asked of a character.
    """
    return search(ink, params)[0]


def search(
    ink: Ink, params: CharacterParams = _DEFAULT
) -> tuple[list[FoundCharacter], list[DroppedInk]]:
    """The characters of a page, and the ink that was considered and dropped.

    The reasons are ``doubtful`` (the eye was not sure), ``overlapping`` (another box says the
    same), ``cut_off`` (half a character of the facing page), ``reading`` (small writing beside a
    character), ``no_ink``, ``unseen`` (ink of a character's size that looked like none) and
    ``rule_line``; by rhythm ``too_little_ink``, ``scattered`` and ``rule_line``.
    """
    if not ink.any():
        return [], []
    if params.method is Method.RHYTHM:
        return _by_rhythm(ink, params)
    found, dropped, is_weathered = _by_detector(ink, params)
    if is_weathered:
        return _outvoted(found, dropped, _by_rhythm(ink, params), params)
    if not found and (whole := _alone(ink, params)) is not None:
        return [FoundCharacter(whole, _confidence(params.supported_score, params))], []
    return found, dropped


def _alone(ink: Ink, params: CharacterParams) -> Box | None:
    """The ink of a small picture that somebody cut out around one character, if it may be one.

    The eye knows brush and chisel; of a hand it never saw, thin seal script for one, it may see
    nothing at all, where a person who cut out a character saw one.
    """
    if max(ink.shape) > params.alone_side_px:
        return None
    extent = ink_extent(ink)
    if extent is None:
        return None
    longer, shorter = max(extent.width, extent.height), min(extent.width, extent.height)
    reaches = min(extent.width / ink.shape[1], extent.height / ink.shape[0])
    is_one = reaches >= params.alone_share and longer <= params.alone_aspect * shorter
    return extent if is_one else None


def _by_detector(
    ink: Ink, params: CharacterParams
) -> tuple[list[FoundCharacter], list[DroppedInk], bool]:
    """What the eye and the ink say, and whether the page is weathered stone."""
    scale = max(params.fine_side_px / max(ink.shape), params.fine_short_px / min(ink.shape))
    grey = shrunk(ink, min(1.0, scale))
    small = (grey >= _INKED).astype(np.uint8)
    factors = (ink.shape[1] / small.shape[1], ink.shape[0] / small.shape[0])
    pieces = pieces_of(small)
    boxes, scores, dropped = _on_ink(detect(grey, params.detector), pieces, params)
    sure = [box for box, score in zip(boxes, scores, strict=True) if score >= params.least_score]
    found = [
        (box, score)
        for box, score in zip(boxes, scores, strict=True)
        if score >= params.least_score
    ]
    faint = [
        (box, score) for box, score in zip(boxes, scores, strict=True) if score < params.least_score
    ]
    found, faint = _supported(sure, found, faint, small, pieces, params)
    cut = cut_off([box for box, _ in found], small.shape[1], params.facing)
    beside = beside_larger([box for box, _ in found], params.readings) - cut
    dropped += [DroppedInk(found[index][0], "cut_off") for index in sorted(cut)]
    dropped += [DroppedInk(found[index][0], "reading") for index in sorted(beside)]
    found = [item for index, item in enumerate(found) if index not in cut | beside]
    dropped += [DroppedInk(box, "doubtful") for box, _ in faint]
    dropped += _unseen([box for box, _ in found], pieces)
    return (
        [FoundCharacter(_full(box, factors, ink), _confidence(s, params)) for box, s in found],
        [DroppedInk(_full(d.box, factors, ink), d.reason) for d in dropped],
        _is_weathered(found, pieces, params),
    )


def _is_weathered(found: list[tuple[Box, float]], pieces: Pieces, params: CharacterParams) -> bool:
    if not params.weathered_least <= len(found) <= params.weathered_count:
        return False
    if float(np.mean([score for _, score in found])) >= params.weathered_conviction:
        return False
    usual = float(np.median([max(box.width, box.height) for box, _ in found]))
    sizes = pieces.stats[1:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1)
    specks = np.count_nonzero(sizes <= params.speck_size * usual)
    return bool(specks >= params.weathered_specks * len(found))


def _outvoted(
    seen: list[FoundCharacter],
    dropped: list[DroppedInk],
    rhythm: tuple[list[FoundCharacter], list[DroppedInk]],
    params: CharacterParams,
) -> tuple[list[FoundCharacter], list[DroppedInk]]:
    """The cells of the rhythm, and what the eye is convinced of beside them.

    Where both speak of one character, the eye's box is taken if it is convinced.
    """
    sure = [c for c in seen if c.confidence >= _confidence(params.convinced, params)]
    cells = [
        cell
        for cell in rhythm[0]
        if not any(_are_one(cell.box, other.box, params) for other in sure)
    ]
    # A weathered character that the eye saw in pieces is one cell of the rhythm.
    lost = [DroppedInk(c.box, "overlapping") for c in seen if c not in sure]
    return sure + cells, dropped + lost


def _are_one(a: Box, b: Box, params: CharacterParams) -> bool:
    shared = intersection_area(a, b)
    return shared > params.detector.overlap * min(a.area, b.area)


_INKED = 96
"""Cover of a shrunk pixel, of 255, from which it is ink: half cover would break thin strokes."""


def _on_ink(
    seen: Detections, pieces: Pieces, params: CharacterParams
) -> tuple[list[Box], list[float], list[DroppedInk]]:
    """The eye's boxes drawn to their ink; of two that come to be one, the better."""
    height, width = pieces.labels.shape
    boxes: list[Box] = []
    scores: list[float] = []
    dropped = []
    for place, score in zip(seen.boxes.tolist(), seen.scores.tolist(), strict=True):
        left, top, right, bottom = place
        box = fitted((left, top, right, bottom), pieces, params.evidence)
        if box is not None:
            boxes.append(box)
            scores.append(score)
            continue
        left, top, right, bottom = (round(edge) for edge in place)
        empty = Box(left, top, max(left + 1, right), max(top + 1, bottom)).clipped(width, height)
        if empty is not None:
            dropped.append(DroppedInk(empty, "no_ink"))
    table = np.array([(b.left, b.top, b.right, b.bottom) for b in boxes], np.float32)
    keep = set(
        apart(table.reshape(-1, 4), params.detector.overlap, params.detector.nested).tolist()
    )
    dropped += [DroppedInk(b, "overlapping") for i, b in enumerate(boxes) if i not in keep]
    kept = sorted(keep)
    return [boxes[i] for i in kept], [scores[i] for i in kept], dropped


def _supported(
    sure: list[Box],
    found: list[tuple[Box, float]],
    faint: list[tuple[Box, float]],
    small: Ink,
    pieces: Pieces,
    params: CharacterParams,
) -> tuple[list[tuple[Box, float]], list[tuple[Box, float]]]:
    """Fill the gaps of columns: by what the eye saw faintly there, else by rhythm."""
    found, faint = list(found), list(faint)
    for gap in gaps_in_columns(sure, small, params.gaps):
        inside = [
            (box, score)
            for box, score in faint
            if score >= params.supported_score and _is_in(box, gap.box)
        ]
        if inside:
            found += inside
            faint = [item for item in faint if item not in inside]
            continue
        for cell in parted(gap, small, params.gaps):
            place = (float(cell.left), float(cell.top), float(cell.right), float(cell.bottom))
            box_or_none = fitted(place, pieces, params.evidence)
            if box_or_none is not None:
                found.append((box_or_none, params.supported_score))
    return found, faint


def _is_in(box: Box, gap: Box) -> bool:
    x, y = box.center
    return gap.left <= x <= gap.right and gap.top <= y <= gap.bottom


def _unseen(found: list[Box], pieces: Pieces) -> list[DroppedInk]:
    """Ink of a character's size in no box; without characters there is no such size."""
    if not found:
        return []
    usual = float(np.median([max(box.width, box.height) for box in found]))
    dropped = []
    for label in left_over(pieces, found, 0.5):
        left, top, width, height, _ = (int(v) for v in pieces.stats[label])
        if max(width, height) >= 0.5 * usual:
            is_line = max(width, height) > 8 * min(width, height)
            box = Box(left, top, left + width, top + height)
            dropped.append(DroppedInk(box, "rule_line" if is_line else "unseen"))
    return dropped


def _full(box: Box, factors: tuple[float, float], ink: Ink) -> Box:
    """A box of the fine copy in pixels of the page."""
    height, width = ink.shape
    return box.scaled(*factors).clipped(width, height) or box


def _confidence(score: float, params: CharacterParams) -> float:
    odds = np.log(score / (1 - score))
    return round(float(1 / (1 + np.exp(-(params.slope * odds + params.offset)))), 4)


def _by_rhythm(ink: Ink, params: CharacterParams) -> tuple[list[FoundCharacter], list[DroppedInk]]:
    factor = -(-max(ink.shape) // params.working_side_px)
    small = _whole_pixels(ink, factor)
    if not small.any():
        return [], []
    strips = column_strips(small, params.strips)
    if not strips.count:
        return [], []
    given = ink_of_strips(small, strips, params.strips)
    cells = cells_of_strips(small, given, strips, params.cells)
    factors = (float(factor), float(factor))
    return (
        [FoundCharacter(_full(c.box, factors, ink), c.confidence) for c in cells if not c.reason],
        [DroppedInk(_full(c.box, factors, ink), c.reason) for c in cells if c.reason],
    )


def _whole_pixels(ink: Ink, factor: int) -> Ink:
    """The ink as 0 and 1 at 1/factor of its size; the edge that does not fill a pixel counts."""
    height, width = -(-ink.shape[0] // factor), -(-ink.shape[1] // factor)
    down, across = height * factor - ink.shape[0], width * factor - ink.shape[1]
    padded = cv2.copyMakeBorder(ink, 0, down, 0, across, cv2.BORDER_CONSTANT, value=0)
    cover = cv2.resize(padded, (width, height), interpolation=cv2.INTER_AREA)
    return (np.asarray(cover) >= _INKED).astype(np.uint8)
