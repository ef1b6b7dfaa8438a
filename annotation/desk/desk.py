"""One desk: everything it works with, made once from where the project lies.

Keeps out: what is done with it. Files and folders are made when they are first needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from annotation.desk.approvals import Approvals
from annotation.desk.audit import Audit
from annotation.desk.courier import Courier
from annotation.desk.database import Database
from annotation.desk.deliveries import Deliveries
from annotation.desk.fetching import FetchLimits
from annotation.desk.handover import Handover
from annotation.desk.languages import Sentences
from annotation.desk.limits import Limits
from annotation.desk.progress import Partitions, Progress, works
from annotation.desk.proposals import Proposals
from annotation.desk.sessions import Sessions
from annotation.desk.thumbnails import Thumbnails
from annotation.desk.uploads import Uploads
from annotation.desk.users import Users
from annotation.hints import Hints
from annotation.journal import Journal
from pipelines.store import Store
from pipelines.tables import Tables


def utc_now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a project lies, as the desk needs to know it.

    Attributes:
        home: Folder of the desk's own files.
        inbox: Where works are handed over.
        store: Pictures: a folder or any fsspec URL.
        tables: Tables: a folder or any fsspec URL.
        journal: Folder of the journal of approvals.
        links: Addresses of other pages (``Label Studio``, ``Dagster``) by name.
    """

    home: Path
    inbox: Path
    store: str
    tables: str
    journal: Path
    links: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What every page works with.

    Attributes:
        place: Where the project lies.
        limits: How much is taken, and for how long.
        fetch_limits: How far the desk asks other servers.
        now: The clock.
        hook_secret: What Label Studio's webhooks must carry; empty refuses them all.
        is_behind_https: Whether cookies may travel over HTTPS alone.
    """

    place: Place
    limits: Limits = field(default_factory=Limits)
    fetch_limits: FetchLimits = field(default_factory=FetchLimits)
    now: Callable[[], datetime] = utc_now
    hook_secret: str = field(default="", repr=False)
    is_behind_https: bool = False

    @cached_property
    def database(self) -> Database:
        """The desk's own memory."""
        return Database(self.place.home / "desk.sqlite")

    @cached_property
    def users(self) -> Users:
        """Who may come."""
        return Users(self.database, self.limits)

    @cached_property
    def sessions(self) -> Sessions:
        """Who is here."""
        return Sessions(self.database, self.users, self.limits, self.place.home / "key")

    @cached_property
    def audit(self) -> Audit:
        """Who did what."""
        return Audit(self.place.home / "audit.jsonl")

    @cached_property
    def deliveries(self) -> Deliveries:
        """What travels together."""
        return Deliveries(self.database)

    @cached_property
    def uploads(self) -> Uploads:
        """Files on their way."""
        return Uploads(self.database, self.place.home / "uploads", self.limits)

    @cached_property
    def handover(self) -> Handover:
        """From uploads to the inbox."""
        return Handover(self.uploads, self.deliveries, self.tables, self.place.inbox, self.limits)

    @cached_property
    def proposals(self) -> Proposals:
        """Manifests that wait for a description."""
        return Proposals(self.database)

    @cached_property
    def courier(self) -> Courier:
        """Fetches what is announced."""
        return Courier(self.uploads, self.handover, self.users, self.fetch_limits)

    @cached_property
    def partitions(self) -> Partitions:
        """Tables, each partition read once as long as it is the same."""
        return Partitions(self.tables)

    @cached_property
    def approvals(self) -> Approvals:
        """Where every column stands with people."""
        return Approvals(Journal(self.place.journal))

    @cached_property
    def hints(self) -> Hints:
        """That Label Studio may have changed."""
        return Hints(self.place.journal)

    @cached_property
    def thumbnails(self) -> Thumbnails:
        """Scaled pages and columns."""
        return Thumbnails(self.place.home / "thumbnails", self.store)

    def works(self) -> list[Progress]:
        """What became of every work."""
        return works(self.partitions, self.place.inbox)

    @cached_property
    def sentences(self) -> Sentences:
        """The desk in Chinese and English."""
        return Sentences.load()

    @cached_property
    def store(self) -> Store:
        """Pixels."""
        return Store(self.place.store)

    @cached_property
    def tables(self) -> Tables:
        """Rows."""
        return Tables(self.place.tables)
