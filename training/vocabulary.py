"""The character table: which canonical characters a model knows, in a fixed order.

Holds: ``Vocabulary`` with its file (one character a line, commonest first) and its making from
frequencies. A model's token ids and its reference library follow this order, so the file
travels with the checkpoint.

Keeps out: folding of variants (``pipelines.scripts``) and glyphs (``training.glyph_bank``).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from wordfreq import get_frequency_dict

from pipelines.errors import ModelError
from pipelines.scripts import canonical, is_han, to_traditional


@dataclass(frozen=True)
class Vocabulary:
    """Canonical characters; the id of a character is its place.

    Raises:
        ModelError: If a character stands twice or is not canonical.
    """

    characters: tuple[str, ...]

    def __post_init__(self) -> None:
        for character, count in Counter(self.characters).items():
            if count > 1 or canonical(character) != character:
                raise ModelError(
                    f"The character table holds {character!r} "
                    f"{'twice' if count > 1 else 'though its canonical form is another'}; "
                    f"expected each canonical character once. Make the table again."
                )

    @cached_property
    def index(self) -> dict[str, int]:
        """Character to id."""
        return {character: i for i, character in enumerate(self.characters)}

    def __len__(self) -> int:
        return len(self.characters)

    def id_of(self, character: str) -> int | None:
        """The id of what a written form is folded to, or None if the model does not know it."""
        return self.index.get(canonical(character))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the table; two models with the same one can share a library."""
        return hashlib.sha256("".join(self.characters).encode()).hexdigest()[:16]

    def save(self, path: Path) -> None:
        """Write one character a line."""
        path.write_text("\n".join(self.characters) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read a table.

        Raises:
            ModelError: If the file is missing or holds anything but one character a line.
        """
        if not path.is_file():
            raise ModelError(f"There is no character table at {path}; a checkpoint needs one.")
        lines = path.read_text(encoding="utf-8").split()
        wrong = [line for line in lines if len(line) != 1]
        if wrong:
            raise ModelError(f"{path} holds {wrong[0]!r}; expected one character a line.")
        return cls(tuple(lines))


def build_vocabulary(texts: Iterable[str], size: int) -> Vocabulary:
    """The commonest canonical characters of modern usage and of the given texts together.

    Both sources count alike: each is scaled to sum to one, and the shares are added. Ties are
    broken by code point, so that the same texts always give the same table.
    """
    modern: Counter[str] = Counter()
    for word, frequency in get_frequency_dict("zh").items():
        for character in to_traditional(word):
            if is_han(character):
                modern[canonical(character)] += frequency  # type: ignore[assignment]
    classical = Counter(canonical(c) for text in texts for c in text if is_han(c))
    shares: Counter[str] = Counter()
    for source in (modern, classical):
        total = sum(source.values()) or 1
        for character, count in source.items():
            shares[character] += count / total  # type: ignore[assignment]
    ranked = sorted(shares, key=lambda c: (-shares[c], c))
    return Vocabulary(tuple(ranked[:size]))
