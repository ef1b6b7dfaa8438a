"""How figures are taken and printed: the fastest of a few runs, one line a figure.

Ratios within one run mean the same on any machine; seconds stand beside them for orientation.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from training.figures import figure_table

REPEATS = 3


def report(name: str, ratio: float, goal: str, detail: str) -> None:
    """One line."""
    sys.stdout.write(f"{name:<42} {ratio:6.2f} x   goal: {goal:<18} {detail}\n")
    sys.stdout.flush()


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Several figures of several methods, one row a method."""
    sys.stdout.write(f"\n{figure_table(title, header, rows)}\n")
    sys.stdout.flush()


def fastest(action: Callable[[], object]) -> float:
    """Seconds of the fastest of a few runs: the one that others disturbed least."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
