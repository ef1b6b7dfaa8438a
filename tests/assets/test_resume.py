"""A run killed in the middle: nothing half written, nothing doubled, and the next run goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from assets.columns import columns
from assets.pages import pages
from assets.readings import readings
from assets.runs import materialize, open_instance
from assets.scans import scans
from pipelines.records import Column, Page, Reading
from tests.assets.examples import a_page_scan, a_stubbed_project, put_work
from tests.conftest import ROOT

RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from assets.columns import columns
from assets.pages import pages
from assets.readings import readings
from assets.runs import materialize, open_instance
from assets.scans import scans
from tests.assets.examples import a_stubbed_project
project = a_stubbed_project(Path(sys.argv[2]))
with open_instance(project) as instance:
    materialize(project, instance, [scans, pages, columns, readings], batch="b1")
"""


def start(project, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(ROOT), str(project.home)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_when(process, condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the run ended before it was killed"
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()


def assert_whole(project):
    """Every manifest that is there names files that are there and counts what they hold."""
    for file in (project.home / "tables").rglob("manifest.json"):
        manifest = json.loads(file.read_text())
        assert (file.parent / manifest["rows_file"]).is_file()
        frame = project.tables.frame(manifest["table"], manifest["batch"])
        assert len(frame) == manifest["accepted"]


def finish(project):
    with open_instance(project) as instance:
        materialize(project, instance, [scans, pages, columns, readings], batch="b1")
    found = project.tables.read("columns", "b1", Column)
    assert (
        Counter(page.page_id for page in project.tables.read("pages", "b1", Page)).most_common(1)[
            0
        ][1]
        == 1
    )
    assert max(Counter(column.column_id for column in found).values()) == 1
    read = [reading.column_id for reading in project.tables.read("readings", "b1", Reading)]
    assert sorted(read) == sorted(column.column_id for column in found)


@pytest.fixture
def project(tmp_path, rng):
    project = a_stubbed_project(tmp_path)
    for index in range(4):
        put_work(project, "b1", f"work {index}", [a_page_scan(rng)])
    return project


@pytest.mark.slow
def test_killed_while_a_table_is_being_written(project):
    folder = project.home / "tables" / "pages" / "batch=b1"
    with start(project) as process:
        kill_when(process, lambda: folder.is_dir() and any(folder.glob("*.parquet")))
    assert_whole(project)
    finish(project)
    left = [p.name for p in folder.glob("*.parquet")]
    assert len(left) == 2, "files of the killed run are swept"


@pytest.mark.slow
def test_killed_while_a_command_runs(project, tmp_path):
    here = tmp_path / "here"
    with start(project, STUB_WAITS=str(here)) as process:
        kill_when(process, here.exists)
    assert_whole(project)
    assert project.tables.manifest("readings", "b1") is None
    finish(project)
    assert list(project.staging.iterdir()) == [], "what was staged is taken over and gone"
