"""The rhythm of writing: a profile of ink cut into cells of a steady size.

Holds: one dynamic program for both directions. Across a page it parts columns, down a column it
parts characters. A cut is worth what the ink there falls short of the usual; a cell pays for
being larger or smaller than the rhythm; blank stretches of any length are free. Touching
characters are thus parted and the parts of one character kept together by the same weighing.

Keeps out: what a profile is taken from (``pipelines.characters``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RhythmParams:
    """The weighing. Profiles are in units of the usual ink of a row.

    Attributes:
        cut_price: What a cut costs; one through ink of ``1 - cut_price`` breaks even.
        search_price: The same while the rhythm itself is sought.
        search_samples: Samples of a cell while the rhythm is sought.
        expectation: What a rhythm pays for lying off the expected one, as a share of the best.
        steadiness: What a cell pays for the squared logarithm of its size over the rhythm.
        min_cell: Smallest cell, in rhythms.
        max_cell: Largest cell, in rhythms.
        min_blank: Shortest blank stretch between cells, in rhythms.
        blank_level: Ink up to which a row is blank.
        slack: Blank that a cell may take in before or after what is written in it, in rhythms.
        outer_slack: The same towards the page's margin.
        scrap_price: What a blank stretch pays for passing over the ink of a usual cell.
        min_ink: Least ink of a cell, in usual rows times the rhythm.
        floor_share: Share of the rows from the first to the last written one, the emptiest,
            whose ink counts as none.
        smooth: Standard deviation of the smoothing, in rhythms.
    """

    cut_price: float = 0.65
    search_price: float = 0.7
    search_samples: int = 12
    expectation: float = 0.5
    steadiness: float = 2.0
    min_cell: float = 0.4
    max_cell: float = 2.0
    min_blank: float = 1.2
    blank_level: float = 0.12
    slack: float = 0.45
    outer_slack: float = 0.3
    scrap_price: float = 1.0
    min_ink: float = 0.06
    smooth: float = 0.03
    floor_share: float = 0.1


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of one profile as (start, end) in samples, and what the cuts were worth."""

    spans: tuple[tuple[int, int], ...]
    worth: float


def usual_ink(profile: Floats) -> float:
    """The ink of a usual row that is not blank; 0 for an empty profile."""
    high = float(np.quantile(profile, 0.95)) if profile.size else 0.0
    filled = profile[profile > 0.1 * high] if high > 0 else profile[:0]
    return float(filled.mean()) if filled.size else 0.0


def cut(profiles: Floats, rhythm: float, params: RhythmParams) -> list[Cells]:
    """Cut profiles (K, N) of ink, all at one ``rhythm`` in samples, into cells.

    Rows of the profile are samples from above (or from the left). Runs in O(K N rhythm).
    """
    count, length = profiles.shape
    level = np.stack([_normalized(p, rhythm, params) for p in profiles])
    ink = np.concatenate([np.zeros((count, 1)), np.cumsum(level, axis=1)], axis=1)
    # The value of a cut before sample b: the ink on either side of it counts.
    at = np.concatenate([level[:, :1], level, level[:, -1:]], axis=1)
    worth = 1 - params.cut_price - np.minimum((at[:, :-1] + at[:, 1:]) / 2, 2.0)
    worth[:, 0] = worth[:, -1] = 0.0
    low = max(1, round(params.min_cell * rhythm))
    high = max(low, round(params.max_cell * rhythm))
    rest = max(1, round(params.min_blank * rhythm))
    sizes = np.arange(high, low - 1, -1)
    price = params.steadiness * np.log(sizes / rhythm) ** 2
    # Specks and rules in a blank stretch do not end it; it pays for what it passes over.
    excess = np.maximum(level - params.blank_level, 0.0) * (params.scrap_price / rhythm)
    scraps = np.concatenate([np.zeros((count, 1)), np.cumsum(excess, axis=1)], axis=1)

    may_start, may_end = _near_ink(level > params.blank_level, rhythm, params)
    text = np.full((count, length + 1), -np.inf)
    blank = np.full((count, length + 1), -np.inf)
    blank[:, 0] = 0.0
    left = np.full((count, length + 1), -np.inf)  # a cell ended here and a blank begins
    from_text = np.zeros((count, length + 1), np.int64)
    from_blank = np.zeros((count, length + 1), np.int64)
    # With ``high`` places of padding, the starts of a cell that ends before sample b are the
    # places from b on; a start before the page has infinite ink behind it and counts as thin.
    begin = np.full((count, high + length + 1), -np.inf)
    begin[:, high] = np.where(may_start[:, 0], worth[:, 0] / 2, -np.inf)
    behind = np.full((count, high + length + 1), np.inf)
    behind[:, high:] = ink
    # No cell is shorter than ``low`` and no blank than ``rest``, so so many samples do not
    # depend on each other and are decided together.
    together = min(low, rest)
    for b0 in range(1, length + 1, together):
        b1 = min(b0 + together, length + 1)
        ends = slice(b0, b1)
        reach = slice(b0, b1 - 1 + len(sizes))
        total = sliding_window_view(begin[:, reach], len(sizes), axis=1) - price
        held = ink[:, ends, None] - sliding_window_view(behind[:, reach], len(sizes), axis=1)
        total[held < params.min_ink * rhythm] = -np.inf
        k = total.argmax(axis=2)
        text[:, ends] = np.where(may_end[:, ends], total.max(axis=2), -np.inf)
        from_text[:, ends] = np.maximum(np.arange(b0, b1) - sizes[k], 0)
        half = worth[:, ends] / 2
        left[:, ends] = text[:, ends] + half
        _go_on(blank, from_blank, left, scraps, b0, b1, rest)
        opened = np.maximum(text[:, ends] + worth[:, ends], blank[:, ends] + half)
        begin[:, high + b0 : high + b1] = np.where(may_start[:, ends], opened, -np.inf)
    _end(blank, from_blank, left, scraps, rest)
    return [_traced(text[k], blank[k], from_text[k], from_blank[k], worth[k]) for k in range(count)]


