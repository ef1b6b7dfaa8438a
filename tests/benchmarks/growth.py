"""What 10, 100 and 1,000 pages cost: time should grow with them, memory should not."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from assets.resources import ROOT, Project
from pipelines.imaging.codec import encode_png
from tests.benchmarks.measure import report

COUNTS = (10, 100, 1000)

WAY = """
import resource, sys, time
from pathlib import Path
from pipelines.columns import ColumnParams, process_columns
from pipelines.pages import PageParams, process_pages
from pipelines.records import Column, Page, Rejection, Scan
from pipelines.scans import find_inputs, ingest
from pipelines.store import Store
from pipelines.tables import Tables
folder, count = Path(sys.argv[1]), int(sys.argv[2])
store, tables = Store(folder / "store"), Tables(folder / f"tables-{count}")
files = list(find_inputs([folder / "scans"]))[:count]
described = ingest(files, {"title": "benchmark", "rights": "none"}, store, "bench")
started = time.perf_counter()
def keep(writer, outcomes):
    with writer:
        for one in outcomes:
            (writer.reject if isinstance(one, Rejection) else writer.accept)(one)
scans = (scan for scan in described if isinstance(scan, Scan))
keep(tables.writer("pages", "b", Page), process_pages(scans, store, PageParams(), "bench"))
pages = (page for group in tables.iterate("pages", "b", Page) for page in group)
keep(tables.writer("columns", "b", Column), process_columns(pages, store, ColumnParams(), "bench"))
taken = tables.manifest("pages", "b").accepted
print(taken, time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"""From files to columns in a process of its own, so that its peak of memory is its own."""


def bench_growth(project: Project) -> None:
    """Time a page and peak memory of ever larger batches."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_pages(folder / "scans", max(COUNTS))
        seconds, peaks = {}, {}
        for count in COUNTS:
            command = [sys.executable, "-W", "ignore", "-c", WAY, name, str(count)]
            environment = os.environ | {"PYTHONPATH": str(ROOT)}
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=True
            )
            taken, elapsed, peak = map(float, done.stdout.split())
            if taken != count:
                raise RuntimeError(f"{taken:.0f} of {count} pages were made")
            seconds[count], peaks[count] = elapsed / count, peak
        for few, many in ((10, 100), (100, 1000)):
            report(
                f"time a page, {many} pages / {few} pages",
                seconds[many] / seconds[few],
                "about 1",
                f"{seconds[many] * 1000:.0f} and {seconds[few] * 1000:.0f} ms",
            )
            report(
                f"peak memory, {many} pages / {few} pages",
                peaks[many] / peaks[few],
                "about 1",
                f"{peaks[many] / 1024:.0f} and {peaks[few] / 1024:.0f} MiB",
            )


def draw_pages(folder: Path, count: int) -> None:
    """Small pages with marks like characters, every file different."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(count):
        page = np.full((900, 700), 230, np.uint8)
        for left in range(60, 640, 90):
            for top in range(40, 820, 80):
                x, y = rng.integers(0, 12, 2)
                page[top + y : top + y + 50, left + x : left + x + 8] = 20
                page[top + y + 20 : top + y + 27, left + x - 15 : left + x + 30] = 20
        page[:2, : index % 700] = 0
        page[2:4, : index // 700 + 1] = 0
        (folder / f"page-{index:04}.png").write_bytes(encode_png(page))
