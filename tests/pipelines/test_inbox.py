"""The inbox: works told apart, files copied whole, twice is once, and what is refused."""

import http.server
import threading
from dataclasses import replace
from functools import partial

import pytest

from pipelines.errors import MaterialError, MetadataError
from pipelines.inbox import (
    add,
    add_described,
    check_batch_name,
    check_description,
    download,
    signature,
    signatures,
)
from pipelines.metadata import WorkMetadata, read_metadata

FLAGS = {"title": "禮器碑", "rights": 'public "domain"\\', "script": "clerical"}


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("img-1.png", "img-2.png"):
        (folder / name).write_bytes(name.encode())
    return folder


def test_files_go_into_a_folder_of_their_work_with_its_description(tmp_path, scans):
    added, refused = add_described(tmp_path / "inbox", "b1", [str(scans)], FLAGS)
    assert refused == []
    assert [file.name for file in added[0].new] == ["img-1.png", "img-2.png"]
    metadata = read_metadata(added[0].new[0])
    assert (metadata.title, metadata.rights) == (FLAGS["title"], FLAGS["rights"])


def test_adding_again_does_nothing(tmp_path, scans):
    inbox = tmp_path / "inbox"
    add_described(inbox, "b1", [str(scans)], FLAGS)
    before = signature(inbox / "b1")
    added, refused = add_described(inbox, "b1", [str(scans)], FLAGS)
    assert refused == []
    assert (added[0].new, len(added[0].present)) == ((), 2)
    assert signature(inbox / "b1") == before


def test_sidecars_tell_works_apart(tmp_path, scans):
    (scans / "img-1.png.toml").write_text('title = "A"\nrights = "CC0"\n')
    (scans / "img-2.png.toml").write_text('title = "B"\nrights = "CC0"\n')
    added, _ = add_described(tmp_path / "inbox", "b1", [str(scans)], {})
    assert len({one.folder for one in added}) == 2


def test_files_of_one_name_from_two_folders_both_enter(tmp_path, scans):
    other = tmp_path / "volume2"
    other.mkdir()
    (other / "img-1.png").write_bytes(b"another page")
    added, refused = add_described(tmp_path / "inbox", "b1", [str(scans), str(other)], FLAGS)
    assert refused == []
    assert sorted(f.name for f in added[0].new) == [
        "img-1.png",
        "img-2.png",
        "volume2-img-1.png",
    ]


def test_another_description_of_the_same_work_is_refused(tmp_path, scans):
    add_described(tmp_path / "inbox", "b1", [str(scans)], FLAGS)
    contradicting = FLAGS | {"rights": "CC BY-NC 4.0"}
    added, refused = add_described(tmp_path / "inbox", "b1", [str(scans)], contradicting)
    assert added == []
    assert "another description" in refused[0]


def test_what_cannot_be_taken_is_said_and_the_rest_enters(tmp_path, scans):
    sources = [str(scans / "img-1.png"), str(scans / "missing.png"), "ftp://example.org/a.png"]
    added, refused = add_described(tmp_path / "inbox", "b1", sources, FLAGS)
    assert len(added[0].new) == 1
    assert any("missing.png" in sentence for sentence in refused)
    assert any("ftp://" in sentence for sentence in refused)


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", "a b", "x" * 90])
def test_a_batch_must_be_nameable(name):
    with pytest.raises(MetadataError, match="cannot name a batch"):
        check_batch_name(name)


def test_signatures_follow_content_and_skip_what_is_hidden(tmp_path, scans):
    inbox = tmp_path / "inbox"
    assert signatures(inbox) == {}
    add_described(inbox, "b1", [str(scans)], FLAGS)
    (inbox / "empty").mkdir()
    before = signatures(inbox)
    assert list(before) == ["b1"]
    (inbox / "b1" / ".half.partial").write_bytes(b"x")
    assert signatures(inbox) == before
    (inbox / "b1" / "more.png").write_bytes(b"x")
    assert signatures(inbox) != before


def test_a_file_is_fetched_over_http(tmp_path, scans):
    handler = partial(Quiet, directory=str(scans))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert download(f"{address}/img-1.png", tmp_path).read_bytes() == b"img-1.png"
        with pytest.raises(MaterialError, match="could not be fetched"):
            download(f"{address}/nothing.png", tmp_path)
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_what_is_handed_over_gets_a_second_name_and_not_a_copy(tmp_path, scans):
    metadata = WorkMetadata(title="禮器碑", rights="CC0")
    file = scans / "img-1.png"
    for _ in range(2):
        added = add(tmp_path / "inbox", "b1", [file], metadata, is_handed_over=True)
    assert (added.new, len(added.present)) == ((), 1)
    assert added.present[0].samefile(file)
    file.unlink()
    assert added.present[0].read_bytes() == b"img-1.png"


def test_a_contradiction_is_said_before_any_file_comes(tmp_path, scans):
    inbox, metadata = tmp_path / "inbox", WorkMetadata(title="禮器碑", rights="CC0")
    check_description(inbox, "b1", metadata)
    assert not inbox.exists()
    add(inbox, "b1", [scans / "img-1.png"], metadata)
    check_description(inbox, "b1", metadata)
    with pytest.raises(MetadataError, match="another description"):
        check_description(inbox, "b1", replace(metadata, rights="CC BY 4.0"))
