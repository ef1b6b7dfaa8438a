"""Speaks to Label Studio: the only module that imports its SDK.

Holds: ``connect``, which gives a real server as the ``LabelStudio`` of
``annotation.label_studio``. Calls that change nothing twice (reading, deleting, replacing) are
tried again after a connection error or a 5xx, with growing pauses; calls that make something
are tried once, because an answer that got lost does not mean that nothing was made. Every
failure becomes a ``ServiceError`` that says what to do; the token is in none of them.

Keeps out: what tasks mean (``annotation.tasks``), when they are sent (``annotation.push``), the
double for fast tests (``annotation.in_memory``).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import label_studio_sdk
from label_studio_sdk.core.api_error import ApiError

from annotation.answers import TELL_DRAFTS, full_task, plain, time_of
from annotation.failures import MayPass, NotFound, not_reached, of_status, too_slow
from annotation.hints import HOOK_ACTIONS
from annotation.label_studio import FullTask, TaskSummary, User, View
from annotation.label_studio import LabelStudio as LabelStudio
from annotation.views import view_data
from pipelines.errors import ServiceError

T = TypeVar("T")

PAGE_SIZE = 100
"""Larger pages make Label Studio's listing slower, not faster (label-studio-sdk#658)."""

DO_NOT_SYNC = "Beitie pictures (do not sync)"
"""Title of the storages from which a project's pages read: a sync would make tasks of them."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientParams:
    """How patient the client is; ``import_timeout_s`` is for calls that carry many tasks."""

    timeout_s: float = 30.0
    import_timeout_s: float = 180.0
    tries: int = 4
    first_pause_s: float = 0.5


def connect(url: str, token: str, *, params: ClientParams = ClientParams()) -> LabelStudio:
    """A client of the server at ``url``; ``token`` is a legacy or a personal access token.

    Raises:
        ServiceError: If the server does not answer or refuses the token.
    """
    client = _RealLabelStudio(url, token, params)
    client.whoami()
    return client


class _RealLabelStudio:
    """A server reached over HTTP through the SDK."""

    def __init__(self, url: str, token: str, params: ClientParams) -> None:
        self.url, self.params, self._token = url.rstrip("/"), params, token
        # A proxy named in the environment is for the world outside, not for this machine.
        is_local = urlsplit(self.url).hostname in _LOOPBACK
        http = httpx.Client(
            timeout=params.timeout_s,
            follow_redirects=False,
            trust_env=not is_local,
            # No idle connections: nobody has to close a client, and the server, which gives
            # each connection a thread, keeps none for us.
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        with self._explained("connecting"):
            self._sdk: Any = label_studio_sdk.LabelStudio(  # type: ignore[no-untyped-call]
                base_url=self.url,
                api_key=token,
                timeout=params.timeout_s,
                max_retries=0,
                httpx_client=http,
            )
        self._http = http

    def whoami(self) -> User:
        user = self._repeat("asking who we are", self._sdk.users.whoami)
        return User(user_id=int(user.id or 0), email=str(user.email))

    def users(self) -> dict[int, User]:
        found = self._repeat("listing users", self._sdk.users.list)
        return {int(u.id or 0): User(user_id=int(u.id or 0), email=str(u.email)) for u in found}

    def ensure_user(self, email: str, name: str) -> int:
        for user in self.users().values():
            if user.email == email:
                return user.user_id
        made = self._once(
            f"making the user {name}",
            lambda: self._sdk.users.create(email=email, username=name, first_name=name),
        )
        return int(made.id or 0)

    def find_project(self, title: str) -> int | None:
        found = self._repeat(
            f"looking for the project {title!r}",
            lambda: [
                (int(project.id or 0), project.title)
                for project in self._sdk.projects.list(title=title, page_size=PAGE_SIZE)
            ],
        )
        return min((identifier for identifier, name in found if name == title), default=None)

    def ensure_project(self, title: str, config: str, description: str) -> int:
        found = self.find_project(title)
        if found is None:
            made = self._once(
                f"making the project {title!r}",
                lambda: self._sdk.projects.create(
                    title=title, label_config=config, description=description
                ),
            )
            return int(made.id or 0)
        current = self._repeat("reading the project", lambda: self._sdk.projects.get(id=found))
        if current.label_config != config:
            self._repeat(
                "updating the interface",
                lambda: self._sdk.projects.update(found, label_config=config),
            )
        return found

    def serve_images(self, project_id: int, folder: Path) -> None:
        storages = self._sdk.import_storage.local
        found = self._repeat(
            "listing the picture folders", lambda: storages.list(project=project_id)
        )
        if any(storage.path == str(folder) for storage in found):
            return
        self._once(
            f"letting project {project_id} read {folder}",
            lambda: storages.create(
                project=project_id,
                title=DO_NOT_SYNC,
                path=str(folder),
                use_blob_urls=True,
            ),
        )

    def serve_bucket(self, project_id: int, bucket: Mapping[str, str | None]) -> None:
        storages = self._sdk.import_storage.s3
        wanted: dict[str, Any] = {key: value for key, value in bucket.items() if value}
        found = self._repeat("listing the buckets", lambda: storages.list(project=project_id))
        place = (bucket["bucket"], bucket["prefix"])
        known = [int(s.id or 0) for s in found if (s.bucket, s.prefix or "") == place]
        # Without an address signed in advance the server passes pictures on by itself.
        wanted |= {"title": DO_NOT_SYNC, "use_blob_urls": True, "presign": False}
        save = partial(storages.update, *known[:1]) if known else storages.create
        doing = f"letting project {project_id} read the bucket {bucket['bucket']}"
        self._once(doing, lambda: save(project=project_id, **wanted))

    def ensure_views(self, project_id: int, views: Sequence[View], hidden: Sequence[str]) -> None:
        found = self._repeat("listing views", lambda: self._sdk.views.list(project=project_id))
        there = {plain(view.data).get("title") for view in found}
        for view in views:
            if view.title not in there:
                data: Any = view_data(view, hidden)
                make = partial(self._sdk.views.create, project=project_id, data=data)
                self._once(f"making the view {view.title!r}", make)

    def summaries(self, project_id: int) -> Iterator[TaskSummary]:
        fields = (
            "id,data,updated_at,total_annotations,cancelled_annotations,total_predictions,"
            "draft_exists"
        )
        query = json.dumps({"ordering": ["tasks:id"], "filters": TELL_DRAFTS})
        for row in self._pages(project_id, fields="task_only", include=fields, query=query):
            annotations = int(row.get("total_annotations") or 0)
            skipped = int(row.get("cancelled_annotations") or 0)
            yield TaskSummary(
                task_id=int(row["id"]),
                data=row["data"],
                updated_at=time_of(row["updated_at"]),
                annotation_count=annotations + skipped,
                prediction_count=int(row.get("total_predictions") or 0),
                is_begun=bool(annotations or skipped or row.get("draft_exists")),
            )

    def tasks(self, project_id: int, since: datetime | None = None) -> Iterator[FullTask]:
        query: dict[str, Any] = {"ordering": ["tasks:id"]}
        if since is not None:
            changed = {
                "filter": "filter:tasks:updated_at",
                "operator": "greater_or_equal",
                "type": "Datetime",
                "value": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            }
            query["filters"] = {"conjunction": "and", "items": [changed]}
        for row in self._pages(project_id, fields="all", query=json.dumps(query)):
            yield full_task(row)

    def task(self, task_id: int) -> FullTask | None:
        try:
            row = self._repeat(
                f"reading task {task_id}", lambda: self._sdk.tasks.get(id=str(task_id))
            )
        except NotFound:
            return None
        return full_task(plain(row))

    def import_tasks(self, project_id: int, payloads: Sequence[Mapping[str, Any]]) -> int:
        request: Any = list(payloads)
        answer = self._once(
            f"importing {len(payloads)} tasks",
            lambda: self._sdk.projects.import_tasks(
                project_id, request=request, request_options=self._long
            ),
        )
        return int(plain(answer).get("task_count") or 0)

    def add_predictions(self, project_id: int, payloads: Sequence[Mapping[str, Any]]) -> int:
        request: Any = list(payloads)
        answer = self._once(
            f"importing {len(payloads)} predictions",
            lambda: self._sdk.projects.import_predictions(
                project_id, request=request, request_options=self._long
            ),
        )
        return int(plain(answer).get("created") or 0)

    def delete_prediction(self, prediction_id: int) -> None:
        gone = partial(self._sdk.predictions.delete, id=prediction_id)
        with suppress(NotFound):
            self._repeat("deleting a prediction", gone)

    def show_predictions(self, project_id: int, model_version: str) -> None:
        current = self._repeat("reading the project", lambda: self._sdk.projects.get(id=project_id))
        if current.model_version != model_version:
            change = partial(self._sdk.projects.update, project_id, model_version=model_version)
            self._repeat(f"showing the drafts of {model_version}", change)

    def update_task(self, task_id: int, data: Mapping[str, Any]) -> None:
        self._repeat(
            f"updating task {task_id}",
            lambda: self._sdk.tasks.update(id=str(task_id), data=dict(data)),
        )

    def delete_task(self, task_id: int) -> None:
        with suppress(NotFound):
            self._repeat("deleting a task", lambda: self._sdk.tasks.delete(id=str(task_id)))

    def add_annotation(
        self,
        task_id: int,
        result: Sequence[Mapping[str, Any]],
        *,
        completed_by: int,
        lead_time_s: float,
        is_skipped: bool = False,
    ) -> int:
        made = self._once(
            f"submitting an annotation of task {task_id}",
            lambda: self._sdk.annotations.create(
                id=task_id,
                result=[dict(item) for item in result],
                completed_by=completed_by,
                lead_time=lead_time_s,
                was_cancelled=is_skipped,
            ),
        )
        return int(made.id or 0)

    def update_annotation(self, annotation_id: int, result: Sequence[Mapping[str, Any]]) -> None:
        self._repeat(
            f"updating annotation {annotation_id}",
            lambda: self._sdk.annotations.update(
                id=annotation_id, result=[dict(item) for item in result]
            ),
        )

    def ensure_webhook(self, project_id: int, url: str, headers: Mapping[str, str]) -> None:
        doing, hooks = f"setting the webhook of project {project_id}", self._sdk.webhooks
        known = {hook.url: int(hook.id) for hook in self._hooks(project_id)}
        wanted: Any = {"url": url, "headers": dict(headers), "is_active": True}
        if url in known:
            self._repeat(doing, lambda: hooks.update(known[url], **wanted))
            return
        wanted |= {"project": project_id, "send_payload": False, "send_for_all_actions": False}
        self._once(doing, lambda: hooks.create(**wanted, actions=list(HOOK_ACTIONS)))

    def webhooks(self, project_id: int) -> dict[str, bool]:
        return {str(hook.url): bool(hook.is_active) for hook in self._hooks(project_id)}

    def _hooks(self, project_id: int) -> list[Any]:
        doing, hooks = "listing webhooks", self._sdk.webhooks
        return self._repeat(doing, lambda: list(hooks.list(project=str(project_id))))

    def fetch(self, path: str) -> tuple[bytes, str]:
        def get() -> httpx.Response:
            headers = self._sdk._client_wrapper.get_headers()
            response = self._http.get(f"{self.url}{path}", headers=headers)
            if response.status_code >= 400:
                raise ApiError(status_code=response.status_code, body=response.text)
            return response

        response = self._repeat(f"fetching {path}", get)
        return response.content, response.headers.get("content-type", "")

    @property
    def _long(self) -> Any:
        return {"timeout": self.params.import_timeout_s}

    def _pages(self, project_id: int, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Rows of the task listing, page after page.

        A page past the end answers 404; a page that comes back short is only the last one if
        the counted total says so, because a proxy may cut pages.
        """
        page, seen, total = 1, 0, 0
        while page == 1 or seen < total:

            def read(number: int = page) -> dict[str, Any]:
                listing = self._sdk.tasks.list(
                    project=project_id,
                    page=number,
                    page_size=PAGE_SIZE,
                    resolve_uri=False,
                    **arguments,
                )
                return plain(listing.response)

            try:
                answer = self._repeat(f"listing tasks of project {project_id}", read)
            except NotFound:
                if page == 1:
                    raise
                answer = {"tasks": [], "total": total}
            rows = answer.get("tasks") or []
            total = int(answer.get("total") or 0)
            seen += len(rows)
            yield from rows
            if not rows and seen < total:
                raise ServiceError(
                    f"Label Studio at {self.url} counts {total} tasks in project {project_id} but "
                    f"listed {seen}; somebody may be deleting tasks. Try again."
                )
            page += 1

    def _once(self, doing: str, call: Callable[[], T]) -> T:
        with self._explained(doing):
            return call()

    def _repeat(self, doing: str, call: Callable[[], T]) -> T:
        for attempt in range(1, self.params.tries + 1):
            try:
                with self._explained(doing):
                    return call()
            except MayPass:
                if attempt == self.params.tries:
                    raise
                time.sleep(self.params.first_pause_s * 2 ** (attempt - 1))
        raise AssertionError("tries is at least one")

    def _explained(self, doing: str) -> _Explained:
        return _Explained(self.url, doing, self._token)


class _Explained:
    """Turns what the SDK and its HTTP library raise into a ``ServiceError`` with advice."""

    def __init__(self, url: str, doing: str, token: str) -> None:
        self.url, self.doing, self.token = url, doing, token

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, httpx.TimeoutException):
            raise too_slow(self.url, self.doing) from None
        if isinstance(error, httpx.TransportError):
            said = self._clean(str(error) or type(error).__name__)
            raise not_reached(self.url, self.doing, said) from None
        if isinstance(error, ApiError):
            said = self._clean(str(error.body))[:300]
            raise of_status(self.url, self.doing, error.status_code or 0, said) from None

    def _clean(self, text: str) -> str:
        return text.replace(self.token, "<token>") if self.token else text
