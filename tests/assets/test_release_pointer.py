"""The release pointer: history, roll-back, and the release that a batch stays with."""

from datetime import timedelta

import pytest

from assets import release_pointer
from pipelines.errors import ModelError
from pipelines.records import Reading
from tests.assets.examples import NOW, a_model, a_project, a_reading


@pytest.fixture
def project(tmp_path):
    return a_project(tmp_path)


def open_release(project, name, minutes=0):
    return release_pointer.open_release(
        project, a_model(project, name), reason="better", now=NOW + timedelta(minutes=minutes)
    )


def test_before_any_release_the_bundled_reader_reads(project):
    reader = release_pointer.current(project)
    assert reader.reason == "bundled with the program"
    assert release_pointer.checkpoint(project, reader) == project.settings.checkpoint


def test_without_weights_it_says_where_it_looked(project):
    (project.settings.checkpoint / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="BEITIE_CHECKPOINT"):
        release_pointer.current(project)


def test_a_release_replaces_the_one_before_and_once_is_enough(project):
    bundled = release_pointer.current(project)
    first = open_release(project, "m1")
    assert first.replaces == bundled.release_id
    assert release_pointer.current(project) == first
    assert open_release(project, "m1", 5) == first
    assert len(release_pointer.history(project)) == 2


def test_rolling_back_restores_the_reader_before_and_keeps_history(project):
    open_release(project, "m1", 1)
    second = open_release(project, "m2", 2)
    back = release_pointer.roll_back(project, now=NOW + timedelta(minutes=3))
    assert back.model_id == "m1"
    assert back.replaces == second.release_id
    assert release_pointer.current(project) == back
    assert len(release_pointer.history(project)) == 4


def test_rolling_back_twice_goes_two_readers_back(project):
    bundled = release_pointer.current(project)
    open_release(project, "m1", 1)
    open_release(project, "m2", 2)
    release_pointer.roll_back(project, now=NOW + timedelta(minutes=3))
    back = release_pointer.roll_back(project, now=NOW + timedelta(minutes=4))
    assert back.model_id == bundled.model_id
    with pytest.raises(ModelError, match="nothing before"):
        release_pointer.roll_back(project, now=NOW + timedelta(minutes=5))


def test_a_model_that_was_rolled_back_may_be_released_again(project):
    model = a_model(project, "m1")
    first = release_pointer.open_release(project, model, reason="better", now=NOW)
    release_pointer.roll_back(project, now=NOW + timedelta(minutes=1))
    again = release_pointer.open_release(
        project, model, reason="by hand", now=NOW + timedelta(minutes=2)
    )
    assert again.release_id != first.release_id
    assert release_pointer.current(project).model_id == "m1"


def test_a_clock_that_went_back_does_not_hide_a_release(project):
    open_release(project, "m1", 60)
    late = open_release(project, "m2", 0)
    assert release_pointer.current(project) == late


def test_a_batch_stays_with_the_release_that_read_it(project):
    first = open_release(project, "m1", 1)
    rows = [a_reading("c1", "天", release_id=first.release_id)]
    project.tables.write("readings", "b1", Reading, rows)
    second = open_release(project, "m2", 2)
    assert release_pointer.pinned(project, "b1") == first
    assert release_pointer.pinned(project, "never read") == second


def test_missing_weights_of_a_release_name_the_way_back(project):
    release = open_release(project, "m1")
    (project.models / "m1" / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="--rollback"):
        release_pointer.checkpoint(project, release)


def test_an_unknown_release_lists_the_known_ones(project):
    known = release_pointer.current(project)
    with pytest.raises(ModelError, match=known.release_id):
        release_pointer.find(project, "nothing")
