"""What Label Studio answers, as plain values that look the same whichever endpoint gave them.

Keeps out: asking (``annotation.client``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from annotation.label_studio import FullTask

TELL_DRAFTS = {
    "conjunction": "or",
    "items": [
        {
            "filter": "filter:tasks:draft_exists",
            "operator": "equal",
            "type": "Boolean",
            "value": value,
        }
        for value in ("true", "false")
    ],
}
"""A filter that all tasks pass: the listing knows of drafts only where it is asked about them."""


def plain(value: Any) -> dict[str, Any]:
    """A model of the SDK as plain JSON values."""
    if isinstance(value, Mapping):
        return dict(value)
    dumped = value.model_dump(mode="json") if hasattr(value, "model_dump") else {}
    return dict(dumped)


def time_of(value: Any) -> datetime:
    """A moment, in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(str(value)).astimezone(UTC)


def full_task(row: Mapping[str, Any]) -> FullTask:
    """A row of the listing, or a single task."""
    return FullTask(
        task_id=int(row["id"]),
        data=row["data"],
        updated_at=time_of(row["updated_at"]),
        annotations=tuple(_annotation(found) for found in row.get("annotations") or ()),
        predictions=tuple(row.get("predictions") or ()),
    )


def _annotation(found: Mapping[str, Any]) -> dict[str, Any]:
    """One endpoint names people by id, another as a record: always the id."""
    people = {name: found.get(name) for name in ("completed_by", "updated_by")}
    ids = {n: int(by["id"]) if isinstance(by, Mapping) else by for n, by in people.items()}
    return {**found, **ids}
