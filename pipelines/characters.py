"""Characters 字 on a page nobody has annotated: one box each, from the ink alone.

Holds: ``find_characters``, classical evidence in three steps. The page is parted into column
strips by the rhythm of ink across it, each border is bent around the strokes in its way, and
every strip is parted into characters by the rhythm of ink down it. What is left in a cell is
one character: touching characters are parted and scattered parts are kept together by the size
that the page's own writing has. Specks, rules and scraps are left out, and counted.

Keeps out: reading order (``pipelines.columns``) and what a character says.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box, intersection_area
from pipelines.imaging.ink import Ink
from pipelines.imaging.rhythm import Cells, RhythmParams, best_rhythm, cut

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterParams:
    """What writing looks like. Sizes are relative to the column pitch or the character pitch.

    Attributes:
        working_side_px: Longest side of the copy the page is searched on.
        min_strokes: Lowest column pitch tried, in stroke widths.
        usual_strokes: Usual column pitch, in stroke widths.
        lone_strokes: Width of the written part, in stroke widths, up to which it is one column.
        max_lone_strokes: The same if the rhythm down the page agrees.
        max_lone_gap: Width of a blank gap inside a lone character, in its width.
        lone_aspect: Least character pitch, in widths of the written part, to agree.
        min_lone_aspect: Lowest character pitch in a lone column, in its width.
        usual_aspect: Usual character pitch, in column pitches.
        max_columns: Most columns a page may have.
        min_aspect: Lowest character pitch, in column pitches.
        max_aspect: Highest character pitch, in column pitches.
        seam_reach: How far a border may step aside, in column pitches.
        whole_share: Share of a component in one strip from which it is not cut by the border.
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

    working_side_px: int = 1280
    min_strokes: float = 5.0
    usual_strokes: float = 18.0
    max_columns: int = 40
    lone_strokes: float = 16.0
    max_lone_strokes: float = 36.0
    max_lone_gap: float = 0.1
    lone_aspect: float = 0.62
    min_lone_aspect: float = 0.55
    min_aspect: float = 0.45
    usual_aspect: float = 0.75
    max_aspect: float = 1.8
    seam_reach: float = 0.22
    whole_share: float = 0.7
    min_ink: float = 0.08
    min_extent: float = 0.3
    faint_ink: float = 0.15
    faint_density: float = 0.35
    neighbour_reach: float = 1.0
    max_line_width: float = 0.12
    min_part: float = 0.015
    min_part_area: float = 0.002
    trim: float = 0.004
    across: RhythmParams = field(
        default=RhythmParams(
            steadiness=3.0,
            min_cell=0.4,
            max_cell=1.8,
            min_ink=0.02,
            blank_level=0.03,
            search_price=0.8,
        )
    )
    down: RhythmParams = field(default=RhythmParams(steadiness=1.5))
    lone_down: RhythmParams = field(default=RhythmParams(steadiness=1.5, expectation=1.5))


