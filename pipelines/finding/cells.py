"""Character cells down column strips, by the rhythm of ink and by what the other cells hold.

Holds: :func:`cells_of_strips`. Touching characters are parted and scattered parts are kept
together by the size that the page's own writing has. Specks, rules and scraps are left out, with
the reason.

Keeps out: where the strips are (``pipelines.finding.strips``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.finding.strips import Labels, Strips, pitches_between, stroke_width
from pipelines.geometry import Box, intersection_area
from pipelines.imaging.ink import Ink
from pipelines.imaging.rhythm import RhythmParams, best_rhythm, cut


@dataclass(frozen=True, slots=True, kw_only=True)
class CellParams:
    """What characters look like. Sizes are relative to the column pitch or the character pitch.

    Attributes:
        min_strokes: Lowest character pitch, in stroke widths.
        min_lone_aspect: Lowest character pitch in a lone column, in its width.
        usual_aspect: Usual character pitch, in column pitches.
        min_aspect: Lowest character pitch, in column pitches.
        max_aspect: Highest character pitch, in column pitches.
        min_ink: Ink of a character relative to the middle one, at least.
        min_extent: Longer side of a character in character sizes, at least.
        faint_ink: Ink relative to the middle one under which it must also be dense.
        faint_density: Ink per area of its box, relative to the middle one, to be dense.
        neighbour_reach: How near the next character is, at most, in character pitches.
        max_line_width: Width of a scrap of a rule, in column pitches, at most.
        min_part: Share of a cell's ink that a part needs to count towards its box.
        min_part_area: Area a part needs for that, in squared character pitches.
        trim: Share of a cell's ink that may lie outside its box on each side.
    """

    min_strokes: float = 5.0
    min_lone_aspect: float = 0.55
    min_aspect: float = 0.45
    usual_aspect: float = 0.75
    max_aspect: float = 1.8
    min_ink: float = 0.08
    min_extent: float = 0.3
    faint_ink: float = 0.15
    faint_density: float = 0.35
    neighbour_reach: float = 1.0
    max_line_width: float = 0.12
    min_part: float = 0.015
    min_part_area: float = 0.002
    trim: float = 0.004
    down: RhythmParams = field(default=RhythmParams(steadiness=1.5))
    lone_down: RhythmParams = field(default=RhythmParams(steadiness=1.5, expectation=1.5))


@dataclass(frozen=True, slots=True)
class Cell:
    """A box with its confidence in [0, 1]; ``reason`` says why it is no character, if it is not."""

    box: Box
    confidence: float
    reason: str = ""


def cells_of_strips(small: Ink, given: Labels, strips: Strips, params: CellParams) -> list[Cell]:
    """The cells of all strips that hold ink.

    Args:
        small: (H, W) uint8, 0 and 1; not modified.
        given: The strip of each ink pixel, from ``ink_of_strips``.
        strips: Where the columns are.
        params: What characters look like.
    """
    profiles = np.stack([(given == k).sum(axis=1) for k in range(strips.count)]).astype(np.float64)
    least = max(6.0, params.min_strokes * stroke_width(small), params.min_aspect * strips.pitch)
    down, usual = params.down, params.usual_aspect
    if strips.is_lone:
        least, down, usual = params.min_lone_aspect * strips.pitch, params.lone_down, 1.0
    aspects = pitches_between(least, max(least, params.max_aspect * strips.pitch))
    pitch = best_rhythm(profiles, aspects, usual * strips.pitch, down)
    columns = cut(profiles, pitch, down)
    weigh = _Weigher(small, given, strips, pitch, params)
    candidates = [
        weigh.candidate(k, top, bottom)
        for k, cells in enumerate(columns)
        for top, bottom in cells.spans
    ]
    return weigh.judged([c for c in candidates if c is not None])


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What one cell holds: its box, its ink inside the box, and the ink cut at its edges."""

    box: Box
    ink: int
    severed: float


