"""The wording of style prompts as data: templates, scripts and hands, which users bring.

Holds: ``load_wording``. A checkpoint understands the words that it was trained with, so that
somebody with other weights brings other files: in the shape of ``prompts.toml`` and
``calligraphers.toml``, replacing the bundled words, or adding to them with
``extends_bundled = true``. Whatever is missing, unknown or malformed is an error that names the
file and the key.

Keeps out: putting a prompt together, and pinyin (``pipelines.prompts``).
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import MetadataError
from pipelines.records import Polarity, Script
from pipelines.scripts import canonical

WORDING = Path(__file__).with_name("prompts.toml")
CALLIGRAPHERS = Path(__file__).with_name("calligraphers.toml")

PARTS = ("source", "background", "calligrapher", "script")

_EXTENDS = "extends_bundled"
_KEYS: Mapping[str, frozenset[str]] = {
    "source": frozenset({"real", "synthetic"}),
    "background": frozenset(polarity.value for polarity in Polarity),
    "calligrapher": frozenset({"described", "named", "nameless", "font", "unknown"}),
    "script": frozenset(script.value for script in Script),
}
_PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "described": frozenset({"name", "description"}),
    "nameless": frozenset({"name", "description"}),
    "named": frozenset({"name"}),
    "font": frozenset({"name"}),
}
"""What may stand in braces, by key; nothing in any other key."""
_UNKNOWN_NAMES = "unknown_names"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calligrapher:
    """What is said of one hand: the name, in pinyin or still to be, and a neutral line.

    ``is_person`` is false for the unnamed many: epitaphs, cliff inscriptions, bamboo slips.
    """

    name: str
    description: str
    is_person: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How prompts are worded; ``calligraphers`` by folded name."""

    template: str
    synthetic_template: str
    source: Mapping[str, str]
    background: Mapping[str, str]
    calligrapher: Mapping[str, str]
    script: Mapping[str, str]
    unknown_names: frozenset[str]
    calligraphers: Mapping[str, Calligrapher]


def load_wording(wording: Path | None = None, calligraphers: Path | None = None) -> Wording:
    """Wording from files in the shape of ``prompts.toml`` and ``calligraphers.toml``.

    Args:
        wording: Other templates, or None for the bundled ones.
        calligraphers: Other hands, or None for the bundled ones.

    Raises:
        MetadataError: If a file cannot be read, or a key is missing, unknown or malformed.
    """
    path = wording or WORDING
    plain = _loaded(path)
    if plain.pop(_EXTENDS, False):
        plain = _laid_over(_loaded(WORDING), plain)
    template = _template(path, plain, "template")
    # Who wrote a font is often in the words for the source already: a part may stay out here.
    synthetic = _template(path, plain, "synthetic_template", may_omit=True)
    if unknown := set(plain) - {*PARTS, "template", "synthetic_template"}:
        raise malformed(path, f"unknown tables {', '.join(sorted(unknown))}")
    tables = {part: _table(path, plain, part) for part in PARTS}
    names = plain["calligrapher"].get(_UNKNOWN_NAMES)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise malformed(path, f"[calligrapher] {_UNKNOWN_NAMES} is {names!r}, expected a list")
    return Wording(
        template=template,
        synthetic_template=synthetic or template,
        source=tables["source"],
        background=tables["background"],
        calligrapher=tables["calligrapher"],
        script=tables["script"],
        unknown_names=frozenset(folded(name) for name in names),
        calligraphers=_hands(calligraphers or CALLIGRAPHERS),
    )


def wording_in(folder: Path) -> Wording:
    """The bundled wording, changed by ``prompts.toml`` and ``calligraphers.toml`` in a folder.

    Raises:
        MetadataError: If one of them is there and cannot be used.
    """
    words, hands = folder / WORDING.name, folder / CALLIGRAPHERS.name
    return load_wording(words if words.is_file() else None, hands if hands.is_file() else None)


def folded(name: str) -> str:
    """A name for comparison: variants, case and blanks do not count."""
    return "".join(canonical(character) for character in name.casefold() if not character.isspace())


