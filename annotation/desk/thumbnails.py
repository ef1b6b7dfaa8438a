"""Pictures of pages for browsers: scaled, always JPEG, never a byte of the file that came.

Keeps out: which page somebody may see (``annotation.desk.work_pages``).
"""

from __future__ import annotations

import os
import secrets
import threading
from pathlib import Path

from pipelines.imaging.codec import decode_picture, encode_jpeg
from pipelines.records import Page
from pipelines.store import Store

QUALITY = 80


class Thumbnails:
    """Scaled pages, each made once and kept in a folder; one is made at a time."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store = folder, store
        self._turn = threading.Lock()

    def of_page(self, page: Page, max_side_px: int) -> bytes:
        """The page as JPEG, its longest side at most so long."""
        file = self.folder / page.page_id[:2] / f"{page.page_id}-{max_side_px}.jpg"
        with self._turn:
            if file.exists():
                return file.read_bytes()
            picture = decode_picture(self.store.get(page.image_key))
            data = encode_jpeg(picture, quality=QUALITY, max_side_px=max_side_px)
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial = file.with_name(f".{file.name}-{secrets.token_hex(4)}")
            partial.write_bytes(data)
            os.replace(partial, file)
            return data
