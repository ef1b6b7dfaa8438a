"""From English by way of Chinese to hieroglyphs: an explicit word list that users extend.

Holds: ``Lexicon``, its bundled file and its two steps (UniCalli, appendix F: a word becomes the
Chinese one, whose character is a picture as well, and that becomes a sign). The paper leaves the
mapping to its model; here every step can be looked up, and what is not listed is refused.

Keeps out: grammar and sounds of Egyptian, of which it knows nothing; codes of signs
(``pipelines.glyphs.gardiner``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import MaterialError
from pipelines.glyphs.gardiner import sign_of

BUNDLED = Path(__file__).with_name("lexicon.toml")
TABLES = ("chinese", "signs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How one word came to its sign."""

    english: str
    chinese: str
    code: str
    sign: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """The two steps: English word to Chinese word, Chinese word to code."""

    chinese: Mapping[str, str]
    signs: Mapping[str, str]

    @property
    def words(self) -> tuple[str, ...]:
        """Every English word it knows, by the alphabet."""
        return tuple(sorted(self.chinese))

    def entry(self, word: str) -> Entry:
        """The sign of one English word; upper and lower case are the same.

        Raises:
            MaterialError: If the lexicon does not have it; the message names what it has.
        """
        english = word.strip().casefold()
        if english not in self.chinese:
            raise MaterialError(
                f"The lexicon has no word {word!r}. It knows {', '.join(self.words)}. Choose "
                f"among them, or add the word to a file of your own like {BUNDLED.name}.",
                reason="unknown_word",
            )
        chinese = self.chinese[english]
        code = self.signs[chinese]
        return Entry(english=english, chinese=chinese, code=code, sign=sign_of(code))

    def columns(self, text: str) -> list[list[Entry]]:
        """The signs of English words: blanks part words, line breaks and slashes part columns.

        Raises:
            MaterialError: If there is no word at all, or one is not in the lexicon.
        """
        lines = [line.split() for line in text.replace("/", "\n").splitlines()]
        found = [[self.entry(word) for word in line] for line in lines if line]
        if not found:
            raise MaterialError(
                "There is no word to write. Give English words, as in 'sun water'; '/' begins a "
                "new column.",
                reason="empty_text",
            )
        return found


def load_lexicon(own: Path | None = None) -> Lexicon:
    """The bundled lexicon, with what a file of the user's own says laid over it.

    Raises:
        MaterialError: If a file is missing or malformed, a Chinese word leads to no sign, or a
            code is not in Gardiner's list; the message names the file and the entry.
    """
    steps: dict[str, dict[str, str]] = {name: {} for name in TABLES}
    for path in (BUNDLED, own):
        if path is not None:
            for name, table in _tables(path).items():
                steps[name] |= table
    lost = sorted(set(steps["chinese"].values()) - set(steps["signs"]))
    if lost:
        raise _malformed(own or BUNDLED, f"[signs] lacks {'、'.join(lost)}, to which a word leads")
    return Lexicon(chinese=steps["chinese"], signs=steps["signs"])


def _tables(path: Path) -> dict[str, dict[str, str]]:
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # A word that stands twice is found here: TOML refuses it.
        raise _malformed(path, f"it cannot be read: {error}") from error
    if unknown := sorted(set(plain) - set(TABLES)):
        raise _malformed(path, f"unknown tables {', '.join(unknown)}")
    found: dict[str, dict[str, str]] = {}
    for name, table in plain.items():
        if not isinstance(table, dict) or not all(
            isinstance(value, str) and value.strip() for value in table.values()
        ):
            raise _malformed(path, f"[{name}] holds something else than words")
        found[name] = table
    for chinese, code in found.get("signs", {}).items():
        try:
            sign_of(code)
        except MaterialError as error:
            raise _malformed(path, f"{chinese} leads to {code!r}, which is no sign") from error
    for word in found.get("chinese", {}):
        if word != word.casefold() or len(word.split()) != 1 or "/" in word:
            raise _malformed(path, f"{word!r} is not one English word in lower case")
    return found


def _malformed(path: Path, what: str) -> MaterialError:
    return MaterialError(
        f"The lexicon {path} cannot be used: {what}. Expected [chinese] with English words and "
        f"[signs] with Chinese ones; see {BUNDLED}.",
        reason="lexicon_malformed",
    )