class _Weigher:
    """Decides which cells of a page hold a character, by what the other cells hold."""

    def __init__(
        self, small: Ink, given: Labels, strips: Strips, pitch: float, params: CellParams
    ) -> None:
        self.pitch, self.across, self.params = pitch, strips.pitch, params
        self.count, labels, _, _ = cv2.connectedComponentsWithStats(small, connectivity=8)
        self.offsets: list[int] = []
        self.parts: list[Labels] = []
        for strip in range(strips.count):
            inked = np.flatnonzero((given == strip).any(axis=0))
            left, right = (int(inked[0]), int(inked[-1]) + 1) if inked.size else (0, 1)
            self.offsets.append(left)
            view = np.where(given[:, left:right] == strip, labels[:, left:right], 0)
            self.parts.append(view.astype(np.int32))

    def candidate(self, strip: int, top: int, bottom: int) -> _Candidate | None:
        """What the cell holds, or None if it holds nothing."""
        parts = self.parts[strip][top:bottom]
        names, inverse = np.unique(parts, return_inverse=True)
        ink = np.bincount(inverse.ravel(), minlength=len(names))
        ink[names == 0] = 0
        total = int(ink.sum())
        if total == 0:
            return None
        least = max(self.params.min_part * total, self.params.min_part_area * self.pitch**2)
        counts = ink >= min(least, ink.max())
        box = _trimmed(counts[inverse.reshape(parts.shape)], self.params.trim)
        if box is None:
            return None
        edge = np.count_nonzero(parts[0]) + np.count_nonzero(parts[-1])
        inside = np.count_nonzero(parts[box.top : box.bottom, box.left : box.right])
        place = box.moved(self.offsets[strip], top)
        return _Candidate(place, int(inside), float(edge / (2 * box.width)))

    def judged(self, candidates: list[_Candidate]) -> list[Cell]:
        """The candidates as cells, those that are no characters with the reason."""
        if not candidates:
            return []
        usual = float(np.median([c.ink for c in candidates]))
        size = float(np.median([max(c.box.width, c.box.height) for c in candidates]))
        density = float(np.median([c.ink / c.box.area for c in candidates]))
        cells = []
        for c in candidates:
            longer = max(c.box.width, c.box.height)
            is_faint = c.ink < self.params.faint_ink * usual
            is_alone = self.stands_alone(c, candidates)
            is_thin = min(c.box.width, c.box.height) < self.params.max_line_width * self.across
            if c.ink < self.params.min_ink * usual or longer < self.params.min_extent * size:
                cells.append(Cell(c.box, 0.0, "too_little_ink"))
            elif is_faint and c.ink / c.box.area < self.params.faint_density * density:
                cells.append(Cell(c.box, 0.0, "scattered"))
            elif is_thin and (c.box.width < c.box.height or is_alone) and longer > 0.6 * size:
                cells.append(Cell(c.box, 0.0, "rule_line"))
            else:
                cells.append(Cell(c.box, self.confidence(c, usual, size)))
        return cells

    def stands_alone(self, candidate: _Candidate, candidates: list[_Candidate]) -> bool:
        """Whether no other candidate stands near above or below."""
        reach = candidate.box.padded(0, round(self.params.neighbour_reach * self.pitch))
        return not any(
            other is not candidate and intersection_area(reach, other.box) for other in candidates
        )

    def confidence(self, candidate: _Candidate, usual: float, size: float) -> float:
        """How much a candidate is like the others of its page, in [0, 1]."""
        longer = max(candidate.box.width, candidate.box.height)
        like = float(np.exp(-0.5 * (np.log(longer / size) / 0.45) ** 2))
        inky = float(np.exp(-0.5 * (np.log(max(candidate.ink, 1) / usual) / 0.9) ** 2))
        return round(like * inky * (1 - min(0.5, candidate.severed)), 4)


def _trimmed(mask: npt.NDArray[np.bool_], trim: float) -> Box | None:
    """The box of the ink but for a small share of it on each side."""
    total = int(mask.sum())
    if total == 0:
        return None
    spans = []
    for axis in (0, 1):
        mass = np.cumsum(mask.sum(axis=axis))
        first = int(np.searchsorted(mass, trim * total, side="right"))
        last = int(np.searchsorted(mass, (1 - trim) * total, side="left"))
        spans.append((first, max(first, last) + 1))
    (left, right), (top, bottom) = spans
    return Box(left, top, right, bottom)
