"""Columns whose truth is known, put among the others: how right is each annotator?

Ground truth of other batches is shown like any column, with the draft its annotator had, and
nothing in Label Studio says that it is known. What is submitted there is compared with the truth
(``annotation.agreement``) and goes nowhere else: the batch has no such column, so that no review
and no sample comes of it.

An annotator who remembers a column knows it, and a title may look foreign in a batch of one work:
the figure is an estimate, and kinder than the truth.

Keeps out: making tasks (``annotation.payloads``), and who is ground truth (``annotation.states``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from annotation.journal import Journal
from annotation.rules import ReviewRules
from annotation.states import standings
from pipelines.ids import derive_id
from pipelines.records import Column, Reading, Review
from pipelines.states import State
from pipelines.tables import Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """A known column and the reading it is drafted from, under the name of the batch's release."""

    column: Column
    reading: Reading


def ground_truth(journal: Journal, *, but_not: str = "") -> dict[str, tuple[str, Review]]:
    """Batch and review of every column that is ground truth, by column id.

    Args:
        journal: Of all batches.
        but_not: A batch to leave out.
    """
    return {
        column_id: (batch, standing.review)
        for batch in journal.batches()
        if batch != but_not
        for column_id, standing in standings(journal.lines(batch)).items()
        if standing.state is State.GROUND_TRUTH and standing.review is not None
    }


def choose_gold(
    tables: Tables, journal: Journal, batch: str, column_count: int, rules: ReviewRules
) -> list[Gold]:
    """Which known columns go into a batch: the share that its rules ask for, drawn by their seed.

    The same ground truth and the same seed make the same choice. Fewer, where fewer are known.
    """
    wanted = round(rules.gold_share * column_count)
    if not wanted:
        return []
    # Label Studio fills in the drafts of one release; another name would leave these empty.
    release_ids = [r.release_id for r in tables.read("readings", batch, Reading)[:1]]
    known = ground_truth(journal, but_not=batch) if release_ids else {}
    drawn = sorted(known, key=lambda column_id: derive_id("gold", rules.gold_seed, column_id))
    found: list[Gold] = []
    for column_id in drawn:
        if len(found) == wanted:
            break
        home = known[column_id][0]
        if any(tables.manifest(name, home) is None for name in ("columns", "readings")):
            continue
        columns = (c for c in tables.read("columns", home, Column) if c.column_id == column_id)
        readings = (r for r in tables.read("readings", home, Reading) if r.column_id == column_id)
        column, reading = next(columns, None), next(readings, None)
        if column is not None and reading is not None:
            shown = replace(reading, release_id=release_ids[0])
            found.append(Gold(column=column, reading=shown))
    return found