def malformed(path: Path, what: str) -> MetadataError:
    """The error that says what is wrong with a file of words, and where to look."""
    return MetadataError(
        f"The wording of prompts in {path} cannot be used: {what}. See {WORDING.name} and "
        f"{CALLIGRAPHERS.name} beside the code for the expected shape.",
        reason="wording_malformed",
    )


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        is_table = isinstance(value, dict) and isinstance(below.get(key), dict)
        result[key] = {**below[key], **value} if is_table else value
    return result


def _template(path: Path, plain: dict[str, Any], key: str, *, may_omit: bool = False) -> str:
    template = plain.get(key, "" if may_omit else None)
    fields = sorted(_fields(path, key, template)) if isinstance(template, str) else [""]
    is_complete = fields == sorted(PARTS) or (
        may_omit and set(fields) <= set(PARTS) and len(fields) == len(set(fields))
    )
    if not isinstance(template, str) or not is_complete:
        need = "may hold each of" if may_omit else "must hold each of"
        raise malformed(
            path, f"the {key} {template!r} {need} {', '.join(PARTS)} once, and nothing else"
        )
    return template


def _table(path: Path, plain: dict[str, Any], part: str) -> dict[str, str]:
    table = plain.get(part, {})
    if not isinstance(table, dict):
        raise malformed(path, f"{part} is {table!r}, expected a table [{part}]")
    words = {key: value for key, value in table.items() if key != _UNKNOWN_NAMES}
    has_stray = part != "calligrapher" and _UNKNOWN_NAMES in table
    if set(words) != _KEYS[part] or has_stray:
        raise malformed(
            path,
            f"[{part}] has the keys {', '.join(sorted(table)) or 'none'}, expected "
            f"{', '.join(sorted(_KEYS[part]))}",
        )
    for key, value in words.items():
        if not isinstance(value, str):
            raise malformed(path, f"[{part}] {key} is {value!r}, expected text")
        allowed = _PLACEHOLDERS.get(key, frozenset()) if part == "calligrapher" else frozenset()
        strange = set(_fields(path, f"[{part}] {key}", value)) - allowed
        if strange:
            raise malformed(
                path,
                f"[{part}] {key} asks for {', '.join(sorted(f'{{{s}}}' for s in strange))}; it may "
                f"hold {', '.join(sorted(f'{{{a}}}' for a in allowed)) or 'no placeholder'}",
            )
    return words


def _fields(path: Path, key: str, text: str) -> list[str]:
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError as error:
        raise malformed(path, f"{key} {text!r} has a stray brace: {error}") from error
    return [
        name + (f"!{convert}" if convert else "") + (f":{form}" if form else "")
        for _, name, form, convert in parsed
        if name is not None
    ]


def _hands(path: Path) -> dict[str, Calligrapher]:
    plain = _loaded(path)
    is_extension = plain.pop(_EXTENDS, False)
    if unknown := set(plain) - {"calligraphers"}:
        raise malformed(path, f"unknown tables {', '.join(sorted(unknown))}")
    by_name = _hands(CALLIGRAPHERS) if is_extension and path != CALLIGRAPHERS else {}
    own: dict[str, str] = {}
    for entry in plain.get("calligraphers", []):
        known = _hand(path, entry)
        for name in entry["names"]:
            key = folded(name)
            if key in own:
                raise malformed(path, f"{name!r} stands twice, first as {own[key]!r}")
            own[key] = name
            by_name[key] = known
    return by_name


def _hand(path: Path, entry: Any) -> Calligrapher:
    names = entry.get("names") if isinstance(entry, dict) else None
    is_shaped = (
        isinstance(names, list)
        and bool(names)
        and all(isinstance(name, str) and name.strip() for name in names)
        and isinstance(entry.get("description"), str)
        and isinstance(entry.get("pinyin", ""), str)
        and isinstance(entry.get("is_person", True), bool)
        and not set(entry) - {"names", "pinyin", "description", "is_person"}
    )
    if not is_shaped:
        raise malformed(
            path,
            f"the entry {entry!r} needs names and description, and may have pinyin and is_person",
        )
    return Calligrapher(
        name=entry.get("pinyin") or entry["names"][0],
        description=entry["description"],
        is_person=entry.get("is_person", True),
    )


def _loaded(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise malformed(path, f"it cannot be read: {error}") from error
