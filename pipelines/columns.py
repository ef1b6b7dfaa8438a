"""Columns 列: which characters of a page stand in one column, and the order they are read in.

Holds: ``order_columns``, which turns boxes into columns from right to left and characters from
top to bottom, and ``make_columns``, which cuts the columns of a page into the store. Clustering
is by horizontal overlap between vertical neighbours and by the size of the characters
themselves, never by left edges or fixed distances: the same page at any resolution gives the
same order. A page of two tiers, a table or a spread is parted first. Double-row notes 雙行夾注
are read inside their column, right row before left; small glosses beside a column become a
column of their own. Where the evidence is thin the column says so.

Keeps out: where characters stand (``pipelines.characters``) and what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from pipelines.characters import CharacterParams, FoundCharacter, find_characters
from pipelines.geometry import Box, union
from pipelines.imaging.codec import decode_png, encode_png
from pipelines.records import Character, Column, Page, Rejection, box_id
from pipelines.store import Store
from pipelines.workers import Workers, map_in_order

STAGE = "columns"

_ONE = Workers()

Floats = npt.NDArray[np.float64]
Chain = list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnParams:
    """When two characters share a column. Lengths are in character sizes of the page.

    Attributes:
        min_overlap: Share of the narrower box that must stand under or above its neighbour.
        max_row_overlap: Share of the lower box above which two boxes stand beside each other.
        join_overlap: Share of the narrower end that lets two runs form one column.
        tangle_offset: Distance between the middle lines of two runs at the same height, in widths
            of the wider, up to which they are one.
        note_width: Width of a note's row relative to the characters above it, at most.
        band_height: Height of the blank bands that part the tiers of a table.
        lone_band_height: The same where there is only one, and so two tiers.
        wide_band_height: The same where at least ``wide_band_columns`` stand on both sides.
        band_gaps: The band's height in usual gaps between characters, at least.
        crop_padding: Blank kept around the characters when a column is cut out.
        uncertain_below: Confidence under which a person should look at the order.
        characters: How characters are found before they are ordered.
    """

    min_overlap: float = 0.3
    max_row_overlap: float = 0.6
    join_overlap: float = 0.5
    tangle_offset: float = 0.4
    note_width: float = 0.75
    band_height: float = 0.6
    lone_band_height: float = 2.0
    wide_band_height: float = 0.2
    wide_band_columns: int = 6
    band_gaps: float = 2.2
    crop_padding: float = 0.15
    uncertain_below: float = 0.5
    characters: CharacterParams = field(default_factory=CharacterParams)


@dataclass(frozen=True, slots=True)
class ColumnOrder:
    """One column: indices into the boxes, in reading order.

    ``confidence`` in [0, 1] is that of its weakest neighbour relation.
    """

    indices: tuple[int, ...]
    confidence: float
    is_uncertain: bool


@dataclass(frozen=True, slots=True)
class _TableRun:
    """Columns ``start`` to ``end`` (exclusive) that form a table, and where its tiers part."""

    start: int
    end: int
    cuts: list[float]


_DEFAULT = ColumnParams()


def order_columns(boxes: Sequence[Box], params: ColumnParams = _DEFAULT) -> list[ColumnOrder]:
    """Columns from right to left, each from top to bottom; every index appears exactly once.

    The result does not depend on the unit of the boxes, their position on the page or the
    sequence they come in, up to ties between identical boxes.
    """
    if not boxes:
        return []
    edges = np.array([(b.left, b.top, b.right, b.bottom) for b in boxes], np.float64)
    layout = _Layout(edges, params)
    everything = np.lexsort((edges[:, 0], edges[:, 1], -edges[:, 2]))
    return [layout.judged(column) for column in layout.ordered([int(i) for i in everything])]


def make_columns(
    page: Page, store: Store, params: ColumnParams, code_version: str
) -> Iterator[Column | Rejection]:
    """The columns of a page, from right to left, each cut out of the page and of its ink.

    Args:
        page: A page whose picture and ink are in the store.
        store: Gives the page, receives the columns as PNG.
        params: How characters are found and ordered.
        code_version: Written into each record.

    Yields:
        Columns numbered from 0, or one Rejection ``no_characters`` if nothing on the page is one.

    Raises:
        StoreError: If the page's picture or ink is not in the store.
    """
    image, ink = decode_png(store.get(page.image_key)), decode_png(store.get(page.ink_key))
    found = find_characters(ink, params.characters)
    if not found:
        yield Rejection(
            item_id=page.page_id,
            stage=STAGE,
            reason="no_characters",
            detail=(
                f"Page {page.page_index + 1} of {page.work.title!r} has ink "
                f"({page.ink_fraction:.2%} of it), but nothing that stands like a character. "
                f"Look at its ink; a page without writing can be left out."
            ),
        )
        return
    boxes = [character.box for character in found]
    size = float(np.median([max(box.width, box.height) for box in boxes]))
    padding = round(params.crop_padding * size)
    for index, order in enumerate(order_columns(boxes, params)):
        members = [found[i] for i in order.indices]
        around = union(member.box for member in members).padded(padding, padding)
        box = around.clipped(page.width, page.height) or around
        crop = (slice(box.top, box.bottom), slice(box.left, box.right))
        yield Column(
            column_id=box_id(page.page_id, box),
            page_id=page.page_id,
            work=page.work,
            column_index=index,
            box=box,
            characters=tuple(_character(page.page_id, member) for member in members),
            image_key=store.put(encode_png(image[crop]), ".png"),
            ink_key=store.put(encode_png(ink[crop]), ".png"),
            order_confidence=order.confidence,
            is_order_uncertain=order.is_uncertain,
            code_version=code_version,
        )


def process_columns(
    pages: Iterable[Page],
    store: Store,
    params: ColumnParams,
    code_version: str,
    *,
    workers: Workers = _ONE,
) -> Iterator[Column | Rejection]:
    """The columns of many pages, in the pages' order.

    Raises:
        ServiceError: If a worker is killed from outside.
    """
    return map_in_order(partial(_columns_of, store, params, code_version), pages, workers)


def _columns_of(
    store: Store, params: ColumnParams, code_version: str, page: Page
) -> list[Column | Rejection]:
    return list(make_columns(page, store, params, code_version))


def _character(page_id: str, found: FoundCharacter) -> Character:
    return Character(
        character_id=box_id(page_id, found.box), box=found.box, confidence=found.confidence
    )


class _Layout:
    """The boxes of one page as arrays, and the steps that part them into columns."""

    def __init__(self, edges: Floats, params: ColumnParams) -> None:
        self.params = params
        self.left, self.top, self.right, self.bottom = edges.T
        self.width, self.height = self.right - self.left, self.bottom - self.top
        self.x, self.y = (self.left + self.right) / 2, (self.top + self.bottom) / 2
        self.size = float(np.median(np.maximum(self.width, self.height)))

    # -- tiers and tables ------------------------------------------------------------------

    def ordered(self, node: Chain) -> list[Chain]:
        """The columns of a part of the page, in reading order."""
        columns = self.columns(node)
        runs = self.table_runs(columns)
        cut = self.wide_band(columns, [cut for run in runs for cut in run.cuts])
        if cut is not None:
            above = [i for i in node if self.y[i] < cut]
            below = [i for i in node if self.y[i] >= cut]
            return self.ordered(above) + self.ordered(below)
        result: list[Chain] = []
        done = 0
        for run in runs:
            result += columns[done : run.start]
            nodes = [i for column in columns[run.start : run.end] for i in column]
            bounds = [-np.inf, *run.cuts, np.inf]
            for low, high in zip(bounds, bounds[1:], strict=False):
                result += self.columns([i for i in nodes if low <= self.y[i] < high])
            done = run.end
        return result + columns[done:]

    def bands(self, columns: list[Chain], min_height: float) -> list[tuple[float, float]]:
        """Blank bands through some columns as (middle, height), from above.

        A band counts only where it is clearly taller than the gaps inside the columns: the rows
        of a stele cut on a grid are not tiers.
        """
        nodes = [i for column in columns for i in column]
        inner = self.gaps(columns)
        usual = float(np.median(inner)) if inner.size else 0.0
        need = max(min_height * self.size, self.params.band_gaps * max(usual, 0.0))
        order = sorted(nodes, key=lambda i: float(self.top[i]))
        reach = np.maximum.accumulate(self.bottom[order])
        heights = self.top[order][1:] - reach[:-1]
        return [
            (float(reach[k] + heights[k] / 2), float(heights[k]))
            for k in np.flatnonzero(heights >= need)
        ]

    def wide_band(self, columns: list[Chain], taken: list[float]) -> float | None:
        """The middle of the band with most columns on both sides that parts two tiers.

        Only columns of more than one character count; bands inside a table are its own.
        """
        best: tuple[int, float] | None = None
        for cut, height in self.bands(columns, self.params.wide_band_height):
            if any(abs(cut - other) <= height / 2 for other in taken):
                continue
            sides = [
                sum(1 for c in columns if sum((self.y[i] < cut) == is_above for i in c) > 1)
                for is_above in (True, False)
            ]
            if min(sides) >= self.params.wide_band_columns and (
                best is None or min(sides) > best[0]
            ):
                best = min(sides), cut
        return None if best is None else best[1]

    def gaps(self, columns: list[Chain]) -> Floats:
        """Blank heights between successive characters of the columns; negative on overlap."""
        pairs = [(a, b) for c in columns for a, b in zip(c, c[1:], strict=False)]
        return np.array([self.top[b] - self.bottom[a] for a, b in pairs], np.float64)

    def table_runs(self, columns: list[Chain]) -> list[_TableRun]:
        """Runs of at least three neighbouring columns that share blank bands, none in two.

        The run with most cells goes first, so that a title beside a table stays out of it.
        """
        runs: list[_TableRun] = []
        for start in range(len(columns) - 2):
            for end in range(start + 3, len(columns) + 1):
                cuts = self.shared_bands(columns[start:end])
                if not cuts:
                    break
                runs.append(_TableRun(start, end, cuts))
        chosen: list[_TableRun] = []
        for run in sorted(runs, key=lambda r: (-len(r.cuts) * (r.end - r.start), r.start)):
            if all(run.end <= other.start or run.start >= other.end for other in chosen):
                chosen.append(run)
        return sorted(chosen, key=lambda r: r.start)

    def shared_bands(self, columns: list[Chain]) -> list[float]:
        """Middles of the blank bands through all columns, if they make three tiers or are tall.

        Two tiers with a moderate gap are left alone: that is how verse is printed, and verse is
        read down the column.
        """
        bands = []
        for cut, height in self.bands(columns, self.params.band_height):
            through = sum(1 for c in columns if len({bool(self.y[i] < cut) for i in c}) == 2)
            if through >= max(2, 0.6 * len(columns)):
                bands.append((cut, height))
        if len(bands) == 1 and bands[0][1] < self.params.lone_band_height * self.size:
            return []
        return [cut for cut, _ in bands]

    # -- columns ---------------------------------------------------------------------------

    def columns(self, node: Chain) -> list[Chain]:
        """The columns of a part without tiers, from right to left."""
        chains = self.chains(node)
        groups = self.grouped(chains)
        columns = [self.read(group) for group in groups]
        return sorted(columns, key=lambda c: (-float(np.median(self.x[c])), float(self.top[c[0]])))

    def chains(self, node: Chain) -> list[Chain]:
        """Runs of boxes of which each is the nearest below the one before, and the reverse."""
        n = np.array(node)
        left, top, right, bottom = self.left[n], self.top[n], self.right[n], self.bottom[n]
        narrow = np.minimum.outer(self.width[n], self.width[n])
        low = np.minimum.outer(self.height[n], self.height[n])
        across = np.minimum.outer(right, right) - np.maximum.outer(left, left)
        down = np.minimum.outer(bottom, bottom) - np.maximum.outer(top, top)
        offset = np.abs(np.subtract.outer(self.x[n], self.x[n]))
        gap = np.maximum(top[None, :] - bottom[:, None], 0.0)
        # Ties in height are broken by position so that no two boxes are below each other.
        rank = np.lexsort((-self.x[n], self.y[n]))
        place = np.empty_like(rank)
        place[rank] = np.arange(len(n))
        is_below = place[None, :] > place[:, None]
        fits = (
            is_below
            & (across >= self.params.min_overlap * narrow)
            & (down <= self.params.max_row_overlap * low)
        )
        cost = np.where(fits, gap + offset, np.inf)
        best_down, best_up = cost.argmin(axis=1), cost.argmin(axis=0)
        follows: dict[int, int] = {}
        for i in range(len(n)):
            j = int(best_down[i])
            if np.isfinite(cost[i, j]) and best_up[j] == i and not self.forks(n, i, j, across):
                follows[i] = j
        heads = set(range(len(n))) - set(follows.values())
        chains = []
        for head in sorted(heads, key=lambda i: int(place[i])):
            chain = [head]
            while chain[-1] in follows:
                chain.append(follows[chain[-1]])
            chains.append([int(n[i]) for i in chain])
        return chains

    def forks(self, n: npt.NDArray[np.int64], i: int, j: int, across: Floats) -> bool:
        """Whether one of two linked boxes stands over or under two that are side by side."""
        for wide, narrow in ((i, j), (j, i)):
            if self.width[n[narrow]] > self.params.note_width * self.width[n[wide]]:
                continue
            beside = np.flatnonzero(
                (across[wide] >= self.params.join_overlap * self.width[n])
                & (self.width[n] <= self.params.note_width * self.width[n[wide]])
                & (across[narrow] <= 0)
            )
            for k in beside:
                shared = min(self.bottom[n[k]], self.bottom[n[narrow]]) - max(
                    self.top[n[k]], self.top[n[narrow]]
                )
                lower = min(self.height[n[k]], self.height[n[narrow]])
                if k not in (i, j) and shared > 0.5 * lower:
                    return True
        return False

    def grouped(self, chains: list[Chain]) -> list[list[Chain]]:
        """Chains that stand above one another, joined; nearest first."""
        links = []
        for a in range(len(chains)):
            for b in range(len(chains)):
                if a != b:
                    gap = self.joint(chains[a], chains[b])
                    if gap is not None:
                        links.append((gap, a, b))
        parent = list(range(len(chains)))

        def root(k: int) -> int:
            while parent[k] != k:
                k = parent[k]
            return k

        members = {k: [k] for k in range(len(chains))}
        for _, a, b in sorted(links):
            ra, rb = root(a), root(b)
            if ra == rb or not self.fit([chains[k] for k in members[ra] + members[rb]]):
                continue
            parent[rb] = ra
            members[ra] += members.pop(rb)
        return [[chains[k] for k in group] for group in members.values()]

    def interleave(self, a: Chain, b: Chain) -> bool:
        """Whether two chains share heights and a middle line: one column, tangled boxes."""
        top = max(self.top[a].min(), self.top[b].min())
        bottom = min(self.bottom[a].max(), self.bottom[b].max())
        if bottom <= top:
            return False
        lines = []
        for chain in (a, b):
            near = [i for i in chain if self.bottom[i] > top and self.top[i] < bottom]
            lines.append(float(np.median(self.x[near])) if near else np.inf)
        width = max(float(np.quantile(self.width[c], 0.75)) for c in (a, b))
        return abs(lines[0] - lines[1]) <= self.params.tangle_offset * width

    def joint(self, above: Chain, below: Chain) -> float | None:
        """The gap between two chains if the second continues the column of the first."""
        if self.interleave(above, below):
            return 0.0
        ends, starts = above[-3:], below[:3]
        overlap = min(self.bottom[above].max(), self.bottom[below].max()) - max(
            self.top[above].min(), self.top[below].min()
        )
        if self.y[above[-1]] >= self.y[below[0]] or overlap > 0.5 * self.size:
            return None
        left = max(self.left[ends].min(), self.left[starts].min())
        right = min(self.right[ends].max(), self.right[starts].max())
        narrower = min(np.ptp(self._sides(ends)), np.ptp(self._sides(starts)))
        if right - left < self.params.join_overlap * narrower:
            return None
        return max(0.0, float(self.top[below[0]] - self.bottom[above[-1]]))

    def _sides(self, chain: Chain) -> Floats:
        return np.concatenate([self.left[chain], self.right[chain]])

    def fit(self, chains: list[Chain]) -> bool:
        """Whether chains make one column: side by side only where they are the rows of a note."""
        widths = [float(np.median(self.width[c])) for c in chains]
        widest = max(float(self.width[c].max()) for c in chains)
        for a in range(len(chains)):
            for b in range(a):
                top = max(self.top[chains[a]].min(), self.top[chains[b]].min())
                bottom = min(self.bottom[chains[a]].max(), self.bottom[chains[b]].max())
                if bottom - top <= 0.5 * self.size or self.interleave(chains[a], chains[b]):
                    continue
                if max(widths[a], widths[b]) > self.params.note_width * widest:
                    return False
        return True

    def read(self, chains: list[Chain]) -> Chain:
        """The chains of one column in order: blocks from above, rows of a block from the right."""
        ordered = sorted(chains, key=lambda c: float(self.top[c].min()))
        blocks: list[list[Chain]] = []
        reach = -np.inf
        for chain in ordered:
            top, bottom = float(self.top[chain].min()), float(self.bottom[chain].max())
            if blocks and reach - top > 0.3 * min(self.size, bottom - top):
                blocks[-1].append(chain)
            else:
                blocks.append([chain])
            reach = max(reach, bottom)
        result: Chain = []
        for block in blocks:
            rows: list[Chain] = []
            for chain in block:
                row = next((r for r in rows if self.interleave(r, chain)), None)
                if row is None:
                    rows.append(list(chain))
                else:
                    row += chain
            rows = [
                sorted(row, key=lambda i: (float(self.y[i]), -float(self.x[i]))) for row in rows
            ]
            before: Chain = []
            after: Chain = []
            if len(rows) > 1:
                before, rows, after = self.note(rows)
            result += before
            for row in sorted(rows, key=lambda c: -float(np.median(self.x[c]))):
                result += row
            result += after
        return result

    def note(self, rows: list[Chain]) -> tuple[Chain, list[Chain], Chain]:
        """What a column holds above its note, the note's rows, and what it holds below.

        The chain that runs through a note takes one of its rows along; it is cut where its boxes
        stand in the way of the other row.
        """
        before: Chain = []
        after: Chain = []
        kept: list[Chain] = []
        for k, row in enumerate(rows):
            other = [i for m, r in enumerate(rows) if m != k for i in r]
            left, right = np.median(self.left[other]), np.median(self.right[other])
            top, bottom = float(self.top[other].min()), float(self.bottom[other].max())
            shared = np.minimum(self.right[row], right) - np.maximum(self.left[row], left)
            spans = shared > 0.3 * (right - left)
            first, last = 0, len(row)
            for place, i in enumerate(row):
                if spans[place] and self.y[i] < top:
                    first = place + 1
                if spans[place] and self.y[i] > bottom:
                    last = min(last, place)
            before += row[:first]
            after += row[last:]
            kept.append(row[first:last])
        by_height = lambda i: float(self.y[i])  # noqa: E731
        return sorted(before, key=by_height), [r for r in kept if r], sorted(after, key=by_height)

    # -- confidence ------------------------------------------------------------------------

    def judged(self, column: Chain) -> ColumnOrder:
        """The column with the confidence of its weakest neighbour relation."""
        confidence = 1.0
        for a, b in zip(column, column[1:], strict=False):
            confidence = min(confidence, self.relation(a, b))
        width = float(np.median(self.width[column]))
        if len(column) == 1 or width < 0.5 * float(np.median(self.width)):
            # A lone box or a column of small characters may be a gloss or a speck.
            confidence = min(
                confidence, 0.6 if width >= 0.5 * float(np.median(self.width)) else 0.4
            )
        is_uncertain = confidence < self.params.uncertain_below
        return ColumnOrder(tuple(column), round(confidence, 4), is_uncertain)

    def relation(self, a: int, b: int) -> float:
        """How sure it is that ``b`` follows ``a``, in [0, 1]."""
        narrower = min(self.width[a], self.width[b])
        shared = min(self.right[a], self.right[b]) - max(self.left[a], self.left[b])
        under = float(np.clip(shared / narrower / 0.6, 0, 1))
        gap = (self.top[b] - self.bottom[a]) / self.size
        near = float(np.exp(-max(0.0, gap - 1.5) / 3))
        lower = min(self.height[a], self.height[b])
        level = float(np.clip((self.bottom[a] - self.top[b]) / lower, 0, 1))
        aside = float(np.clip(2 * abs(self.x[a] - self.x[b]) / narrower, 0, 1))
        return under * near * (1 - level * aside)
