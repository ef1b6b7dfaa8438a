"""The courier: fetches announced pictures one after another, beside the pages, through restarts.

Keeps out: which addresses may be asked (``annotation.desk.fetching``), and what becomes of a file
that is here (``annotation.desk.handover``).
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading

from annotation.desk.fetching import FetchLimits, FetchRefused, fetch
from annotation.desk.handover import Handover
from annotation.desk.uploads import State, Upload, Uploads
from annotation.desk.users import Users

LOOK_EVERY_S = 2.0

logger = logging.getLogger(__name__)


class Courier:
    """One thread that fetches what waits; it ends between two pictures."""

    def __init__(
        self, uploads: Uploads, handover: Handover, users: Users, limits: FetchLimits
    ) -> None:
        self.uploads, self.handover, self.users, self.limits = uploads, handover, users, limits
        self._is_over = threading.Event()
        self._is_wanted = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to fetch."""
        self._is_over.clear()
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)
        self._thread.start()

    def hurry(self) -> None:
        """Something new waits."""
        self._is_wanted.set()

    def stop(self) -> None:
        """Fetch nothing more; what is on its way is fetched again after the next start."""
        self._is_over.set()
        self._is_wanted.set()

    def _work(self) -> None:
        while not self._is_over.is_set():
            try:
                for upload in self.uploads.waiting():
                    if self._is_over.is_set():
                        return
                    self.bring(upload)
            except (OSError, sqlite3.Error):
                # A full disk or a locked file passes; what waits is in the database.
                logger.exception("the courier tries again")
            self._is_wanted.wait(LOOK_EVERY_S)
            self._is_wanted.clear()

    def bring(self, upload: Upload) -> Upload:
        """Fetch one picture and hand it over, or write down why not."""
        owner = self.users.find(upload.owner)
        left = 0 if owner is None else owner.quota_bytes - self.uploads.used_bytes(owner.name)
        file = self.uploads.file_of(upload)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            if left <= 0:
                raise FetchRefused(f"The quota of {upload.owner} is used up.", reason="over_quota")
            with file.open("wb") as target:
                fetch(
                    upload.url, target, min(left, self.uploads.limits.max_file_bytes), self.limits
                )
                target.flush()
                os.fsync(target.fileno())
        except FetchRefused as error:
            self.uploads.forget_file(upload)
            return self.uploads.change(
                upload.upload_id,
                state=State.REFUSED.value,
                reason=error.reason,
                detail=str(error),
            )
        size = file.stat().st_size
        self.uploads.change(upload.upload_id, state=State.RECEIVING.value, size=size, received=size)
        return self.handover.finish(upload.upload_id)
