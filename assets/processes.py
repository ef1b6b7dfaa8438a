"""Other programs: started so that they never outlive us, stopped so that they can clean up.

A run that dies by ``kill -9`` gets no chance to stop what it started; a training command that
kept writing after its run was declared dead would meet the next run in the same folder. So every
child runs under ``annotation.server_guard``, which ends it when our end of a pipe is gone.

Keeps out: which program is started (``assets.commands``, ``assets.up``).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

from annotation import server_guard


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    output: int | IO[str],
    errors: int | IO[str],
) -> subprocess.Popen[str]:
    """Start a command in a process group of its own; it ends when this process does.

    A terminal's Ctrl-C reaches us alone, so that we decide in which order things end.
    """
    return subprocess.Popen(
        [sys.executable, "-I", str(server_guard.__file__), *command],
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=errors,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )


def stop(process: subprocess.Popen[str], *, grace_s: float = 10) -> None:
    """Ask a started command to end, and end it by force after ``grace_s``."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=grace_s)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.stdin is not None:
        process.stdin.close()
