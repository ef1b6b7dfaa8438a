import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from pipelines.errors import StoreError
from pipelines.store import Store, content_key


def test_twice_is_once(store):
    key = store.put(b"ink", ".png")
    written = Path(store.path_of(key)).stat().st_mtime_ns
    assert store.put(b"ink", ".png") == key == content_key(b"ink", ".png")
    assert Path(store.path_of(key)).stat().st_mtime_ns == written
    assert store.get(key) == b"ink"


def test_a_missing_picture_says_what_to_do(store):
    with pytest.raises(StoreError, match=r"has no 00ff\.png.*Materialize"):
        store.get("00ff.png")
    assert not store.has("00ff.png")


def test_changed_bytes_are_noticed(store):
    key = store.put(b"ink", ".png")
    Path(store.path_of(key)).write_bytes(b"inc")
    with pytest.raises(StoreError, match="no longer has the content"):
        store.get(key)


def test_memory_is_a_store_too():
    store = Store("memory://test-store")
    key = store.put(b"ink", ".png")
    assert Store("memory://test-store").get(key) == b"ink"


def _put_forever(root: str) -> None:
    store = Store(root)
    number = 0
    while True:
        store.put(number.to_bytes(4, "big") * 50_000, ".bin")
        number += 1


def test_a_killed_writer_leaves_only_whole_pictures(tmp_path):
    process = multiprocessing.get_context("spawn").Process(
        target=_put_forever, args=(str(tmp_path),)
    )
    process.start()
    deadline = time.monotonic() + 20
    while sum(1 for _ in tmp_path.rglob("*.bin")) < 20:
        assert time.monotonic() < deadline, "the writer never wrote"
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    store = Store(tmp_path)
    keys = [path.name for path in tmp_path.rglob("*.bin") if not path.name.startswith(".")]
    assert len(keys) >= 20
    assert all(len(store.get(key)) == 200_000 for key in keys)
