"""Starting and stopping a server: the real one, and programs that behave as badly as one can."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from annotation import server_guard
from annotation.client import connect
from annotation.server import LabelStudioServer, ServerParams, find_venv
from pipelines.errors import ServiceError
from tests.conftest import ROOT


@pytest.fixture
def fake_venv(tmp_path):
    """An environment whose ``label-studio`` is a small program."""

    def make(program: str) -> Path:
        executable = tmp_path / "venv" / "bin" / "label-studio"
        executable.parent.mkdir(parents=True, exist_ok=True)
        executable.write_text(f"#!{sys.executable}\n" + textwrap.dedent(program))
        executable.chmod(0o755)
        return tmp_path / "venv"

    return make


ANSWERING = """
    import http.server, os, sys, time

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            known = self.headers.get("Authorization") == "Token " + os.environ[TOKEN]
            self.send_response(200 if known or self.path == "/health" else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    TOKEN = "LABEL_STUDIO_USER_TOKEN"
    port = int(sys.argv[sys.argv.index("--port") + 1])
    with open("environment", "w") as file:
        file.write(repr((sys.argv, dict(os.environ))))
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process_id}/stat").read_text().split(")")[1].split()[0] != "Z"


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_where_label_studio_is_looked_for(tmp_path):
    assert find_venv(tmp_path, {}) == tmp_path / ".venv-label-studio"
    assert find_venv(tmp_path, {"BEITIE_LABEL_STUDIO_VENV": "/opt/ls"}) == Path("/opt/ls")


def test_what_is_not_installed_says_how_to_install_it(tmp_path):
    server = LabelStudioServer(tmp_path / "data", venv=tmp_path / "nowhere")
    with pytest.raises(ServiceError, match="not installed.*pip install.*BEITIE_LABEL_STUDIO_VENV"):
        server.start()
    assert not (tmp_path / "data" / "server.json").exists()


def test_a_server_that_dies_shows_the_end_of_its_log_without_secrets(tmp_path, fake_venv):
    venv = fake_venv(
        """
        import os, sys
        print("migration 7 failed for", os.environ["LABEL_STUDIO_USER_TOKEN"])
        sys.exit(3)
        """
    )
    server = LabelStudioServer(tmp_path / "data", venv=venv)
    with pytest.raises(ServiceError, match="exit status 3.*\n.*migration 7 failed") as error:
        server.start()
    assert server.token
    assert server.token not in str(error.value)
    assert "<secret>" in str(error.value)


def test_a_server_that_never_answers_is_ended(tmp_path, fake_venv):
    venv = fake_venv("import time; print('thinking', flush=True); time.sleep(60)")
    params = ServerParams(start_deadline_s=1.0)
    server = LabelStudioServer(tmp_path / "data", venv=venv, params=params)
    with pytest.raises(ServiceError, match="did not answer.*within 1 s(.|\n)*thinking"):
        server.start()
    assert not is_alive(server.process_id)


def test_a_database_of_other_secrets_is_explained(tmp_path, fake_venv):
    venv = fake_venv(ANSWERING.replace("os.environ[TOKEN]", "'another'"))
    server = LabelStudioServer(tmp_path / "data", venv=venv)
    with pytest.raises(ServiceError, match="answered 401 to the token.*secrets.json"):
        server.start()
    assert not is_alive(server.process_id)


