"""What the other model families give the graph and the front door, over a double of their commands.

The commands themselves are tested where they are (``tests/training``).
"""

import json
from dataclasses import replace

import dagster as dg
import numpy as np
import pytest
from click.testing import CliRunner

import assets.augmentations as augmentations_module
import assets.hands as hands_module
from assets.augmentations import AugmentationConfig, augmentations
from assets.cli import main
from assets.families import family_checkpoint
from assets.hands import hands
from assets.partitions import APPROVED
from assets.restyled_corpora import RestyleConfig, restyled_corpora
from assets.runs import materialize
from pipelines.errors import BeitieError, ModelError
from pipelines.hand_styles import Hand
from pipelines.imaging.codec import encode_png
from pipelines.records import Column, Origin, Sample, Split
from pipelines.truth import CorpusPage
from tests.assets.examples import a_stubbed_project
from tests.pipelines.examples import a_column, a_page, a_sample, a_work
from tests.pipelines.synthesis.drawn_hands import draw_hand
from tests.pipelines.synthesis.test_corpora import made


@pytest.fixture
def project(tmp_path, monkeypatch):
    project = a_stubbed_project(tmp_path / "home")
    for family in ("calliffusion", "scriptvit"):
        folder = project.home / "families" / family
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"own")
    return project


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


def shown(instance, name):
    event = instance.get_latest_materialization_event(dg.AssetKey(name))
    return event.asset_materialization.metadata


def test_a_project_may_bring_weights_of_its_own(project):
    own = project.home / "families" / "scriptvit"
    assert family_checkpoint(project, "scriptvit") == own
    with pytest.raises(ModelError, match="no weights of nobody"):
        family_checkpoint(project, "nobody")


def test_every_work_of_a_batch_has_a_hand_and_nothing_is_done_twice(project, instance, rng):
    page = a_page(a_work(), project.store)
    column = a_column(page, project.store, rng.integers(0, 2, (120, 100)).astype("uint8"))
    project.tables.write("columns", "b1", Column, [column])
    for is_unchanged in (False, True):
        materialize(project, instance, [hands], batch="b1")
        told = shown(instance, "hands")
        assert told["is_unchanged"].value is is_unchanged
        assert (told["accepted"].value, told["taken"].value) == (1, 1)
    assert "智永" in told["table"].value
    (row,) = project.tables.read("hands", "b1", Hand)
    assert row.work_id == page.work.work_id
    assert row.code_version == hands_module.CODE
    (project.home / "families/scriptvit/model.safetensors").write_bytes(b"newer")
    materialize(project, instance, [hands], batch="b1")
    assert not shown(instance, "hands")["is_unchanged"].value


def test_augmentations_stand_beside_the_samples_and_never_among_them(project, instance):
    key = project.store.put(encode_png(np.zeros((40, 10), np.uint8)), ".png")
    samples = [
        a_sample("天地玄黃", ink_key=key),
        replace(a_sample("宇宙洪荒", ink_key=key), split=Split.TEST),
    ]
    project.tables.write("samples", APPROVED, Sample, samples)
    config = {"augmentations": AugmentationConfig(budget=3)}
    for is_unchanged in (False, True):
        materialize(project, instance, [augmentations], config=config)
        assert shown(instance, "augmentations")["is_unchanged"].value is is_unchanged
    (written,) = project.tables.read("augmentations", APPROVED, Sample)
    assert written.origin is Origin.SYNTHETIC
    assert written.code_version == augmentations_module.CODE
    assert project.tables.read("samples", APPROVED, Sample) == samples


def test_a_corpus_is_restyled_under_a_name_of_its_own(project, instance, tmp_path):
    made(draw_hand(tmp_path), project.store, project.tables)
    config = {"restyled_corpora": RestyleConfig(corpus="small", like="b1")}
    for is_unchanged in (False, True):
        materialize(project, instance, [restyled_corpora], config=config)
        told = shown(instance, "restyled_corpora")
        assert told["is_unchanged"].value is is_unchanged
        assert told["corpus"].value == "small-like-b1"
    before = project.tables.read("corpus_pages", "small", CorpusPage)
    after = project.tables.read("corpus_pages", "small-like-b1", CorpusPage)
    assert [page.characters for page in after] == [page.characters for page in before]


