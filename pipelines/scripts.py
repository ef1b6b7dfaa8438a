"""What is written and what it means: forms of a character and the reading they fold to.

A stone may show 无, 無 or a form of its own; all are kept as *written*, and compared, counted
and searched as one *canonical* reading. Holds: which characters are Han, that folding, the
conversions between traditional, simplified and Japanese forms, and how text is normalized.

Keeps out: drawing (``pipelines.glyphs``), pinyin (``pipelines.prompts``), and the five scripts
書體 as a property of a work (``pipelines.records.Script``).

The folding is one rule, so that it can be predicted and disputed:

1. Compatibility ideographs become the ideograph they duplicate (Unicode NFC).
2. A character of the first level of Big5, the 5,401 in common use, is a traditional character
   in its own right and stays what it is: 后 is not turned into 後, nor 云 里 余 台 斗 几 into
   雲 裡 餘 臺 鬥 幾. In a classical text these are different words, and one character alone
   does not tell which is meant; text that is *known* to be simplified goes through
   :func:`to_traditional`, which looks at whole phrases.
3. Any other character takes the first common form that OpenCC knows for it as a simplified
   character (礼 禮), a Japanese one (辺 邊), an old printed one (眞 真) or a variant (峯 峰).
4. Two spellings that are both common and mean the same take Taiwan's standard (裏 裡, 着 著);
   纔 覈 熏 stay apart from 才 核 燻, which are other words.

What rule 3 costs: a few characters of the second level are rare words of their own beside being
short forms (适, 种, 宁 in names; 腊, 胜 for kinds of meat). They are folded to 適 種 寧 臘 勝, as
the short form is what inscriptions nearly always mean. ``written`` keeps the difference.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from functools import cache

import opencc

from pipelines.records import ILLEGIBLE

_HAN_RANGES = (
    (0x3005, 0x3005),  # iteration mark, one place on the page like any character
    (0x3007, 0x3007),  # zero
    (0x303B, 0x303B),  # vertical iteration mark
    (0x3400, 0x4DBF),  # extension A
    (0x4E00, 0x9FFF),  # unified ideographs
    (0xF900, 0xFA6D),  # compatibility ideographs
    (0xFA70, 0xFAD9),
    (0x20000, 0x2A6DF),  # extension B
    (0x2A700, 0x2B73F),  # extension C
    (0x2B740, 0x2B81F),  # extension D
    (0x2B820, 0x2CEAF),  # extension E
    (0x2CEB0, 0x2EBEF),  # extension F
    (0x2EBF0, 0x2EE5F),  # extension I
    (0x2F800, 0x2FA1D),  # compatibility supplement
    (0x30000, 0x3134F),  # extension G
    (0x31350, 0x323AF),  # extension H
    (0x323B0, 0x3347F),  # extension J
)
_STARTS = tuple(first for first, _ in _HAN_RANGES)

_ILLEGIBLE_MARKS = "〓■▇█◻⬜"
_OTHER_WORDS = frozenset("纔覈熏")
_ITERATION = {"〻": "々"}


def is_han(character: str) -> bool:
    """Whether it is one Han character: any CJK block of Unicode 17, 〇 and the mark 々 〻."""
    if len(character) != 1:
        return False
    code = ord(character)
    index = bisect_right(_STARTS, code) - 1
    return index >= 0 and code <= _HAN_RANGES[index][1]


@cache
def _converter(name: str) -> opencc.OpenCC:
    return opencc.OpenCC(name)


def _convert(character: str, name: str) -> str:
    converted = str(_converter(name).convert(character))
    return converted if len(converted) == 1 else character


def _is_common(character: str) -> bool:
    """Whether Big5 has it on its first level (A440 to C67E), the characters in common use."""
    try:
        return 0xA440 <= int.from_bytes(character.encode("big5"), "big") <= 0xC67E
    except UnicodeEncodeError:
        return False


def _fold(character: str) -> str:
    if character in _OTHER_WORDS:
        return character
    if _is_common(character):
        forms = [_convert(character, "t2tw")]
    else:
        forms = [_convert(character, name) for name in ("s2t", "jp2t", "t2jp", "t2tw")]
    changed = [form for form in forms if form != character]
    return next(
        (form for form in changed if _is_common(form)),
        # A rare character may only have a rare traditional form; a Japanese one (t2jp, third)
        # would lead away from it.
        next((form for form in forms[:2] if form != character), character),
    )


@cache
def canonical(character: str) -> str:
    """The reading a written form is folded to, by the rule in the module's docstring.

    Deterministic and idempotent. Anything but one Han character is returned as it is, except
    that the usual marks for an unreadable place become □.
    """
    if character in _ILLEGIBLE_MARKS and len(character) == 1:
        return ILLEGIBLE
    if not is_han(character):
        return character
    character = _ITERATION.get(character, unicodedata.normalize("NFC", character))
    seen = {character}
    while (folded := _fold(character)) not in seen:
        seen.add(folded)
        character = folded
    # OpenCC has a few pairs that point at each other: the smallest code point stands for both.
    return character if folded == character else min(seen)


@cache
def to_simplified(character: str) -> str:
    """The simplified form of one character, or the character itself."""
    return _convert(character, "t2s")


@cache
def to_shinjitai(character: str) -> str:
    """The form of modern Japanese print (圖 as 図), or the character itself."""
    return _convert(character, "t2jp")


@cache
def from_shinjitai(character: str) -> str:
    """The traditional form of a modern Japanese one (図 as 圖), or the character itself."""
    return _convert(character, "jp2t")


def to_traditional(text: str) -> str:
    """Text known to be simplified, as traditional text of the same length.

    Phrases decide where one form stands for several (皇后 but 後來); what phrases leave open
    follows OpenCC's first choice.
    """
    converted = str(_converter("s2t").convert(text))
    if len(converted) == len(text):
        return converted
    return "".join(_convert(character, "s2t") for character in text)


def written_forms(character: str) -> tuple[str, ...]:
    """The forms in which a font may have a character, itself first, without repetition."""
    folded = canonical(character)
    forms = (
        character,
        folded,
        to_simplified(character),
        to_shinjitai(character),
        to_simplified(folded),
        to_shinjitai(folded),
    )
    return tuple(dict.fromkeys(form for form in forms if is_han(form)))


def normalize_text(text: str, *, only_han: bool = False) -> str:
    """Text as it is stored: composed, and every mark for an unreadable place as □.

    Unicode's NFC, except that compatibility ideographs and variation selectors stay: they are
    what the transcriber saw, and only :func:`canonical` folds them. 〓, ■ and ### (one place)
    become □.

    Args:
        text: Any text.
        only_han: Keep Han characters and □ alone; punctuation, blanks, Latin, digits, kana and
            variation selectors go.
    """
    composed = "".join(
        part if is_han(part) else unicodedata.normalize("NFC", part) for part in _runs(text)
    ).replace("###", ILLEGIBLE)
    folded = composed.translate({ord(mark): ILLEGIBLE for mark in _ILLEGIBLE_MARKS})
    if not only_han:
        return folded
    return "".join(c for c in folded if is_han(c) or c == ILLEGIBLE)


def _runs(text: str) -> list[str]:
    """The text cut so that each Han character stands alone and the rest keeps together."""
    runs: list[str] = []
    for character in text:
        if not runs or is_han(character) or is_han(runs[-1]):
            runs.append(character)
        else:
            runs[-1] += character
    return runs
