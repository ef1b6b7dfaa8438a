"""Runs one command and ends it when its own parent is gone. Standard library alone.

A server must not outlive the program that started it, not even when that program is killed
with a signal nobody can catch. The guard's standard input is a pipe whose other end only the
parent holds: when the parent dies, for whatever reason, the pipe ends, and the guard ends the
command. Works on Linux and macOS alike.

    python server_guard.py COMMAND [ARGUMENT...]
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE_S = 5.0


def main(command: list[str]) -> int:
    """Run the command until it ends, a signal arrives, or standard input does.

    Returns its exit status; a command ended by a signal gives 128 plus its number, as in a shell.
    """
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def end() -> None:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
            try:
                child.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                child.kill()

    def watch() -> None:
        while os.read(0, 1024):
            pass
        end()

    def on_signal(*_: object) -> None:
        threading.Thread(target=end, daemon=True).start()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    threading.Thread(target=watch, daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
