"""Bands: blank across neighbouring columns, and which of them part a page into tiers.

A band counts where it is clearly taller than the gaps inside the columns that it crosses, and
where those below do not simply continue those above. Which it may be: the border between two
tiers or a line of a table; what stands under headings; the caesura of verse, which is none.

Keeps out: parting the page along them (``tiers``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.order.params import OrderParams
from pipelines.order.places import Chain, Floats, Places, middle, spans_of

MIN_BAND = 0.2
"""Least height of any band, in character sizes: below, every page has bands."""
WIDE_COLUMNS = 6
"""Columns above and below from which a thin band between columns that do not continue counts."""
TABLE_COLUMNS = 3
"""The same for a thin band beside tall ones."""
ALIGNED = 0.25
"""Distance between middle lines, in widths, up to which a column continues the one above it."""
CONTINUES = 0.8
"""Share of columns that do so from which the bands of a table are mere gaps."""
MOSTLY = 0.6
"""The same for a band that is the only one."""
TABLE_STRAYS = 3
"""Columns that do not continue, at least, for a table."""
MINOR = 0.45
"""Longer side of all boxes of a column, in character sizes, under which it is no column."""
HEAD_BAND = 1.5
"""Blank under a single heading that stands over a column, in character sizes."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring columns ``start`` to ``end`` (exclusive), and where bands part them."""

    start: int
    end: int
    cuts: tuple[float, ...]
    certainty: float


def boxes_of(chains: list[Chain]) -> Chain:
    """The boxes of some columns, column by column."""
    return [i for chain in chains for i in chain]


