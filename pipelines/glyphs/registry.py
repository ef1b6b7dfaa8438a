"""Which hands there are: the list of fonts, and what is known of each.

Holds: the ``Font`` record, reading of ``fonts.toml`` and of a list of the user's own beside it,
and the files that ``pipelines.glyphs.fetch`` put into the font folder.

Keeps out: fetching (``pipelines.glyphs.fetch``), outlines (``pipelines.glyphs.fonts``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pipelines.errors import FontError, MaterialError
from pipelines.packages import parse_source, read_lock
from pipelines.records import Script

CONTENT_FONT = "lxgw-wenkai-tc"
"""The standard font, in which readings are shown beside the ink."""

BUNDLED = Path(__file__).with_name("fonts.toml")
OWN_LIST = "fonts.toml"
"""A list of the user's own within the font folder."""
FONT_SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".woff", ".woff2"})


class GlyphForm(StrEnum):
    """Which characters a font has; text is turned into them before it is drawn."""

    TRADITIONAL = "traditional"
    SIMPLIFIED = "simplified"
    JAPANESE = "japanese"


class FontRole(StrEnum):
    """What a font is for."""

    CONTENT = "content"
    HAND = "hand"
    PRINT = "print"


@dataclass(frozen=True, slots=True, kw_only=True)
class Font:
    """One entry of the list.

    Attributes:
        font_id: Its key in the list, and its folder below the font folder.
        patterns: Which files inside the source belong to it.
        archive_sha256: Hash of the npm or Debian archive, empty if the list names none.
        base: Folder of the list; a relative ``local:`` source starts there.
        files: The fetched files in a fixed order; empty before they are fetched.
        sha256: Hash of each of ``files`` as locked when they were fetched.
    """

    font_id: str
    name: str
    script: Script
    form: GlyphForm
    role: FontRole
    licence: str
    source: str
    patterns: tuple[str, ...]
    archive_sha256: str
    by_default: bool
    base: Path
    files: tuple[Path, ...]
    sha256: tuple[str, ...]

    @property
    def is_fetched(self) -> bool:
        """Whether its files lie in the font folder."""
        return bool(self.files)


_REQUIRED = frozenset({"name", "script", "form", "role", "licence", "source", "files"})
_OPTIONAL = frozenset({"sha256", "by_default"})


def load_fonts(registry: Path | None, font_dir: Path) -> dict[str, Font]:
    """The fonts by id: the bundled list, then the user's, which may replace entries.

    Args:
        registry: A list of the user's own in the shape of ``fonts.toml``, or None: then the
            ``fonts.toml`` in the font folder, if there is one.
        font_dir: Where fetched fonts lie; a folder that does not exist holds none.

    Raises:
        FontError: If a list is missing or malformed; the message names entry and key.
    """
    fonts: dict[str, Font] = {}
    own = font_dir / OWN_LIST
    if registry is None and own.is_file():
        registry = own
    for path in (BUNDLED, registry):
        if path is not None:
            for font_id, entry in _entries(path).items():
                fonts[font_id] = _font(font_id, entry, path, font_dir)
    return fonts


def require_font(fonts: Mapping[str, Font], font_id: str, *, fetched: bool = True) -> Font:
    """One font by id.

    Raises:
        FontError: If no list has it, or (unless ``fetched`` is False) its files are not there.
    """
    font = fonts.get(font_id)
    if font is None:
        raise FontError(
            f"There is no font {font_id!r}. Known fonts: {', '.join(sorted(fonts))}. Choose one "
            f"of them, or add it to a list of your own.",
            reason="unknown_font",
        )
    if fetched and not font.is_fetched:
        raise FontError(
            f"The font {font_id!r} ({font.name}, {font.source}) is not fetched yet. Run "
            f"python -m pipelines.glyphs.fetch --into FONT_FOLDER {font_id}",
            reason="font_not_fetched",
        )
    return font


def _entries(path: Path) -> dict[str, Any]:
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FontError(
            f"The list of fonts {path} cannot be read ({error.strerror}). Give the path of a TOML "
            f"file in the shape of {BUNDLED}.",
            reason="registry_unreadable",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FontError(
            f"The list of fonts {path} is not TOML: {error}. Correct it there.",
            reason="registry_malformed",
        ) from error
    entries = plain.get("fonts")
    if not isinstance(entries, dict) or set(plain) != {"fonts"}:
        raise FontError(
            f"The list of fonts {path} has the tables {', '.join(plain) or 'none'}; expected "
            f"[fonts.ID] tables alone. See {BUNDLED}.",
            reason="registry_malformed",
        )
    return entries


def _font(font_id: str, entry: Any, path: Path, font_dir: Path) -> Font:
    def wrong(what: str) -> FontError:
        return FontError(
            f"[fonts.{font_id}] in {path}: {what}. See the head of {BUNDLED}.",
            reason="registry_malformed",
        )

    if not isinstance(entry, dict) or Path(font_id).name != font_id or font_id.startswith("."):
        raise wrong("an entry is a table, and its id a plain folder name")
    if unknown := sorted(set(entry) - _REQUIRED - _OPTIONAL):
        known = ", ".join(sorted(_REQUIRED | _OPTIONAL))
        raise wrong(f"unknown keys {', '.join(unknown)} (known keys: {known})")
    if missing := sorted(_REQUIRED - set(entry)):
        raise wrong(f"the keys {', '.join(missing)} are missing")
    patterns = entry["files"]
    if not isinstance(patterns, list) or not all(isinstance(p, str) for p in patterns):
        raise wrong("files is a list of patterns")
    try:
        parse_source(entry["source"])
        script, form = Script(entry["script"]), GlyphForm(entry["form"])
        role = FontRole(entry["role"])
    except (MaterialError, ValueError) as error:
        raise wrong(str(error).rstrip(".")) from error
    folder = font_dir / font_id
    lock = read_lock(folder)
    # A lock from another source is an old fetch: the font counts as not fetched.
    is_current = lock is not None and (lock.source, lock.patterns) == (
        entry["source"],
        tuple(patterns),
    )
    names = [
        name
        for name in (lock.files if lock is not None and is_current else {})
        if Path(name).suffix.lower() in FONT_SUFFIXES
    ]
    return Font(
        font_id=font_id,
        name=entry["name"],
        script=script,
        form=form,
        role=role,
        licence=entry["licence"],
        source=entry["source"],
        patterns=tuple(patterns),
        archive_sha256=entry.get("sha256", ""),
        by_default=bool(entry.get("by_default", False)),
        base=path.parent,
        files=tuple(folder / name for name in names),
        sha256=tuple(lock.files[name] for name in names) if lock is not None else (),
    )
