"""Push columns to Label Studio and pull what people decided: idempotent, resumable.

Signatures are final; see the functions for what each promises.
"""

from __future__ import annotations

from dataclasses import dataclass

from annotation.client import LabelStudio
from annotation.images import ImageFolder
from annotation.journal import Journal
from pipelines.store import Store
from pipelines.tables import Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class PushParams:
    """How a batch becomes tasks."""

    max_characters_per_task: int = 20
    tasks_per_request: int = 50
    max_image_side_px: int = 2400
    with_page_view: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PushReport:
    """What a push did. ``rejected`` counts by reason; ``columns`` = accepted + rejected."""

    batch: str
    project_id: int
    page_project_id: int | None
    columns: int
    accepted: int
    rejected: dict[str, int]
    tasks_created: int
    tasks_found: int
    tasks_refreshed: int
    tasks_begun: int
    duplicates_removed: int
    page_tasks_created: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PullParams:
    """How annotations become reviews. No ``approvers`` means that anyone may approve."""

    guideline_version: str = "2026.1"
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """Something a person should look at: ``reason`` is a code, ``detail`` the sentence."""

    column_id: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullReport:
    """What a pull found. ``columns`` = reviews + rejected; ``rejected`` counts by reason."""

    batch: str
    columns: int
    reviews: int
    approved: int
    new_reviews: int
    rejected: dict[str, int]
    flags: tuple[Flag, ...]
    tasks_read: int
    seconds: float


def push(
    tables: Tables,
    store: Store,
    batch: str,
    client: LabelStudio,
    *,
    images: ImageFolder,
    code_version: str,
    params: PushParams = PushParams(),
) -> PushReport:
    """Put the columns of a batch before people; write the table ``review_tasks``.

    Reads ``columns``, ``readings`` and, where written, ``second_readings`` and ``pages`` of the
    batch. One project a batch (``Beitie <batch>``), found again by its title. Nothing is made
    twice: what a killed push left undone, the next one does. Tasks nobody has begun get the new
    draft of a new release; begun ones keep the draft their annotator saw, and so does their row.

    Raises:
        ServiceError: If Label Studio is down, slow or refuses; run it again when it is back.
        TableError: If the batch has no columns or readings yet.
    """
    raise NotImplementedError


def pull(
    tables: Tables,
    batch: str,
    client: LabelStudio,
    *,
    journal: Journal,
    params: PullParams = PullParams(),
) -> PullReport:
    """Fetch what was decided; write the table ``reviews``.

    Every row of ``review_tasks`` becomes a Review or a rejection that says why not yet
    (``not_reviewed``, ``draft_only``, ``skipped``, ``task_deleted``, ``part_missing``,
    ``unreadable_annotation``, ``not_an_approver`` ...). A review that the journal holds as
    approved is never changed: an edit afterwards is a flag.

    Raises:
        ServiceError: If Label Studio is down, slow or refuses.
        TableError: If the batch was never pushed.
    """
    raise NotImplementedError
