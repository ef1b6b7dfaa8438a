"""Speed of pages and readers, each beside what it has to beat, in one process and one run."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from assets.commands import read_columns
from assets.resources import Project
from pipelines.columns import ColumnParams, make_columns
from pipelines.imaging.codec import decode_pages
from pipelines.imaging.ink import normalize_ink
from pipelines.pages import PageParams, make_pages
from pipelines.records import Column, Page, Reader, Scan
from pipelines.scans import ingest
from pipelines.store import Store
from pipelines.tables import Tables
from tests.benchmarks.material import page_files
from tests.benchmarks.measure import fastest, report


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


def bench_way(project: Project) -> None:
    """The whole way from a scan to its columns, stored, beside only decoding it."""
    metadata = {"title": "benchmark", "rights": "none"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = Store(folder / "store")
        for kind, files in page_files(project, folder).items():
            scans = [s for s in ingest(files, metadata, store, "bench") if isinstance(s, Scan)]
            ratios, ways = [], []
            for scan, file in zip(scans, files, strict=True):
                data = file.read_bytes()
                way_s = fastest(lambda: columns_of(scan, store))  # noqa: B023
                ways.append(way_s)
                ratios.append(way_s / fastest(lambda: list(decode_pages(data, file.name))))  # noqa: B023
            report(
                f"scan to columns / decode, {kind}",
                statistics.median(ratios),
                "at most 4",
                f"{1 / statistics.median(ways):.1f} pages a second on one core",
            )


def columns_of(scan: Scan, store: Store) -> list[Column]:
    """A scan's columns by the way that the graph goes, on one core."""
    pages = make_pages(scan, store, PageParams(), "bench")
    return [
        column
        for page in pages
        if isinstance(page, Page)
        for column in make_columns(page, store, ColumnParams(), "bench")
        if isinstance(column, Column)
    ]


def bench_readers(project: Project) -> None:
    """Characters a second of both readers on the same boxes, models loaded, as they report it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = page_files(project, folder)["synthetic rubbings (PNG)"]
        store, tables = Store(folder / "store"), Tables(folder / "tables")
        metadata = {"title": "benchmark", "rights": "none"}
        with tables.writer("columns", "b", Column) as writer:
            for scan in ingest(files, metadata, store, "bench"):
                if isinstance(scan, Scan):
                    for column in columns_of(scan, store):
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
