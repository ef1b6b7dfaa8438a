"""Where pixels live: a content-addressed store on any fsspec URL.

A picture is put once under the hash of its bytes and never rewritten; putting it again is a
look-up. The default is a folder; ``s3://bucket/prefix`` or ``memory://name`` work the same.

Keeps out: what the bytes mean (``pipelines.imaging.codec``) and rows (``pipelines.tables``).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import fsspec

from pipelines.errors import StoreError


def content_key(data: bytes, suffix: str) -> str:
    """The key under which these bytes are stored: sha256 in hex, then the suffix with its dot."""
    return hashlib.sha256(data).hexdigest() + suffix


class Store:
    """Bytes by the hash of their content.

    Args:
        url: A folder or any fsspec URL. It is made when the first picture arrives.
    """

    def __init__(self, url: str | Path) -> None:
        self.filesystem, self.root = fsspec.core.url_to_fs(str(url))

    def path_of(self, key: str) -> str:
        """Where a key lies inside the filesystem, fanned out over 256 folders."""
        return f"{self.root}/{key[:2]}/{key}"

    def has(self, key: str) -> bool:
        """Whether the store holds the key."""
        return bool(self.filesystem.exists(self.path_of(key)))

    def put(self, data: bytes, suffix: str) -> str:
        """Store bytes and return their key. Whole or not at all; twice is once."""
        key = content_key(data, suffix)
        path = self.path_of(key)
        if self.filesystem.exists(path):
            return key
        if "file" in self.filesystem.protocol:
            write_whole(Path(path), data)
        else:
            self.filesystem.pipe_file(path, data)
        return key

    def get(self, key: str) -> bytes:
        """The bytes of a key.

        Raises:
            StoreError: If the key is missing, or the bytes no longer have the key's hash.
        """
        try:
            data = self.filesystem.cat_file(self.path_of(key))
        except FileNotFoundError:
            raise StoreError(
                f"The store {self.root} has no {key}; a table names it. Materialize the stage "
                f"that wrote the table again, or point BEITIE_STORE to the store it was made with."
            ) from None
        if hashlib.sha256(data).hexdigest() != key.split(".")[0]:
            raise StoreError(
                f"{self.path_of(key)} no longer has the content its name says. Delete it and "
                f"materialize the stage that wrote it again."
            )
        return bytes(data)


def write_whole(path: Path, data: bytes) -> None:
    """Write a local file whole or not at all; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".partial")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
