"""What is wrong with a corpus is found and named."""

from dataclasses import replace

import pytest

from pipelines.geometry import Box
from pipelines.synthesis.checks import characters_inside, corpus_conserved, fonts_cover
from pipelines.synthesis.corpora import CorpusPlan, make_corpus
from pipelines.synthesis.layouts import Layout
from pipelines.truth import CorpusPage
from tests.pipelines.synthesis.drawn_hands import TEXT, draw_hand

PLAN = CorpusPlan(name="small", seed=3, pages=1, layouts=(Layout.TITLE,), wear=0.0)


@pytest.fixture
def corpus(tmp_path, store, tables):
    hand = draw_hand(tmp_path)
    return make_corpus(PLAN, [hand], [TEXT], store=store, tables=tables, code_version="c")


def test_a_sound_corpus_has_no_findings(corpus, tables):
    assert corpus_conserved(corpus, 1) == []
    assert characters_inside(tables.read("corpus_pages", "small", CorpusPage)) == []
    assert fonts_cover(corpus) == []


def test_pages_that_vanished_are_found(corpus):
    (finding,) = corpus_conserved(corpus, 5)
    assert "5" in finding.message


def test_a_box_off_the_page_is_found(corpus, tables):
    (page,) = tables.read("corpus_pages", "small", CorpusPage)
    first, *others = page.characters
    outside = replace(first, box=Box(-4, 0, 20, 20))
    (finding,) = characters_inside([replace(page, characters=(outside, *others))])
    assert first.written in finding.message


def test_a_font_that_lacks_its_text_is_found(corpus):
    (font,) = corpus.fonts
    worse = replace(corpus, fonts=(replace(font, missing=font.drawn),))
    (finding,) = fonts_cover(worse)
    assert f"lacks {font.drawn} of {2 * font.drawn}" in finding.message
