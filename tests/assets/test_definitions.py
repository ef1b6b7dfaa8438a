"""The graph as Dagster loads it: its names, its borders, and what loading must not do."""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from assets.automation import SENSORS
from assets.definitions import build
from tests.assets.examples import a_project
from tests.conftest import ROOT

DEPENDENCIES = {
    "scans": [],
    "pages": ["scans"],
    "page_layouts": [],
    "columns": ["page_layouts", "pages"],
    "page_quality": ["columns", "pages"],
    "corpora": [],
    "restyled_corpora": ["corpora"],
    "hands": ["columns"],
    "released_recogniser": [],
    "readings": ["columns", "released_recogniser", "second_readings"],
    "second_readings": ["columns"],
    "review_tasks": ["hands", "readings", "second_readings"],
    "review_decisions": ["review_tasks"],
    "layouts": ["review_decisions"],
    "reviews": ["review_decisions"],
    "effort": ["reviews"],
    "samples": ["reviews"],
    "augmentations": ["samples"],
    "model": ["samples"],
    "evaluation": ["model"],
    "release": ["evaluation"],
}
BLOCKING = {
    ("scans", "scans_conserved"),
    ("pages", "pages_conserved"),
    ("columns", "boxes_inside"),
    ("corpora", "characters_inside"),
    ("corpora", "corpus_conserved"),
    ("columns", "columns_conserved"),
    ("readings", "readings_cover"),
    ("second_readings", "second_readings_cover"),
    ("review_tasks", "tasks_conserved"),
    ("layouts", "layouts_conserved"),
    ("reviews", "approvals_whole"),
    ("reviews", "reviews_conserved"),
    ("samples", "no_split_leak"),
    ("samples", "samples_conserved"),
    ("evaluation", "beats_release"),
}
TELLING = {
    ("scans", "scans_described"),
    ("pages", "polarity_clear"),
    ("columns", "order_certain"),
    ("corpora", "fonts_cover"),
    ("columns", "order_consistent"),
    ("reviews", "approvals_undisturbed"),
    ("samples", "models_untouched_by_revocations"),
}
BY_BATCH = set(DEPENDENCIES) - {
    "corpora",
    "restyled_corpora",
    "released_recogniser",
    "samples",
    "augmentations",
    "model",
    "evaluation",
    "release",
}


@pytest.fixture(scope="module")
def definitions(tmp_path_factory):
    return build(a_project(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def graph(definitions):
    return definitions.resolve_asset_graph()


def test_the_assets_are_the_nouns_and_stand_in_this_order(graph):
    found = {
        key.to_user_string(): sorted(k.to_user_string() for k in graph.get(key).parent_keys)
        for key in graph.get_all_asset_keys()
    }
    assert found == DEPENDENCIES


def test_what_is_cut_by_batch(graph):
    found = {k.to_user_string() for k in graph.get_all_asset_keys() if graph.get(k).is_partitioned}
    assert found == BY_BATCH


def test_the_checks_and_which_of_them_block(graph):
    found = {True: set(), False: set()}
    for key in graph.asset_check_keys:
        is_blocking = graph.get_check_spec(key).blocking
        found[is_blocking].add((key.asset_key.to_user_string(), key.name))
    assert found == {True: BLOCKING, False: TELLING}


def test_people_and_the_pointer_are_outside_the_graph(graph):
    outside = {k.to_user_string() for k in graph.external_asset_keys}
    assert outside == {"page_layouts", "released_recogniser", "review_decisions"}


def test_the_device_is_held_by_those_who_need_it(graph):
    found = {
        key.to_user_string()
        for key in graph.get_all_asset_keys()
        if "gpu0" in (graph.get(key).pools or ())
    }
    assert found == {
        "readings", "model", "evaluation", "hands", "augmentations", "restyled_corpora",
    }  # fmt: skip


def test_every_asset_says_what_it_is_and_who_minds_it(graph):
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key
        assert node.group_name in {"material", "people", "machine"}, key


def test_only_the_inbox_moves_by_itself():
    found = {sensor.name: sensor.default_status for sensor in SENSORS}
    running, stopped = dg.DefaultSensorStatus.RUNNING, dg.DefaultSensorStatus.STOPPED
    assert found == {
        "inbox": running,
        "decisions": stopped,
        "new_layouts": stopped,
        "releases": stopped,
        "training": stopped,
    }


def test_jobs(definitions):
    names = {job.name for job in definitions.resolve_all_job_defs()} - {"__ASSET_JOB"}
    assert names == {"take_in", "take_reviews", "cut_again", "read_again", "train_reader"}


LOAD = """
import json, sys
import assets.definitions
assets.definitions.defs
loaded = {name.split(".")[0] for name in sys.modules}
print(json.dumps(sorted(loaded & {"torch", "rapidocr", "transformers", "label_studio_sdk"})))
"""


def test_loading_brings_no_machine_and_makes_nothing(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "BEITIE_HOME": str(tmp_path / "h")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == []
    assert not (tmp_path / "h").exists()


def test_the_instance_frees_its_pool_and_calls_nobody():
    instance = yaml.safe_load((Path(ROOT) / "dagster.yaml").read_text())
    assert instance["telemetry"]["enabled"] is False
    assert instance["run_monitoring"]["enabled"] is True
    assert instance["run_monitoring"]["free_slots_after_run_end_seconds"] > 0
    assert instance["concurrency"]["pools"] == {"granularity": "op", "default_limit": 1}