def _go_on(
    blank: Floats, origin: Places, left: Floats, scraps: Floats, b0: int, b1: int, rest: int
) -> None:
    """Fill in ``blank`` from b0 to b1: it goes on, or one of ``rest`` samples is complete.

    Scraps passed over are paid for, so values are compared with what was paid given back; then
    the best so far is a running maximum.
    """
    going = np.full((len(blank), b1 - b0 + 1), -np.inf)
    came = np.full(going.shape, -1, np.int64)
    going[:, 0] = blank[:, b0 - 1] + scraps[:, b0 - 1]
    came[:, 0] = origin[:, b0 - 1]
    first, last = max(0, b0 - rest), max(0, b1 - rest)
    if last > first:
        going[:, first - last :] = left[:, first:last] + scraps[:, first:last]
    best = np.maximum.accumulate(going, axis=1)
    if last > first:
        is_better = going[:, 1:] > best[:, :-1]
        came[:, 1:] = np.where(is_better, np.arange(b0 - rest, b1 - rest), -1)
    blank[:, b0:b1] = best[:, 1:] - scraps[:, b0:b1]
    origin[:, b0:b1] = np.maximum.accumulate(came, axis=1)[:, 1:]


def _end(blank: Floats, origin: Places, left: Floats, scraps: Floats, rest: int) -> None:
    """At the end of the page a blank stretch may be short."""
    length = blank.shape[1] - 1
    first = max(0, length - rest)
    done = left[:, first:length] - (scraps[:, length:] - scraps[:, first:length])
    k = done.argmax(axis=1)
    best = done.max(axis=1)
    is_better = best > blank[:, length]
    blank[:, length] = np.where(is_better, best, blank[:, length])
    origin[:, length] = np.where(is_better, first + k, origin[:, length])


def _near_ink(
    written: npt.NDArray[np.bool_], rhythm: float, params: RhythmParams
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Before which samples a cell may start and end: not far from what is written in it.

    Else the margin would make a full cell of one stroke of the character beside it.
    """
    count, length = written.shape
    places = np.arange(length)
    after = np.full((count, length + 1), 2 * length)
    after[:, :-1] = np.where(written, places, 2 * length)
    next_ink = np.minimum.accumulate(after[:, ::-1], axis=1)[:, ::-1]
    before = np.full((count, length + 1), -length)
    before[:, 1:] = np.where(written, places + 1, -length)
    last_ink = np.maximum.accumulate(before, axis=1)
    edges = np.arange(length + 1)
    inner, outer = params.slack * rhythm, params.outer_slack * rhythm
    is_first, is_last = last_ink < 0, next_ink > length
    may_start = next_ink - edges <= np.where(is_first, outer, inner)
    may_end = edges - last_ink <= np.where(is_last, outer, inner)
    return may_start, may_end


def best_rhythm(profiles: Floats, rhythms: Floats, expected: float, params: RhythmParams) -> float:
    """The rhythm at which cutting the profiles (K, N) is worth most.

    A rhythm far from the ``expected`` one pays for the squared logarithm of their ratio, as a
    share of what the best is worth.

    Only deep valleys count here (``search_price``): shallow ones are found at any rhythm, and
    more of them the shorter it is. Profiles are coarsened so that a cell has about
    ``search_samples`` samples.
    """
    sharp = replace(params, cut_price=params.search_price)
    worths = []
    for rhythm in rhythms:
        step = min(max(1, int(rhythm / params.search_samples)), profiles.shape[1])
        length = profiles.shape[1] // step * step
        coarse = profiles[:, :length].reshape(len(profiles), -1, step).mean(axis=2)
        worths.append(sum(cells.worth for cells in cut(coarse, rhythm / step, sharp)))
    off = np.log(rhythms / expected) ** 2
    weight = params.expectation * max(1.0, *worths)
    return float(rhythms[int(np.argmax(np.array(worths) - weight * off))])


def _traced(
    text: Floats,
    blank: Floats,
    from_text: npt.NDArray[np.int64],
    from_blank: npt.NDArray[np.int64],
    worth: Floats,
) -> Cells:
    b = len(text) - 1
    best = max(float(text[b]), float(blank[b]))
    if not np.isfinite(best):
        return Cells((), 0.0)
    spans = []
    in_text = text[b] >= blank[b]
    while b > 0:
        if in_text:
            a = int(from_text[b])
            spans.append((a, b))
            in_text = text[a] + worth[a] > blank[a] + worth[a] / 2
        else:
            a = int(from_blank[b])
            in_text = True
            if a == 0:
                break
        b = a
    return Cells(tuple(reversed(spans)), best)


def _normalized(profile: Floats, rhythm: float, params: RhythmParams) -> Floats:
    # Weathered stone has ink everywhere: what the emptiest rows hold is not writing.
    filled = np.flatnonzero(profile > 0.1 * profile.max())
    written = profile[filled[0] : filled[-1] + 1] if filled.size else profile
    floor = float(np.quantile(written, params.floor_share)) if written.size else 0.0
    profile = np.maximum(profile - floor, 0.0)
    usual = usual_ink(profile)
    if usual == 0:
        return np.zeros_like(profile)
    level = profile / usual
    deviation = params.smooth * rhythm
    if deviation < 0.3:
        return level
    reach = max(1, round(3 * deviation))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    padded = np.pad(level, reach, mode="edge")
    return np.asarray(np.convolve(padded, kernel / kernel.sum(), mode="valid"))
