"""The sensors on a real project: what one look asks for, and what the next one leaves alone."""

import json
import time
import uuid

import dagster as dg
import pytest

from annotation.simulated import annotate_batch
from assets import automation, release_pointer
from assets.readings import readings
from assets.runs import materialize
from pipelines.geometry import Box
from pipelines.records import Origin, Polarity, Sample, SampleCharacter, Split
from tests.assets.examples import (
    NOW,
    a_page_scan,
    a_stubbed_project,
    a_work,
    put_work,
    titles_of,
)
from tests.assets.test_graph import DRAFTS, MATERIAL, truth_of


@pytest.fixture
def project(tmp_path):
    return a_stubbed_project(tmp_path, BEITIE_RETRAIN_AFTER="10")


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


def look(sensor, project, instance, cursor=None):
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, resources={"project": project}
    ) as context:
        return sensor(context)


def record_run(instance, request, status, job_name):
    run = dg.DagsterRun(
        job_name=job_name, tags=dict(request.tags), status=status, run_id=str(uuid.uuid4())
    )
    instance.add_run(run)


def test_a_folder_in_the_inbox_becomes_a_batch_on_the_second_look(project, instance, rng):
    put_work(project, "b1", "work", [a_page_scan(rng)])
    first = look(automation.inbox, project, instance)
    assert first.run_requests == []
    assert "b1" in first.skip_reason.skip_message
    second = look(automation.inbox, project, instance, first.cursor)
    assert [request.partition_key for request in second.run_requests] == ["b1"]
    assert second.dynamic_partitions_requests[0].partition_keys == ["b1"]
    record_run(instance, second.run_requests[0], dg.DagsterRunStatus.SUCCESS, "take_in")
    third = look(automation.inbox, project, instance, second.cursor)
    assert third.run_requests == []


def test_a_failed_run_is_asked_for_again_under_another_key(project, instance, rng):
    put_work(project, "b1", "work", [a_page_scan(rng)])
    cursor = look(automation.inbox, project, instance).cursor
    keys = []
    for _ in range(4):
        found = look(automation.inbox, project, instance, cursor)
        keys += [request.run_key for request in found.run_requests]
        for request in found.run_requests:
            record_run(instance, request, dg.DagsterRunStatus.FAILURE, "take_in")
    assert len(keys) == len(set(keys)) == 3


def test_a_release_asks_to_read_open_batches_again(project, instance, rng):
    put_work(project, "b1", "work", [a_page_scan(rng)])
    materialize(project, instance, [*MATERIAL, readings], batch="b1")
    assert look(automation.releases, project, instance).run_requests == []
    bundled = release_pointer.current(project)
    opened = release_pointer._append(project, bundled, "m1", bundled.checkpoint_path, "test", NOW)
    (request,) = look(automation.releases, project, instance).run_requests
    assert request.partition_key == "b1"
    assert request.run_config["ops"]["readings"]["config"]["release_id"] == opened.release_id
    assert opened.release_id in request.run_key


def test_decisions_of_people_are_taken_over_once(project, instance):
    assert look(automation.decisions, project, instance).run_requests == []


def test_a_hint_makes_the_decisions_be_asked_for_sooner(project, instance):
    before = str(time.time() - 20)
    skipped = look(automation.decisions, project, instance, before)
    assert "No hint" in skipped.skip_reason.skip_message
    project.hints.give()
    looked = look(automation.decisions, project, instance, before)
    assert "Nobody decided" in looked.skip_reason.skip_message
    assert float(looked.cursor) > float(before)


def approve(project, characters):
    work = a_work(titles_of(Split.TRAIN, 1)[0])
    sample = Sample(
        sample_id=f"s{characters}",
        column_id="c",
        page_id="p",
        work=work,
        split=Split.TRAIN,
        origin=Origin.REVIEW,
        ink_key="k.png",
        polarity=Polarity.DARK_ON_LIGHT,
        characters=tuple(
            SampleCharacter(box=Box(0, i, 1, i + 1), written="天", canonical="天", is_damaged=False)
            for i in range(characters)
        ),
        prompt="",
        review_id="r",
        code_version="t",
    )
    project.tables.write("samples", "approved", Sample, [sample])


def test_enough_approvals_are_a_proposal_and_no_run(project, instance):
    approve(project, 9)
    found = look(automation.training, project, instance)
    assert found.run_requests == []
    assert not project.proposals.exists()
    approve(project, 12)
    found = look(automation.training, project, instance)
    assert found.run_requests == []
    assert len(found.asset_events) == 1
    (file,) = project.proposals.iterdir()
    assert json.loads(file.read_text())["new_characters"] == 12
    again = look(automation.training, project, instance)
    assert again.asset_events == [], "a proposal is made once"


def test_training_starts_by_itself_only_where_that_was_asked_for(tmp_path, instance):
    project = a_stubbed_project(tmp_path, BEITIE_RETRAIN="automatic", BEITIE_RETRAIN_AFTER="10")
    approve(project, 12)
    (request,) = look(automation.training, project, instance).run_requests
    record_run(instance, request, dg.DagsterRunStatus.FAILURE, "train_reader")
    assert look(automation.training, project, instance).run_requests == []


def test_a_reader_that_saw_the_samples_needs_no_training(project, instance):
    approve(project, 12)
    folder = project.models / "m1"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"m1")
    (folder / "samples.txt").write_text("s12\n")
    release_pointer._append(
        project, release_pointer.current(project), "m1", "models/m1", "test", NOW
    )
    assert "Too little" in look(automation.training, project, instance).skip_reason.skip_message


@pytest.mark.slow
def test_what_people_decided_is_asked_for_once_and_again_when_they_go_on(project, instance, rng):
    for title in titles_of(Split.TRAIN, 2):
        put_work(project, "b1", title, [a_page_scan(rng)])
    materialize(project, instance, DRAFTS, batch="b1")
    assert look(automation.decisions, project, instance).run_requests == []
    truth = truth_of(project, "b1")
    first, second = sorted(truth)
    annotate_batch(project.tables, "b1", project.label_studio(), {first: truth[first]})
    found = look(automation.decisions, project, instance)
    assert [request.partition_key for request in found.run_requests] == ["b1"]
    assert found.asset_events[0].asset_key.to_user_string() == "review_decisions"
    record_run(instance, found.run_requests[0], dg.DagsterRunStatus.SUCCESS, "take_reviews")
    assert look(automation.decisions, project, instance).run_requests == []
    annotate_batch(project.tables, "b1", project.label_studio(), {second: truth[second]})
    (again,) = look(automation.decisions, project, instance).run_requests
    assert again.run_key != found.run_requests[0].run_key