@dataclass(frozen=True, slots=True)
class FoundCharacter:
    """A place where a character stands; ``confidence`` in [0, 1]."""

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
        params: What writing looks like.
    """
    return search(ink, params)[0]


def search(
    ink: Ink, params: CharacterParams = _DEFAULT
) -> tuple[list[FoundCharacter], list[DroppedInk]]:
    """The characters of a page, and the ink that was considered and dropped."""
    factor = -(-max(ink.shape) // params.working_side_px)
    small = _shrunk(ink, factor)
    if not small.any():
        return [], []
    strips = _strips(small, params)
    if not strips.count:
        return [], []
    found, dropped = _cells(small, strips, params)
    height, width = ink.shape

    def enlarged(box: Box) -> Box:
        # The copy is rounded up to whole pixels, so a box may pass the edge but starts inside.
        return box.scaled(factor, factor).clipped(width, height) or box

    return (
        [FoundCharacter(enlarged(c.box), c.confidence) for c in found],
        [DroppedInk(enlarged(d.box), d.reason) for d in dropped],
    )


@dataclass(frozen=True, slots=True)
class _Strips:
    """The column strips of a page: ``of[y, x]`` is the strip of a pixel, -1 outside any."""

    of: Labels
    count: int
    pitch: float
    is_lone: bool = False


def _shrunk(ink: Ink, factor: int) -> Ink:
    """The ink as 0 and 1 at 1/factor of its size; the edge that does not fill a pixel counts."""
    height, width = -(-ink.shape[0] // factor), -(-ink.shape[1] // factor)
    padded = cv2.copyMakeBorder(
        ink,
        0,
        height * factor - ink.shape[0],
        0,
        width * factor - ink.shape[1],
        cv2.BORDER_CONSTANT,
        value=0,
    )
    cover = cv2.resize(padded, (width, height), interpolation=cv2.INTER_AREA)
    return (np.asarray(cover) >= 96).astype(np.uint8)


# -- across the page ---------------------------------------------------------------------------


def _strips(small: Ink, params: CharacterParams) -> _Strips:
    height, width = small.shape
    stroke = stroke_width(small)
    if _is_lone(small, stroke, params):
        return _Strips(np.where(small > 0, 0, -1).astype(np.int32), 1, _extent(small)[1], True)
    profile = _steady_profile(small)[None]
    least = max(6.0, params.min_strokes * stroke)
    pitches = _pitches(min(width, max(least, width / params.max_columns)), width)
    pitch = best_rhythm(profile, pitches, params.usual_strokes * stroke, params.across)
    cells = cut(profile, pitch, params.across)[0]
    if not cells.spans:
        return _Strips(np.full(small.shape, -1, np.int32), 0, pitch)
    return _Strips(_bent(small, cells, pitch, params), len(cells.spans), pitch)


def _extent(small: Ink) -> tuple[int, float]:
    """Height and width of the part of a page that is written on."""
    rows, columns = np.flatnonzero(small.any(axis=1)), np.flatnonzero(small.any(axis=0))
    return int(rows[-1] - rows[0] + 1), float(columns[-1] - columns[0] + 1)


def _is_lone(small: Ink, stroke: float, params: CharacterParams) -> bool:
    """Whether all ink is one column: its width is that of a character.

    Few characters give no rhythm across, and the halves of one look like two columns. So the
    width is compared with the strokes, and with the rhythm down the page.
    """
    height, width = _extent(small)
    if width > params.max_lone_strokes * stroke:
        return False
    if width <= params.lone_strokes * stroke:
        return True
    if height <= params.max_aspect * width:
        blank = np.flatnonzero(~small.any(axis=0))
        inner = np.split(blank, np.flatnonzero(np.diff(blank) > 1) + 1)
        last = small.shape[1] - 1
        widths = [len(run) for run in inner if run.size and run[0] > 0 and run[-1] < last]
        return max(widths, default=0) < params.max_lone_gap * width
    profile = small.sum(axis=1, dtype=np.float64)[None]
    pitch = best_rhythm(profile, _pitches(0.25 * width, 2.0 * width), width, params.lone_down)
    cells = cut(profile, pitch, params.lone_down)[0]
    return len(cells.spans) > 1 and cells.worth > 0 and pitch >= params.lone_aspect * width


def stroke_width(mask: Ink) -> float:
    """The usual width of a stroke in pixels: twice the ink over its outline."""
    inner = cv2.erode(mask, np.ones((3, 3), np.uint8))
    total = cv2.countNonZero(mask)
    return 2 * total / max(1, total - cv2.countNonZero(inner))


def _pitches(low: float, high: float) -> Floats:
    """Pitches to try, in steps of 10 %."""
    steps = int(np.ceil(np.log(high / low) / np.log(1.1)))
    return np.asarray(np.geomspace(low, high, steps + 1), np.float64)


def _steady_profile(small: Ink) -> Floats:
    """Ink per pixel column, in which no part of the height can outshout the others."""
    bands = np.array_split(small, max(1, min(16, small.shape[0] // 24)))
    sums = np.stack([band.sum(axis=0) for band in bands]).astype(np.float64)
    limit = 0.6 * np.array([band.shape[0] for band in bands])[:, None]
    return np.asarray(np.minimum(sums, limit).sum(axis=0))


def _bent(small: Ink, cells: Cells, pitch: float, params: CharacterParams) -> Labels:
    """Strips whose borders step around strokes, from the cheapest path from top to bottom."""
    height, width = small.shape
    edges = np.array(sorted({edge for span in cells.spans for edge in span}))
    # At half the size a path may lean by 45 degrees with steps of one.
    half = cv2.resize(small * np.float32(1), (width // 2 + 1, height // 2 + 1))
    half = cv2.GaussianBlur(half, (0, 0), max(0.6, pitch * 0.01))
    reach = max(2, round(params.seam_reach * pitch / 2))
    window = 2 * reach + 1
    padded = np.pad(half, ((0, 0), (reach, reach + 1)), constant_values=4.0)
    away = (0.15 * (np.arange(-reach, reach + 1) / reach) ** 2).astype(np.float32)
    lanes = np.stack([padded[:, e : e + window] + away for e in edges // 2])  # (edge, row, window)
    rows = half.shape[0]
    back = np.zeros((rows, len(edges), window), np.int8)
    cost = np.full((len(edges), window + 2), np.inf, np.float32)
    cost[:, 1:-1] = lanes[:, 0]
    for y in range(1, rows):
        middle, left, right = cost[:, 1:-1], cost[:, :-2] + 0.05, cost[:, 2:] + 0.05
        aside = np.minimum(left, right)
        back[y] = np.where(middle <= aside, 0, np.where(left <= right, -1, 1))
        cost[:, 1:-1] = np.minimum(middle, aside) + lanes[:, y]
    at = cost[:, 1:-1].argmin(axis=1)
    paths = np.zeros((len(edges), rows), np.int64)
    for y in range(rows - 1, -1, -1):
        paths[:, y] = at
        at = at + back[y, np.arange(len(edges)), at]
    paths = np.repeat(2 * (paths - reach), 2, axis=1)[:, :height] + edges[:, None]
    borders = {int(e): np.clip(paths[i], 0, width) for i, e in enumerate(edges)}
    of = np.full((height, width), -1, np.int32)
    x = np.arange(width)
    for k, (start, end) in enumerate(cells.spans):
        inside = (x >= borders[start][:, None]) & (x < borders[end][:, None])
        of[inside] = k
    return of


# -- down the strips ---------------------------------------------------------------------------


def _given(small: Ink, strips: _Strips, params: CharacterParams) -> Labels:
    """The strip of each ink pixel; components mostly in one strip go there whole."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(small, connectivity=8)
    inked = small > 0
    label, strip = labels[inked], strips.of[inked]
    table = np.bincount(
        label.astype(np.int64) * (strips.count + 1) + strip + 1,
        minlength=count * (strips.count + 1),
    ).reshape(count, strips.count + 1)
    most = table.argmax(axis=1)
    share = table[np.arange(count), most] / np.maximum(table.sum(axis=1), 1)
    whole = (share >= params.whole_share) & (stats[:, cv2.CC_STAT_WIDTH] <= 1.5 * strips.pitch)
    given = np.full(small.shape, -1, np.int32)
    given[inked] = np.where(whole[label], most[label] - 1, strip)
    return given