class Bands:
    """The blank bands across the columns of a part, and which of them are tiers.

    Specks and glosses beside the columns are looked through: they neither close a band nor stand
    for a column.
    """

    def __init__(self, places: Places, found: list[Chain], params: OrderParams) -> None:
        self.places, self.params = places, params
        longer = np.maximum(places.width, places.height)
        is_minor = [bool((longer[chain] < MINOR * places.size).all()) for chain in found]
        self.found = [[] if minor else chain for chain, minor in zip(found, is_minor, strict=True)]
        gaps = [self.gaps(chain) for chain in self.found]
        every = np.concatenate(gaps) if gaps else np.empty(0)
        page_gap = max(0.0, middle(every)) if every.size else 0.0
        self.page_gap = page_gap
        self.open = [
            self.openings(chain, max(0.0, middle(np.array(own))) if own.size >= 4 else page_gap)
            for chain, own in zip(self.found, gaps, strict=True)
        ]

    def gaps(self, chain: Chain) -> Floats:
        """Blank heights down a column; negative where boxes overlap."""
        order = sorted(chain, key=lambda i: float(self.places.top[i]))
        if len(order) < 2:
            return np.empty(0)
        reach = np.maximum.accumulate(self.places.bottom[order])
        return np.asarray(self.places.top[order][1:] - reach[:-1], np.float64)

    def openings(self, chain: Chain, usual: float) -> Floats:
        """(K, 2) heights where a column is blank by more than its own rhythm, and its outside."""
        if not chain:
            return spans_of([(-np.inf, np.inf)])
        order = sorted(chain, key=lambda i: float(self.places.top[i]))
        top, reach = (
            self.places.top[order],
            np.maximum.accumulate(self.places.bottom[order]),
        )
        need = max(MIN_BAND * self.places.size, self.params.band_gaps * usual)
        spans = [(-np.inf, float(top[0]))]
        spans += [
            (float(reach[k]), float(top[k + 1]))
            for k in np.flatnonzero(top[1:] - reach[:-1] >= need)
        ]
        return spans_of([*spans, (float(reach[-1]), np.inf)])

    def best(self) -> Run | None:
        """The widest run of columns that bands part; without cuts if it may just be verse."""
        candidates: list[tuple[int, int, Floats]] = []
        for start in range(len(self.found) - 1):
            shared = self.open[start]
            for end in range(start + 2, len(self.found) + 1):
                shared = _intersection(shared, self.open[end - 1])
                bands = shared[np.isfinite(shared).all(axis=1)]
                if not len(bands):
                    break
                candidates.append((start, end, bands))
        candidates.sort(key=lambda run: (run[0] - run[1], -len(run[2]), run[0]))
        doubtful: Run | None = None
        for start, end, bands in candidates:
            run = self.judged(start, end, bands)
            if run is not None and run.cuts:
                return run
            doubtful = doubtful or run
        return doubtful

    def judged(self, start: int, end: int, bands: Floats) -> Run | None:
        """What the bands across some columns are: cuts, a doubt, or nothing."""
        chains = [chain for chain in self.found[start:end] if chain]
        kinds = [(band, self.kind(chains, band)) for band in bands]
        tall = [b for b, kind in kinds if kind == "tier"]
        heads = [b for b, kind in kinds if kind == "head"]
        wide = [b for b, kind in kinds if kind == "wide"]
        # Beside the tall bands of a table, thin ones are its lines too.
        lines = [b for b, kind in kinds if kind in ("tier", "thin", "wide")]
        verse = [b for b, kind in kinds if kind == "verse"]
        high = self.params.lone_band_height * self.places.size
        if len(tall) >= 2 or (tall and heads):
            strays, columns = np.sum([self.strays(chains, b) for b in tall], axis=0)
            if strays >= TABLE_STRAYS and strays > (1 - CONTINUES) * columns:
                return Run(start, end, _middles(lines), 0.45)
        if tall and tall[0][1] - tall[0][0] >= high:
            return Run(start, end, _middles(tall), 0.7)
        for band in [*tall, *wide][:1]:
            strays, columns = self.strays(chains, band)
            if strays >= TABLE_STRAYS and strays > (1 - MOSTLY) * columns:
                return Run(start, end, _middles([band]), 0.6)
        if heads:
            return Run(start, end, _middles(heads[:1]), 0.4)
        if any(b[1] - b[0] >= high for b in verse):
            return Run(start, end, _middles(verse), 0.4)
        if tall and end - start >= 3:
            return Run(start, end, (), 0.6)
        return None

    def kind(self, chains: list[Chain], band: Floats) -> str:
        """``tier``, ``wide``, ``thin``, ``head``, ``verse`` or empty: what a band may be."""
        p = self.places
        height, level = float(band[1] - band[0]), float(band.mean())
        above: list[tuple[float, float, int]] = []
        below: list[tuple[float, float, int]] = []
        own: list[float] = []
        for chain in chains:
            members = np.asarray(chain)
            is_above = p.y[members] < level
            for side, part in ((above, members[is_above]), (below, members[~is_above])):
                if part.size:
                    side.append((float(p.left[part].min()), float(p.right[part].max()), part.size))
            if is_above.any() and not is_above.all():
                gap = p.top[members[~is_above]].min() - p.bottom[members[is_above]].max()
                own.append(float(gap))
        if not above or len(below) < 2:
            return ""
        if len(above) == 1:
            return "head" if self.is_heading(chains, band) else ""
        upper, lower = spans_of([a[:2] for a in above]), spans_of([b[:2] for b in below])
        crosses = np.minimum.outer(upper[:, 1], lower[:, 1]) > np.maximum.outer(
            upper[:, 0], lower[:, 0]
        )
        covered = min(crosses.any(axis=1).sum(), crosses.any(axis=0).sum())
        if covered < max(2, 0.6 * min(len(above), len(below))):
            return ""
        if height < self.params.band_height * p.size:
            fewest = min(len(above), len(below))
            return "wide" if fewest >= WIDE_COLUMNS else "thin" if fewest >= TABLE_COLUMNS else ""
        is_short = all(a[2] <= 2 for a in above) and len(above) <= 0.6 * len(below)
        if is_short:
            return "head" if height >= HEAD_BAND * p.size else ""
        is_through = len(own) >= 0.8 * min(len(above), len(below))
        if is_through and own and height >= self.params.level_band * middle(np.array(own)):
            return "verse"
        return "tier"

    def is_heading(self, chains: list[Chain], band: Floats) -> bool:
        """Whether one or two boxes above the band stand over columns that start together."""
        p = self.places
        above, below = self.sides(chains, float(band.mean()))
        head = above[0]
        if len(head) > 2 or band[1] - band[0] < self.params.band_height * p.size:
            return False
        x = float(p.x[head].mean())
        lines = np.array([middle(p.x[chain[:3]]) for chain in below])
        tops = np.array([p.extent(chain)[0] for chain in below])
        width = max(p.full_width(chain) for chain in below)
        if not lines.min() < x < lines.max() or np.ptp(tops) > p.size:
            return False
        stands_between = bool(np.abs(lines - x).min() > ALIGNED * width)
        return stands_between or float(band[1] - band[0]) >= HEAD_BAND * p.size

    def strays(self, chains: list[Chain], band: Floats) -> tuple[int, int]:
        """How many columns on the side of a band with fewer do not continue there, and of how many.

        Columns that go on below a gap stand under those above it; the tiers of a table do not.
        """
        p = self.places
        few, many = sorted(self.sides(chains, float(band.mean())), key=len)
        lines = np.array([middle(p.x[chain]) for chain in many])
        away = [
            np.abs(lines - middle(p.x[chain])).min() > ALIGNED * p.full_width(chain)
            for chain in few
        ]
        return sum(bool(value) for value in away), len(few)

    def sides(self, chains: list[Chain], y: float) -> tuple[list[Chain], list[Chain]]:
        """What the columns hold above and below a height, without empty pieces."""
        above = [[i for i in chain if self.places.y[i] < y] for chain in chains]
        below = [[i for i in chain if self.places.y[i] >= y] for chain in chains]
        return [chain for chain in above if chain], [chain for chain in below if chain]


def _middles(bands: list[Floats]) -> tuple[float, ...]:
    return tuple(float(band.mean()) for band in bands)


def _intersection(a: Floats, b: Floats) -> Floats:
    """Where both of two sorted lists of intervals are open."""
    low = np.maximum.outer(a[:, 0], b[:, 0]).ravel()
    high = np.minimum.outer(a[:, 1], b[:, 1]).ravel()
    keep = high > low
    order = np.argsort(low[keep], kind="stable")
    return np.stack([low[keep][order], high[keep][order]], axis=1)
