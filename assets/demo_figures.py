"""What the demonstration found: every figure of its table and its report, read from the tables.

Keeps out: how they are shown (``assets.demo_report``).
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assets.figures import (
    SEED,
    ApprovedColumn,
    BatchFigures,
    approved_columns,
    batch_figures,
    draft_rate,
    reader_rate,
    readings_of,
)
from assets.resources import Project
from pipelines.codh import TruePage
from pipelines.corrections import CorrectionRate, PairedComparison, compare_corrections
from pipelines.order.reading import order_columns
from pipelines.tables import Tables

OLD, NEW, SECOND_READER = "old release", "new release", "RapidOCR"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFigures:
    """Reading order on pages with true boxes: ``kept`` characters need not be moved."""

    pages: int
    characters: int
    kept: int
    perfect_pages: int

    @property
    def share(self) -> float:
        """Kept characters over all, in [0, 1]."""
        return self.kept / self.characters if self.characters else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFigures:
    """Everything that is shown. ``second`` holds the approved columns of the second batch.

    Without a release the second batch was read once, and the comparison is of equals.
    """

    batches: tuple[BatchFigures, ...]
    first: CorrectionRate
    second_draft: CorrectionRate
    comparison: PairedComparison
    readers: dict[str, CorrectionRate]
    second: tuple[ApprovedColumn, ...]
    order: OrderFigures
    is_released: bool


def gather(
    project: Project,
    before: Tables,
    batches: Sequence[str],
    *,
    first: str,
    second: str,
    true_pages: Sequence[TruePage],
    is_released: bool,
) -> DemoFigures:
    """All figures.

    Args:
        project: Its tables are read.
        before: Holds what the old release read of the second batch.
        batches: Whose counts are shown.
        first: The first batch.
        second: The second batch.
        true_pages: Pages with true boxes.
        is_released: Whether the new model reads now.
    """
    tables = project.tables
    readings = {
        NEW: readings_of(tables, "readings", second),
        OLD: readings_of(before, "readings", second),
        SECOND_READER: readings_of(tables, "second_readings", second),
    }
    columns = approved_columns(tables, second, readings)
    return DemoFigures(
        batches=tuple(batch_figures(tables, batch) for batch in batches),
        first=draft_rate(approved_columns(tables, first, {})),
        second_draft=draft_rate(columns),
        comparison=compare_corrections(
            [column.readings[OLD] for column in columns],
            [column.readings[NEW] for column in columns],
            [column.approved for column in columns],
            np.random.default_rng(SEED),
            groups=[column.page_id for column in columns],
        ),
        readers={name: reader_rate(columns, name) for name in readings},
        second=tuple(columns),
        order=order_figures(true_pages),
        is_released=is_released,
    )


def order_figures(true_pages: Sequence[TruePage]) -> OrderFigures:
    """Order the true boxes of annotated pages and count what stands where it is read."""
    kept = characters = perfect = 0
    for page in true_pages:
        orders = order_columns([character.box for character in page.characters])
        sequence = [index for order in orders for index in order.indices]
        count = longest_rise(sequence)
        kept, characters = kept + count, characters + len(page.characters)
        perfect += count == len(page.characters)
    return OrderFigures(
        pages=len(true_pages), characters=characters, kept=kept, perfect_pages=perfect
    )


def longest_rise(sequence: Sequence[int]) -> int:
    """How many items already stand in rising order: all others would have to be moved."""
    ends: list[int] = []
    for item in sequence:
        place = bisect.bisect_left(ends, item)
        ends[place : place + 1] = [item]
    return len(ends)


def rejected_in_words(rejected: Mapping[str, int]) -> str:
    """Reasons with their counts, the commonest first."""
    ordered = sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} x {reason}" for reason, count in ordered) or "none"