def _cells(
    small: Ink, strips: _Strips, params: CharacterParams
) -> tuple[list[FoundCharacter], list[DroppedInk]]:
    given = _given(small, strips, params)
    profiles = np.stack([(given == k).sum(axis=1) for k in range(strips.count)]).astype(np.float64)
    least = max(6.0, params.min_strokes * stroke_width(small), params.min_aspect * strips.pitch)
    down, usual = params.down, params.usual_aspect
    if strips.is_lone:
        least, down, usual = params.min_lone_aspect * strips.pitch, params.lone_down, 1.0
    aspects = _pitches(least, max(least, params.max_aspect * strips.pitch))
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
        self, small: Ink, given: Labels, strips: _Strips, pitch: float, params: CharacterParams
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

    def judged(self, candidates: list[_Candidate]) -> tuple[list[FoundCharacter], list[DroppedInk]]:
        """The characters among the candidates, and the rest with the reason."""
        if not candidates:
            return [], []
        usual = float(np.median([c.ink for c in candidates]))
        size = float(np.median([max(c.box.width, c.box.height) for c in candidates]))
        density = float(np.median([c.ink / c.box.area for c in candidates]))
        found, dropped = [], []
        for c in candidates:
            longer = max(c.box.width, c.box.height)
            is_faint = c.ink < self.params.faint_ink * usual
            is_alone = self.stands_alone(c, candidates)
            is_thin = min(c.box.width, c.box.height) < self.params.max_line_width * self.across
            if c.ink < self.params.min_ink * usual or longer < self.params.min_extent * size:
                dropped.append(DroppedInk(c.box, "too_little_ink"))
            elif is_faint and c.ink / c.box.area < self.params.faint_density * density:
                dropped.append(DroppedInk(c.box, "scattered"))
            elif is_thin and (c.box.width < c.box.height or is_alone) and longer > 0.6 * size:
                dropped.append(DroppedInk(c.box, "rule_line"))
            else:
                found.append(FoundCharacter(c.box, self.confidence(c, usual, size)))
        return found, dropped

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
