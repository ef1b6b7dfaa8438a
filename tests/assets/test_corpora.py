"""The asset of synthetic pages: drawn once, kept apart from what models are judged on."""

from dataclasses import replace

import dagster as dg
import pytest

from assets import corpora as asset
from assets.corpora import CorpusConfig, corpora, held_out_texts
from assets.runs import materialize
from pipelines.records import Review, Split
from pipelines.truth import Corpus, CorpusPage
from tests.assets.examples import a_stubbed_project, a_work, titles_of
from tests.pipelines.examples import a_column, a_page, a_review
from tests.pipelines.synthesis.drawn_hands import TEXT, draw_hand

CONFIG = CorpusConfig(name="small", pages=2, seed=3, layouts=["title"], wear=0.3)


@pytest.fixture
def project(tmp_path, monkeypatch):
    hand = draw_hand(tmp_path)
    monkeypatch.setattr(asset, "load_hands", lambda folder: [hand])
    monkeypatch.setattr(asset, "load_texts", lambda folder: [TEXT])
    return a_stubbed_project(tmp_path / "home")


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


def drawn(project, instance, config=CONFIG):
    materialize(project, instance, [corpora], config={"corpora": config})
    event = instance.get_latest_materialization_event(dg.AssetKey("corpora"))
    return event.asset_materialization.metadata


def test_a_corpus_is_drawn_once_and_says_what_it_is(project, instance):
    shown = drawn(project, instance)
    assert shown["accepted"].value == 2
    assert "Drawn" in shown["fonts"].value
    assert shown["preview"].value.startswith("![preview](data:image/jpeg")
    (first,) = project.tables.read("corpora", "small", Corpus)
    assert not shown["is_unchanged"].value
    assert drawn(project, instance)["is_unchanged"].value
    wider = CorpusConfig(**{**CONFIG.model_dump(), "pages": 3})
    assert not drawn(project, instance, wider)["is_unchanged"].value
    (second,) = project.tables.read("corpora", "small", Corpus)
    assert (first.pages, second.pages) == (2, 3)
    pages = project.tables.read("corpus_pages", "small", CorpusPage)
    assert all(page.characters for page in pages)


def test_what_models_are_judged_on_is_left_out(project, instance, store, rng):
    work = a_work(titles_of(Split.TEST, 1)[0])
    page = a_page(work, store)
    column = a_column(page, store, rng.integers(0, 2, (120, 100)).astype("uint8"))
    review = a_review(column, TEXT.body[:5])
    project.tables.write("reviews", "b1", Review, [review])
    assert held_out_texts(project) == [review.text]
    ours = replace(review, work=a_work(titles_of(Split.TRAIN, 1)[0]))
    project.tables.write("reviews", "b1", Review, [ours])
    assert held_out_texts(project) == []
