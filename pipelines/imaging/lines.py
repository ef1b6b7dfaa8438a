"""What is drawn on a page and is no writing: frames, rules and grids; with them the scan beds.

Holds: finding straight thin runs longer than any stroke, rules that writing and wear have broken
into pieces standing in one line, and slivers of page edges. All on a copy of bounded size.

Keeps out: broad areas at the border (``pipelines.imaging.beds``); specks, pits and cracks
(``pipelines.imaging.restoration``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.imaging.beds import BedParams, scan_beds
from pipelines.imaging.scaling import enlarged, shrink_factor, shrunk

Ink = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineParams:
    """What a rule and a scan bed look like; measured on two steles and on the CODH pages.

    Attributes:
        side_px: Longest side of the copy on which lines are found.
        length: Length from which a straight run may be a rule, as a share of the long side.
        aspect: Length over width from which it is one.
        piece: Length of the pieces of a broken rule, as a share of the side it runs along.
        coverage: Share of the written part that such pieces in one line must cover to be one.
        frame_strokes: Width of a frame, in strokes, at most.
        frame_coverage: Share of the written part that the pieces of a frame must cover.
        frame_piece: Share of it that the longest must cover: bars of characters that stand in
            rows are shorter.
        least_strokes: Length of the written part, in strokes, from which it may hold broken rules:
            across a single column the bars of its characters would make them.
        max_lean: How far a broken rule may lean, sideways over along.
        rim: Width of the rim in which slivers of page edges lie, as a share of the side.
        rim_length: Length from which a thin run in it is one, as a share of the side.
        beds: What a scan bed looks like.
    """

    side_px: int = 768
    length: float = 0.28
    aspect: float = 25.0
    piece: float = 0.018
    coverage: float = 0.35
    frame_strokes: float = 3.0
    frame_coverage: float = 0.45
    frame_piece: float = 0.25
    least_strokes: float = 30.0
    max_lean: float = 0.03
    rim: float = 0.06
    rim_length: float = 0.035
    beds: BedParams = field(default_factory=BedParams)


_DEFAULT = LineParams()


def find_lines(mask: Ink, params: LineParams = _DEFAULT) -> Ink | None:
    """Where frames, rules and scan beds lie.

    Args:
        mask: (H, W) 255 on 0; not modified.
        params: What they look like.

    Returns:
        (H, W) 255 where something is to be taken off the mask, or None if nothing is.
    """
    factor = shrink_factor(mask.shape, params.side_px)
    # Half cover keeps strokes about as wide as they are; any cover would join them.
    small = (shrunk(mask, factor) > 80).astype(np.uint8)
    beds = scan_beds(small, params.beds)
    rules = _rules(np.asarray(cv2.subtract(small, beds), np.uint8), params)
    erase = np.asarray(cv2.bitwise_or(beds, rules), np.uint8)
    rest = np.asarray(cv2.subtract(small, erase), np.uint8)
    erase |= _slivers(rest, erase, params)
    if not erase.any():
        return None
    # The fringe of a line covers too little of its pixels of the copy to be ink there.
    fringe = cv2.dilate(erase, np.ones((3, 3), np.uint8))
    erase[(small == 0) & (fringe > 0)] = 1
    return enlarged(erase * np.uint8(255), factor, mask.shape)


def _rules(small: Ink, params: LineParams) -> Ink:
    """Frames and the rules between columns, upright and level."""
    # A rule is thinner than the strokes beside it; a frame may be broader, but is longer.
    stroke = _stroke_width(small)
    rule, frame = max(2, round(0.6 * stroke)), max(4, round(params.frame_strokes * stroke))
    lines = np.zeros_like(small)
    for is_level in (False, True):
        view = np.ascontiguousarray(small.T if is_level else small)
        written = np.flatnonzero(view.any(axis=1))
        is_long = written.size and np.ptp(written) >= params.least_strokes * stroke
        # Thin level bars of characters stand in rows more often than upright ones in columns.
        longest = params.frame_piece if is_level else 0.0
        found = _whole(view, params)
        if is_long:
            found |= _broken(view, rule, params.coverage, params, longest)
            found |= _broken(view, frame, params.frame_coverage, params, params.frame_piece)
        lines |= found.T if is_level else found
    return lines


def _stroke_width(small: Ink) -> float:
    inner = cv2.erode(small, np.ones((3, 3), np.uint8))
    total = cv2.countNonZero(small)
    return 2 * total / max(1, total - cv2.countNonZero(inner))


def _whole(view: Ink, params: LineParams) -> Ink:
    """Upright runs longer than any stroke."""
    length = max(24, int(max(view.shape) * params.length))
    if view.shape[0] < length:
        return np.zeros_like(view)
    # Rules lean a little: let a run step aside by a pixel on its way down.
    wide = cv2.dilate(view, np.ones((1, 3), np.uint8))
    runs = cv2.morphologyEx(wide, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(runs, connectivity=8)
    found = np.zeros_like(view)
    for label in range(1, count):
        x, y, across, down, area = (int(v) for v in stats[label])
        if down**2 < params.aspect * area:
            continue
        part = labels[y : y + down, x : x + across] == label
        found[y : y + down, x : x + across] |= part
        _follow(view, found, np.argwhere(part) + (y, x), area / down, params)
    return found


def _follow(
    view: Ink, found: Ink, points: npt.NDArray[np.int64], width_px: float, params: LineParams
) -> None:
    """Add to ``found`` what continues a rule on its own straight course, beyond its gaps."""
    slope, start = np.polyfit(points[:, 0], points[:, 1], 1)
    rows = np.arange(view.shape[0])
    course = np.rint(start + slope * rows).astype(np.int64)
    half = max(1, round(width_px / 2)) + 1
    columns = course[:, None] + np.arange(-half, half + 1)
    inside = (columns >= 0) & (columns < view.shape[1])
    columns = np.clip(columns, 0, view.shape[1] - 1)
    inked = (view[rows[:, None], columns] > 0) & inside
    # A stroke that crosses is inked on one side of the course as well.
    beyond = np.clip(course[:, None] + np.array([-half - 2, half + 2]), 0, view.shape[1] - 1)
    alone = inked.any(axis=1) & ~(view[rows[:, None], beyond] > 0).any(axis=1)
    if alone.mean() < params.coverage:
        return
    at, offset = np.nonzero(inked & alone[:, None])
    found[at, columns[at, offset]] = 1


def _broken(
    view: Ink, width: int, coverage: float, params: LineParams, longest: float = 0.0
) -> Ink:
    """Upright rules in pieces: many thin runs in one line, where a stroke would be alone.

    All rules of a page lean alike, so the lean is the one at which the pieces stand in the
    fewest lines. What is wider than a rule at a place is a stroke that crosses it and stays.
    """
    found = np.zeros_like(view)
    height, across = view.shape
    length = max(8, int(height * params.piece))
    if height < 4 * length:
        return found
    # An odd side: OpenCV shifts what an even kernel opens.
    broad = cv2.morphologyEx(view, cv2.MORPH_OPEN, np.ones((1, (width + 1) | 1), np.uint8))
    thin = np.asarray(cv2.subtract(view, broad), np.uint8)
    wide = cv2.dilate(thin, np.ones((1, 2), np.uint8))
    runs = cv2.morphologyEx(wide, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8))
    rows, columns = np.nonzero(cv2.bitwise_and(runs, thin))
    written = np.flatnonzero(view.any(axis=1))
    if not rows.size or not written.size:
        return found
    extent = int(written[-1] - written[0] + 1)
    reach = int(params.max_lean * height) + 1
    down = rows - height / 2
    leans = np.linspace(-params.max_lean, params.max_lean, reach + 1)
    size = across + 2 * reach
    # A third of the pixels tells the lean as well.
    some, some_down = columns[::3], down[::3]
    sharpness = [
        float((np.bincount((some - lean * some_down + reach).astype(np.int64)) ** 2.0).sum())
        for lean in leans
    ]
    best = int(np.argmax(sharpness))
    place = (columns - leans[best] * down + reach).astype(np.int64)
    counts = np.bincount(place, minlength=size)
    if width <= 2:  # its pieces fall into two or three bins, as it leans; a frame fills its own
        counts = np.where(counts > 0, np.convolve(counts, np.ones(3, np.int64), "same"), 0)
    courses = np.flatnonzero(counts >= coverage * extent)
    if longest:
        courses = courses[
            [_longest(rows[np.abs(place - c) <= 1]) >= longest * extent for c in courses]
        ]
    if not courses.size:
        return found
    on_course = np.zeros(len(counts) + 2, np.bool_)
    for offset in (0, 1, 2):
        on_course[courses + offset] = True
    ys, xs = np.nonzero(thin)
    beside = (xs - leans[best] * (ys - height / 2) + reach).astype(np.int64) + 1
    chosen = on_course[np.clip(beside, 0, len(on_course) - 1)]
    found[ys[chosen], xs[chosen]] = 1
    return found


def _longest(rows: npt.NDArray[np.int64]) -> int:
    """The longest run of rows, over gaps of up to three."""
    places = np.unique(rows)
    starts = np.flatnonzero(np.diff(places, prepend=places[0] - 9) > 4)
    ends = np.append(starts[1:], len(places)) - 1
    return int((places[ends] - places[starts]).max()) + 1


def _slivers(rest: Ink, erased: Ink, params: LineParams) -> Ink:
    """Remains beside what was erased, and thin runs along the rim of the page."""
    near = cv2.dilate(erased, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    beside = np.bincount(labels[near > 0], minlength=count) / np.maximum(stats[:, 4], 1)
    height, width = rest.shape
    x, y, across, down = (stats[:, i] for i in range(4))
    rim_x, rim_y = params.rim * width, params.rim * height
    is_upright = (x + across <= rim_x) | (x >= width - rim_x)
    is_level = (y + down <= rim_y) | (y >= height - rim_y)
    # Three pixels of the copy: an edge that leans by one in its course. Writing is wider.
    upright = is_upright & (down >= params.rim_length * height) & (across <= 3)
    level = is_level & (across >= params.rim_length * height) & (down <= 3)
    chosen = (beside >= 0.6) | upright | level
    chosen[0] = False
    return np.asarray(chosen.astype(np.uint8)[labels], np.uint8)
