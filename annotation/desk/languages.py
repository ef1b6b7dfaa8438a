"""The desk in Chinese and English: one table of sentences, and which language somebody wants.

Keeps out: the sentences (``sentences.toml``) and the detail of a refusal, which the stages tell in
English (``pipelines``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = {"en": "English", "zh": "中文"}
"""Languages by the code that the switch and the cookie use, each under its own name."""

TAGS = {"en": "en", "zh": "zh-Hant"}
"""What ``lang`` says for each, so that screen readers and fonts follow."""


@dataclass(frozen=True, slots=True)
class Sentences:
    """The table: sentences by key, then by language."""

    table: Mapping[str, Mapping[str, str]]

    @classmethod
    def load(cls) -> Sentences:
        """The table beside this module: ``[part.key]`` is known as ``part.key``."""
        text = Path(__file__).with_name("sentences.toml").read_text(encoding="utf-8")
        parts = tomllib.loads(text)
        return cls({f"{part}.{key}": v for part, rows in parts.items() for key, v in rows.items()})

    def say(self, language: str, key: str, **values: object) -> str:
        """One sentence, its ``{places}`` filled in; an unknown key is a mistake of ours."""
        return self.table[key][language].format(**values)

    def say_reason(self, language: str, reason: str) -> str:
        """A reason code of a rejection in plain language; the code itself if it is a new one."""
        known = self.table.get(f"reason.{reason}")
        return reason.replace("_", " ") if known is None else known[language]


def preferred(accept_language: str) -> str:
    """The first language of an Accept-Language header that the desk speaks; English else."""
    wishes = []
    for place, part in enumerate(accept_language.split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wishes.append((-float(weight or 1), place, tag.lower().split("-")[0]))
        except ValueError:  # a header that no browser sends
            continue
    return next((tag for _, _, tag in sorted(wishes) if tag in LANGUAGES), "en")
