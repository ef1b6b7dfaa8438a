"""Speed and memory as ratios within one run, so that they mean the same on any machine.

    make bench        or        python -m tests.benchmarks [pages|memory|readers ...]

    pages     normalizing a page beside only decoding it            goal: at most 4 times
    memory    peak memory of a batch of 100 pages beside one of 10  goal: the same
    readers   characters a second, UniCalli beside RapidOCR         goal: at least as many

Works on what `make material` fetched. Not a test: other programs on the machine disturb it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from assets.commands import read_columns
from assets.demo_material import DemoParams, fetch
from assets.resources import ROOT, Project, read_settings
from pipelines import codh
from pipelines.columns import ColumnParams, make_columns
from pipelines.corpora import synthesize_page
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import load_fonts, require_font
from pipelines.imaging.codec import decode_pages, encode_png
from pipelines.imaging.ink import normalize_ink
from pipelines.pages import PageParams, make_pages
from pipelines.records import Column, Page, Reader
from pipelines.scans import ingest
from pipelines.store import Store
from pipelines.tables import Tables
from pipelines.texts import load_texts

REPEATS = 3


def main() -> int:
    """Run the named benchmarks, or all."""
    project = Project(read_settings())
    fetch(project)
    known = {"pages": bench_pages, "memory": bench_memory, "readers": bench_readers}
    wanted = sys.argv[1:] or list(known)
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        sys.stderr.write(f"Unknown benchmark {', '.join(unknown)}; known: {', '.join(known)}.\n")
        return 2
    for name in wanted:
        known[name](project)
    return 0


def report(name: str, ratio: float, goal: str, detail: str) -> None:
    """One line."""
    sys.stdout.write(f"{name:<42} {ratio:6.2f} x   goal: {goal:<18} {detail}\n")
    sys.stdout.flush()


def fastest(action: Callable[[], object]) -> float:
    """Seconds of the fastest of a few runs: the one that others disturbed least."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def page_files(project: Project, folder: Path) -> dict[str, list[Path]]:
    """Pages by kind: real JPEGs, synthetic rubbings as PNG, real JPEG 2000 where they are."""
    found = {"CODH pages (JPEG)": codh.extract(codh.fetch_wheel(project.home / "codh"), folder)[:6]}
    font = require_font(load_fonts(None, project.home / "fonts"), DemoParams().hand)
    text = max(load_texts(project.home / "texts"), key=lambda item: len(item.body))
    face, made = FontFace(font.files), []
    for index in range(3):
        rng = np.random.default_rng(index)
        page = synthesize_page(text.body[100 * index :], face, DemoParams().corpus, rng)
        made.append(folder / f"rubbing-{index}.png")
        made[-1].write_bytes(encode_png(page.image))
    found["synthetic rubbings (PNG)"] = made
    real = sorted((ROOT.parent / "shared" / "data" / "pages").glob("*/*.jp2"))
    if real:
        found["real rubbings (JPEG 2000)"] = [*real[3:6], *real[-3:]]
    return found


def bench_pages(project: Project) -> None:
    """Normalizing a page beside decoding it."""
    with tempfile.TemporaryDirectory() as folder:
        for kind, files in page_files(project, Path(folder)).items():
            ratios, decoding, sizes = [], [], []
            for file in files:
                data = file.read_bytes()
                page = next(decode_pages(data, file.name))
                decode_s = fastest(lambda: list(decode_pages(data, file.name)))  # noqa: B023
                ratios.append(fastest(lambda: normalize_ink(page)) / decode_s)  # noqa: B023
                decoding.append(decode_s)
                sizes.append(page.shape[0] * page.shape[1] / 1e6)
            report(
                f"normalize / decode, {kind}",
                statistics.median(ratios),
                "at most 4",
                f"decoding {statistics.median(decoding) * 1000:.0f} ms, "
                f"{statistics.median(sizes):.1f} megapixels",
            )


PEAK = """
import resource, sys
from pathlib import Path
from pipelines.pages import PageParams, make_pages
from pipelines.records import Page, Rejection, Scan
from pipelines.scans import find_inputs, ingest
from pipelines.store import Store
from pipelines.tables import Tables
folder, count = Path(sys.argv[1]), int(sys.argv[2])
store, tables = Store(folder / "store"), Tables(folder / f"tables-{count}")
files = list(find_inputs([folder / "scans"]))[:count]
with tables.writer("pages", "b", Page) as writer:
    for scan in ingest(files, {"title": "benchmark", "rights": "none"}, store, "bench"):
        if isinstance(scan, Scan):
            for page in make_pages(scan, store, PageParams(), "bench"):
                (writer.reject if isinstance(page, Rejection) else writer.accept)(page)
print(writer.accepted, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def bench_memory(project: Project) -> None:
    """Peak memory of 10 and of 100 pages, each in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "scans").mkdir()
        rng = np.random.default_rng(0)
        for index in range(100):
            page = np.full((900, 700), 230, np.uint8)
            for left, top in rng.integers(40, 600, (40, 2)):
                page[top : top + 40, left : left + 8] = 20
            page[: index + 1, :2] = 0
            (folder / "scans" / f"page-{index:03}.png").write_bytes(encode_png(page))
        peaks = {}
        for count in (10, 100):
            command = [sys.executable, "-W", "ignore", "-c", PEAK, name, str(count)]
            environment = os.environ | {"PYTHONPATH": str(ROOT)}
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=True
            )
            accepted, peak = map(int, done.stdout.split())
            if accepted != count:
                raise RuntimeError(f"{accepted} of {count} pages were made")
            peaks[count] = peak
        report(
            "peak memory, 100 pages / 10 pages",
            peaks[100] / peaks[10],
            "about 1",
            f"{peaks[10] / 1024:.0f} and {peaks[100] / 1024:.0f} MiB",
        )


def bench_readers(project: Project) -> None:
    """Characters a second of both readers on the same boxes, models loaded, as they report it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = page_files(project, folder)["synthetic rubbings (PNG)"]
        store, tables = Store(folder / "store"), Tables(folder / "tables")
        metadata = {"title": "benchmark", "rights": "none"}
        with tables.writer("columns", "b", Column) as writer:
            for scan in ingest(files, metadata, store, "bench"):
                pages = make_pages(scan, store, PageParams(), "bench")
                for page in (page for page in pages if isinstance(page, Page)):
                    for column in make_columns(page, store, ColumnParams(), "bench"):
                        if isinstance(column, Column):
                            writer.accept(column)
        rates = {}
        for reader in (Reader.UNICALLI, Reader.RAPIDOCR):
            done = read_columns(
                project.settings,
                tables=tables.root,
                store=folder / "store",
                batch="b",
                reader=reader,
                checkpoint=project.settings.checkpoint,
            )
            rates[reader] = done["characters"] / done["seconds"]
        report(
            "characters a second, UniCalli / RapidOCR",
            rates[Reader.UNICALLI] / rates[Reader.RAPIDOCR],
            "at least 1",
            f"{rates[Reader.UNICALLI]:.0f} and {rates[Reader.RAPIDOCR]:.0f} a second",
        )


if __name__ == "__main__":
    sys.exit(main())
