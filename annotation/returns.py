"""Tells annotators in Label Studio that a column came back to them, and why.

Label Studio's Community Edition has no comments, so the reason stands where everybody looks: before
the title of the task, in the list and on its screen. It goes when the column is done again.

Keeps out: why it was returned (``annotation.states``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from annotation.label_studio import LabelStudio, TaskSummary
from pipelines.records import Review

SENT_BACK = "sent_back"
"""Field of a task's data: what was put before its title."""


def tell_annotators(
    client: LabelStudio,
    reviews: Mapping[str, Review],
    tasks_of: Mapping[str, Sequence[TaskSummary]],
) -> int:
    """Put the reasons of returned columns before the titles of their tasks, and take old ones away.

    Args:
        client: Where the tasks are.
        reviews: By column id.
        tasks_of: Tasks by column id; columns that are not named are left alone.

    Returns:
        How many tasks were changed.
    """
    changed = 0
    for column_id, tasks in tasks_of.items():
        review = reviews.get(column_id)
        wanted = f"↩ {review.returned_detail} ｜ " if review and review.returned else ""
        for task in tasks:
            there = str(task.data.get(SENT_BACK, ""))
            if there != wanted:
                title = str(task.data.get("title", "")).removeprefix(there)
                data = {**task.data, "title": wanted + title, SENT_BACK: wanted}
                client.update_task(task.task_id, data)
                changed += 1
    return changed
