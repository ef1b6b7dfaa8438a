"""``beitie up``: what it starts, what it takes in by itself, and that nothing is left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from assets.up import HOST, require_free
from pipelines.errors import ServiceError
from tests.assets.examples import a_page_scan, a_stubbed_project, put_work
from tests.conftest import ROOT

PATIENCE_S = 240


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def running_on(home):
    """Processes whose environment names the home (Linux alone tells)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"BEITIE_HOME={home}".encode() in entry.read_bytes().split(b"\0"):
                found.append(entry.parent.name)
    return found


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.5)


def test_a_taken_port_is_named_with_the_flag_that_helps():
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServiceError, match=rf"Port {port} .*--dagster-port"):
            require_free(port, "Dagster", "--dagster-port")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks at /proc")
def test_a_folder_in_the_inbox_is_read_without_anybody_asking(tmp_path, rng):
    project = a_stubbed_project(tmp_path)
    put_work(project, "b1", "work", [a_page_scan(rng)])
    port, desk_port = free_port(), free_port()
    environment = {
        **os.environ,
        "BEITIE_HOME": str(tmp_path),
        "BEITIE_CHECKPOINT": str(project.settings.checkpoint),
        "BEITIE_TRAINING_PYTHON": project.settings.training_python,
        # Nobody listens there: Label Studio has its own tests.
        "LABEL_STUDIO_URL": f"http://{HOST}:9",
        "LABEL_STUDIO_API_KEY": "none",
    }
    command = [sys.executable, "-m", "assets.cli", "up", "--dagster-port", str(port)]
    command += ["--desk-port", str(desk_port)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        wait_for(
            lambda: process.poll() is not None or project.tables.batches("readings"), "readings"
        )
        assert process.poll() is None
        assert project.tables.batches("readings") == ["b1"]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{HOST}:{port}/server_info", timeout=30) as answer:
            assert answer.status == 200
        with opener.open(f"http://{HOST}:{desk_port}/login", timeout=30) as answer:
            assert answer.status == 200
        assert [user.name for user in project.desk_users().all()] == ["beitie"]
        assert len(running_on(tmp_path)) > 3
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    wait_for(lambda: not running_on(tmp_path), "every process to end")