def test_secrets_are_private_kept_and_not_on_the_command_line(tmp_path, fake_venv, monkeypatch):
    monkeypatch.setenv("HOST", "https://elsewhere.example")
    monkeypatch.setenv("LABEL_STUDIO_SENTRY_DSN", "https://somebody.example")
    data = tmp_path / "data"
    with LabelStudioServer(data, venv=fake_venv(ANSWERING)) as server:
        assert (data / "secrets.json").stat().st_mode & 0o777 == 0o600
        assert (data / "server.json").stat().st_mode & 0o777 == 0o600
        assert data.stat().st_mode & 0o777 == 0o700
        first = (server.token, server.password, server.url)
        arguments, environment = eval((data / "environment").read_text())
        assert not {server.token, server.password} & set(" ".join(arguments).split())
        assert environment["LABEL_STUDIO_USER_TOKEN"] == server.token
        assert "HOST" not in environment, "Label Studio would take it for its own address"
        assert environment["LABEL_STUDIO_SENTRY_DSN"] == ""
        assert environment["LABEL_STUDIO_COLLECT_ANALYTICS"] == "false"
        assert environment["LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK"] == "true"
        assert len(environment["SECRET_KEY"]) > 40
    (data / "secrets.json").chmod(0o644)
    with LabelStudioServer(data, venv=fake_venv(ANSWERING)) as again:
        assert (again.token, again.password, again.url) == first
        assert (data / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_damaged_secrets_are_not_replaced(tmp_path, fake_venv):
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(ServiceError, match="secrets.json is damaged"):
        LabelStudioServer(tmp_path, venv=fake_venv(ANSWERING)).start()


def test_a_second_start_takes_over_the_running_server(tmp_path, fake_venv):
    venv = fake_venv(ANSWERING)
    with LabelStudioServer(tmp_path / "data", venv=venv) as first:
        with LabelStudioServer(tmp_path / "data", venv=venv) as second:
            assert (second.url, second.token) == (first.url, first.token)
            assert second.process_id == first.process_id
            assert (first.is_owned, second.is_owned) == (True, False)
        assert is_alive(first.process_id), "who did not start it does not stop it"
    assert not is_alive(first.process_id)


def test_a_port_in_use_is_named_if_asked_for_and_avoided_if_not(tmp_path, fake_venv):
    venv = fake_venv(ANSWERING)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        wanted = LabelStudioServer(tmp_path / "a", venv=venv, params=ServerParams(port=port))
        with pytest.raises(ServiceError, match=f"Port {port} on 127.0.0.1 is taken"):
            wanted.start()
        (tmp_path / "b").mkdir()
        state = {"port": port, "process_id": 1}
        (tmp_path / "b" / "server.json").write_text(json.dumps(state))
        with LabelStudioServer(tmp_path / "b", venv=venv) as server:
            assert not server.url.endswith(f":{port}")


STARTER = """
import sys, time
from pathlib import Path
from annotation.server import LabelStudioServer
server = LabelStudioServer(Path(sys.argv[1]), venv=Path(sys.argv[2]))
server.start()
print(server.url, flush=True)
time.sleep(60)
"""


def test_the_server_ends_when_its_starter_is_killed(tmp_path, fake_venv):
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, tmp_path / "data", fake_venv(ANSWERING)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    with starter.stdout:
        url = starter.stdout.readline().strip()
        guard = json.loads((tmp_path / "data" / "server.json").read_text())["process_id"]
        assert urllib.request.urlopen(f"{url}/health", timeout=5).status == 200
        starter.send_signal(signal.SIGKILL)
        starter.wait()
    assert wait_until(lambda: not is_alive(guard))

    def is_gone():
        try:
            urllib.request.urlopen(f"{url}/health", timeout=1).close()
        except OSError:
            return True
        return False

    assert wait_until(is_gone)


def test_the_guard_passes_on_how_the_command_ended():
    command = [sys.executable, str(server_guard.__file__), sys.executable, "-c"]
    with subprocess.Popen([*command, "import sys; sys.exit(7)"], stdin=subprocess.PIPE) as ended:
        assert ended.wait(10) == 7
    asleep = [*command, "import time; time.sleep(60)"]
    with subprocess.Popen(asleep, stdin=subprocess.PIPE) as signalled:
        time.sleep(0.5)
        signalled.terminate()
        assert signalled.wait(10) == 128 + signal.SIGTERM
    deaf = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([*command, deaf], **pipes) as left_alone:
        assert left_alone.stdin is not None
        assert left_alone.stdout is not None
        assert left_alone.stdout.readline() == b"deaf\n"
        left_alone.stdin.close()
        assert left_alone.wait(server_guard.GRACE_S + 10) == 128 + signal.SIGKILL


@pytest.mark.label_studio
@pytest.mark.slow
def test_the_real_server_keeps_to_itself(server):
    with urllib.request.urlopen(f"{server.url}/version", timeout=10) as answer:
        version = answer.read().decode()
    assert '"latest_version_from_pypi": null' in version
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    assert not commit or commit not in version
    with urllib.request.urlopen(f"{server.url}/user/login/", timeout=10) as page:
        html = page.read().decode()
    assert "sentry.io" not in html
    form = urllib.request.Request(
        f"{server.url}/user/signup/", data=b"email=a%40b.example&password=12345678"
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(form, timeout=10)
    assert refused.value.code == 403
    refused.value.close()


@pytest.mark.label_studio
@pytest.mark.slow
def test_work_goes_on_after_a_restart_in_the_middle(
    server, label_studio_venv, tables, store, tmp_path
):
    """Stops the session's server and starts it again on the same folder and port."""
    from annotation.journal import Journal
    from annotation.pull import pull
    from annotation.push import push
    from annotation.simulated import annotate_batch
    from tests.annotation.examples import a_batch

    batch = a_batch(tables, store, (5, 4, 6), name="restarted")
    client = connect(server.url, server.token)
    push(tables, store, batch.name, client, images=server.images, code_version="test")
    url, token = server.url, server.token
    first = next(iter(batch.truth))
    annotate_batch(tables, batch.name, client, {first: batch.truth[first]})
    server.stop()
    journal = Journal(tmp_path / "journal")
    with pytest.raises(ServiceError, match="not reached while listing tasks.*beitie up"):
        pull(tables, batch.name, client, journal=journal)
    assert tables.manifest("reviews", batch.name) is None
    server.start()
    assert (server.url, server.token) == (url, token)
    again = push(tables, store, batch.name, client, images=server.images, code_version="test")
    assert (again.tasks_created, again.tasks_begun) == (0, 3)
    found = pull(tables, batch.name, client, journal=journal)
    assert (found.approved, found.rejected) == (3, {})
