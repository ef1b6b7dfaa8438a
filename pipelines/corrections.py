"""How much people had to correct: single-character edits, and their rate with an interval.

Holds: the Levenshtein distance and alignment of two texts, corrections per 100 characters with
a bootstrap interval that resamples whole works (or pages, or columns), and the comparison of
two drafts of the same columns. The same figures judge a reader (``training``), a batch in the
demonstration and an annotator's day (``annotation``).

Keeps out: which characters count as the same (``pipelines.scripts`` folds them before) and
agreement between annotators (``annotation``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Rates = npt.NDArray[np.float64]

RESAMPLES = 2000
"""Enough for the ends of a 95 % interval to be stable to about one unit in thirty."""

_RESAMPLES_PER_CHUNK = 250


class Edit(StrEnum):
    """What was done to one character of the draft."""

    KEEP = "keep"
    REPLACE = "replace"
    INSERT = "insert"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """One step of an alignment; the side that has no character holds the empty string."""

    edit: Edit
    draft: str
    approved: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRate:
    """Corrections per 100 approved characters, with a 95 % bootstrap interval."""

    per_100: float
    low: float
    high: float
    edit_count: int
    character_count: int
    column_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedComparison:
    """Two drafts of the same columns against the same approved text.

    ``difference`` is ``after - before`` in corrections per 100 characters, negative when the
    second draft needed fewer; ``low`` and ``high`` bound it in 95 % of the resamples, in which
    both drafts always see the same columns.
    """

    before: CorrectionRate
    after: CorrectionRate
    difference: float
    low: float
    high: float

    @property
    def is_fewer(self) -> bool:
        """Whether the whole interval says that the second draft needs fewer corrections."""
        return self.high < 0


def edit_distance(a: str, b: str) -> int:
    """Insertions, deletions and replacements of one character that turn ``a`` into ``b``."""
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    a, b = a[start : len(a) - end], b[start : len(b) - end]
    if len(a) < len(b):
        a, b = b, a
    row = list(range(len(b) + 1))
    for i, from_a in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, from_b in enumerate(b, 1):
            diagonal, row[j] = (
                row[j],
                min(row[j] + 1, row[j - 1] + 1, diagonal + (from_a != from_b)),
            )
    return row[-1]


def align(draft: str, approved: str) -> list[Aligned]:
    """One cheapest way from draft to approved text, from top to bottom.

    Among equally cheap ways a replacement is preferred to a deletion beside an insertion, so
    that a misread character stands beside the one it was corrected to.
    """
    rows, columns = len(draft) + 1, len(approved) + 1
    cost = np.zeros((rows, columns), np.int64)
    cost[:, 0], cost[0, :] = np.arange(rows), np.arange(columns)
    for i in range(1, rows):
        for j in range(1, columns):
            cost[i, j] = min(
                cost[i - 1, j - 1] + (draft[i - 1] != approved[j - 1]),
                cost[i - 1, j] + 1,
                cost[i, j - 1] + 1,
            )
    steps: list[Aligned] = []
    i, j = rows - 1, columns - 1
    while i or j:
        is_same = bool(i and j and draft[i - 1] == approved[j - 1])
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (not is_same):
            i, j = i - 1, j - 1
            edit = Edit.KEEP if is_same else Edit.REPLACE
            steps.append(Aligned(edit=edit, draft=draft[i], approved=approved[j]))
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            steps.append(Aligned(edit=Edit.DELETE, draft=draft[i], approved=""))
        else:
            j -= 1
            steps.append(Aligned(edit=Edit.INSERT, draft="", approved=approved[j]))
    return steps[::-1]


def corrections_per_100(
    pairs: Sequence[tuple[str, str]],
    rng: np.random.Generator,
    *,
    groups: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
) -> CorrectionRate:
    """Corrections per 100 approved characters over ``(draft, approved)`` columns.

    Args:
        pairs: One draft and its approved text a column.
        rng: Decides the resamples.
        groups: The work (or page) of each pair. Columns of one hand fail together, so whole
            groups are drawn. Without it every column is its own group, which makes the interval
            too narrow wherever columns of one work resemble each other.
        resamples: How often the groups are drawn with replacement.

    Raises:
        ValueError: If there is no approved character, or ``groups`` has another length.
    """
    edits, characters = _count(pairs, groups)
    drawn = _resampled_rates(edits, characters, rng, resamples)
    return _rate(edits, characters, drawn[0], len(pairs))


def compare_corrections(
    before: Sequence[str],
    after: Sequence[str],
    approved: Sequence[str],
    rng: np.random.Generator,
    *,
    groups: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
) -> PairedComparison:
    """Two drafts of the same columns, resampled together so that an easy column helps neither.

    Raises:
        ValueError: If the three lists differ in length, or nothing was approved.
    """
    if not len(before) == len(after) == len(approved):
        raise ValueError(
            f"A paired comparison needs both drafts of every column; got {len(before)} drafts "
            f"before, {len(after)} after and {len(approved)} approved texts."
        )
    first, characters = _count(list(zip(before, approved, strict=True)), groups)
    second, _ = _count(list(zip(after, approved, strict=True)), groups)
    drawn = _resampled_rates(np.stack([first, second]), characters, rng, resamples)
    rate_before = _rate(first, characters, drawn[0], len(approved))
    rate_after = _rate(second, characters, drawn[1], len(approved))
    low, high = np.quantile(drawn[1] - drawn[0], (0.025, 0.975))
    return PairedComparison(
        before=rate_before,
        after=rate_after,
        difference=rate_after.per_100 - rate_before.per_100,
        low=float(low),
        high=float(high),
    )


def _count(pairs: Sequence[tuple[str, str]], groups: Sequence[str] | None) -> tuple[Counts, Counts]:
    """Edits and approved characters of each group."""
    names = [str(index) for index in range(len(pairs))] if groups is None else list(groups)
    if len(names) != len(pairs):
        raise ValueError(f"{len(pairs)} columns need as many group names; got {len(names)}.")
    index = {name: position for position, name in enumerate(dict.fromkeys(names))}
    edits, characters = np.zeros(len(index), np.int64), np.zeros(len(index), np.int64)
    for name, (draft, approved) in zip(names, pairs, strict=True):
        edits[index[name]] += edit_distance(draft, approved)
        characters[index[name]] += len(approved)
    if characters.sum() == 0:
        raise ValueError(
            f"A rate needs at least one approved character; the {len(pairs)} columns have none."
        )
    return edits, characters


def _resampled_rates(
    edits: Counts, characters: Counts, rng: np.random.Generator, resamples: int
) -> Rates:
    """Rates of ``(K, G)`` edits over ``(G,)`` characters in each resample, ``(K, resamples)``.

    Drawn in chunks, so that memory does not grow with resamples times groups. A draw that
    holds no character at all (possible only with empty columns) is left out.
    """
    edits = np.atleast_2d(edits)
    group_count = edits.shape[1]
    chunks: list[Rates] = []
    for start in range(0, resamples, _RESAMPLES_PER_CHUNK):
        size = min(_RESAMPLES_PER_CHUNK, resamples - start)
        drawn = rng.multinomial(group_count, np.full(group_count, 1 / group_count), size=size)
        totals = drawn @ characters
        filled = totals > 0
        chunks.append(100 * (edits @ drawn[filled].T) / totals[filled])
    return np.concatenate(chunks, axis=1)


def _rate(edits: Counts, characters: Counts, drawn: Rates, column_count: int) -> CorrectionRate:
    total = int(characters.sum())
    low, high = np.quantile(drawn, (0.025, 0.975))
    if edits.sum() == 0:
        # No correction in n characters does not mean none ever: the rule of three bounds the
        # rate by 3 / n, where a bootstrap of zeros would claim certainty.
        high = min(100.0, 300 / total)
    return CorrectionRate(
        per_100=100 * int(edits.sum()) / total,
        low=float(low),
        high=float(high),
        edit_count=int(edits.sum()),
        character_count=total,
        column_count=column_count,
    )
