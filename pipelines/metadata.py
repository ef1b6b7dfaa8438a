"""What somebody tells of a work: a sidecar file beside the scans, or flags.

    work.toml (for a folder and all below it)        title        = "禮器碑"
    img-12.jp2.toml (for one file)                   calligrapher = "unknown"
                                                     script       = "clerical"
                                                     rights       = "public domain"
                                                     source       = "..."

The nearest file wins whole: ``<file>.toml``, then ``work.toml`` in the file's folder, then in
the folders above. Flags override single keys. An unknown key is an error, because a misspelt
``rights`` that is silently dropped is worse than none.

Keeps out: the files that are described (``pipelines.scans``).
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from pipelines.errors import MetadataError
from pipelines.ids import derive_id
from pipelines.records import Script, Work

FOLDER_SIDECAR = "work.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkMetadata:
    """The description of a work as people give it.

    Attributes:
        title: Name of the work. Required.
        rights: Under what terms the scan may be used. Required; "unknown" is an answer.
        calligrapher: Who wrote it.
        script: Which of the five scripts it is in.
        source: Where the scan comes from, with the credit that its terms ask for.
        is_synthetic: Whether a machine made it; never counted as material.
    """

    title: str
    rights: str
    calligrapher: str = "unknown"
    script: Script = Script.UNKNOWN
    source: str = ""
    is_synthetic: bool = False

    def work(self) -> Work:
        """The record, with its derived id."""
        return Work(
            work_id=work_id_of(self.title, self.calligrapher),
            title=self.title,
            calligrapher=self.calligrapher,
            script=self.script,
            rights=self.rights,
            source=self.source,
            is_synthetic=self.is_synthetic,
        )


KNOWN_KEYS = tuple(field.name for field in fields(WorkMetadata))


def work_id_of(title: str, calligrapher: str) -> str:
    """The id of a work: the same for spellings that differ only in width, case or blanks.

    The calligrapher is part of it because masters copied one another: a Lanting Preface by Chu
    Suiliang is not the one by Feng Chengsu.
    """
    return derive_id("work", _folded(title), _folded(calligrapher))


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def read_metadata(file: Path, overrides: Mapping[str, object] | None = None) -> WorkMetadata:
    """The description that holds for a file.

    Args:
        file: A scan; it need not exist.
        overrides: Flags by key; those that are None were not given.

    Raises:
        MetadataError: ``no_metadata`` if nothing describes the file, or as
            :func:`parse_metadata` does.
    """
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    sidecar = find_sidecar(file)
    if sidecar is None and not given:
        raise MetadataError(
            f"Nothing says what work {file} belongs to. Write {file.name}.toml or "
            f"{FOLDER_SIDECAR} beside it with at least title and rights, or give them as flags.",
            reason="no_metadata",
        )
    values: dict[str, object] = {}
    where = f"the flags for {file}"
    if sidecar is not None:
        where = str(sidecar) if not given else f"{sidecar} with the flags"
        values = _load(sidecar)
    return parse_metadata({**values, **given}, where)


def find_sidecar(file: Path) -> Path | None:
    """The nearest sidecar of a file, or None."""
    own = file.with_name(file.name + ".toml")
    if own.is_file():
        return own
    for folder in file.absolute().parents:
        shared = folder / FOLDER_SIDECAR
        if shared.is_file():
            return shared
    return None


def _load(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MetadataError(
            f'{path} is no TOML in UTF-8: {error}. Write it as key = "value" lines with the '
            f"keys {', '.join(KNOWN_KEYS)}.",
            reason="invalid_metadata",
        ) from None


def parse_metadata(values: Mapping[str, object], where: str) -> WorkMetadata:
    """A description from keys and values.

    Args:
        values: As in the sidecar file.
        where: Named in messages.

    Raises:
        MetadataError: With ``reason`` unknown_key, missing_key, unknown_script or
            invalid_metadata (a value of the wrong kind).
    """
    unknown = sorted(set(values) - set(KNOWN_KEYS))
    if unknown:
        raise MetadataError(
            f"{where} has unknown keys: {', '.join(unknown)}. Known are "
            f"{', '.join(KNOWN_KEYS)}. Correct the spelling or take them out.",
            reason="unknown_key",
        )
    text: dict[str, str] = {}
    for key in ("title", "rights", "calligrapher", "source"):
        value = values.get(key, "")
        if not isinstance(value, str):
            raise MetadataError(
                f"{where} gives {key} = {value!r}, which is no text. Put it in quotes.",
                reason="invalid_metadata",
            )
        text[key] = unicodedata.normalize("NFC", value).strip()
    missing = [key for key in ("title", "rights") if not text[key]]
    if missing:
        raise MetadataError(
            f"{where} lacks {' and '.join(missing)}. Known keys are {', '.join(KNOWN_KEYS)}; "
            f'title and rights are required, rights may be "unknown".',
            reason="missing_key",
        )
    is_synthetic = values.get("is_synthetic", False)
    if not isinstance(is_synthetic, bool):
        raise MetadataError(
            f"{where} gives is_synthetic = {is_synthetic!r}; true or false is expected.",
            reason="invalid_metadata",
        )
    return WorkMetadata(
        title=text["title"],
        rights=text["rights"],
        calligrapher=text["calligrapher"] or "unknown",
        script=_script(values.get("script", Script.UNKNOWN), where),
        source=text["source"],
        is_synthetic=is_synthetic,
    )


def _script(value: object, where: str) -> Script:
    try:
        return Script(str(value))
    except ValueError:
        raise MetadataError(
            f"{where} gives script = {value!r}. Known are {', '.join(s.value for s in Script)}.",
            reason="unknown_script",
        ) from None
