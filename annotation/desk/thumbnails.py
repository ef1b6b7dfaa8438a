"""Pictures of pages and columns for browsers: scaled JPEG, never a byte of the file that came.

Keeps out: which page somebody may see (``annotation.desk.work_pages``).
"""

from __future__ import annotations

import os
import secrets
import threading
from pathlib import Path

from pipelines.imaging.codec import decode_picture, encode_jpeg
from pipelines.records import Column, Page
from pipelines.store import Store

QUALITY = 80


class Thumbnails:
    """Scaled pages and columns, each made once and kept in a folder; one is made at a time."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store = folder, store
        self._turn = threading.Lock()

    def of_page(self, page: Page, max_side_px: int) -> bytes:
        """The page as JPEG, its longest side at most so long."""
        return self._scaled(page.page_id, page.image_key, max_side_px)

    def of_column(self, column: Column, max_side_px: int) -> bytes:
        """The same of a column."""
        return self._scaled(column.column_id, column.image_key, max_side_px)

    def _scaled(self, name: str, image_key: str, max_side_px: int) -> bytes:
        file = self.folder / name[:2] / f"{name}-{max_side_px}.jpg"
        with self._turn:
            if file.exists():
                return file.read_bytes()
            picture = decode_picture(self.store.get(image_key))
            data = encode_jpeg(picture, quality=QUALITY, max_side_px=max_side_px)
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial = file.with_name(f".{file.name}-{secrets.token_hex(4)}")
            partial.write_bytes(data)
            os.replace(partial, file)
            return data
