import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import TableError
from pipelines.records import Rejection, Release, Review, Scan
from pipelines.schemas import fingerprint_of, schema_of
from pipelines.tables import ROWS_PER_GROUP, Tables
from tests.pipelines.examples import a_column, a_page, a_review, a_work


def a_scan(number: int) -> Scan:
    return Scan(
        scan_id=f"scan-{number}",
        work=a_work(),
        file_name=f"{number}.png",
        media_type="image/png",
        byte_count=number,
        page_count=1,
        scan_key="",
        code_version="test",
    )


def a_rejection(number: int) -> Rejection:
    return Rejection(item_id=f"file-{number}", stage="scans", reason="empty", detail="0 bytes")


def test_a_partition_comes_back_whole(tables):
    scans = [a_scan(number) for number in range(3)]
    manifest = tables.write("scans", "b1", Scan, scans, [a_rejection(1)], inputs="abc")
    assert tables.read("scans", "b1", Scan) == scans
    assert tables.rejections("scans", "b1") == [a_rejection(1)]
    assert (manifest.accepted, manifest.rejected, manifest.inputs) == (3, 1, "abc")
    assert tables.manifest("scans", "b1") == manifest
    assert list(tables.frame("scans", "b1")["byte_count"]) == [0, 1, 2]


def test_nothing_at_all_is_a_partition_too(tables):
    tables.write("scans", "b1", Scan, [])
    assert tables.read("scans", "b1", Scan) == []
    assert tables.batches("scans") == ["b1"]


def test_rows_are_read_in_groups_of_bounded_size(tables):
    count = 2 * ROWS_PER_GROUP + 7
    tables.write("scans", "b1", Scan, (a_scan(number) for number in range(count)))
    groups = [len(group) for group in tables.iterate("scans", "b1", Scan)]
    assert groups == [ROWS_PER_GROUP, ROWS_PER_GROUP, 7]


def test_batches_read_in_order(tables):
    for batch in ("b2", "b1"):
        tables.write("scans", batch, Scan, [a_scan(int(batch[1]))])
    assert tables.batches("scans") == ["b1", "b2"]
    assert [scan.scan_id for scan in tables.read_all("scans", Scan)] == ["scan-1", "scan-2"]


def test_a_missing_partition_names_those_that_are_there(tables):
    tables.write("scans", "b1", Scan, [])
    with pytest.raises(TableError, match=r"no scans for batch 'b9' \(written batches: b1\)"):
        tables.read("scans", "b9", Scan)


def test_the_wrong_record_for_a_table_is_refused(tables):
    with pytest.raises(TableError, match="'scans' holds Scan, not Release"):
        tables.write("scans", "b1", Release, [])
    with pytest.raises(TableError, match="'sacns' holds nothing"):
        tables.write("sacns", "b1", Scan, [])


def test_another_schema_is_refused(tables):
    tables.write("scans", "b1", Scan, [a_scan(1)])
    path = Path(tables.folder("scans", "b1")) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": "older"}))
    with pytest.raises(TableError, match="Materialize it again"):
        tables.read("scans", "b1", Scan)


def test_a_table_of_before_its_record_grew_still_reads(tables, store):
    page = a_page(a_work(), store)
    review = a_review(a_column(page, store, np.zeros((120, 100), np.uint8)))
    manifest = tables.write("reviews", "b1", Review, [review])
    folder = Path(tables.folder("reviews", "b1"))
    new = ["state", "approver", "returned", "returned_detail"]
    older = pq.read_table(folder / manifest.rows_file).drop_columns(new)
    pq.write_table(older, folder / manifest.rows_file)
    earlier = pa.schema([f for f in schema_of(Review) if f.name not in new])
    written = json.loads((folder / "manifest.json").read_text())
    written["schema"] = fingerprint_of(earlier)
    (folder / "manifest.json").write_text(json.dumps(written))
    (read,) = tables.read("reviews", "b1", Review)
    assert read == review
    assert read.is_approved


def test_an_error_inside_the_block_keeps_the_old_partition(tables):
    tables.write("scans", "b1", Scan, [a_scan(1)])
    before = sorted(Path(tables.folder("scans", "b1")).iterdir())

    def half_of_it():
        yield a_scan(2)
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        tables.write("scans", "b1", Scan, half_of_it())
    assert tables.read("scans", "b1", Scan) == [a_scan(1)]
    assert sorted(Path(tables.folder("scans", "b1")).iterdir()) == before


def test_a_second_write_replaces_and_sweeps(tables):
    tables.write("scans", "b1", Scan, [a_scan(1)])
    tables.write("scans", "b1", Scan, [a_scan(2)])
    assert tables.read("scans", "b1", Scan) == [a_scan(2)]
    names = [path.name for path in Path(tables.folder("scans", "b1")).iterdir()]
    assert len(names) == 3


def _write_forever(root: str) -> None:
    tables = Tables(root)
    size = 1
    while True:
        tables.write("scans", "b1", Scan, (a_scan(number) for number in range(size)))
        size = size % 400 + 50


def test_a_killed_writer_leaves_a_whole_partition(tmp_path):
    process = multiprocessing.get_context("spawn").Process(
        target=_write_forever, args=(str(tmp_path),)
    )
    process.start()
    tables = Tables(tmp_path)
    deadline = time.monotonic() + 30
    while tables.manifest("scans", "b1") is None:
        assert time.monotonic() < deadline, "the writer never wrote"
        time.sleep(0.01)
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    manifest = tables.manifest("scans", "b1")
    assert manifest is not None
    assert len(tables.read("scans", "b1", Scan)) == manifest.accepted
    tables.write("scans", "b1", Scan, [a_scan(1)])
    names = {path.name for path in Path(tables.folder("scans", "b1")).glob("*.parquet")}
    assert len(names) == 2


def test_memory_holds_tables_too():
    tables = Tables("memory://test-tables")
    tables.write("scans", "b1", Scan, [a_scan(1)], [a_rejection(1)])
    again = Tables("memory://test-tables")
    assert again.read("scans", "b1", Scan) == [a_scan(1)]
    assert again.batches("scans") == ["b1"]
