"""Brings a Label Studio project to the tasks it should hold, without ever doing a thing twice.

Label Studio imports append: sending a task again makes a second one. So what is there is listed
first, by our own key in each task's data, and only what is missing is sent. A run killed at any
point leaves a project that the next run completes. Tasks somebody has begun are never touched.

Keeps out: what tasks hold (``annotation.tasks``), tables and batches (``annotation.push``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.images import Images
from annotation.label_studio import LabelStudio, TaskSummary
from pipelines.errors import ServiceError
from pipelines.records import Reader

Payload = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Filled:
    """What :func:`fill` did; tasks ``found`` as they should be were left alone."""

    created: int = 0
    found: int = 0
    refreshed: int = 0
    begun: int = 0
    duplicates_removed: int = 0
    withdrawn: int = 0


def fill(
    client: LabelStudio,
    project_id: int,
    wanted: Iterable[Payload],
    *,
    group_field: str,
    tasks_per_request: int,
) -> tuple[Filled, list[TaskSummary]]:
    """Make, refresh and withdraw tasks until the project holds what is wanted.

    Args:
        client: The server.
        project_id: The project.
        wanted: Tasks in any order; ``data`` holds ``key``, ``sha`` and ``group_field``.
        group_field: Tasks that share it belong together: as soon as one of them is begun, none
            of them is refreshed or withdrawn.
        tasks_per_request: How many go into one import.

    Returns:
        Counts, and all tasks as they stand afterwards.

    Raises:
        ServiceError: If Label Studio is down, slow or refuses.
    """
    done = Filled()
    there = list(client.summaries(project_id))
    keep, extra = _one_of_each(there)
    begun = {task.data.get(group_field) for task in there if task.is_begun}
    for task in extra:
        if not task.is_begun:
            client.delete_task(task.task_id)
            done.duplicates_removed += 1
    seen: set[str] = set()
    schemes = {task.data.get(group_field): task.data.get("parts") for task in there}
    missing, outdated = _Batches(tasks_per_request), _Batches(tasks_per_request)

    def make(payloads: list[Payload]) -> None:
        done.created += client.import_tasks(project_id, payloads)

    def refresh(payloads: list[Payload]) -> None:
        _refresh(client, project_id, payloads, keep)
        done.refreshed += len(payloads)

    for payload in wanted:
        data = payload["data"]
        key, group = data["key"], data[group_field]
        seen.add(key)
        existing = keep.get(key)
        if group in begun and (existing is not None or schemes[group] != data.get("parts")):
            # Also when the batch is cut into other parts by now: what is begun is finished.
            done.begun += 1
            seen.update(t.data["key"] for t in keep.values() if t.data.get(group_field) == group)
        elif existing is None:
            missing.add(payload, make)
        elif existing.data.get("sha") != data["sha"] or not existing.prediction_count:
            outdated.add(payload, refresh)
        else:
            done.found += 1
    missing.flush(make)
    outdated.flush(refresh)
    for key, task in keep.items():
        if key not in seen and task.data.get(group_field) not in begun:
            client.delete_task(task.task_id)
            done.withdrawn += 1
    return done, list(client.summaries(project_id))


def check_pictures(client: LabelStudio, tasks: Sequence[TaskSummary], images: Images) -> None:
    """Fetch one picture as a browser would: Label Studio answers 404 for many reasons.

    Raises:
        ServiceError: If it does not come, or not as JPEG.
    """
    ours = [task for task in tasks if "key" in task.data]
    if not ours:
        return
    url = images.address_for(ours[-1].task_id, str(ours[-1].data["image"]))
    try:
        data, media_type = client.fetch(url)
    except ServiceError as error:
        raise ServiceError(
            f"The tasks are there, but Label Studio does not serve their pictures: {error} "
            f"{images.advice}"
        ) from error
    if not data or media_type != "image/jpeg":
        raise ServiceError(
            f"Label Studio serves {url} as {media_type or 'nothing'}; expected image/jpeg."
        )


class _Batches:
    """Collects payloads and hands them over in lots."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.waiting: list[Payload] = []

    def add(self, payload: Payload, send: Callable[[list[Payload]], None]) -> None:
        self.waiting.append(payload)
        if len(self.waiting) >= self.size:
            self.flush(send)

    def flush(self, send: Callable[[list[Payload]], None]) -> None:
        if self.waiting:
            send(self.waiting)
            self.waiting = []


def _one_of_each(tasks: Iterable[TaskSummary]) -> tuple[dict[str, TaskSummary], list[TaskSummary]]:
    """The task that counts for each key (begun before untouched, then the oldest), and the rest."""
    keep: dict[str, TaskSummary] = {}
    extra: list[TaskSummary] = []
    for task in sorted(tasks, key=lambda t: (-t.annotation_count, not t.is_begun, t.task_id)):
        key = str(task.data.get("key", f"foreign-{task.task_id}"))
        if key in keep:
            extra.append(task)
        elif "key" in task.data:
            keep[key] = task
    return keep, extra


def _refresh(
    client: LabelStudio,
    project_id: int,
    payloads: list[Payload],
    tasks: Mapping[str, TaskSummary],
) -> None:
    """Give untouched tasks their new drafts, beside the one of the release before.

    What is there already is not sent again, so that a refresh killed anywhere leaves no double.
    The data with its ``sha`` comes last: until then a killed run's task counts as outdated.
    """
    missing: list[Payload] = []
    surplus: list[int] = []
    for payload in payloads:
        number = tasks[payload["data"]["key"]].task_id
        task = client.task(number)
        there = task.predictions if task is not None else ()
        found = kept_predictions(there, payload["predictions"])
        missing += [
            {**prediction, "task": number}
            for prediction in payload["predictions"]
            if not any(same_prediction(prediction, there[index]) for index in found)
        ]
        surplus += [int(one["id"]) for index, one in enumerate(there) if index not in found]
    if missing:
        client.add_predictions(project_id, missing)
    for prediction_id in surplus:
        client.delete_prediction(prediction_id)
    for payload in payloads:
        client.update_task(tasks[payload["data"]["key"]].task_id, payload["data"])


def kept_predictions(there: Sequence[Payload], wanted: Sequence[Payload]) -> set[int]:
    """Which of a task's predictions stay beside those that are wanted, by their places.

    Those that are wanted themselves (once each), and of earlier releases the newest: its boxes
    must lie where the new draft's do, for another picture has other percent. An old opinion of the
    second reader is no release and goes.
    """
    kept: set[int] = set()
    for prediction in wanted:
        same = [i for i, one in enumerate(there) if same_prediction(prediction, one)]
        kept.update(same[:1])
    names = {str(prediction["model_version"]) for prediction in wanted} | {Reader.RAPIDOCR.value}
    older = [
        index
        for index, one in enumerate(there)
        if str(one["model_version"]) not in names
        and wanted
        and _places(one) == _places(wanted[0])
        and index not in kept
    ]
    newest = max(older, key=lambda index: int(there[index]["id"]), default=None)
    return kept if newest is None else kept | {newest}


def same_prediction(one: Payload, other: Payload) -> bool:
    """Whether two predictions say the same under the same name."""
    return (one["model_version"], list(one["result"])) == (
        other["model_version"],
        list(other["result"]),
    )


def _places(prediction: Payload) -> list[tuple[float, ...]]:
    return [
        tuple(float(item["value"][side]) for side in ("x", "y", "width", "height"))
        for item in prediction["result"]
        if "x" in item.get("value", {}) and "text" not in item["value"]
    ]
