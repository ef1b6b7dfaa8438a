"""Columns of synthetic pages, cut out of the ink that the pipeline finds."""

from dataclasses import replace

import pytest

from pipelines.corpus_samples import samples_from_pages
from pipelines.imaging.codec import decode_png
from pipelines.records import ILLEGIBLE, Origin, Split
from pipelines.synthesis.corpora import CorpusPlan, make_corpus
from pipelines.synthesis.layouts import Layout
from pipelines.truth import DAMAGED_LOSS, CorpusPage, Role
from tests.pipelines.synthesis.drawn_hands import TEXT, draw_hand

PLAN = CorpusPlan(name="small", seed=3, pages=2, layouts=(Layout.TITLE,), wear=0.1)


@pytest.fixture
def pages(tmp_path, store, tables):
    hand = draw_hand(tmp_path)
    make_corpus(PLAN, [hand], [TEXT], store=store, tables=tables, held_out=(), code_version="test")
    return tables.read("corpus_pages", "small", CorpusPage)


def test_every_column_is_a_sample_in_reading_order_without_its_notes(pages, store):
    first, *others = pages[0].characters
    noted = replace(pages[0], characters=(replace(first, role=Role.NOTE, strand=1), *others))
    samples = list(samples_from_pages([noted, *pages[1:]], store, code_version="test"))
    kept = [c for page in (noted, *pages[1:]) for c in page.characters if c.role is not Role.NOTE]
    columns = {(page.page_id, c.column) for page in pages for c in page.characters if c in kept}
    assert len(samples) == len(columns)
    said = [c.canonical for sample in samples for c in sample.characters]
    assert len(said) == len(kept) > 5
    assert all(one in (ILLEGIBLE, c.canonical) for one, c in zip(said, kept, strict=True))
    assert said.count(ILLEGIBLE) <= len(said) / 2


def test_boxes_lie_on_the_ink_that_was_found(pages, store):
    for sample in samples_from_pages(pages, store, code_version="test"):
        ink = decode_png(store.get(sample.ink_key))
        for character in sample.characters:
            box = character.box
            assert box.clipped(ink.shape[1], ink.shape[0]) == box
            is_inked = (ink[box.top : box.bottom, box.left : box.right] > 127).any()
            assert is_inked or character.canonical == ILLEGIBLE


def test_it_is_synthetic_for_training_alone_and_always_the_same(pages, store):
    once, again = (list(samples_from_pages(pages, store, code_version="test")) for _ in range(2))
    assert once == again
    assert {sample.origin for sample in once} == {Origin.SYNTHETIC}
    assert {sample.split for sample in once} == {Split.TRAIN}
    assert all(sample.work.is_synthetic for sample in once)
    assert {sample.work.rights for sample in once} == {page.rights for page in pages}


def test_what_damage_took_is_not_learned(pages, store):
    page = pages[0]
    gone = replace(page.characters[0], loss=DAMAGED_LOSS, role=Role.BODY, strand=0)
    damaged = replace(page, characters=(gone, *page.characters[1:]))
    samples = list(samples_from_pages([damaged], store, code_version="test"))
    assert samples[0].characters[0].canonical == ILLEGIBLE
    assert samples[0].characters[0].is_damaged
