"""A double of Label Studio that keeps everything in memory, for fast tests and dry runs.

It behaves like the real one in whatever this project relies on; that it does is shown by one
suite of tests that both must pass (``tests/annotation/test_client.py``). It has no browser, no
accounts to log into and no time but its own clock, which moves with every change.

Keeps out: failures. Slowness, errors and lost answers are tested against real sockets.
"""

# ruff: noqa: D102  (every method is described in annotation.label_studio.LabelStudio)

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from annotation.label_studio import MAX_TITLE, FullTask, TaskSummary, User, View
from pipelines.errors import ServiceError


@dataclass(slots=True, kw_only=True)
class _Task:
    project_id: int
    data: dict[str, Any]
    updated_at: datetime
    annotations: dict[int, dict[str, Any]] = field(default_factory=dict)
    predictions: dict[int, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _Project:
    title: str
    config: str
    folders: set[Path] = field(default_factory=set)
    views: dict[str, View] = field(default_factory=dict)
    webhooks: dict[str, bool] = field(default_factory=dict)
    model_version: str = ""


class InMemoryLabelStudio:
    """Implements ``annotation.label_studio.LabelStudio``.

    Args:
        document_root: What picture addresses are relative to, as the real server has one.
    """

    def __init__(self, document_root: Path | None = None) -> None:
        self.document_root = document_root
        self._users = {1: User(user_id=1, email="beitie@localhost.localdomain")}
        self._projects: dict[int, _Project] = {}
        self._tasks: dict[int, _Task] = {}
        self._last_id = 0
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def whoami(self) -> User:
        return self._users[1]

    def users(self) -> dict[int, User]:
        return dict(self._users)

    def ensure_user(self, email: str, name: str) -> int:
        for user in self._users.values():
            if user.email == email:
                return user.user_id
        user_id = max(self._users) + 1
        self._users[user_id] = User(user_id=user_id, email=email)
        return user_id

    def find_project(self, title: str) -> int | None:
        return min((i for i, p in self._projects.items() if p.title == title), default=None)

    def ensure_project(self, title: str, config: str, description: str) -> int:
        found = self.find_project(title)
        if found is None:
            if len(title) > MAX_TITLE:
                raise ServiceError(f"A title has at most {MAX_TITLE} characters: {title!r}.")
            found = self._new_id()
            self._projects[found] = _Project(title=title, config=config)
        self._projects[found].config = config
        return found

    def serve_images(self, project_id: int, folder: Path) -> None:
        self._project(project_id).folders.add(folder)

    def serve_bucket(self, project_id: int, bucket: Mapping[str, str | None]) -> None:
        self._project(project_id)
        raise ServiceError("A server in memory reads no buckets; give it an ImageFolder.")

    def ensure_views(self, project_id: int, views: Sequence[View], hidden: Sequence[str]) -> None:
        for view in views:
            self._project(project_id).views.setdefault(view.title, view)

    def summaries(self, project_id: int) -> Iterator[TaskSummary]:
        self._project(project_id)
        for task_id, task in list(self._tasks.items()):
            if task.project_id == project_id:
                yield TaskSummary(
                    task_id=task_id,
                    data=copy.deepcopy(task.data),
                    updated_at=task.updated_at,
                    annotation_count=len(task.annotations),
                    prediction_count=len(task.predictions),
                    is_begun=bool(task.annotations),
                )

    def tasks(self, project_id: int, since: datetime | None = None) -> Iterator[FullTask]:
        self._project(project_id)
        for task_id, task in list(self._tasks.items()):
            if task.project_id == project_id and (since is None or task.updated_at >= since):
                yield self._full(task_id, task)

    def task(self, task_id: int) -> FullTask | None:
        task = self._tasks.get(task_id)
        return None if task is None else self._full(task_id, task)

    def import_tasks(self, project_id: int, payloads: Sequence[Mapping[str, Any]]) -> int:
        self._project(project_id)
        for payload in payloads:
            task_id = self._new_id()
            self._tasks[task_id] = _Task(
                project_id=project_id,
                data=copy.deepcopy(dict(payload["data"])),
                updated_at=self._tick(),
            )
            self._predict(project_id, task_id, payload.get("predictions", ()))
        return len(payloads)

    def add_predictions(self, project_id: int, payloads: Sequence[Mapping[str, Any]]) -> int:
        for payload in payloads:
            self._existing(int(payload["task"]))
        for payload in payloads:
            self._predict(project_id, int(payload["task"]), [payload])
        return len(payloads)

    def delete_prediction(self, prediction_id: int) -> None:
        for task in self._tasks.values():
            task.predictions.pop(prediction_id, None)

    def show_predictions(self, project_id: int, model_version: str) -> None:
        self._project(project_id).model_version = model_version

    def update_task(self, task_id: int, data: Mapping[str, Any]) -> None:
        task = self._existing(task_id)
        task.data, task.updated_at = copy.deepcopy(dict(data)), self._tick()

    def delete_task(self, task_id: int) -> None:
        self._tasks.pop(task_id, None)

    def add_annotation(
        self,
        task_id: int,
        result: Sequence[Mapping[str, Any]],
        *,
        completed_by: int,
        lead_time_s: float,
        is_skipped: bool = False,
    ) -> int:
        task = self._existing(task_id)
        annotation_id = self._new_id()
        task.updated_at = self._tick()
        task.annotations[annotation_id] = {
            "id": annotation_id,
            "result": copy.deepcopy(list(result)),
            "completed_by": self._users[completed_by].user_id,
            "updated_by": self.whoami().user_id,
            "was_cancelled": is_skipped,
            "lead_time": lead_time_s,
            "updated_at": task.updated_at.isoformat(),
        }
        return annotation_id

    def update_annotation(self, annotation_id: int, result: Sequence[Mapping[str, Any]]) -> None:
        for task in self._tasks.values():
            if annotation_id in task.annotations:
                task.updated_at = self._tick()
                task.annotations[annotation_id] |= {
                    "result": copy.deepcopy(list(result)),
                    "updated_by": self.whoami().user_id,
                    "updated_at": task.updated_at.isoformat(),
                }
                return
        raise ServiceError(f"There is no annotation {annotation_id} in memory.")

    def ensure_webhook(self, project_id: int, url: str, headers: Mapping[str, str]) -> None:
        self._project(project_id).webhooks[url] = True

    def webhooks(self, project_id: int) -> dict[str, bool]:
        return dict(self._project(project_id).webhooks)

    def fetch(self, path: str) -> tuple[bytes, str]:
        named = parse_qs(urlsplit(path).query).get("d", [""])[0]
        folders = {folder for project in self._projects.values() for folder in project.folders}
        if self.document_root is not None:
            file = (self.document_root / named).resolve()
            if file.is_file() and any(folder in file.parents for folder in folders):
                return file.read_bytes(), "image/jpeg" if file.suffix == ".jpg" else "image/png"
        raise ServiceError(f"No project in memory serves {path}.")

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _tick(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def _project(self, project_id: int) -> _Project:
        if project_id not in self._projects:
            raise ServiceError(
                f"There is no project {project_id} in memory. It may have been deleted; push the "
                f"batch again."
            )
        return self._projects[project_id]

    def _existing(self, task_id: int) -> _Task:
        if task_id not in self._tasks:
            raise ServiceError(f"There is no task {task_id} in memory; push the batch again.")
        return self._tasks[task_id]

    def _predict(
        self, project_id: int, task_id: int, predictions: Sequence[Mapping[str, Any]]
    ) -> None:
        task = self._tasks[task_id]
        for prediction in predictions:
            number = self._new_id()
            task.predictions[number] = {**copy.deepcopy(dict(prediction)), "id": number}
            project = self._projects[project_id]
            project.model_version = project.model_version or str(prediction["model_version"])
        task.updated_at = self._tick()

    def _full(self, task_id: int, task: _Task) -> FullTask:
        return FullTask(
            task_id=task_id,
            data=copy.deepcopy(task.data),
            updated_at=task.updated_at,
            annotations=tuple(copy.deepcopy(list(task.annotations.values()))),
            predictions=tuple(copy.deepcopy(list(task.predictions.values()))),
        )
