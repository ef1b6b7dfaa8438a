"""Training by command: ``python -m training <verb>``, with progress, and failures in a sentence.

Torch never enters this process: a GPU job frees its memory when it ends, and the same command
runs by hand, under Dagster, under Ray or on a cluster. A command speaks on standard error while
it works and ends with one JSON object on the last line of standard output.

Keeps out: what the verbs do (``training``), and Dagster: the front door uses this file too.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from assets.processes import start, stop
from assets.resources import ROOT, Settings
from pipelines.errors import ModelError
from pipelines.records import Reader

Progress = Callable[[str], None]

REFUSAL = "error: "
"""Begins the line by which a command says why it did not do what it was asked."""

_KEPT_LINES = 40


def run_training(
    settings: Settings,
    verb: str,
    arguments: Sequence[str | Path],
    *,
    on_progress: Progress | None = None,
    lock: Path | None = None,
) -> dict[str, Any]:
    """Run one verb of ``training`` to its end and return the JSON object it reports.

    Args:
        settings: Say which Python and how many threads.
        verb: ``read``, ``train``, ``evaluate`` or ``write``.
        arguments: The rest of the command line.
        on_progress: Gets every line of standard error as it comes.
        lock: A file that one command at a time may hold: the backstop behind Dagster's pool,
            which does not know of commands that people start by hand.

    Raises:
        ModelError: If the command ends with another status than 0 or without a report. The
            message ends with what it said last.
    """
    command = [settings.training_python, "-P", "-m", "training", verb, *map(str, arguments)]
    return run_reporting(
        command, environment=_environment(settings), on_progress=on_progress, lock=lock
    )


def read_columns(
    settings: Settings,
    *,
    tables: str | Path,
    store: str | Path,
    batch: str,
    reader: Reader,
    checkpoint: Path | None,
    release_id: str = "",
    second: str | Path = "",
    on_progress: Progress | None = None,
    lock: Path | None = None,
) -> dict[str, Any]:
    """Have one reader read the columns of a batch; it writes ``readings`` or ``second_readings``.

    ``second`` names tables with the ``second_readings`` of the batch, for UniCalli to heed.

    Raises:
        ModelError: As :func:`run_training`.
    """
    arguments: list[str | Path] = ["--tables", tables, "--store", store, "--batch", batch]
    arguments += ["--reader", reader.value]
    if checkpoint is not None:
        arguments += ["--checkpoint", checkpoint]
    if release_id:
        arguments += ["--release-id", release_id]
    if second:
        arguments += ["--second-readings", second]
    return run_training(settings, "read", arguments, on_progress=on_progress, lock=lock)


def run_reporting(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    on_progress: Progress | None = None,
    lock: Path | None = None,
) -> dict[str, Any]:
    """Run any command that ends with a JSON object on its last line; see :func:`run_training`."""
    said: deque[str] = deque(maxlen=_KEPT_LINES)
    name = _name(command)

    def listen(stream: IO[str]) -> None:
        for line in stream:
            text = line.rstrip()
            if text:
                said.append(text.removeprefix(REFUSAL))
                # What a refusal says is raised below, and not told twice.
                if on_progress is not None and not text.startswith(REFUSAL):
                    on_progress(text)

    with _held(lock, on_progress):
        process = start(
            command, environment=environment, output=subprocess.PIPE, errors=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stderr is not None
        listener = threading.Thread(target=listen, args=(process.stderr,), daemon=True)
        listener.start()
        try:
            output = process.stdout.read()
            status = process.wait()
        finally:
            # Reached by Ctrl-C and by Dagster's cancellation too; a finished process is left be.
            stop(process)
            listener.join(timeout=5)
            process.stdout.close()
            process.stderr.close()
    if status != 0:
        raise ModelError(f"`{name}` ended with status {status}: {_last_words(said)}")
    return _report(name, output)


def _environment(settings: Settings) -> dict[str, str]:
    environment = dict(os.environ)
    # The checkout before everything else: the working folder may hold a `training` of its own.
    paths = [str(ROOT), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    environment["PYTHONUNBUFFERED"] = "1"
    # Fonts and caches lie there; the environment may name another home, or none.
    environment["BEITIE_HOME"] = str(settings.home)
    # Worker pools of OpenCV and OpenMP fight over the same cores otherwise.
    if settings.threads:
        environment["OMP_NUM_THREADS"] = str(settings.threads)
    return environment


def _name(command: Sequence[str]) -> str:
    words = list(command)
    if "-m" in words:
        start = words.index("-m") + 1
        return " ".join(["python -m", *words[start : start + 2]])
    return words[0]


def _last_words(said: deque[str]) -> str:
    lines = list(said)
    if any(line.startswith("Traceback") for line in lines):
        # A crash rather than a refusal: the last line names it, the rest helps whoever repairs.
        return "\n".join([lines[-1], *lines])
    return lines[-1] if lines else "it said nothing"


def _report(name: str, output: str) -> dict[str, Any]:
    lines = [line for line in output.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    try:
        report = json.loads(last)
    except json.JSONDecodeError:
        report = None
    if not isinstance(report, dict):
        raise ModelError(
            f"`{name}` ended well but did not report: its last line is {last[:200]!r}, expected "
            f"one JSON object. Run it by hand to see why."
        )
    return report


@contextmanager
def _held(lock: Path | None, on_progress: Progress | None) -> Iterator[None]:
    if lock is None:
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_progress is not None:
                on_progress(f"waiting: another command holds the device ({lock})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
