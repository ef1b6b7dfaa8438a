"""Starts and stops a real Label Studio on this machine, out of its own virtual environment.

Everything of a server lies in one folder: database, uploads, served pictures, log, secrets
(``secrets.json``, readable by its owner alone) and, while it runs, its address
(``server.json``). The server listens on 127.0.0.1, its sign-up is closed, it calls nobody
(analytics, error reports, version checks off), and its environment is built here from nothing,
because Label Studio takes settings from names as common as ``HOST`` and ``PASSWORD``.

Keeps out: what is said to the server (``annotation.client``), and other people's servers, which
need only their address and a token.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from annotation import server_guard
from annotation.images import ImageFolder
from pipelines.errors import ServiceError

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
_LOG_TAIL_LINES = 15
_MAX_LOG_BYTES = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerParams:
    """How the server runs. ``port`` 0 takes the one the folder had last, else a free one.

    The first start makes the database: half a minute of one core, minutes on a busy machine.
    ``reaches_own_network`` lets it fetch pictures from a bucket on this machine or its network;
    otherwise it refuses, because whoever may add a storage could look around there with it.
    """

    port: int = 0
    username: str = "beitie@localhost.localdomain"
    reaches_own_network: bool = False
    start_deadline_s: float = 600.0
    stop_deadline_s: float = 15.0


def find_venv(root: Path, environment: Mapping[str, str]) -> Path:
    """``BEITIE_LABEL_STUDIO_VENV`` out of ``environment``, else ``<root>/.venv-label-studio``."""
    named = environment.get("BEITIE_LABEL_STUDIO_VENV")
    return Path(named).expanduser() if named else root / ".venv-label-studio"


class LabelStudioServer:
    """One Label Studio on 127.0.0.1 with its data, database and secrets in one folder.

    Usable as a context manager. ``start`` reuses a server that already runs on the folder (then
    ``is_owned`` is False and ``stop`` leaves it running). A server this object started ends with
    ``stop``, and also when this process dies, however it dies.

    Attributes:
        images: The folder it serves pictures from; usable before ``start``.
        url: Where it listens, after ``start``.
        token: What the API takes, after ``start``.
        username: The first user, an e-mail address.
        password: What the browser asks for, after ``start``.
        process_id: Of the process that ends the server, after ``start``.
        start_seconds: How long ``start`` took.
        is_owned: Whether this object started it.
    """

    def __init__(
        self, data_dir: Path, *, venv: Path, params: ServerParams = ServerParams()
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.venv = venv
        self.params = params
        self.images = ImageFolder(document_root=self.data_dir / "served")
        self.url = ""
        self.token = ""
        self.username = params.username
        self.password = ""
        self.process_id = 0
        self.start_seconds = 0.0
        self.is_owned = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log_file(self) -> Path:
        """What the server writes."""
        return self.data_dir / "label-studio.log"

    def start(self) -> None:
        """Start, or attach to the one that runs; return when it answers.

        Raises:
            ServiceError: If it is not installed, does not come up in time (with the end of its
                log), or refuses the stored token.
        """
        began = time.monotonic()
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.images.prepare()
        with _only_one(self.data_dir / "start.lock", self.params.start_deadline_s):
            keys = self._secrets()
            self.username, self.password = keys["username"], keys["password"]
            self.token = keys["token"]
            if not self._attach():
                self._launch(keys)
        self.start_seconds = time.monotonic() - began

    def stop(self) -> None:
        """End the process this object started, and wait until it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        process.terminate()
        try:
            process.wait(self.params.stop_deadline_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # server.json stays: the next start takes the same port, so that bookmarks hold.
        self.is_owned = False

    def __enter__(self) -> LabelStudioServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _state_file(self) -> Path:
        return self.data_dir / "server.json"

    def _last_state(self) -> dict[str, int]:
        try:
            state = json.loads(self._state_file.read_text(encoding="utf-8"))
            return {"port": int(state["port"]), "process_id": int(state["process_id"])}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _attach(self) -> bool:
        """Take over a server that answers on the recorded port and knows our token."""
        state = self._last_state()
        if not state:
            return False
        url = f"http://{HOST}:{state['port']}"
        if _status(f"{url}/health", None) != 200 or self._answers(url) != 200:
            return False
        self.url, self.process_id, self.is_owned = url, state["process_id"], False
        return True

    def _answers(self, url: str) -> int:
        return _status(f"{url}/api/current-user/whoami", self.token)

    def _launch(self, keys: Mapping[str, str]) -> None:
        executable = self.venv / "bin" / "label-studio"
        if not executable.exists():
            raise ServiceError(
                f"Label Studio is not installed: there is no {executable}. Make its environment "
                f"(python -m venv {self.venv}; {self.venv}/bin/pip install "
                f"'label-studio>=1.23,<2'), or name another in BEITIE_LABEL_STUDIO_VENV."
            )
        port = self._port()
        self.url = f"http://{HOST}:{port}"
        if self.log_file.exists() and self.log_file.stat().st_size > _MAX_LOG_BYTES:
            self.log_file.unlink()
        command = [str(executable), "start", "--internal-host", HOST, "--port", str(port)]
        command.append("--no-browser")
        with open(self.log_file, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(server_guard.__file__), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(keys),
                cwd=self.data_dir,
                # Its own session: Ctrl-C in the terminal reaches our caller alone, which then
                # stops the server in order.
                start_new_session=True,
            )
        self.process_id, self.is_owned = self._process.pid, True
        try:
            self._wait_until_healthy()
        except BaseException:
            self.stop()
            raise
        _write_private(
            self._state_file, {"port": port, "process_id": self.process_id, "url": self.url}
        )

    def _wait_until_healthy(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + self.params.start_deadline_s
        while _status(f"{self.url}/health", None) != 200:
            if self._process.poll() is not None:
                raise ServiceError(
                    f"Label Studio ended with exit status {self._process.returncode} before it "
                    f"answered at {self.url}. The end of {self.log_file}:\n{self._log_tail()}"
                )
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"Label Studio did not answer at {self.url} within "
                    f"{self.params.start_deadline_s:.0f} s. The end of {self.log_file}:\n"
                    f"{self._log_tail()}"
                )
            time.sleep(0.2)
        if (status := self._answers(self.url)) != 200:
            raise ServiceError(
                f"Label Studio at {self.url} answered {status} to the token in "
                f"{self.data_dir / 'secrets.json'}: its database was made with other secrets, or "
                f"legacy tokens were switched off under Organization > API Tokens. Put a valid "
                f"token there, or move {self.data_dir} away to begin anew."
            )

    def _log_tail(self) -> str:
        try:
            lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "(no log)"
        tail = "\n".join(lines[-_LOG_TAIL_LINES:])
        for secret in (self.token, self.password):
            tail = tail.replace(secret, "<secret>") if secret else tail
        return tail

    def _port(self) -> int:
        if self.params.port:
            if not _is_free(self.params.port):
                raise ServiceError(
                    f"Port {self.params.port} on {HOST} is taken by another program. Stop it, or "
                    f"give another port (0 takes a free one)."
                )
            return self.params.port
        last = self._last_state().get("port", 0)
        return last if last and _is_free(last) else _free_port()

    def _secrets(self) -> dict[str, str]:
        """Username, password, token and signing key; made once and kept."""
        file = self.data_dir / "secrets.json"
        if file.exists():
            file.chmod(0o600)
            try:
                keys = json.loads(file.read_text(encoding="utf-8"))
                return {
                    name: str(keys[name])
                    for name in ("username", "password", "token", "secret_key")
                }
            except (ValueError, KeyError, TypeError) as error:
                raise ServiceError(
                    f"{file} is damaged: expected JSON with username, password, token and "
                    f"secret_key. Restore it, or move {self.data_dir} away to begin anew."
                ) from error
        keys = {
            "username": self.params.username,
            "password": secrets.token_urlsafe(16),
            "token": secrets.token_hex(20),
            "secret_key": secrets.token_urlsafe(50),
        }
        _write_private(file, keys)
        return keys

    def _environment(self, keys: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of the server.

        Secrets go here and not onto the command line, which every user of the machine can read.
        """
        prefix = "LABEL_STUDIO_"
        return {
            "PATH": f"{self.venv / 'bin'}:{os.defpath}",
            "HOME": str(self.data_dir),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "SECRET_KEY": keys["secret_key"],
            # Label Studio shows the commit of whatever git repository it stands in to anyone
            # who asks for /version.
            "GIT_CEILING_DIRECTORIES": str(self.venv.resolve()),
            f"{prefix}BASE_DATA_DIR": str(self.data_dir),
            f"{prefix}USERNAME": keys["username"],
            f"{prefix}PASSWORD": keys["password"],
            f"{prefix}USER_TOKEN": keys["token"],
            # Read when the organization is made; personal access tokens work beside it.
            f"{prefix}ENABLE_LEGACY_API_TOKEN": "true",
            f"{prefix}DISABLE_SIGNUP_WITHOUT_LINK": "true",
            f"{prefix}SSRF_PROTECTION_ENABLED": str(not self.params.reaches_own_network).lower(),
            f"{prefix}ALLOWED_HOSTS": f"{HOST},localhost",
            f"{prefix}CORS_ALLOW_ALL_ORIGINS": "false",
            f"{prefix}LOCAL_FILES_SERVING_ENABLED": "true",
            f"{prefix}LOCAL_FILES_DOCUMENT_ROOT": str(self.images.document_root),
            f"{prefix}COLLECT_ANALYTICS": "false",
            f"{prefix}LATEST_VERSION_CHECK": "false",
            f"{prefix}SENTRY_DSN": "",
            f"{prefix}FRONTEND_SENTRY_DSN": "",
            f"{prefix}LOG_LEVEL": "WARNING",
            # Turns on SQLite's write-ahead log: readers do not wait for writers, and an
            # annotation takes a quarter less time.
            f"{prefix}AZURE_MOUNT_FIX": "1",
        }


@contextlib.contextmanager
def _only_one(file: Path, deadline_s: float) -> Iterator[None]:
    """Let one process at a time start a server on a folder."""
    deadline = time.monotonic() + deadline_s
    with open(file, "w", encoding="utf-8") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ServiceError(
                        f"Another process has been starting Label Studio in {file.parent} for "
                        f"{deadline_s:.0f} s. Wait for it, or end it."
                    ) from None
                time.sleep(0.2)
        yield


def _write_private(file: Path, content: Mapping[str, object]) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(content, opened, indent=1)
        opened.flush()
        os.fsync(opened.fileno())
    os.replace(temporary, file)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _status(url: str, token: str | None) -> int:
    """The HTTP status of an address on this machine, 0 if nothing answers. No proxy is asked."""
    request = urllib.request.Request(url)
    if token:
        request.add_header("Authorization", f"Token {token}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)
    except (urllib.error.URLError, OSError, ValueError):
        return 0
