"""What the last pull found, kept so that the next one reads only what has changed.

A cursor over Label Studio's ``updated_at``, the tasks of each column, and the flags; results
come from the table ``reviews`` itself. All of it may be lost: the next pull then reads
everything. It is never the truth about a decision, which is the journal's.

Keeps out: fetching (``annotation.pull``) and deciding (``annotation.decisions``).
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from annotation.decisions import Flag, Outcome
from annotation.journal import Journal
from annotation.label_studio import TaskSummary
from annotation.reviews import STAGE
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
    flags: dict[str, list[Flag]]

    def is_stale(self, column_id: str, tasks: Sequence[TaskSummary]) -> bool:
        """Whether a task of the column came, went, or changed since."""
        return sorted(task.task_id for task in tasks) != self.tasks.get(column_id) or any(
            task.updated_at >= self.cursor - OVERLAP for task in tasks
        )

    def outcome(self, column_id: str) -> Outcome:
        """What was found then."""
        return Outcome(
            result=self.results[column_id],
            decided=None,
            flags=tuple(self.flags.get(column_id, ())),
        )

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
        if state["made_from"] != f"{made_from}/{manifest.rows_file}":
            return None
        results: dict[str, Review | Rejection] = {
            review.column_id: review for review in tables.read("reviews", batch, Review)
        }
        results |= {r.item_id: r for r in tables.rejections("reviews", batch) if r.stage == STAGE}
        flags: dict[str, list[Flag]] = defaultdict(list)
        for flag in state["flags"]:
            flags[flag["column_id"]].append(Flag(**flag))
        return LastPull(
            cursor=datetime.fromisoformat(state["cursor"]),
            tasks=state["tasks"],
            results=results,
            flags=dict(flags),
        )

    @staticmethod
    def save(
        journal: Journal,
        batch: str,
        made_from: str,
        cursor: datetime | None,
        there: Sequence[TaskSummary],
        flags: Sequence[Flag],
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
            "flags": [asdict(flag) for flag in flags],
        }
        file = journal.folder / f"{batch}.cursor.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        temporary.write_text(json.dumps(state, ensure_ascii=False), encoding="utf-8")
        os.replace(temporary, file)
