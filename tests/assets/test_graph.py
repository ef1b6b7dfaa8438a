"""The graph, materialized in this process from files to a release, with its checks."""

import dagster as dg
import numpy as np
import pytest

from annotation.simulated import TrueCharacter, annotate_batch
from assets import release_pointer
from assets.batch_report import write_batch_report
from assets.columns import columns
from assets.effort import effort
from assets.evaluation import evaluation
from assets.models import model
from assets.pages import pages
from assets.readings import CURRENT, ReadingConfig, readings, second_readings
from assets.releases import release
from assets.resources import Project, read_settings
from assets.review_tasks import review_tasks
from assets.reviews import reviews
from assets.runs import RunError, materialize
from assets.samples import samples
from assets.scans import scans
from pipelines.effort import Effort
from pipelines.records import Column, Page, Reading, Review, Sample, Scan, Split
from tests.assets.examples import a_page_scan, a_stubbed_project, put_work, titles_of

MATERIAL = [scans, pages, columns]
DRAFTS = [*MATERIAL, readings, second_readings, review_tasks]
MACHINE = [samples, model, evaluation, release]


@pytest.fixture
def project(tmp_path):
    return a_stubbed_project(tmp_path)


@pytest.fixture
def instance():
    """Keeps its events in memory; ``test_resume`` and ``test_cli`` use the one on disk."""
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


@pytest.fixture
def batch(project, rng):
    """Three works, one of them frozen for testing; the figures of all pages are 天."""
    titles = [*titles_of(Split.TRAIN, 2), *titles_of(Split.TEST, 1)]
    for title in titles:
        put_work(project, "b1", title, [a_page_scan(rng)])
    return "b1"


def truth_of(project, batch):
    """What the simulated annotator knows: 天 in every box that was found."""
    truth = {}
    for column in project.tables.read("columns", batch, Column):
        truth.setdefault(column.page_id, []).extend(
            TrueCharacter(
                box=character.box, written="天", canonical="天", column=column.column_index
            )
            for character in column.characters
        )
    return truth


def counts(project, batch):
    found = {}
    for name in ("scans", "pages", "columns", "readings", "second_readings", "review_tasks"):
        manifest = project.tables.manifest(name, batch)
        found[name] = (manifest.accepted, manifest.rejected) if manifest else None
    return found


def tokens(project):
    """Which files the manifests name: another token means that something was written anew."""
    return {
        (name, batch): project.tables.manifest(name, batch).rows_file
        for name in (
            "scans",
            "pages",
            "columns",
            "readings",
            "second_readings",
            "samples",
            "models",
            "evaluations",
        )
        for batch in project.tables.batches(name)
    }


@pytest.mark.slow
def test_from_files_to_a_release_and_the_next_reading(project, instance, batch):
    materialize(project, instance, DRAFTS, batch=batch)
    bundled = release_pointer.current(project)
    drafts = project.tables.read("readings", batch, Reading)
    assert {reading.release_id for reading in drafts} == {bundled.release_id}
    assert set("".join(reading.text for reading in drafts)) == {"一"}

    annotate_batch(project.tables, batch, project.label_studio(), truth_of(project, batch))
    materialize(project, instance, [reviews, effort], batch=batch)
    approved = project.tables.read("reviews", batch, Review)
    assert {review.text[0] for review in approved} == {"天"}
    (took,) = project.tables.read("effort", batch, Effort)
    assert (took.round, took.columns, took.is_simulated) == (1, len(approved), True)
    assert took.corrections > 0
    report = write_batch_report(project, [batch], project.home / "report.html", shown=1)
    assert "Seconds per column, round by round" in report.read_text(encoding="utf-8")
    assert all(review.is_simulated for review in approved)

    materialize(project, instance, MACHINE)
    opened = release_pointer.current(project)
    assert opened.replaces == bundled.release_id
    assert "better, corrections" in opened.reason
    card = (project.absolute(opened.checkpoint_path) / "card.md").read_text()
    assert opened.release_id in card
    assert "-30.00" in card
    made = project.tables.read("samples", "approved", Sample)
    assert {sample.split for sample in made} >= {Split.TRAIN, Split.TEST}
    event = instance.get_latest_materialization_event(dg.AssetKey("released_recogniser"))
    assert event.asset_materialization.metadata["release"].value == opened.release_id

    put_work(project, "b2", titles_of(Split.TRAIN, 3)[2], [a_page_scan(np.random.default_rng(2))])
    materialize(project, instance, DRAFTS, batch="b2")
    assert {r.text[0] for r in project.tables.read("readings", "b2", Reading)} == {"二"}

    before = tokens(project)
    materialize(project, instance, DRAFTS, batch=batch)
    materialize(project, instance, DRAFTS, batch="b2")
    materialize(project, instance, MACHINE)
    assert tokens(project) == before, "a second run does nothing twice"
    assert len(release_pointer.history(project)) == 2


