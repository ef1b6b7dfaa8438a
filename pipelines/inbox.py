"""The inbox: one folder a batch, one folder a work in it, files as they came and a sidecar.

    inbox/<batch>/<work>/work.toml      what is known of the work
    inbox/<batch>/<work>/*.jp2 ...      the files

Holds: putting files there whole (``beitie add`` and the desk) and the signature of a batch's
folder, from which the inbox sensor sees that something came. Archivists may also copy folders
there by hand.

Keeps out: what a sidecar may say and which files are pictures (``pipelines.scans``).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path

from pipelines.errors import MaterialError, MetadataError
from pipelines.metadata import FOLDER_SIDECAR, WorkMetadata, read_metadata
from pipelines.records import Rejection
from pipelines.scans import find_inputs

MAX_DOWNLOAD_BYTES = 2 << 30
DOWNLOAD_TIMEOUT_S = 60

_BATCH = re.compile(r"[\w][\w.-]{0,79}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What ``add`` did: files that are new in the inbox, and files that lay there already."""

    folder: Path
    new: tuple[Path, ...]
    present: tuple[Path, ...]


def check_batch_name(batch: str) -> str:
    """The name itself, if it can be a folder and a partition.

    Raises:
        MetadataError: If it cannot.
    """
    if not _BATCH.fullmatch(batch):
        raise MetadataError(
            f"{batch!r} cannot name a batch: expected up to 80 letters, digits, dots, hyphens and "
            f"underscores, beginning with a letter or digit, as in 2024-11.",
            reason="bad_batch_name",
        )
    return batch


def add_described(
    inbox: Path, batch: str, sources: Sequence[str], flags: Mapping[str, str | None]
) -> tuple[list[Added], list[str]]:
    """Put files, folders and addresses into a batch; works are told apart by their description.

    Args:
        inbox: The inbox of the project.
        batch: The batch they join.
        sources: Paths and http(s) addresses.
        flags: Keys of a sidecar that hold for all of them; those that are None were not given.

    Returns:
        What was added, work by work, and one sentence for each source that was refused.

    Raises:
        MetadataError: If the batch cannot be named so.
    """
    check_batch_name(batch)
    refused: list[str] = []
    works: dict[WorkMetadata, list[Path]] = {}
    with tempfile.TemporaryDirectory(prefix="beitie-add-") as downloads:
        paths: list[Path] = []
        for index, source in enumerate(sources):
            if "://" not in source:
                paths.append(Path(source))
                continue
            folder = Path(downloads, str(index))
            folder.mkdir()
            try:
                paths.append(download(source, folder))
            except MaterialError as error:
                refused.append(str(error))
        for item in find_inputs(paths):
            if isinstance(item, Rejection):
                refused.append(item.detail)
                continue
            try:
                works.setdefault(read_metadata(item, flags), []).append(item)
            except MetadataError as error:
                refused.append(str(error))
        added = []
        for metadata, files in works.items():
            try:
                added.append(add(inbox, batch, files, metadata))
            except MaterialError as error:
                refused.append(str(error))
    return added, refused


def add(
    inbox: Path,
    batch: str,
    files: Sequence[Path],
    metadata: WorkMetadata,
    *,
    is_handed_over: bool = False,
) -> Added:
    """Put files of one work into a batch of the inbox; adding the same bytes again does nothing.

    Args:
        inbox: The inbox of the project.
        batch: The batch they join.
        files: Existing files; they stay where they are.
        metadata: What is known of the work.
        is_handed_over: Nobody writes to the files any more, so that a second name for the same
            bytes does instead of a copy, where the disk allows it.

    Raises:
        MetadataError: If the work is already there with another description.
        MaterialError: If another file of the same name is already there.
    """
    folder = work_folder(inbox, batch, metadata)
    folder.mkdir(parents=True, exist_ok=True)
    _describe(folder / FOLDER_SIDECAR, metadata)
    new, present = [], []
    for file in files:
        target = folder / file.name
        if target.exists() and _digest(target) != _digest(file):
            # Folders of one work often number their files alike.
            target = folder / f"{file.resolve().parent.name}-{file.name}"
        if target.exists():
            if _digest(target) != _digest(file):
                raise MaterialError(
                    f"{target} is already there with other bytes than {file}. Rename the file, or "
                    f"remove the one in the inbox if this replaces it.",
                    reason="name_taken",
                )
            present.append(target)
            continue
        _place_whole(file, target, by_link=is_handed_over)
        new.append(target)
    return Added(folder=folder, new=tuple(new), present=tuple(present))


