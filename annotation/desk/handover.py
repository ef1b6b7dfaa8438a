"""From an upload that is all here to a file in the inbox: looked at, compared, handed over once.

Holds: the look inside (is it a picture that can be taken, without decoding it), duplicates by
content, copies by likeness, and the hand-over as ``beitie add`` does it. Each step can be repeated:
a desk that was killed between any two of them goes on where it was.

Keeps out: receiving the bytes (``annotation.desk.uploads``), the inbox (``pipelines.inbox``).
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from pathlib import Path

from annotation.desk.deliveries import Deliveries, Delivery
from annotation.desk.limits import Limits
from annotation.desk.uploads import State, Upload, UploadRefused, Uploads
from pipelines.errors import MaterialError, UnreadableImage
from pipelines.imaging.codec import Document, open_document
from pipelines.imaging.likeness import MAX_DISTANCE, distance, likeness
from pipelines.inbox import add
from pipelines.records import Scan
from pipelines.scans import scan_id_of
from pipelines.tables import Tables


class Handover:
    """Hands uploads over, one at a time: a large scan needs the memory of its pixels."""

    def __init__(
        self, uploads: Uploads, deliveries: Deliveries, tables: Tables, inbox: Path, limits: Limits
    ) -> None:
        self.uploads, self.deliveries, self.tables = uploads, deliveries, tables
        self.inbox, self.limits = inbox, limits
        self._turn = threading.Lock()
        self._known: dict[tuple[str, str], dict[str, str]] = {}

    def finish(self, upload_id: str, *, digest: str = "") -> Upload:
        """Hand over an upload that is all here; finishing again tells what became of it.

        Args:
            upload_id: The upload.
            digest: sha256 of the file in hex if the sender knows it.

        Raises:
            UploadRefused: If something is still missing.
        """
        with self._turn, self.uploads.locked(upload_id):
            upload = self.uploads.require(upload_id)
            if upload.state is State.RECEIVING:
                if upload.received != upload.size:
                    raise UploadRefused(
                        f"Of {upload.path} {upload.received} of {upload.size} bytes are here.",
                        reason="incomplete",
                    )
                upload = self._look(upload, digest)
            if upload.state is State.HANDING:
                upload = self._hand_over(upload)
            if upload.state in {State.TAKEN, State.DUPLICATE, State.REFUSED}:
                self.uploads.forget_file(upload)
            return upload

    def finish_all(self) -> list[Upload]:
        """What was left undone when the desk ended."""
        return [self.finish(upload.upload_id) for upload in self.uploads.unfinished()]

    def _look(self, upload: Upload, digest: str) -> Upload:
        """Refuse it, call it a duplicate, or let it on its way."""
        data = self.uploads.file_of(upload).read_bytes()
        if digest and hashlib.sha256(data).hexdigest() != digest:
            return self._refuse(
                upload, "hash_mismatch", f"{upload.path} arrived with other bytes than were sent."
            )
        try:
            with open_document(data, Path(upload.path).name, self.limits.codec) as document:
                hashed = _likeness_of_first_page(document)
        except UnreadableImage as error:
            return self._refuse(upload, error.reason, str(error))
        scan_id = scan_id_of(data)
        known = self._where(scan_id)
        if known:
            return self._duplicate(upload, scan_id, known)
        values = {"likeness": hashed, "alike": self._alike(hashed), "scan_id": scan_id}
        try:
            return self.uploads.change(upload.upload_id, state=State.HANDING.value, **values)
        except sqlite3.IntegrityError:
            first = next(
                one.path
                for one in [*self.uploads.unfinished(), *self.uploads.taken()]
                if one.scan_id == scan_id
            )
            return self._duplicate(upload, scan_id, first)

    def _hand_over(self, upload: Upload) -> Upload:
        delivery = self._delivery_of(upload)
        file = self.uploads.file_of(upload)
        try:
            add(self.inbox, delivery.batch, [file], delivery.metadata, is_handed_over=True)
        except MaterialError as error:
            return self._refuse(upload, error.reason, str(error))
        return self.uploads.change(upload.upload_id, state=State.TAKEN.value)

    def _delivery_of(self, upload: Upload) -> Delivery:
        delivery = self.deliveries.find(upload.delivery_id, upload.owner)
        assert delivery is not None, "the database keeps every upload's delivery"
        return delivery

    def _refuse(self, upload: Upload, reason: str, detail: str) -> Upload:
        values = {"state": State.REFUSED.value, "reason": reason, "detail": detail, "scan_id": ""}
        return self.uploads.change(upload.upload_id, **values)

    def _duplicate(self, upload: Upload, scan_id: str, where: str) -> Upload:
        return self.uploads.change(
            upload.upload_id,
            state=State.DUPLICATE.value,
            scan_id=scan_id,
            reason="duplicate",
            detail=f"{upload.path} is byte for byte {where}. It is taken once, there.",
        )

    def _where(self, scan_id: str) -> str:
        """The file and batch of a scan that was taken in before; empty if there is none."""
        for batch in self.tables.batches("scans"):
            manifest = self.tables.manifest("scans", batch)
            if manifest is None:
                continue
            key = (batch, manifest.rows_file)
            if key not in self._known:
                scans = self.tables.read("scans", batch, Scan)
                self._known[key] = {scan.scan_id: scan.file_name for scan in scans}
            if scan_id in self._known[key]:
                return f"{self._known[key][scan_id]} of batch {batch}"
        return ""

    def _alike(self, hashed: str) -> str:
        """The path of the upload that looks most like this one, if one is near; else empty."""
        if not hashed:
            return ""
        near = [
            (distance(hashed, one.likeness), one.path)
            for one in self.uploads.taken()
            if one.likeness
        ]
        closest = min(near, default=(MAX_DISTANCE + 1, ""))
        return closest[1] if closest[0] <= MAX_DISTANCE else ""


def _likeness_of_first_page(document: Document) -> str:
    """The hash of a single picture; empty for a book, whose first page says little of it.

    Raises:
        UnreadableImage: If the picture cannot be decoded; in a book that is told page by page.
    """
    return likeness(document.decode(0)) if document.probe.page_count == 1 else ""