@pytest.mark.slow
def test_a_release_reads_again_what_nobody_approved(project, instance, batch):
    materialize(project, instance, DRAFTS, batch=batch)
    truth = truth_of(project, batch)
    kept_page = sorted(truth)[0]
    annotate_batch(project.tables, batch, project.label_studio(), {kept_page: truth[kept_page]})
    materialize(project, instance, [reviews], batch=batch)
    bundled = release_pointer.current(project)
    folder = project.models / "better"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"trained")
    opened = release_pointer._append(
        project, bundled, "better", "models/better", "test", bundled.released_at
    )
    config = {"readings": ReadingConfig(release_id=CURRENT)}
    materialize(project, instance, [readings, review_tasks], batch=batch, config=config)
    for reading in project.tables.read("readings", batch, Reading):
        is_kept = reading.page_id == kept_page
        assert reading.release_id == (bundled if is_kept else opened).release_id
        assert set(reading.text) == {"一" if is_kept else "二"}


def test_bad_files_are_rejected_by_name_and_the_rest_goes_on(project, instance, batch):
    folder = next((project.inbox / batch).iterdir())
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n no picture")
    (folder / "notes.txt").write_text("not a scan")
    materialize(project, instance, MATERIAL, batch=batch)
    assert counts(project, batch)["scans"] == (3, 2)
    reasons = {r.reason for r in project.tables.rejections("scans", batch)}
    assert "unknown_suffix" in reasons
    assert len(project.tables.read("pages", batch, Page)) == 3


def test_a_file_that_left_the_inbox_stays_in_the_batch(project, instance, batch):
    materialize(project, instance, [scans], batch=batch)
    before = project.tables.read("scans", batch, Scan)
    next((project.inbox / batch).rglob("page-0.png")).unlink()
    materialize(project, instance, [scans], batch=batch)
    after = project.tables.read("scans", batch, Scan)
    assert {s.scan_id for s in after} == {s.scan_id for s in before}


def test_a_batch_without_files_says_how_to_add_some(project, instance):
    with pytest.raises(RunError, match="beitie add FILES --batch nothing"):
        materialize(project, instance, [scans], batch="nothing")


@pytest.mark.slow
def test_a_worse_model_is_not_released(project, instance, batch, monkeypatch):
    monkeypatch.setenv("STUB_CORRECTIONS", "60")
    materialize(project, instance, DRAFTS, batch=batch)
    annotate_batch(project.tables, batch, project.label_studio(), truth_of(project, batch))
    materialize(project, instance, [reviews], batch=batch)
    with pytest.raises(RunError, match=r"beats_release fails: .* \+10\.00 beside"):
        materialize(project, instance, MACHINE)
    assert len(release_pointer.history(project)) == 1
    with pytest.raises(RunError, match="is not released"):
        materialize(project, instance, [release])


def test_a_lost_page_stops_the_batch(project, instance, batch):
    materialize(project, instance, MATERIAL, batch=batch)
    found = project.tables.read("pages", batch, Page)
    inputs = project.tables.manifest("pages", batch).inputs
    project.tables.write("pages", batch, Page, found[:-1], inputs=inputs)
    with pytest.raises(RunError, match="pages_conserved fails: pages took 3"):
        materialize(project, instance, [pages, columns], batch=batch)


def test_training_without_approvals_says_what_is_missing(project, instance):
    with pytest.raises(RunError, match="nothing to train on"):
        materialize(project, instance, [samples, model])


@pytest.mark.slow
def test_from_files_to_a_reading_with_the_real_readers(tmp_path, material, instance, rng):
    """The real commands on the bundled checkpoint; the rest of the loop is `make demo`."""
    project = Project(read_settings({"BEITIE_HOME": str(tmp_path), "BEITIE_THREADS": "1"}))
    if not (project.settings.checkpoint / "model.safetensors").is_file():
        pytest.skip(f"no checkpoint in {project.settings.checkpoint}")
    (tmp_path / "fonts").symlink_to(material / "fonts")
    put_work(project, "b1", "work", [a_page_scan(rng)])
    materialize(project, instance, [*MATERIAL, readings, second_readings], batch="b1")
    found = project.tables.read("columns", "b1", Column)
    # Figures that a test draws are no writing: one may look like two.
    assert [min(len(column.characters), 5) for column in found] == [5, 5, 5]
    for name in ("readings", "second_readings"):
        read = project.tables.read(name, "b1", Reading)
        assert [r.column_id for r in read] == [c.column_id for c in found]
        scores = [c.score for r in read for c in r.characters]
        assert all(0 <= score <= 1 for score in scores)


def test_lost_pictures_are_made_again(project, instance, batch):
    materialize(project, instance, MATERIAL, batch=batch)
    page = project.tables.read("pages", batch, Page)[0]
    key = page.ink_key
    project.store.filesystem.rm_file(project.store.path_of(key))
    materialize(project, instance, [pages], batch=batch)
    assert project.store.has(key)
