"""What this project needs of Label Studio, in plain values.

Holds: the protocol ``LabelStudio`` and the values it gives. A real server speaks it through
``annotation.client``, a double for fast tests is ``annotation.in_memory``; one suite of tests
runs against both.

Keeps out: HTTP and the SDK (``annotation.client``), what tasks mean (``annotation.tasks``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

MAX_TITLE = 50
"""Characters that Label Studio takes as a project's title."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account of Label Studio."""

    user_id: int
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSummary:
    """A task without its annotations. ``is_begun``: someone annotated, skipped or drafted it.

    ``annotation_count`` includes skipped ones.
    """

    task_id: int
    data: Mapping[str, Any]
    updated_at: datetime
    annotation_count: int
    prediction_count: int
    is_begun: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FullTask:
    """A task with its annotations and predictions, as raw JSON; drafts are left out.

    ``completed_by`` of an annotation is the id of an account, ``updated_by`` of who saved it last.
    """

    task_id: int
    data: Mapping[str, Any]
    updated_at: datetime
    annotations: tuple[Mapping[str, Any], ...]
    predictions: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A saved view: a list of tasks in an order, perhaps of some of them only.

    ``sort_by`` is a field of ``data`` that holds numbers. ``above_zero`` keeps tasks where this
    field of ``data`` is greater than 0; ``answer`` those where an annotation holds this text;
    ``is_open`` those that nobody has annotated.
    """

    title: str
    sort_by: str
    is_descending: bool = True
    above_zero: str = ""
    answer: str = ""
    is_open: bool = False


class LabelStudio(Protocol):
    """What this project needs of Label Studio. Every method may raise ``ServiceError``."""

    def whoami(self) -> User:
        """The account whose token is used."""
        ...

    def users(self) -> dict[int, User]:
        """All accounts by id."""
        ...

    def ensure_user(self, email: str, name: str) -> int:
        """The id of the account with that address, made if there is none."""
        ...

    def find_project(self, title: str) -> int | None:
        """The oldest project of exactly that title."""
        ...

    def ensure_project(self, title: str, config: str, description: str) -> int:
        """The project of that title, made if there is none; its interface is brought up to date."""
        ...

    def serve_images(self, project_id: int, folder: Path) -> None:
        """Let a project's browser pages read pictures in a folder of the server's machine."""
        ...

    def serve_bucket(self, project_id: int, bucket: Mapping[str, str | None]) -> None:
        """Let a project's browser pages read pictures in an S3 bucket, through the server.

        ``bucket`` holds ``bucket``, ``prefix``, ``s3endpoint``, ``region_name``,
        ``aws_access_key_id`` and ``aws_secret_access_key``; an entry that is there for the same
        prefix is brought up to date.
        """
        ...

    def ensure_views(self, project_id: int, views: Sequence[View], hidden: Sequence[str]) -> None:
        """Saved views without ``hidden`` columns; those that are there stay as they are."""
        ...

    def summaries(self, project_id: int) -> Iterator[TaskSummary]:
        """All tasks of a project, in the order they were made."""
        ...

    def tasks(self, project_id: int, since: datetime | None = None) -> Iterator[FullTask]:
        """Tasks with annotations and predictions; only those changed at or after ``since``."""
        ...

    def task(self, task_id: int) -> FullTask | None:
        """One task, None if it was deleted."""
        ...

    def import_tasks(self, project_id: int, payloads: Sequence[Mapping[str, Any]]) -> int:
        """Make tasks with their predictions; how many were made. Never tried twice."""
        ...

    def add_predictions(self, project_id: int, payloads: Sequence[Mapping[str, Any]]) -> int:
        """Make predictions (each names its ``task``); how many. Never tried twice."""
        ...

    def delete_prediction(self, prediction_id: int) -> None:
        """Remove one prediction; one that is gone already is as good."""
        ...

    def show_predictions(self, project_id: int, model_version: str) -> None:
        """Pre-fill the annotator's screen from this model version."""
        ...

    def update_task(self, task_id: int, data: Mapping[str, Any]) -> None:
        """Replace a task's data."""
        ...

    def delete_task(self, task_id: int) -> None:
        """Remove a task; one that is gone already is as good."""
        ...

    def add_annotation(
        self,
        task_id: int,
        result: Sequence[Mapping[str, Any]],
        *,
        completed_by: int,
        lead_time_s: float,
        is_skipped: bool = False,
    ) -> int:
        """Submit an annotation in somebody's name; its id. Never tried twice."""
        ...

    def update_annotation(self, annotation_id: int, result: Sequence[Mapping[str, Any]]) -> None:
        """Replace an annotation's result, as an annotator's *Update* does."""
        ...

    def ensure_webhook(self, project_id: int, url: str, headers: Mapping[str, str]) -> None:
        """Have a project call ``url`` when annotations change; an inactive one is woken.

        It is a hint and no more: Label Studio neither repeats nor signs its calls.
        """
        ...

    def webhooks(self, project_id: int) -> dict[str, bool]:
        """The addresses that a project calls, and whether each is active."""
        ...

    def fetch(self, path: str) -> tuple[bytes, str]:
        """What a browser gets for an address of the server: bytes and media type."""
        ...
