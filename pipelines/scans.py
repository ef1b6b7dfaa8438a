"""原件: from files on disk to Scan records, the original bytes kept.

Holds: finding the pictures among what somebody points at, and taking each of them into the
store once, under the hash of its bytes.

Keeps out: what the sidecar files say (``pipelines.metadata``), the pages inside a scan
(``pipelines.pages``).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pipelines.errors import MaterialError
from pipelines.imaging import containers
from pipelines.imaging.codec import CodecParams, probe
from pipelines.metadata import WorkMetadata, read_metadata
from pipelines.records import Rejection, Scan
from pipelines.store import Store

STAGE = "scans"

_TAKEN = frozenset(suffix for names in containers.SUFFIXES.values() for suffix in names)
_DEFAULT = CodecParams()


def find_inputs(paths: Iterable[Path | str]) -> Iterator[Path | Rejection]:
    """The files to take, folders searched to the bottom.

    Inside a folder, files come in the order a person would number them (img-4 before img-12);
    hidden files and sidecars (``*.toml``) are left out, and a suffix that is no picture's is
    rejected by name. A file that is named itself is always tried, whatever its suffix.

    Yields:
        A path, or a rejection (``missing``, ``unknown_suffix``, ``empty_folder``). A file that
        is reached twice comes once.
    """
    seen: set[Path] = set()
    for given in paths:
        path = Path(given)
        if path.is_dir():
            found: list[Path | Rejection] = list(_in_folder(path))
            if not found:
                found = [_reject(path, "empty_folder", f"{path} holds no file to take.")]
        elif path.is_file():
            found = [path]
        else:
            found = [
                _reject(
                    path,
                    "missing",
                    f"{path} is neither a file nor a folder. Check how it is written.",
                )
            ]
        for item in found:
            if isinstance(item, Path):
                real = item.resolve()
                if real in seen:
                    continue
                seen.add(real)
            yield item


def _in_folder(folder: Path) -> Iterator[Path | Rejection]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted((f for f in folders if not f.startswith(".")), key=_natural)
        for name in sorted(names, key=_natural):
            path = Path(parent, name)
            suffix = path.suffix.lower()
            if name.startswith(".") or suffix == ".toml" or not path.is_file():
                continue
            if suffix in _TAKEN:
                yield path
            else:
                yield _reject(
                    path,
                    "unknown_suffix",
                    f"{path} ends in {suffix or 'no suffix'}, which is no picture's. Name the "
                    f"file itself to have it tried by its content, or move it away.",
                )


def _natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Runs of digits compare as numbers, and come before letters."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple((False, int(p), p) if p[0] in "0123456789" else (True, 0, p) for p in parts)


def ingest(
    files: Iterable[Path | Rejection],
    metadata: WorkMetadata | Mapping[str, object] | None,
    store: Store,
    code_version: str,
    *,
    known_scans: Iterable[Scan] = (),
    params: CodecParams = _DEFAULT,
) -> Iterator[Scan | Rejection]:
    """Take files in: check, describe and store each, once.

    Args:
        files: Paths, as :func:`find_inputs` gives them; its rejections are passed on, so that
            what goes in equals what comes out.
        metadata: What is known of the work. A :class:`WorkMetadata` holds for every file; a
            mapping overrides single keys of the sidecars; None leaves it to the sidecars.
        store: Where the original bytes go, unchanged.
        code_version: Written into each record.
        known_scans: Scans of other batches; the same bytes are not taken again.
        params: Limits of what is decoded.

    Yields:
        For every file one Scan, or one Rejection whose reason is that of the error, or
        ``duplicate`` (these bytes are there already), ``other_work`` (there, under another
        work) or ``unreadable_file``. Nothing raises for one bad file.
    """
    known: dict[str, tuple[Scan, str]] = {
        scan.scan_id: (scan, f"{scan.file_name} of an earlier batch") for scan in known_scans
    }
    for item in files:
        if isinstance(item, Rejection):
            yield item
            continue
        try:
            result = _take(item, metadata, store, code_version, known, params)
        except MaterialError as error:
            result = _reject(item, error.reason, str(error))
        except OSError as error:
            result = _reject(
                item,
                "unreadable_file",
                f"{item} cannot be read: {error.strerror or error}. Check its permissions.",
            )
        if isinstance(result, Scan):
            known[result.scan_id] = (result, str(item))
        yield result


def scan_id_of(data: bytes) -> str:
    """The id of a scan: the first 16 hex digits of the sha256 of its bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def _take(
    path: Path,
    metadata: WorkMetadata | Mapping[str, object] | None,
    store: Store,
    code_version: str,
    known: Mapping[str, tuple[Scan, str]],
    params: CodecParams,
) -> Scan | Rejection:
    if isinstance(metadata, WorkMetadata):
        described = metadata
    else:
        described = read_metadata(path, metadata or {})
    work = described.work()
    size = path.stat().st_size
    if size > params.max_bytes:
        return _reject(
            path,
            "too_many_bytes",
            f"{path} has {size} bytes, more than the {params.max_bytes} that are taken. Split "
            f"it, or raise max_bytes.",
        )
    data = path.read_bytes()
    scan_id = scan_id_of(data)
    if data and scan_id in known:
        first, where = known[scan_id]
        if first.work.work_id != work.work_id:
            return _reject(
                path,
                "other_work",
                f"{path} is byte for byte {where}, which is the work "
                f"{first.work.title!r}; here it is called {work.title!r}. A scan belongs to one "
                f"work: correct the title of one of them.",
            )
        return _reject(
            path, "duplicate", f"{path} is byte for byte {where}. It is taken once, there."
        )
    found = probe(data, path.name, params)
    return Scan(
        scan_id=scan_id,
        work=work,
        file_name=path.name,
        media_type=found.media_type,
        byte_count=len(data),
        page_count=found.page_count,
        scan_key=store.put(data, containers.suffix_of(found.media_type)),
        code_version=code_version,
    )


def _reject(path: Path, reason: str, detail: str) -> Rejection:
    return Rejection(item_id=str(path), stage=STAGE, reason=reason, detail=detail)
