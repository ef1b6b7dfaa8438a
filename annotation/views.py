"""Saved views: in which orders people may work, and how Label Studio writes that down.

A view is made once and then belongs to people: they may change or delete it, and a push only adds
what is missing.

Keeps out: asking for them (``annotation.client``), the order itself (``annotation.queue``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from annotation import interface
from annotation.label_studio import View

COLUMN_VIEWS = (
    View(title="Most useful first", sort_by="queue", is_descending=False, is_open=True),
    View(title="Readers disagree", sort_by="disagreement", above_zero="disagreement", is_open=True),
    View(title="Rare characters", sort_by="rarity", above_zero="rarity", is_open=True),
    View(
        title="Order in doubt",
        sort_by="queue",
        is_descending=False,
        above_zero="order_uncertainty",
        is_open=True,
    ),
    View(title="For an expert", sort_by="priority", answer=interface.NEEDS_EXPERT),
)
"""Of the columns of a batch."""

PAGE_VIEWS = (View(title="Most useful first", sort_by="uncertain_columns", is_open=True),)
"""Of its pages."""


def view_data(view: View, hidden: Sequence[str]) -> dict[str, Any]:
    """A view as the Data Manager keeps it.

    It sorts what stands in ``data`` as text (9 before 10) unless the view calls the field a number.
    """
    field = f"tasks:data.{view.sort_by}"
    columns = [f"tasks:{name}" for name in hidden]
    data: dict[str, Any] = {
        "title": view.title,
        "type": "list",
        "ordering": [f"-{field}" if view.is_descending else field],
        "columnsDisplayType": {field: "Number"},
        "hiddenColumns": {"explore": columns, "labeling": columns},
    }
    if items := _filters(view):
        data["filters"] = {"conjunction": "and", "items": items}
    return data


def _filters(view: View) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if view.above_zero:
        items.append(_item(f"data.{view.above_zero}", "greater", "Number", 0))
    if view.answer:
        items.append(_item("annotations_results", "contains", "String", view.answer))
    if view.is_open:
        items.append(_item("total_annotations", "equal", "Number", 0))
    return items


def _item(field: str, operator: str, kind: str, value: Any) -> dict[str, Any]:
    return {
        "filter": f"filter:tasks:{field}",
        "operator": operator,
        "type": kind,
        "value": value,
    }
