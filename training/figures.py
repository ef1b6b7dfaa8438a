"""Figures as people read them: tables of aligned columns, and shares with their intervals.

Holds: ``figure_table``, and ``side_by_side``, which lays out evaluations one row a metric and one
column a reader.

Keeps out: taking the figures (``training.evaluation``, ``training.metrics``).
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.evaluations import Evaluation


def figure_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines of text: the title, the header, one line a row; all but the first column to the right.

    Args:
        title: Stands above.
        header: One word a column.
        rows: Cells of each row, as many as the header has.
    """
    widths = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header))]
    lines = [
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join([title, *lines])


def side_by_side(evaluations: Sequence[Evaluation]) -> str:
    """All readers on the same crops, each figure with its 95 % interval."""
    readers = list(dict.fromkeys(row.reader for row in evaluations))
    metrics = list(dict.fromkeys(row.metric for row in evaluations))
    cells = {(row.metric, row.reader): _cell(row) for row in evaluations}
    counts = {row.character_count for row in evaluations if row.metric == "accuracy"}
    units = " and ".join(dict.fromkeys(f"{row.resampled.value}s" for row in evaluations))
    return figure_table(
        f"{max(counts, default=0)} characters; 95 % intervals over {units}",
        ("", *(reader.value for reader in readers)),
        [
            (metric.replace("_", " "), *(cells.get((metric, reader), "-") for reader in readers))
            for metric in metrics
        ],
    )


def _cell(row: Evaluation) -> str:
    digits = 1 if row.value >= 10 else 3
    value, low, high = (f"{number:.{digits}f}" for number in (row.value, row.low, row.high))
    return value if row.low == row.high == row.value else f"{value} ({low} to {high})"
