"""Names of files as browsers send them: which of them may become a file of ours.

A name is never cleaned up silently: what could lead out of its folder, hide, or be taken for a
description is refused with a reason. Only the last part names the file; the folder before it tells
files of one name apart.

Keeps out: what is inside the file (``annotation.desk.uploads``).
"""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from pipelines.errors import MaterialError
from pipelines.imaging import containers

_TAKEN = frozenset(suffix for names in containers.SUFFIXES.values() for suffix in names)
_MAX_NAME_BYTES = 180  # leaves room for what is put before and after it on any disk
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"com{i}" for i in range(1, 10))})


class NameRefused(MaterialError):
    """A name that no file of ours may have."""


def checked(path: str, max_characters: int) -> PurePosixPath:
    """The path of an upload, relative and with a picture's suffix, in composed Unicode.

    Raises:
        NameRefused: With ``reason`` bad_name, hidden_file, sidecar_file or unknown_suffix.
    """
    shown = path[:80].encode("unicode_escape").decode("ascii")
    if not path or len(path) > max_characters:
        raise NameRefused(
            f"The name {shown!r} has {len(path)} characters; from 1 to {max_characters} are taken. "
            f"Shorten it.",
            reason="bad_name",
        )
    composed = unicodedata.normalize("NFC", path)
    parts = composed.split("/")
    if any(_is_bad(part) for part in parts):
        raise NameRefused(
            f"The name {shown!r} leads elsewhere or holds characters that no file name may have. "
            f"Rename the file.",
            reason="bad_name",
        )
    if any(part.startswith(".") for part in parts) or parts[-1].lower() in {
        "thumbs.db",
        "desktop.ini",
    }:
        raise NameRefused(f"{shown!r} is a hidden file of the system.", reason="hidden_file")
    result = PurePosixPath(composed)
    suffix = result.suffix.lower()
    if suffix == ".toml":
        raise NameRefused(
            f"{shown!r} is a description; the desk asks for it in its form.", reason="sidecar_file"
        )
    if suffix not in _TAKEN:
        raise NameRefused(
            f"{shown!r} ends in {suffix or 'no suffix'}, which is no picture's. Taken are "
            f"{', '.join(sorted(_TAKEN))}.",
            reason="unknown_suffix",
        )
    return result


def _is_bad(part: str) -> bool:
    """Whether a part of a path is none, climbs, or has signs that mislead people or programs."""
    if part in {"", ".", ".."} or part != part.strip() or part.endswith("."):
        return True
    if len(part.encode("utf-8", "surrogatepass")) > _MAX_NAME_BYTES:
        return True
    if part.split(".")[0].lower() in _RESERVED:
        return True
    # Cc, Cf (bidirectional overrides, zero width), Cs, Co, Cn, and line separators
    return any(
        sign in '\\:*?"<>|' or unicodedata.category(sign)[0] == "C" or sign in "\u2028\u2029"
        for sign in part
    )
