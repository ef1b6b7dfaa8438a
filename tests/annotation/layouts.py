"""Page annotations as an annotator submits them, for tests."""

from __future__ import annotations

from annotation import interface
from annotation.images import Derivative
from annotation.page_tasks import area_region, column_region, page_decision_item
from annotation.places import place_of
from annotation.push import project_title
from pipelines.geometry import Box

PICTURE = Derivative(url="u", width=100, height=100)


def page_tasks(client, batch_name):
    return list(client.tasks(client.find_project(project_title(batch_name, " pages"))))


def a_layout(task, columns, decision=interface.LAYOUT_RIGHT, **areas):
    """The result of an annotation: ``columns`` as (number, box), areas by label."""
    frame = Box(*task.data["frame"])
    result = [page_decision_item(decision)]
    for index, (number, box) in enumerate(columns):
        items = column_region(f"c{index}", place_of(box, frame), number or 0, PICTURE)
        result += items if number is not None else items[:1]
    for label, boxes in areas.items():
        result += [
            area_region(f"{label}{index}", place_of(box, frame), label.replace("_", "-"), PICTURE)
            for index, box in enumerate(boxes)
        ]
    return result


def submit_layout(client, task, columns, by="liu@example.org", **more):
    return client.add_annotation(
        task.task_id,
        a_layout(task, columns, **more),
        completed_by=client.ensure_user(by, by.split("@")[0]),
        lead_time_s=9.0,
    )
