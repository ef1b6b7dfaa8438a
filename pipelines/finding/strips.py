"""Column strips 列 of a page by the rhythm of ink across it.

Holds: :func:`column_strips`, which parts a page where the ink is thin and bends each border
around the strokes in its way, and :func:`ink_of_strips`, which gives each stroke to one strip.

Keeps out: the characters in a strip (``pipelines.finding.cells``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.imaging.ink import Ink
from pipelines.imaging.rhythm import Cells, RhythmParams, best_rhythm, cut

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class StripParams:
    """What columns look like. Sizes are relative to the stroke width or the column pitch.

    Attributes:
        min_strokes: Lowest column pitch tried, in stroke widths.
        usual_strokes: Usual column pitch, in stroke widths.
        max_columns: Most columns a page may have.
        lone_strokes: Width of the written part, in stroke widths, up to which it is one column.
        max_lone_strokes: The same if the rhythm down the page agrees.
        max_lone_gap: Width of a blank gap inside a lone character, in its width.
        lone_aspect: Least character pitch, in widths of the written part, to agree.
        max_aspect: Highest character pitch, in column pitches.
        seam_reach: How far a border may step aside, in column pitches.
        whole_share: Share of a component in one strip from which it is not cut by the border.
    """

    min_strokes: float = 5.0
    usual_strokes: float = 18.0
    max_columns: int = 40
    lone_strokes: float = 16.0
    max_lone_strokes: float = 36.0
    max_lone_gap: float = 0.1
    lone_aspect: float = 0.62
    max_aspect: float = 1.8
    seam_reach: float = 0.22
    whole_share: float = 0.7
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
    lone_down: RhythmParams = field(default=RhythmParams(steadiness=1.5, expectation=1.5))


@dataclass(frozen=True, slots=True)
class Strips:
    """The column strips of a page: ``of[y, x]`` is the strip of a pixel, -1 outside any."""

    of: Labels
    count: int
    pitch: float
    is_lone: bool = False


def column_strips(small: Ink, params: StripParams) -> Strips:
    """The strips of a page; none on a page whose ink has no rhythm.

    Args:
        small: (H, W) uint8, 0 and 1, with some ink; not modified.
        params: What columns look like.
    """
    height, width = small.shape
    stroke = stroke_width(small)
    if _is_lone(small, stroke, params):
        return Strips(np.where(small > 0, 0, -1).astype(np.int32), 1, _extent(small)[1], True)
    profile = _steady_profile(small)[None]
    least = max(6.0, params.min_strokes * stroke)
    tried = pitches_between(min(width, max(least, width / params.max_columns)), width)
    pitch = best_rhythm(profile, tried, params.usual_strokes * stroke, params.across)
    cells = cut(profile, pitch, params.across)[0]
    if not cells.spans:
        return Strips(np.full(small.shape, -1, np.int32), 0, pitch)
    return Strips(_bent(small, cells, pitch, params), len(cells.spans), pitch)


def _extent(small: Ink) -> tuple[int, float]:
    """Height and width of the part of a page that is written on."""
    rows, columns = np.flatnonzero(small.any(axis=1)), np.flatnonzero(small.any(axis=0))
    return int(rows[-1] - rows[0] + 1), float(columns[-1] - columns[0] + 1)


def _is_lone(small: Ink, stroke: float, params: StripParams) -> bool:
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
    pitch = best_rhythm(
        profile, pitches_between(0.25 * width, 2.0 * width), width, params.lone_down
    )
    cells = cut(profile, pitch, params.lone_down)[0]
    return len(cells.spans) > 1 and cells.worth > 0 and pitch >= params.lone_aspect * width


def stroke_width(mask: Ink) -> float:
    """The usual width of a stroke in pixels: twice the ink over its outline."""
    inner = cv2.erode(mask, np.ones((3, 3), np.uint8))
    total = cv2.countNonZero(mask)
    return 2 * total / max(1, total - cv2.countNonZero(inner))


def pitches_between(low: float, high: float) -> Floats:
    """Pitches to try, in steps of 10 %."""
    steps = int(np.ceil(np.log(high / low) / np.log(1.1)))
    return np.asarray(np.geomspace(low, high, steps + 1), np.float64)


def _steady_profile(small: Ink) -> Floats:
    """Ink per pixel column, in which no part of the height can outshout the others."""
    bands = np.array_split(small, max(1, min(16, small.shape[0] // 24)))
    sums = np.stack([band.sum(axis=0) for band in bands]).astype(np.float64)
    limit = 0.6 * np.array([band.shape[0] for band in bands])[:, None]
    return np.asarray(np.minimum(sums, limit).sum(axis=0))


def _bent(small: Ink, cells: Cells, pitch: float, params: StripParams) -> Labels:
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


def ink_of_strips(small: Ink, strips: Strips, params: StripParams) -> Labels:
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
