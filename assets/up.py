"""Everything up: Dagster, Label Studio and the desk on localhost over one project, until Ctrl-C.

Everything listens on 127.0.0.1 alone: Dagster has no login, and Label Studio keeps no roles
apart. Whoever opens them to others puts a proxy with a login before them
(``annotation/desk/README.md`` has an example).

Keeps out: how Label Studio is started (``annotation.server``), what the desk does
(``annotation.desk``).
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from annotation.desk.users import FIRST_USER
from assets.processes import start, stop
from assets.resources import ROOT, Project
from pipelines.errors import ServiceError

HOST = "127.0.0.1"
DAGSTER_PORT = 3000
DESK_PORT = 3001
START_DEADLINE_S = 120
LOOK_INTERVAL_S = 0.5

Say = Callable[[str], None]


@contextmanager
def running(
    project: Project,
    *,
    dagster_port: int = DAGSTER_PORT,
    desk_port: int = DESK_PORT,
    label_studio_port: int = 0,
    say: Say,
) -> Iterator[Callable[[], None]]:
    """Start everything; the block gets a function that returns only when something ends.

    Args:
        project: The project they all work on.
        dagster_port: Port of Dagster's pages.
        desk_port: Port of the archivist's desk.
        label_studio_port: Port of the local Label Studio, 0 for the one it had last. Where
            LABEL_STUDIO_URL names another server, none is started.
        say: Gets one line a step.

    Raises:
        ServiceError: If a port is taken, or something does not come up.
    """
    from assets.runs import open_instance, prepare_instance  # two seconds to import

    require_free(dagster_port, "Dagster", "--dagster-port")
    require_free(desk_port, "the desk", "--desk-port")
    dagster_home = prepare_instance(project)
    # Makes the databases: two programs that find none make them both at once, and one fails.
    with open_instance(project):
        pass
    project.inbox.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        environment = _environment(project, dagster_home)
        if project.settings.label_studio_url:
            label_studio = project.settings.label_studio_url
            people = f"Label Studio   {project.settings.label_studio_url}"
        else:
            say("starting Label Studio (the first time takes half a minute) ...")
            server = stack.enter_context(project.label_studio_server(label_studio_port))
            label_studio = server.url
            environment |= {"LABEL_STUDIO_URL": server.url, "LABEL_STUDIO_API_KEY": server.token}
            secrets = project.label_studio_home / "secrets.json"
            people = (
                f"Label Studio   {server.url}\n"
                f"               user {server.username}, password in {secrets}"
            )
        say("starting Dagster ...")
        children = _start_dagster(project, stack, environment, dagster_port)
        address = f"http://{HOST}:{dagster_port}"
        _wait_until_up(f"{address}/server_info", children)
        links = {"Label Studio": label_studio, "Dagster": address}
        desk = _start_desk(project, stack, environment, desk_port, links, children)
        say(
            f"\nDesk           {desk}\n{_first_user(project)}"
            f"Dagster        {address}\n{people}\ninbox          {project.inbox}\n"
            f"logs           {project.home / 'logs'}\n\nCtrl-C stops everything."
        )

        def watch() -> None:
            while True:
                _require_alive(children)
                time.sleep(LOOK_INTERVAL_S)

        try:
            yield watch
        finally:
            say("stopping ...")


def require_free(port: int, what: str, flag: str) -> None:
    """Say which port is taken before anything is started.

    Raises:
        ServiceError: If another program listens on the port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ServiceError(
                f"Port {port} on {HOST}, meant for {what}, is taken by another program "
                f"({error.strerror}). Stop that program, or give another port with {flag}."
            ) from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


_Children = dict[str, tuple["subprocess.Popen[str]", Path]]


def _environment(project: Project, dagster_home: Path) -> dict[str, str]:
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "BEITIE_HOME": str(project.home),
        "DAGSTER_HOME": str(dagster_home),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
    }


def _start_dagster(
    project: Project, stack: ExitStack, environment: dict[str, str], port: int
) -> _Children:
    logs = project.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    programs = Path(sys.executable).parent
    # One server holds the graph for both. Left to themselves they start one each, which ends
    # whenever a busy machine keeps its owner from answering for half a minute.
    code_port = _free_port()
    workspace = Path(environment["DAGSTER_HOME"], "workspace.yaml")
    workspace.write_text(
        f"load_from:\n- grpc_server: {{host: {HOST}, port: {code_port}, location_name: beitie}}\n",
        encoding="utf-8",
    )
    graph = ["api", "grpc", "-h", HOST, "-p", str(code_port), "-m", "assets.definitions"]
    commands = {
        "Dagster's graph": ["dagster", *graph],
        "Dagster's pages": ["dagster-webserver", "-h", HOST, "-p", str(port), "-w", str(workspace)],
        "Dagster's daemon": ["dagster-daemon", "run", "-w", str(workspace)],
    }
    children: _Children = {}
    for name, (program, *arguments) in commands.items():
        log = logs / f"{name.split()[-1]}.log"
        file = stack.enter_context(log.open("w", encoding="utf-8"))
        child = start(
            [str(programs / program), *arguments],
            environment=environment,
            output=file,
            errors=subprocess.STDOUT,
        )
        stack.callback(stop, child)
        children[name] = (child, log)
        if name == "Dagster's graph":
            _wait_until_open(code_port, children)
    return children


def _start_desk(
    project: Project,
    stack: ExitStack,
    environment: dict[str, str],
    port: int,
    links: dict[str, str],
    children: _Children,
) -> str:
    """Start the desk among the children, and return its address once it listens."""
    log = project.home / "logs" / "desk.log"
    file = stack.enter_context(log.open("w", encoding="utf-8"))
    command = [sys.executable, "-m", "annotation.desk", "--port", str(port)]
    command += ["--home", str(project.desk_home), "--inbox", str(project.inbox)]
    command += ["--store", project.settings.store_url, "--tables", project.settings.tables_url]
    command += ["--journal", str(project.journal.folder)]
    for name, address in links.items():
        command += ["--link", f"{name}={address}"]
    child = start(command, environment=environment, output=file, errors=subprocess.STDOUT)
    stack.callback(stop, child)
    children["The desk"] = (child, log)
    _wait_until_open(port, children)
    return f"http://{HOST}:{port}"


def _first_user(project: Project) -> str:
    """The first user's line, with a password that is never shown again; else nothing."""
    # The same person has the first account of Label Studio, and must not approve their own work.
    email = project.label_studio_server().username
    password = project.desk_users().add_first(email)
    if password is None:
        return ""
    return (
        f"               user {FIRST_USER}, password {password} (shown this once; "
        f"`beitie user add` makes more)\n"
    )


def _wait_until_open(port: int, children: _Children) -> None:
    """Until somebody listens: who asks for the graph earlier complains at length."""
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        _require_alive(children)
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(LOOK_INTERVAL_S)


def _wait_until_up(address: str, children: _Children) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    # A proxy named in the environment is for the world outside, not for this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        _require_alive(children)
        try:
            with opener.open(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                log = next(iter(children.values()))[1]
                raise ServiceError(
                    f"Dagster did not answer at {address} within {START_DEADLINE_S} s. Its log "
                    f"is {log}."
                ) from None
            time.sleep(LOOK_INTERVAL_S)


def _require_alive(children: _Children) -> None:
    for name, (child, log) in children.items():
        if child.poll() is not None:
            tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
            raise ServiceError(
                f"{name} ended with status {child.returncode}. The end of {log}:\n"
                + "\n".join(tail)
            )
