"""What must hold of a corpus before anybody learns from it.

Holds: predicates over a corpus and its pages, each giving findings in words.

Keeps out: rights that do not mix, which ``corpora.make_corpus`` refuses before it draws.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.checks import Finding, conservation
from pipelines.truth import Corpus, CorpusPage

MAX_MISSING_SHARE = 0.05
"""Share of a text that a font may lack before its columns say something else than the text."""


def corpus_conserved(corpus: Corpus, pages_wanted: int) -> list[Finding]:
    """Every page that was planned was drawn or refused with a reason."""
    return conservation(
        "corpora", taken=pages_wanted, accepted=corpus.pages, rejected=corpus.rejected
    )


def characters_inside(pages: Iterable[CorpusPage]) -> list[Finding]:
    """Every true box lies on its page and has an area."""
    return [
        Finding(
            check="characters_inside",
            item_id=page.page_id,
            message=(
                f"Page {page.page_index} of corpus {page.corpus}: the box of "
                f"{character.written!r}, {character.box}, is not on its {page.width} x "
                f"{page.height} pixels."
            ),
        )
        for page in pages
        for character in page.characters
        if character.box.clipped(page.width, page.height) != character.box
    ]


def fonts_cover(corpus: Corpus) -> list[Finding]:
    """No font lacks much of what it was given to write."""
    return [
        Finding(
            check="fonts_cover",
            item_id=font.font_id,
            message=(
                f"{font.name} lacks {font.missing} of {font.missing + font.drawn} characters: it "
                f"draws {font.outlined} of the {font.mapped} Han characters it claims. Give it "
                f"other texts, or leave it out."
            ),
        )
        for font in corpus.fonts
        if font.missing > MAX_MISSING_SHARE * (font.missing + font.drawn)
    ]
