"""In what manner: the style prompt of a column, in four parts and in pinyin throughout.

Holds: ``style_prompt`` (paper, appendix C.3: where the picture comes from, its background, who
wrote, which script). Chinese names appear in pinyin without tones, so that prompts share one
small vocabulary.

Keeps out: the words themselves, which users replace (``pipelines.wording``), what is written
(``pipelines.glyphs.content``) and tokens (``training``).
"""

from __future__ import annotations

from functools import cache

from pypinyin import lazy_pinyin

from pipelines.records import Polarity, Work
from pipelines.scripts import is_han
from pipelines.wording import Wording, folded, load_wording


def style_prompt(work: Work, polarity: Polarity, wording: Wording | None = None) -> str:
    """The style condition of a picture of the work: four parts, no Chinese character.

    Args:
        work: Its calligrapher (for a synthetic work the font) and script; the title says what is
            written and stays out.
        polarity: Of the original picture.
        wording: Other words than the bundled ones.
    """
    words = wording or _bundled()
    template = words.synthetic_template if work.is_synthetic else words.template
    text = template.format(
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


@cache
def _bundled() -> Wording:
    return load_wording()


def _hand(work: Work, words: Wording) -> str:
    name, key = work.calligrapher.strip(), folded(work.calligrapher)
    if key in words.unknown_names:
        return words.calligrapher["unknown"]
    if work.is_synthetic:
        return words.calligrapher["font"].format(name=to_pinyin(name))
    known = words.calligraphers.get(key)
    if known is None:
        return words.calligrapher["named"].format(name=to_pinyin(name))
    kind = "described" if known.is_person else "nameless"
    return words.calligrapher[kind].format(
        name=to_pinyin(known.name), description=known.description
    )
