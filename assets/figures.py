"""What a batch amounts to: counts, what was refused and why, and how much each draft needed.

Reads tables and nothing else; the demonstration prints these figures and the report draws them.

Keeps out: how a rate and its interval are computed (``pipelines.corrections``), and judging a
model before its release (``training``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from pipelines.corrections import CorrectionRate, corrections_per_100
from pipelines.records import Column, Page, Reading, Review
from pipelines.tables import Tables

R = TypeVar("R")

STAGES = ("scans", "pages", "columns", "readings", "second_readings", "review_tasks", "reviews")
"""The tables of a batch in the order material flows."""

SEED = 20260101


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFigures:
    """Counts of one batch; ``rejected`` maps ``stage: reason`` to how often."""

    batch: str
    works: int
    pages: int
    columns: int
    characters: int
    uncertain_columns: int
    approved_columns: int
    approved_characters: int
    rejected: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedColumn:
    """One approved column beside what it was drafted as, and as what each reader read it.

    ``readings`` maps a reader's name to its text, □ where it refused.
    """

    column_id: str
    page_id: str
    work_id: str
    approved: str
    draft: str
    readings: dict[str, str]


def batch_figures(tables: Tables, batch: str) -> BatchFigures:
    """Counts of a batch over every stage that is written; what is not written counts nothing."""
    rejected: Counter[str] = Counter()
    for stage in STAGES:
        if tables.manifest(stage, batch) is not None:
            rejected.update(f"{stage}: {r.reason}" for r in tables.rejections(stage, batch))
    pages = _rows(tables, "pages", batch, Page)
    columns = _rows(tables, "columns", batch, Column)
    approved = approved_reviews(tables, batch)
    return BatchFigures(
        batch=batch,
        works=len({page.work.work_id for page in pages}),
        pages=len(pages),
        columns=len(columns),
        characters=sum(len(column.characters) for column in columns),
        uncertain_columns=sum(column.is_order_uncertain for column in columns),
        approved_columns=len(approved),
        approved_characters=sum(len(review.characters) for review in approved),
        rejected=dict(rejected),
    )


def approved_reviews(tables: Tables, batch: str) -> list[Review]:
    """The reviews of a batch that approve their column with at least one character."""
    return [
        review
        for review in _rows(tables, "reviews", batch, Review)
        if review.is_approved and review.characters
    ]


def approved_columns(
    tables: Tables, batch: str, readings: Mapping[str, Sequence[Reading]]
) -> list[ApprovedColumn]:
    """Approved columns that every one of the named readings has read.

    Args:
        tables: Hold the reviews of the batch.
        batch: Which batch.
        readings: Readings of the batch by the name they are shown under.
    """
    texts = {
        name: {reading.column_id: reading.text for reading in found}
        for name, found in readings.items()
    }
    return [
        ApprovedColumn(
            column_id=review.column_id,
            page_id=review.page_id,
            work_id=review.work.work_id,
            approved=review.text,
            draft=review.draft,
            readings={name: by_column[review.column_id] for name, by_column in texts.items()},
        )
        for review in approved_reviews(tables, batch)
        if all(review.column_id in by_column for by_column in texts.values())
    ]


def readings_of(tables: Tables, name: str, batch: str) -> list[Reading]:
    """The readings of a batch, none if the table was not written."""
    return _rows(tables, name, batch, Reading)


def draft_rate(columns: Sequence[ApprovedColumn]) -> CorrectionRate:
    """Corrections from what the annotator saw; pages are resampled."""
    return _rate(columns, [column.draft for column in columns])


def reader_rate(columns: Sequence[ApprovedColumn], reader: str) -> CorrectionRate:
    """Corrections that a reader's text would have needed; pages are resampled."""
    return _rate(columns, [column.readings[reader] for column in columns])


def _rate(columns: Sequence[ApprovedColumn], drafts: Sequence[str]) -> CorrectionRate:
    return corrections_per_100(
        [(draft, column.approved) for draft, column in zip(drafts, columns, strict=True)],
        np.random.default_rng(SEED),
        groups=[column.page_id for column in columns],
    )


def _rows(tables: Tables, name: str, batch: str, record_type: type[R]) -> list[R]:
    if tables.manifest(name, batch) is None:
        return []
    return tables.read(name, batch, record_type)
