"""Taking files in: found in order, each once, and every refusal a record."""

import hashlib
import os

import pytest

from pipelines.metadata import WorkMetadata
from pipelines.records import Rejection, Scan
from pipelines.scans import find_inputs, ingest
from tests.pipelines.imaging.files import png_claiming, saved, tiff_of, written_page

WORK = WorkMetadata(title="禮器碑", rights="public domain")


def take(paths, store, metadata=WORK, **options):
    return list(ingest(find_inputs(paths), metadata, store, "v1", **options))


def picture(seed=0):
    return saved(written_page(seed=seed), "PNG")


# --- finding


def test_files_come_in_the_order_a_person_would_number_them(tmp_path):
    for name in ("img-12.png", "img-4.png", "b/img-1.png", "a/2.PNG", "a/10.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = [str(path.relative_to(tmp_path)) for path in find_inputs([tmp_path])]
    assert found == ["img-4.png", "img-12.png", "a/2.PNG", "a/10.tif", "b/img-1.png"]


def test_hidden_files_and_sidecars_are_passed_over_and_the_unknown_is_named(tmp_path):
    (tmp_path / ".git").mkdir()
    for name in (".DS_Store", ".git/a.png", "work.toml", "1.png.toml", "1.png", "notes.docx"):
        (tmp_path / name).write_bytes(b"x")
    picture_file, rejection = find_inputs([tmp_path])
    assert picture_file == tmp_path / "1.png"
    assert rejection.reason == "unknown_suffix"
    assert rejection.item_id == str(tmp_path / "notes.docx")
    assert "notes.docx ends in .docx, which is no picture's" in rejection.detail


def test_a_path_that_leads_nowhere_and_an_empty_folder_are_rejected(tmp_path):
    (tmp_path / "empty").mkdir()
    missing, empty = find_inputs([tmp_path / "nowhere.png", tmp_path / "empty"])
    assert (missing.reason, empty.reason) == ("missing", "empty_folder")
    assert "nowhere.png is neither a file nor a folder" in missing.detail
    assert "empty holds no file to take" in empty.detail


def test_a_file_that_is_named_twice_comes_once(tmp_path):
    file = tmp_path / "1.png"
    file.write_bytes(picture())
    os.symlink(file, tmp_path / "2.png")
    assert list(find_inputs([file, tmp_path, str(file)])) == [file]


# --- taking


@pytest.fixture
def inbox(tmp_path):
    """A folder beside the store, not above it."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def test_a_scan_keeps_the_bytes_and_derives_its_id(inbox, store):
    data = tiff_of([written_page(seed=0), written_page(seed=1)])
    (inbox / "book.png").write_bytes(data)  # mislabelled
    (scan,) = take([inbox / "book.png"], store)
    assert isinstance(scan, Scan)
    assert scan.scan_id == hashlib.sha256(data).hexdigest()[:16]
    assert store.get(scan.scan_key) == data
    assert scan.scan_key.endswith(".tif")
    assert (scan.media_type, scan.page_count) == ("image/tiff", 2)
    assert (scan.file_name, scan.byte_count) == ("book.png", len(data))
    assert (scan.work, scan.code_version) == (WORK.work(), "v1")


def test_a_second_run_makes_the_same_record(inbox, store):
    (inbox / "1.png").write_bytes(picture())
    assert take([inbox], store) == take([inbox], store)


def test_the_same_bytes_are_taken_once_and_the_first_is_named(inbox, store):
    for name in ("1.png", "2.png"):
        (inbox / name).write_bytes(picture())
    first, second = take([inbox], store)
    assert isinstance(first, Scan)
    assert second == Rejection(
        item_id=str(inbox / "2.png"),
        stage="scans",
        reason="duplicate",
        detail=f"{inbox / '2.png'} is byte for byte {inbox / '1.png'}. It is taken once, there.",
    )


def test_a_work_that_is_added_twice_is_not_doubled(inbox, store):
    (inbox / "1.png").write_bytes(picture())
    known = take([inbox], store)
    (again,) = take([inbox], store, known_scans=known)
    assert again.reason == "duplicate"
    assert "is byte for byte 1.png of an earlier batch" in again.detail


def test_the_same_scan_under_another_work_is_a_contradiction(inbox, store):
    (inbox / "1.png").write_bytes(picture())
    known = take([inbox], store)
    other = WorkMetadata(title="隆闡法師碑", rights="public domain")
    (again,) = take([inbox], store, other, known_scans=known)
    assert again.reason == "other_work"
    assert "which is the work '禮器碑'; here it is called '隆闡法師碑'" in again.detail
    assert "correct the title of one of them" in again.detail


def test_one_bad_file_does_not_keep_the_others_out(inbox, store):
    contents = {
        "1.png": picture(1),
        "2.jpg": b"Dear archivist, the scans are on the other disk.",
        "3.png": b"",
        "4.png": png_claiming(60_000, 60_000),
        "5.xcf": b"gimp",
        "6.png": picture(6),
    }
    for name, data in contents.items():
        (inbox / name).write_bytes(data)
    results = take([inbox], store)
    reasons = [r.reason if isinstance(r, Rejection) else "taken" for r in results]
    assert reasons == [
        "taken",
        "not_an_image",
        "empty",
        "too_many_pixels",
        "unknown_suffix",
        "taken",
    ]
    assert "2.jpg is no picture: it begins with b'Dear arc'" in results[1].detail
    assert "3.png is empty: 0 bytes" in results[2].detail
    assert len(results) == len(contents), "what goes in comes out, taken or with a reason"


def test_two_empty_files_are_empty_not_duplicates(inbox, store):
    for name in ("1.png", "2.png"):
        (inbox / name).write_bytes(b"")
    assert [r.reason for r in take([inbox], store)] == ["empty", "empty"]


def test_a_file_without_description_is_rejected_and_stores_nothing(inbox, store):
    (inbox / "1.png").write_bytes(picture())
    (rejection,) = take([inbox], store, None)
    assert rejection.reason == "no_metadata"
    assert not os.path.exists(store.root)


def test_flags_complete_the_sidecar(inbox, store):
    (inbox / "1.png").write_bytes(picture())
    (inbox / "work.toml").write_text('title = "A"\nrights = "CC0"\n')
    (scan,) = take([inbox], store, {"calligrapher": "智永"})
    assert (scan.work.title, scan.work.calligrapher) == ("A", "智永")


def test_a_file_that_goes_away_is_rejected(inbox, store):
    file = inbox / "1.png"
    (rejection,) = ingest([file], WORK, store, "v1")
    assert rejection.reason == "unreadable_file"
    assert "1.png cannot be read: No such file or directory" in rejection.detail


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_rejected(inbox, store):
    file = inbox / "1.png"
    file.write_bytes(picture())
    file.chmod(0)
    (rejection,) = take([file], store)
    assert rejection.reason == "unreadable_file"