def test_a_reader_is_asked_only_where_somebody_wants_it(project, instance, tmp_path):
    made(draw_hand(tmp_path), project.store, project.tables)
    config = {"restyled_corpora": RestyleConfig(corpus="small", like="b1")}
    materialize(project, instance, [restyled_corpora], config=config)
    config = {"restyled_corpora": RestyleConfig(corpus="small", like="b1", reads_back=True)}
    materialize(project, instance, [restyled_corpora], config=config)
    assert not shown(instance, "restyled_corpora")["is_unchanged"].value
    assert shown(instance, "restyled_corpora")["taken"].value > 0


def test_restyling_what_is_not_there_is_refused(project, instance):
    config = {"restyled_corpora": RestyleConfig(corpus="none", like="b1")}
    with pytest.raises(BeitieError):
        materialize(project, instance, [restyled_corpora], config=config)


@pytest.fixture
def beitie(project, monkeypatch):
    monkeypatch.setattr("assets.terminal.open_project", lambda: project)
    monkeypatch.setattr("assets.cli.open_project", lambda: project)
    monkeypatch.setattr("assets.cli_families.open_project", lambda: project)

    def run(*words):
        return CliRunner().invoke(main, [str(word) for word in words])

    return run


def test_a_hand_is_learned_and_written_in(beitie, tmp_path):
    out = tmp_path / "mine"
    learned = beitie("adapt", tmp_path / "永.png", "--hand", "mine", "--script", "running",
                     "-o", out)  # fmt: skip
    assert learned.exit_code == 0, learned.output
    given = json.loads((out / "given.json").read_text())
    assert {"adapt", str(tmp_path / "永.png"), "running"} <= set(given)
    picture = tmp_path / "out.png"
    written = beitie("write", "天地", "--family", "calliffusion", "--adapter", out, "-o", picture)
    assert written.exit_code == 0, written.output
    assert picture.is_file()
    refused = beitie("write", "天地", "--adapter", out, "-o", tmp_path / "other.png")
    assert refused.exit_code == 2
    assert "--family calliffusion" in refused.output


def test_a_hand_is_written_after_pictures_of_it(beitie, tmp_path):
    picture, shown = tmp_path / "out.png", tmp_path / "永.png"
    like = ("write", "天地", "--family", "scriptvit", "-o", picture)
    written = beitie(*like, "--like", shown, "--like", shown)
    assert written.exit_code == 0, written.output
    assert picture.is_file()
    assert "['永.png', '永.png']" in written.stderr
    for words in (like, ("write", "天地", "--like", shown, "-o", tmp_path / "other.png")):
        refused = beitie(*words)
        assert refused.exit_code == 2
        assert "--family scriptvit goes with --like" in refused.output


def test_who_wrote_this_is_answered_in_a_line_a_picture(beitie, tmp_path):
    told = beitie("attribute", tmp_path / "a.png", tmp_path / "b.png")
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    assert "a.png: yan (nearest: yan 0.10, su 0.40; accepted up to 0.30)" in lines
    assert any(
        line.startswith("all together: none of the known hands")
        and line.endswith("it looks like several hands")
        for line in lines
    )
    as_json = beitie("attribute", tmp_path / "a.png", "--json")
    assert json.loads(as_json.output.splitlines()[-1])["images"][0]["hand"] == "yan"


def test_pages_are_restyled_after_scans(beitie, tmp_path):
    out = tmp_path / "pages"
    done = beitie("restyle", tmp_path / "p.png", "--like", tmp_path / "scan.jp2", "-o", out)
    assert done.exit_code == 0, done.output
    given = json.loads((out / "given.json").read_text())
    assert str(tmp_path / "scan.jp2") in given
