"""A real desk, killed and started again while files come in: nothing lost, nothing doubled."""

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

from tests.annotation.desk.pictures import noise_bmp
from tests.annotation.desk.sending import CHUNK, describe, files_of, send_stubbornly
from tests.annotation.desk.serving import Browser, a_desk, with_users
from tests.conftest import ROOT


class DeskProcess:
    """``python -m annotation.desk`` on one port, killed without warning and started again."""

    def __init__(self, home, port):
        self.home, self.port, self.process = home, port, None

    def start(self):
        place = ["--home", str(self.home / "desk"), "--inbox", str(self.home / "inbox")]
        place += ["--store", str(self.home / "store"), "--tables", str(self.home / "tables")]
        place += ["--journal", str(self.home / "journal")]
        command = [sys.executable, "-m", "annotation.desk", *place, "--port", str(self.port)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment)
        deadline = time.monotonic() + 120
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while True:
            assert self.process.poll() is None, "the desk ended by itself"
            assert time.monotonic() < deadline, "the desk did not come up"
            with contextlib.suppress(urllib.error.URLError, OSError):
                opener.open(f"http://127.0.0.1:{self.port}/login", timeout=5).close()
                return
            time.sleep(0.1)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def a_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bring(home, count, largest, kills, seed):
    """Send ``count`` files of log-uniform sizes past so many kills; what to compare.

    Kills are spread evenly over the files, each soon after a file has begun, so that a fast machine
    sees as many as a slow one.
    """
    rng = np.random.default_rng(seed)
    with_users(a_desk(home))
    desk = DeskProcess(home, a_port())
    desk.start()
    browser = Browser(desk.port)
    browser.enter("archivist")
    delivery = describe(browser)
    sizes = np.exp(rng.uniform(np.log(2_000), np.log(largest), count)).astype(int)
    sizes[:2] = largest
    is_over = threading.Event()
    done_kills = []
    sent, breaks, states = {}, 0, []

    def interrupt():
        for number in range(kills):
            while len(states) < (number + 1) * count // (kills + 1):
                if is_over.wait(0.01):
                    return
            if is_over.wait(float(rng.uniform(0, 0.1))):
                return
            desk.kill()
            done_kills.append(1)
            desk.start()

    killer = threading.Thread(target=interrupt)
    killer.start()
    try:
        files = np.random.default_rng(seed + 1)
        for index, size in enumerate(sizes):
            data = noise_bmp(files, int(size))
            told, broken = send_stubbornly(browser, delivery, f"vol/img-{index}.bmp", data)
            sent[hashlib.sha256(data).hexdigest()] = len(data)
            breaks += broken
            states.append(told["state"])
    finally:
        is_over.set()
        killer.join()
        desk.kill()
    return sent, states, breaks, len(done_kills)


@pytest.mark.slow
def test_files_arrive_once_although_the_desk_is_killed(tmp_path):
    sent, states, breaks, kills = bring(tmp_path, 40, 3 * CHUNK, 4, 1)
    found = files_of(tmp_path / "inbox")
    assert kills == 4, "the test is about being killed"
    assert breaks >= 1
    assert set(states) == {"taken"}
    assert set(found) == set(sent)
    assert {len(paths) for paths in found.values()} == {1}
    assert not list((tmp_path / "inbox").rglob(".*")), "nothing half written is left"


if __name__ == "__main__":
    # The measurement: python -m tests.annotation.desk.test_interruption FOLDER
    from pathlib import Path

    began, home = time.monotonic(), Path(sys.argv[1])
    sent, states, breaks, kills = bring(home, 200, 20 << 20, 12, 7)
    found = files_of(home / "inbox")
    lost, doubled = set(sent) - set(found), [p for p in found.values() if len(p) > 1]
    sys.stdout.write(
        f"{len(sent)} files, {sum(sent.values()) / 2**20:.0f} MiB, largest "
        f"{max(sent.values()) / 2**20:.1f} MiB; killed {kills} times, {breaks} broken "
        f"connections; {len(lost)} lost, {len(doubled)} doubled, {len(found) - len(sent)} more "
        f"than sent; {time.monotonic() - began:.0f} s\n"
    )