def work_folder(inbox: Path, batch: str, metadata: WorkMetadata) -> Path:
    """Where the files of a work lie in a batch.

    Raises:
        MetadataError: If the batch cannot be named so.
    """
    return inbox / check_batch_name(batch) / _folder_name(metadata)


def check_description(inbox: Path, batch: str, metadata: WorkMetadata) -> None:
    """Say before any file comes that the batch has this work under another description.

    Raises:
        MetadataError: If it has, or the batch cannot be named so.
    """
    sidecar = work_folder(inbox, batch, metadata) / FOLDER_SIDECAR
    if sidecar.exists() and read_metadata(sidecar.with_name("scan")) != metadata:
        raise MetadataError(
            f"The work {metadata.title!r} is already in this batch with another description:\n"
            f"{sidecar.read_text(encoding='utf-8')}Give the same one, or edit {sidecar}.",
            reason="contradicts_sidecar",
        )


def download(url: str, folder: Path) -> Path:
    """Fetch one file over HTTP into ``folder`` and return its path.

    Raises:
        MaterialError: If the address is of another kind, does not answer, or sends too much.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise MaterialError(
            f"{url} is neither a file nor an http(s) address.", reason="bad_address"
        )
    name = Path(urllib.parse.unquote(parts.path)).name or "download"
    target = folder / name
    request = urllib.request.Request(url, headers={"User-Agent": "beitie"})
    try:
        with (
            closing(urllib.request.urlopen(request, timeout=DOWNLOAD_TIMEOUT_S)) as answer,
            target.open("wb") as file,
        ):
            size = 0
            while chunk := answer.read(1 << 20):
                size += len(chunk)
                if size > MAX_DOWNLOAD_BYTES:
                    raise MaterialError(
                        f"{url} sends more than {MAX_DOWNLOAD_BYTES >> 30} GiB; download it "
                        f"yourself and add the file.",
                        reason="too_large",
                    )
                file.write(chunk)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise MaterialError(
            f"{url} could not be fetched ({error}). Check the address, or download it yourself "
            f"and add the file.",
            reason="not_fetched",
        ) from error
    return target


def signature(folder: Path) -> str:
    """A fingerprint of names, sizes and times below a batch's folder; empty if it has no file."""
    digest, is_empty = hashlib.sha256(), True
    for path in sorted(folder.rglob("*")):
        if path.name.startswith(".") or not path.is_file():
            continue
        status = path.stat()
        line = f"{path.relative_to(folder).as_posix()}|{status.st_size}|{status.st_mtime_ns}\n"
        digest.update(line.encode())
        is_empty = False
    return "" if is_empty else digest.hexdigest()[:16]


def signatures(inbox: Path) -> dict[str, str]:
    """The signature of every batch in the inbox that has a file, by batch."""
    if not inbox.is_dir():
        return {}
    found = {
        folder.name: signature(folder)
        for folder in sorted(inbox.iterdir())
        if folder.is_dir() and _BATCH.fullmatch(folder.name)
    }
    return {batch: sign for batch, sign in found.items() if sign}


def _folder_name(metadata: WorkMetadata) -> str:
    name = re.sub(r"[^\w.-]+", "_", metadata.title).strip("._")[:60] or "work"
    return f"{name}-{metadata.work().work_id[:6]}"


def _describe(sidecar: Path, metadata: WorkMetadata) -> None:
    if sidecar.exists():
        check_description(sidecar.parents[2], sidecar.parents[1].name, metadata)
        return
    lines = []
    for field in fields(metadata):
        value = getattr(metadata, field.name)
        text = str(value).lower() if isinstance(value, bool) else _toml_string(str(value))
        lines.append(f"{field.name} = {text}")
    _write_whole(sidecar, ("\n".join(lines) + "\n").encode())


def _toml_string(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def _place_whole(source: Path, target: Path, *, by_link: bool) -> None:
    # A dot before the name keeps a half copied file out of the sensor's sight.
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        if not (by_link and _linked(source, partial)):
            shutil.copyfile(source, partial)
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        return False
    return True


def _write_whole(target: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
        file.write(data)
    os.replace(file.name, target)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
