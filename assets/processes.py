"""Other programs: started so that they never outlive us, stopped so that they can clean up.

Holds: ``tethered`` (a child that the kernel kills when its parent is killed) and ``stop``.
A run that dies by ``kill -9`` gets no chance to stop what it started; a training command that
kept writing after its run was declared dead would meet the next run in the same folder.

Keeps out: which program is started (``assets.commands``, ``assets.up``).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

_TETHER = (
    "import ctypes, os, sys\n"
    "try:\n"
    "    ctypes.CDLL(None).prctl(1, 9)\n"  # PR_SET_PDEATHSIG, SIGKILL: Linux alone has it
    "except (AttributeError, OSError):\n"
    "    pass\n"
    "os.execvp(sys.argv[1], sys.argv[1:])\n"
)


def tethered(command: Sequence[str]) -> list[str]:
    """The command, run so that it dies with the process that starts it (on Linux)."""
    return [sys.executable, "-S", "-c", _TETHER, *command]


def stop(process: subprocess.Popen[str] | subprocess.Popen[bytes], *, grace_s: float = 10) -> None:
    """Ask a process that leads its own group to end, and after ``grace_s`` end it."""
    if process.poll() is not None:
        return
    for sent, patience in ((signal.SIGTERM, grace_s), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, sent)
        except ProcessLookupError:
            pass
        try:
            process.wait(timeout=patience)
            return
        except subprocess.TimeoutExpired:
            continue
