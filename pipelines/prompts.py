"""In what manner: the style prompt of a column, in four parts and in pinyin throughout.

Holds: ``style_prompt`` (paper, appendix C.3: where the picture comes from, its background, who
wrote, which script) and the wording behind it, ``prompts.toml`` and ``calligraphers.toml``,
which users replace. Chinese names appear in pinyin without tones, so that prompts share one
small vocabulary.

Keeps out: what is written (``pipelines.glyphs.content``) and tokens (``training``).
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pypinyin import lazy_pinyin

from pipelines.errors import MetadataError
from pipelines.records import Polarity, Script, Work
from pipelines.scripts import canonical, is_han

WORDING = Path(__file__).with_name("prompts.toml")
CALLIGRAPHERS = Path(__file__).with_name("calligraphers.toml")

_PARTS = ("source", "background", "calligrapher", "script")
_KEYS = {
    "source": {"real", "synthetic"},
    "background": {polarity.value for polarity in Polarity},
    "calligrapher": {"described", "named", "font", "unknown", "unknown_names"},
    "script": {script.value for script in Script},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calligrapher:
    """What is said of one hand: the name in pinyin and a neutral line."""

    pinyin: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How prompts are worded; ``calligraphers`` by folded name."""

    template: str
    source: Mapping[str, str]
    background: Mapping[str, str]
    calligrapher: Mapping[str, str]
    script: Mapping[str, str]
    unknown_names: frozenset[str]
    calligraphers: Mapping[str, Calligrapher]


def style_prompt(work: Work, polarity: Polarity, wording: Wording | None = None) -> str:
    """The style condition of a picture of the work: four parts, no Chinese character.

    Args:
        work: Its calligrapher (for a synthetic work the font) and script; the title says what is
            written and stays out.
        polarity: Of the original picture.
        wording: Other words than the bundled ones.
    """
    words = wording or _bundled()
    text = words.template.format(
        source=words.source["synthetic" if work.is_synthetic else "real"],
        background=words.background[polarity.value],
        calligrapher=_hand(work, words),
        script=words.script[work.script.value],
    )
    return to_pinyin(text)


def to_pinyin(text: str) -> str:
    """Text with every run of Han characters as pinyin, without tones, syllables apart.

    Characters that have no reading are left out.
    """
    pieces: list[str] = []
    run = ""
    for character in f"{text}\0":
        if is_han(character):
            run += character
            continue
        if run:
            syllables = " ".join(lazy_pinyin(run, errors="ignore"))
            # Pinyin is a word of its own beside Latin letters.
            before = " " if pieces and pieces[-1][-1:].isalnum() else ""
            pieces.append(before + syllables + (" " if character.isalnum() else ""))
            run = ""
        pieces.append(character)
    return "".join(pieces)[:-1]


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
    template = plain.get("template")
    fields = [name for _, name, _, _ in string.Formatter().parse(str(template)) if name is not None]
    if not isinstance(template, str) or sorted(fields) != sorted(_PARTS):
        raise _malformed(path, f"the template {template!r} must hold each of {', '.join(_PARTS)}")
    if unknown := set(plain) - {*_PARTS, "template"}:
        raise _malformed(path, f"unknown tables {', '.join(sorted(unknown))}")
    for part in _PARTS:
        found = set(plain.get(part, {}))
        if found != _KEYS[part]:
            raise _malformed(
                path,
                f"[{part}] has the keys {', '.join(sorted(found)) or 'none'}, expected "
                f"{', '.join(sorted(_KEYS[part]))}",
            )
    hand = dict(plain["calligrapher"])
    unknown_names = frozenset(_folded(name) for name in hand.pop("unknown_names"))
    return Wording(
        template=template,
        source=plain["source"],
        background=plain["background"],
        calligrapher=hand,
        script=plain["script"],
        unknown_names=unknown_names,
        calligraphers=_calligraphers(calligraphers or CALLIGRAPHERS),
    )


@cache
def _bundled() -> Wording:
    return load_wording()


def _hand(work: Work, words: Wording) -> str:
    name = _folded(work.calligrapher)
    if name in words.unknown_names:
        return words.calligrapher["unknown"]
    if work.is_synthetic:
        return words.calligrapher["font"].format(name=to_pinyin(work.calligrapher.strip()))
    known = words.calligraphers.get(name)
    if known is not None:
        return words.calligrapher["described"].format(
            name=known.pinyin, description=known.description
        )
    return words.calligrapher["named"].format(name=to_pinyin(work.calligrapher.strip()))


def _folded(name: str) -> str:
    """A name for comparison: variants, case and blanks do not count."""
    return "".join(canonical(character) for character in name.casefold() if not character.isspace())


def _calligraphers(path: Path) -> dict[str, Calligrapher]:
    by_name: dict[str, Calligrapher] = {}
    for entry in _loaded(path).get("calligraphers", []):
        names = entry.get("names", [])
        if (
            not names
            or set(entry) - {"names", "pinyin", "description"}
            or "description" not in entry
        ):
            raise _malformed(
                path, f"the entry {entry!r} needs names and description, and may have pinyin"
            )
        known = Calligrapher(
            pinyin=entry.get("pinyin") or to_pinyin(names[0]), description=entry["description"]
        )
        by_name.update({_folded(name): known for name in names})
    return by_name


def _loaded(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _malformed(path, f"it cannot be read: {error}") from error


def _malformed(path: Path, what: str) -> MetadataError:
    return MetadataError(
        f"The wording of prompts in {path} cannot be used: {what}. See {WORDING.name} and "
        f"{CALLIGRAPHERS.name} beside the code for the expected shape.",
        reason="wording_malformed",
    )
