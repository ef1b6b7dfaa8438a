"""A corpus set into scans: truth stays, pictures change, rights travel, and nothing disappears."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pipelines.errors import MaterialError, RightsError
from pipelines.geometry import Box
from pipelines.imaging.codec import decode_png, encode_png
from pipelines.records import Script, Work
from pipelines.synthesis.checks import characters_inside, corpus_conserved
from pipelines.truth import CodePoint, Corpus, CorpusPage, Exclusion, FontUse
from tests.training.creativesynth import drawn
from training.families.creativesynth.legibility import LegibilityParams
from training.families.creativesynth.restyle import SurfaceRestyler
from training.families.creativesynth.surface import read_scan
from training.nearest_glyph import NearestGlyphReader
from training.restyled_corpus import CorpusJob, Source, accuracy, restyle_pages

JOB = CorpusJob(corpus="old", out="new", seed=5)


def work(name="stele", rights="public domain"):
    return Work(
        work_id=name, title=name, calligrapher="", script=Script.CLERICAL, rights=rights,
        source="drawn",
    )  # fmt: skip


def source(rights="public domain", **how):
    return Source(read_scan(drawn.scan(**how), "stele"), "stele", work(rights=rights))


def page(store, index, ink, boxes, text="十"):
    nothing = np.zeros_like(ink)
    seals = nothing.copy()
    seals[280:310, 200:230] = 255
    return CorpusPage(
        page_id=f"page{index}", corpus="old", page_index=index, width=ink.shape[1],
        height=ink.shape[0], image_key=store.put(encode_png(255 - ink), ".png"),
        ink_key=store.put(encode_png(ink), ".png"),
        rules_key=store.put(encode_png(nothing), ".png"),
        seals_key=store.put(encode_png(seals), ".png"),
        damage_key=store.put(encode_png(nothing), ".png"), layout="book", medium="paper", wear=0.0,
        font_id="drawn", rights="OFL-1.1", text=text * len(boxes), missing=0,
        characters=drawn.characters(boxes, text), seal_boxes=(Box(200, 280, 230, 310),),
        params="{}", code_version="1",
    )  # fmt: skip


@pytest.fixture
def corpus(tables, store):
    """Two pages of crosses, and one that is blank and cannot be restyled."""
    pages = [page(store, k, *drawn.strokes(seed=k)) for k in range(2)]
    pages.append(page(store, 2, np.zeros(drawn.SHAPE, np.uint8), pages[0].characters[0:0]))
    count = sum(len(p.characters) for p in pages)
    made = Corpus(
        corpus="old", seed=1, pages=3, rejected=0, characters=count, damaged=count,
        rights=("OFL-1.1",),
        fonts=(
            FontUse(
                font_id="drawn", name="Drawn", script="regular", rights="OFL-1.1", source="drawn",
                sha256=("0",), mapped=1, outlined=1, pages=3, drawn=count, missing=0,
            ),
        ),
        text_files=(), code_points=(CodePoint(character="十", count=count),),
        exclusion=Exclusion(
            run_length=6, held_out_characters=0, texts=0, all_texts=0, characters=0,
            all_characters=0,
        ),
        plan="{}", content_hash="0", code_version="1",
    )  # fmt: skip
    tables.write("corpus_pages", "old", CorpusPage, pages)
    tables.write("corpora", "old", Corpus, [made])
    return pages


def restyled(tables, store, job=JOB, sources=None, reader=None):
    done = []
    made = restyle_pages(
        job, sources or [source()], SurfaceRestyler(None), tables, store, reader, done.append
    )
    assert done == [1, 2, 3]
    return made


def test_truth_stays_and_pictures_change(corpus, tables, store):
    made, figures = restyled(tables, store)
    pages = tables.read("corpus_pages", "new", CorpusPage)
    assert made.pages == len(pages) == len(figures.ink_iou) == 2
    for new, old in zip(pages, corpus, strict=False):
        for field in ("width", "height", "ink_key", "rules_key", "text", "font_id", "page_index"):
            assert getattr(new, field) == getattr(old, field)
        for one, other in zip(new.characters, old.characters, strict=True):
            assert replace(one, loss=0) == replace(other, loss=0)
            assert one.loss < 0.35
        assert new.image_key != old.image_key
        assert new.page_id != old.page_id
        picture = decode_png(store.get(new.image_key))
        assert picture.shape == (old.height, old.width, 3)
    assert made.damaged == 0
    assert not characters_inside(pages)
    assert not corpus_conserved(made, 3)


def test_it_says_how_it_was_made_and_whose_it_is(corpus, tables, store):
    made, _ = restyled(tables, store)
    (first, _) = tables.read("corpus_pages", "new", CorpusPage)
    said = json.loads(first.params)["restyled"]
    assert said["page_id"] == "page0"
    assert said["like"] == "stele"
    assert said["family"] == "creativesynth"
    assert first.medium == "rubbing"
    assert first.rights == "OFL-1.1 AND public domain"
    assert made.rights == ("OFL-1.1", "public domain")
    assert json.loads(made.plan)["restyled_from"] == "old"


def test_a_page_that_cannot_be_restyled_is_rejected_with_its_reason(corpus, tables, store):
    made, figures = restyled(tables, store)
    (rejection,) = tables.rejections("corpus_pages", "new")
    assert rejection.reason == "no_ink"
    assert made.rejected == 1
    assert figures.refused == {"no_ink": 1}


def test_seals_go_where_dark_ground_hides_them(corpus, tables, store):
    restyled(tables, store)
    restyled(tables, store, replace(JOB, out="sheet"), [source(is_rubbing=False)])
    on_stone = tables.read("corpus_pages", "new", CorpusPage)[0]
    on_paper = tables.read("corpus_pages", "sheet", CorpusPage)[0]
    assert on_stone.seal_boxes == ()
    assert not decode_png(store.get(on_stone.seals_key)).any()
    assert on_paper.seal_boxes == corpus[0].seal_boxes
    assert on_paper.seals_key == corpus[0].seals_key


def test_the_same_seed_makes_the_same_corpus(corpus, tables, store):
    first, _ = restyled(tables, store)
    again, _ = restyled(tables, store)
    other, _ = restyled(tables, store, replace(JOB, seed=6))
    assert first.content_hash == again.content_hash != other.content_hash


def test_rights_that_do_not_mix_are_refused(corpus, tables, store):
    with pytest.raises(RightsError, match="CC BY-ND"):
        restyled(tables, store, sources=[source(rights="CC BY-ND 4.0")])
    assert tables.manifest("corpus_pages", "new") is None


def test_illegible_pages_are_refused_and_an_older_corpus_stays(corpus, tables, store):
    before, _ = restyled(tables, store)
    strict = replace(JOB, legibility=LegibilityParams(min_ink_iou=0.999))
    with pytest.raises(MaterialError, match="No page of 'old' could be kept"):
        restyled(tables, store, strict)
    (after,) = tables.read("corpora", "new", Corpus)
    assert after == before


def test_a_corpus_does_not_replace_itself(corpus, tables, store):
    with pytest.raises(MaterialError, match="replaced by itself"):
        restyled(tables, store, replace(JOB, out="old"))


class TestReader:
    @pytest.fixture
    def reader(self):
        ink, boxes = drawn.strokes(seed=1)
        cross = ink[boxes[0].top : boxes[0].bottom, boxes[0].left : boxes[0].right]
        bar = cross.copy()
        bar[:15] = bar[33:] = 0
        return NearestGlyphReader.of_drawings([(cross, "十"), (bar, "一")])

    def test_what_is_read_before_and_after_is_told(self, corpus, tables, store, reader):
        _, figures = restyled(tables, store, reader=reader)
        assert len(figures.accuracies) == 2
        for before, after in figures.accuracies:
            assert before == 1
            assert after > 0.85

    def test_a_page_that_is_read_worse_is_refused(self, corpus, tables, store, reader):
        worse = replace(JOB, legibility=LegibilityParams(max_accuracy_loss=-0.01))
        with pytest.raises(MaterialError, match="read_worse"):
            restyled(tables, store, worse, reader=reader)

    def test_only_true_names_count(self, corpus, store, reader):
        ink = decode_png(store.get(corpus[0].ink_key))
        assert accuracy(reader, corpus[0], ink) == 1
        wrong = replace(
            corpus[0],
            characters=tuple(replace(c, canonical="二") for c in corpus[0].characters),
        )
        assert accuracy(reader, wrong, ink) == 0
