"""A revocation travels: from the journal to samples, models, checks and the command line."""

from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
import pytest

from annotation.approval import Person, act
from annotation.journal import Action
from annotation.rules import FILE_NAME
from annotation.states import standings
from assets import checks, release_pointer
from assets.model_cards import CARD
from assets.partitions import APPROVED
from assets.resources import Project
from assets.reviews import reviews
from assets.revocations import revoked_samples, taught_by
from assets.runs import materialize
from assets.samples import samples
from assets.waiting import SEEN_SAMPLES, decision_signatures
from pipelines.records import Sample
from pipelines.states import State
from tests.annotation.examples import a_batch
from tests.annotation.loop import Loop
from tests.assets.examples import NOW, a_model
from tests.assets.test_cli import beitie, project  # noqa: F401  (a fixture)

LIU = "liu@example.org"
WANG = Person(name="wang", email="wang@example.org")


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


@pytest.fixture
def loop(project, monkeypatch):  # noqa: F811
    """A pushed batch of two columns that asks for two people, the first one submitted."""
    label_studio = project.label_studio()
    monkeypatch.setattr(Project, "label_studio", lambda _: label_studio)
    (project.home / FILE_NAME).write_text("people = 2\n")
    batch = a_batch(project.tables, project.store, name="b1")
    loop = Loop(label_studio, batch, project.images, project.journal)
    loop.push()
    loop.submit(loop.tasks()[0], "天地玄黃宇", LIU)
    return loop


def edited(loop, text):
    """Somebody changes the first annotation in Label Studio."""
    task = loop.tasks()[0]
    loop.client.update_annotation(task.annotations[0]["id"], loop.result_of(task, text))


def standing(project):  # noqa: F811
    (found,) = standings(project.journal.lines("b1")).values()
    return found


def do(project, action, reason=""):  # noqa: F811
    found = standing(project)
    seen = found.review.content_hash
    act(
        project.journal,
        "b1",
        found.column_id,
        action,
        WANG,
        content_hash=seen,
        at=datetime.now(UTC),
        reason=reason,
    )


def taken_in(project, instance):  # noqa: F811
    materialize(project, instance, [reviews], batch="b1")
    materialize(project, instance, [samples])
    return project.tables.read("samples", APPROVED, Sample)


@pytest.mark.slow
def test_a_revoked_sample_goes_and_who_learned_from_it_is_named(project, instance, loop):  # noqa: F811
    assert taken_in(project, instance) == []
    before = decision_signatures(project)
    do(project, Action.APPROVE)
    assert decision_signatures(project) != before, "the sensor looks at the desk too"
    (sample,) = taken_in(project, instance)
    first = a_model(project, "first")
    folder = project.absolute(first.checkpoint_path)
    (folder / SEEN_SAMPLES).write_text(sample.sample_id + "\n")
    released = release_pointer.open_release(project, first, reason="test", now=NOW)
    child = a_model(project, "child", parent=released.release_id, minute=1)
    a_model(project, "innocent", minute=2)

    result = beitie("review", "revoke", sample.column_id, "--reason", "a  forgery")
    assert result.exit_code == 0, result.output
    assert "(command line) revoked the approval by wang@example.org: a forgery" in result.stderr
    assert f"Model first, released as {released.release_id} learned from revoked" in result.stdout
    assert taken_in(project, instance) == []
    (rejection,) = project.tables.rejections("samples", APPROVED)
    assert rejection.reason == "revoked"
    assert "a forgery" in rejection.detail

    taught = taught_by(project, revoked_samples(project))
    assert [(one.model_id, one.reads_now) for one in taught] == [("first", True), ("child", False)]
    assert "a forgery" in (folder / CARD).read_text()
    assert "Revoked" in (project.absolute(child.checkpoint_path) / CARD).read_text()
    event = instance.fetch_observations(dg.AssetKey("model"), limit=5).records
    assert len(event) == 2
    found = checks.models_untouched_by_revocations(project)
    assert isinstance(found, dg.AssetCheckResult)
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN

    status = beitie("review", "status").stdout
    assert "states           1 new, 1 in progress" in status
    assert f"returned         {sample.column_id}: " in status
    assert "It reads now: train again" in status
    assert beitie("review", "revoke", sample.column_id, "--reason", "again").exit_code == 1
    assert beitie("review", "revoke", "nothing", "--reason", "x").exit_code == 1

    # People decide anew: what was wrong stays revoked, what is right is another sample.
    edited(loop, "夫地玄黃宇")
    materialize(project, instance, [reviews], batch="b1")
    assert standing(project).state is State.DONE
    do(project, Action.APPROVE)
    (again,) = taken_in(project, instance)
    assert again.sample_id != sample.sample_id
    assert set(revoked_samples(project)) == {sample.sample_id}


def test_what_is_approved_again_as_it_was_is_no_longer_revoked(project, instance, loop):  # noqa: F811
    taken_in(project, instance)
    do(project, Action.APPROVE)
    do(project, Action.REVOKE, "in doubt")
    assert len(revoked_samples(project)) == 1
    decided = standing(project).decided
    later = replace(decided.review, reviewed_at=datetime.now(UTC))
    project.journal.append("b1", [replace(decided, review=later)], at=datetime.now(UTC))
    do(project, Action.APPROVE)
    assert revoked_samples(project) == {}
    assert taught_by(project, {}) == []
    found = checks.models_untouched_by_revocations(project)
    assert isinstance(found, dg.AssetCheckResult)
    assert found.passed


def test_agreement_is_told_batch_by_batch(project, loop):  # noqa: F811
    loop.submit(loop.tasks()[0], "夫地玄黃宇", WANG.email)
    told = beitie("review", "agreement", "b1").stdout.splitlines()
    assert len(told) == 3
    assert told[2].startswith(f"b1             {LIU} and {WANG.email}: 1 tasks, 100% decided alike")


def test_an_edit_after_approval_reaches_people(project, instance, loop):  # noqa: F811
    taken_in(project, instance)
    do(project, Action.APPROVE)
    taken_in(project, instance)
    assert checks.approvals_undisturbed(project, "b1") == []
    edited(loop, "夫地玄黃宇")
    materialize(project, instance, [reviews], batch="b1")
    (finding,) = checks.approvals_undisturbed(project, "b1")
    assert "夫地玄黃宇" in finding.message
    assert "look at          " + finding.item_id in beitie("review", "status").stdout
