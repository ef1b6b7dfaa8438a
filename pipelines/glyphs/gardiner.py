"""Egyptian signs by their number in Gardiner's list: N5 is the disc of the sun.

Holds: the codes of Unicode's first block of hieroglyphs, which are those of Gardiner's sign list
(Egyptian Grammar, third edition 1957) with its supplements, taken from the names of the
characters. Nothing is kept in a file: what Python's ``unicodedata`` names is what there is.

Keeps out: which word a sign stands for (``pipelines.lexicon``), drawings (``fonts``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pipelines.errors import MaterialError

BLOCK = range(0x13000, 0x13430)
_NAME = re.compile(r"EGYPTIAN HIEROGLYPH (AA|NL|NU|[A-Z])0*(\d+)([A-Z]?)")
_CODE = re.compile(r"(AA|NL|NU|[A-Z])0*([1-9]\d*)([A-Z]?)")


@cache
def signs() -> Mapping[str, str]:
    """Every sign by its code, in the order of the list: ``signs()["N5"]`` is U+131F3."""
    named = ((chr(code), unicodedata.name(chr(code), "")) for code in BLOCK)
    found = {_written(match): sign for sign, name in named if (match := _NAME.fullmatch(name))}
    return MappingProxyType(found)


@cache
def _codes() -> Mapping[str, str]:
    return {sign: code for code, sign in signs().items()}


def code_of(sign: str) -> str:
    """The code of a sign, empty for any other character."""
    return _codes().get(sign, "")


def sign_of(code: str) -> str:
    """The sign of a code as people write it: N5, n5 and N005 are the same.

    Raises:
        MaterialError: If the list has no such code.
    """
    match = _CODE.fullmatch(code.strip().upper())
    sign = signs().get(_written(match)) if match else None
    if sign is None:
        raise MaterialError(
            f"Gardiner's list in Unicode has no sign {code!r}. Expected a code such as N5, Aa1 or "
            f"A5A, from A1 to Aa32.",
            reason="unknown_sign",
        )
    return sign


def _written(match: re.Match[str]) -> str:
    """Category and number without zeros; the last category is Aa in the list."""
    return ("Aa" if match[1] == "AA" else match[1]) + match[2] + match[3]
