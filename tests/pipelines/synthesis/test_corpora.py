from dataclasses import replace

import numpy as np
import pytest

from pipelines.errors import MaterialError, RightsError
from pipelines.synthesis import corpora
from pipelines.synthesis.corpora import CorpusPlan, make_corpus, stored_pages
from pipelines.synthesis.layouts import Layout
from pipelines.synthesis.pages import sample_pages
from pipelines.tables import Tables
from pipelines.truth import Corpus, CorpusPage
from pipelines.workers import Workers
from tests.pipelines.synthesis.drawn_hands import BODY, TEXT, draw_hand

PLAN = CorpusPlan(name="small", seed=3, pages=2, layouts=(Layout.TITLE,), wear=0.3)


@pytest.fixture(scope="module")
def hand(tmp_path_factory):
    return draw_hand(tmp_path_factory.mktemp("fonts"))


def made(hand, store, tables, **changes):
    given = {"texts": [TEXT], "held_out": (), "plan": PLAN, "code_version": "c1", **changes}
    return make_corpus(
        given.pop("plan"), [hand], given.pop("texts"), store=store, tables=tables, **given
    )


def test_a_corpus_comes_back_as_it_was_drawn(hand, store, tables):
    corpus = made(hand, store, tables)
    drawn = list(sample_pages(3, 2, [hand], [TEXT], layouts=[Layout.TITLE], wear=0.3))
    for stored, page in zip(stored_pages("small", store, tables), drawn, strict=True):
        assert np.array_equal(stored.image, page.image)
        assert np.array_equal(stored.ink, page.ink)
        assert np.array_equal(stored.damage, page.damage)
        assert np.array_equal(stored.rules, page.rules)
        assert stored.record.characters == page.characters
        assert stored.record.layout == "title"
        assert stored.record.text == page.text
    assert tables.read("corpora", "small", Corpus) == [corpus]


def test_the_same_plan_gives_the_same_bytes_and_another_seed_does_not(hand, store, tmp_path):
    one = replace(PLAN, pages=1)
    hashes = [
        made(hand, store, Tables(tmp_path / str(i)), plan=plan).content_hash
        for i, plan in enumerate([one, one, replace(one, seed=4)])
    ]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.slow  # starts Python twice
def test_more_workers_draw_the_same(hand, store, tmp_path):
    plan = replace(PLAN, wear=0.1)
    alone, together = (
        made(hand, store, Tables(tmp_path / str(count)), plan=plan, workers=Workers(count=count))
        for count in (1, 2)
    )
    assert alone == together


def test_the_manifest_says_what_the_corpus_is_made_of(hand, store, tables):
    corpus = made(hand, store, tables)
    assert (corpus.pages, corpus.rejected, corpus.rights) == (2, 0, ("OFL-1.1",))
    (font,) = corpus.fonts
    assert (font.font_id, font.mapped, font.outlined, font.pages) == ("drawn", 24, 24, 2)
    assert font.drawn == corpus.characters == sum(point.count for point in corpus.code_points)
    assert {point.character for point in corpus.code_points} <= set(BODY)
    assert corpus.text_files == ("a.json",)
    assert '"seed": 3' in corpus.plan


def test_licences_that_may_not_stand_together_are_refused(tmp_path, store, tables):
    hand = draw_hand(tmp_path, font_id="frozen", licence="CC BY-ND 3.0 TW")
    with pytest.raises(RightsError, match="allows no derived work"):
        made(hand, store, tables)
    assert tables.batches("corpus_pages") == []


def test_text_of_held_out_works_is_left_out_and_counted(hand, store, tables):
    held_out = BODY[:12]
    corpus = made(hand, store, tables, held_out=[held_out])
    assert corpus.exclusion.texts == 1
    assert 12 <= corpus.exclusion.characters < len(BODY)
    for page in tables.read("corpus_pages", "small", CorpusPage):
        runs = {held_out[i : i + 6] for i in range(7)}
        assert not any(run in page.text for run in runs)
    with pytest.raises(MaterialError, match="Held-out works share all"):
        made(hand, store, tables, held_out=[BODY])


def test_a_page_that_cannot_be_drawn_is_rejected_with_its_reason(tmp_path, store, tables):
    hand = draw_hand(tmp_path, characters="龍鳳")
    corpus = made(hand, store, tables)
    assert (corpus.pages, corpus.rejected) == (0, 2)
    assert {r.reason for r in tables.rejections("corpus_pages", "small")} == {"font_lacks_text"}


def test_the_command_reports_what_it_made(material, tmp_path, capsys):
    command = ["few", "--pages", "1", "--layout", "title", "--fonts", str(material / "fonts")]
    command += ["--texts", str(material / "texts"), "--into", str(tmp_path)]
    assert corpora.main(command) == 0
    assert capsys.readouterr().out.startswith("few: 1 pages, ")
    assert corpora.main([*command[:6], str(tmp_path / "none"), *command[7:]]) == 1
