"""What the last pull found, kept so that the next one reads only what has changed.

A cursor over Label Studio's ``updated_at``, the tasks of each column, and how many steps people
had taken; results come from the table ``reviews`` itself, flags from the journal. All of it may be
lost: the next pull then reads everything. It is never the truth about a decision, which is the
journal's.

Keeps out: fetching (``annotation.pull``) and deciding (``annotation.decisions``).
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from annotation.decisions import Outcome
from annotation.journal import Journal
from annotation.label_studio import TaskSummary
from annotation.reviews import STAGE
from annotation.states import Standing
from pipelines.errors import TableError
from pipelines.records import Rejection, Review
from pipelines.tables import Tables

OVERLAP = timedelta(minutes=2)
"""Transactions may end in another order than their times: what is this fresh is read again."""


def by_column(tasks: Iterable[TaskSummary]) -> dict[str, list[TaskSummary]]:
    """Our tasks by the column they show; tasks made by hand are left out."""
    found: dict[str, list[TaskSummary]] = defaultdict(list)
    for task in tasks:
        if "column_id" in task.data:
            found[str(task.data["column_id"])].append(task)
    return dict(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPull:
    """What the last pull found, so that unchanged columns need not be read again."""

    cursor: datetime
    tasks: dict[str, list[int]]
    results: dict[str, Review | Rejection]
    steps: dict[str, int]

    def is_stale(self, column_id: str, tasks: Sequence[TaskSummary], standing: Standing) -> bool:
        """Whether a task came, went, or changed since, or somebody took a step at the desk."""
        return (
            sorted(task.task_id for task in tasks) != self.tasks.get(column_id)
            or any(task.updated_at >= self.cursor - OVERLAP for task in tasks)
            or standing.step_count != self.steps.get(column_id, 0)
        )

    def outcome(self, standing: Standing) -> Outcome:
        """What was found then."""
        return Outcome(result=self.results[standing.column_id], decided=None, flags=standing.flags)

    @staticmethod
    def load(tables: Tables, batch: str, journal: Journal, made_from: str) -> LastPull | None:
        """None where there was none, or it was made under other circumstances."""
        file = journal.folder / f"{batch}.cursor.json"
        manifest = tables.manifest("reviews", batch)
        if not file.exists() or manifest is None:
            return None
        try:
            state = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            return None
        if state["made_from"] != f"{made_from}/{manifest.rows_file}" or "steps" not in state:
            return None
        try:
            reviews = tables.read("reviews", batch, Review)
        except TableError:  # written by another version: everything is read anew
            return None
        results: dict[str, Review | Rejection] = {review.column_id: review for review in reviews}
        results |= {r.item_id: r for r in tables.rejections("reviews", batch) if r.stage == STAGE}
        return LastPull(
            cursor=datetime.fromisoformat(state["cursor"]),
            tasks=state["tasks"],
            results=results,
            steps=state["steps"],
        )

    @staticmethod
    def save(
        journal: Journal,
        batch: str,
        made_from: str,
        cursor: datetime | None,
        there: Sequence[TaskSummary],
        stands: Mapping[str, Standing],
    ) -> None:
        """Written after the table: a pull killed before only reads more the next time."""
        if cursor is None:
            return
        state = {
            "made_from": made_from,
            "cursor": cursor.isoformat(),
            "tasks": {
                column_id: sorted(task.task_id for task in tasks)
                for column_id, tasks in by_column(there).items()
            },
            "steps": {c: s.step_count for c, s in stands.items() if s.step_count},
        }
        file = journal.folder / f"{batch}.cursor.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        temporary.write_text(json.dumps(state, ensure_ascii=False), encoding="utf-8")
        os.replace(temporary, file)
