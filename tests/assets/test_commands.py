"""Commands: reports, progress, failures, and what becomes of them when we are stopped or killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from assets.commands import run_reporting
from pipelines.errors import ModelError
from tests.conftest import ROOT


def python(code):
    return [sys.executable, "-c", code]


def run(code, **more):
    return run_reporting(python(code), environment=os.environ, **more)


def test_the_last_line_is_the_report_and_progress_comes_line_by_line():
    said = []
    report = run(
        "import sys; print('noise'); print('1/2', file=sys.stderr); print('2/2', file=sys.stderr);"
        "print('{\"characters\": 12}')",
        on_progress=said.append,
    )
    assert report == {"characters": 12}
    assert said == ["1/2", "2/2"]


def test_a_refusal_is_its_last_sentence():
    with pytest.raises(ModelError) as failed:
        run("import sys; print('working', file=sys.stderr); sys.exit('There is no vocabulary.')")
    assert "There is no vocabulary." in str(failed.value)
    assert "working" not in str(failed.value)
    assert "status 1" in str(failed.value)


def test_a_refusal_is_told_once_and_not_as_progress_too():
    said = []
    with pytest.raises(ModelError) as failed:
        run(
            "import sys; print('working', file=sys.stderr); sys.exit('error: Nothing is there.')",
            on_progress=said.append,
        )
    assert said == ["working"]
    assert str(failed.value).endswith("status 1: Nothing is there.")


def test_a_crash_keeps_its_trace():
    with pytest.raises(ModelError) as failed:
        run("def deep(): raise RuntimeError('shape')\ndeep()")
    assert str(failed.value).count("RuntimeError: shape") == 2
    assert "in deep" in str(failed.value)


@pytest.mark.parametrize("code", ["pass", "print('done')", "print('[1]')"])
def test_ending_without_a_report_is_a_failure(code):
    with pytest.raises(ModelError, match="did not report"):
        run(code)


def test_much_output_on_both_streams_does_not_block():
    code = (
        "import sys\nfor i in range(20000): print('x' * 50); print('y' * 50, file=sys.stderr)\n"
        "print('{}')"
    )
    assert run(code) == {}


def test_one_command_at_a_time_holds_the_device(tmp_path):
    lock, said = tmp_path / "gpu0.lock", []
    holder = subprocess.Popen(
        python(
            f"import fcntl, time; f = open({str(lock)!r}, 'a'); fcntl.flock(f, fcntl.LOCK_EX);"
            "print('held', flush=True); time.sleep(0.6)"
        ),
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        assert run("print('{}')", lock=lock, on_progress=said.append) == {}
        assert holder.wait() == 0
    assert "waiting" in said[0]


WORKER = """
import os, signal, sys
# Whoever started the tests in the background made them deaf to signals.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_SETMASK, [])
sys.path.insert(0, sys.argv[1])
from assets.commands import run_reporting
code = "import os, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
code = "import sys\\n" + code
run_reporting([sys.executable, "-c", code, sys.argv[2]], environment=os.environ)
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_command_does_not_outlive_who_started_it(tmp_path, sent):
    pid_file = tmp_path / "pid"
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(ROOT), str(pid_file)], stderr=subprocess.DEVNULL
    ) as parent:
        child = int(wait_for(lambda: pid_file.exists() and pid_file.read_text()))
        parent.send_signal(sent)
        parent.wait(timeout=20)
    wait_for(lambda: not is_alive(child))


def is_alive(process_id):
    try:
        with open(f"/proc/{process_id}/stat") as file:
            return file.read().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("waited too long")
