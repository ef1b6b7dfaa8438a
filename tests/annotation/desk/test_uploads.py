"""Uploads: they resume where they were, arrive whole, once, and under their description."""

import hashlib

import cv2
import numpy as np
import pytest

from annotation.desk.limits import Limits
from annotation.desk.uploads import State
from pipelines.imaging.codec import encode_jpeg, encode_png
from pipelines.inbox import add
from pipelines.metadata import WorkMetadata, read_metadata
from pipelines.pages import PageParams, make_pages
from pipelines.records import Scan
from pipelines.scans import ingest
from tests.annotation.desk.pictures import noise_bmp
from tests.annotation.desk.sending import begin, describe, files_of, put_chunk, send
from tests.annotation.desk.serving import Browser, a_desk, served
from tests.drawing import as_scan, draw_page


@pytest.fixture
def archivist(browser):
    browser.enter("archivist")
    return browser


def test_a_folder_lies_in_the_inbox_as_beitie_add_would_leave_it(archivist, desk, rng, tmp_path):
    delivery = describe(archivist, source="a drawer", calligrapher="unknown")
    pages = {f"folder/img-{n}.bmp": noise_bmp(rng, 3_000) for n in range(3)}
    for path, data in pages.items():
        assert send(archivist, delivery, path, data, chunk=1000)["state"] == "taken"
    (tmp_path / "sources").mkdir()
    files = []
    for path, data in pages.items():
        files.append(tmp_path / "sources" / path.split("/")[1])
        files[-1].write_bytes(data)
    metadata = WorkMetadata(title="禮器碑", rights="CC0", source="a drawer", script="regular")
    add(tmp_path / "expected", "b1", files, metadata)
    left = {p.relative_to(desk.place.inbox): p.read_bytes() for p in tree(desk.place.inbox)}
    right = {
        p.relative_to(tmp_path / "expected"): p.read_bytes() for p in tree(tmp_path / "expected")
    }
    assert left == right
    assert not list((desk.uploads.folder).glob("*/*/*.bmp")), "nothing is kept twice"


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in tree(folder)}


def tree(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_is_handed_over_is_taken_in(archivist, desk, rng):
    delivery = describe(archivist)
    scan = encode_png(as_scan(draw_page(rng).ink, rng))
    send(archivist, delivery, "page.png", scan)
    (file,) = (path for path in tree(desk.place.inbox) if path.suffix == ".png")
    (taken,) = ingest([file], None, desk.store, "v1")
    assert isinstance(taken, Scan)
    assert taken.work == read_metadata(file).work()
    assert list(make_pages(taken, desk.store, PageParams(), "v"))


def test_an_upload_goes_on_where_it_was(archivist, rng):
    delivery, data = describe(archivist), noise_bmp(rng, 5_000)
    first = begin(archivist, delivery, "a.bmp", len(data)).json
    put_chunk(archivist, first["id"], 0, data[:2000])
    again = begin(archivist, delivery, "a.bmp", len(data)).json
    assert (again["id"], again["received"]) == (first["id"], 2000)
    repeated = put_chunk(archivist, first["id"], 0, data[:2000]).json
    assert repeated["received"] == 2000, "an answer that got lost doubles nothing"
    beyond = put_chunk(archivist, first["id"], 3000, data[3000:]).json
    assert beyond["received"] == 2000, "no hole is left"
    assert archivist.call(f"/uploads/{first['id']}/finish").status == 422
    assert send(archivist, delivery, "a.bmp", data)["state"] == "taken"


def test_what_is_given_up_frees_the_quota_and_may_come_again(archivist, desk, rng):
    delivery, data = describe(archivist), noise_bmp(rng, 5_000)
    upload_id = begin(archivist, delivery, "a.bmp", len(data)).json["id"]
    put_chunk(archivist, upload_id, 0, data[:2000])
    assert desk.uploads.used_bytes("archivist") == len(data)
    assert archivist.post(f"/deliveries/{delivery}/give-up").status == 303
    assert desk.uploads.used_bytes("archivist") == 0
    assert not list(desk.uploads.folder.rglob("*.bmp"))
    assert "Given up" in archivist.get(f"/deliveries/{delivery}").text
    assert send(archivist, delivery, "a.bmp", data)["state"] == "taken"
    assert archivist.post(f"/deliveries/{delivery}/give-up").status == 303
    assert desk.uploads.require(upload_id).state is State.TAKEN


def test_bytes_torn_off_by_a_crash_do_not_count(archivist, desk, rng):
    delivery, data = describe(archivist), noise_bmp(rng, 5_000)
    upload_id = begin(archivist, delivery, "a.bmp", len(data)).json["id"]
    put_chunk(archivist, upload_id, 0, data[:2000])
    with desk.uploads.file_of(desk.uploads.require(upload_id)).open("ab") as file:
        file.write(b"torn")
    assert send(archivist, delivery, "a.bmp", data)["state"] == "taken"
    assert list(files_of(desk.place.inbox)) == [hashlib.sha256(data).hexdigest()]


def test_a_damaged_chunk_is_refused(archivist, rng):
    delivery, data = describe(archivist), noise_bmp(rng, 3_000)
    upload_id = begin(archivist, delivery, "a.bmp", len(data)).json["id"]
    wrong = {"X-Chunk-SHA256": hashlib.sha256(b"other").hexdigest()}
    answer = archivist.put(f"/uploads/{upload_id}?offset=0", data, wrong)
    assert (answer.status, answer.json["reason"]) == (422, "damaged_chunk")
    assert begin(archivist, delivery, "a.bmp", len(data)).json["received"] == 0


def test_the_same_content_is_taken_once(archivist, desk, rng):
    data = noise_bmp(rng, 3_000)
    assert send(archivist, describe(archivist), "a.bmp", data)["state"] == "taken"
    other = describe(archivist, title="another work", batch="b2")
    told = send(archivist, other, "b.bmp", data)
    assert told["state"] == "duplicate"
    assert "a.bmp" in told["detail"]
    assert [len(paths) for paths in files_of(desk.place.inbox).values()] == [1]


def test_what_was_taken_in_before_the_desk_is_a_duplicate_too(archivist, desk, rng, tmp_path):
    data = noise_bmp(rng, 3_000)
    (tmp_path / "old.bmp").write_bytes(data)
    work = WorkMetadata(title="old", rights="CC0")
    scans = list(ingest([tmp_path / "old.bmp"], work, desk.store, "v1"))
    desk.tables.write("scans", "b0", Scan, scans)
    told = send(archivist, describe(archivist), "new.bmp", data)
    assert told["state"] == "duplicate"
    assert "old.bmp of batch b0" in told["detail"]


def test_a_page_that_looks_the_same_is_taken_with_a_warning(archivist, rng):
    page = as_scan(draw_page(rng, size=64).ink, rng)
    smaller = cv2.resize(page, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    other = np.ascontiguousarray(as_scan(draw_page(rng, (3, 5, 2, 4), size=64).ink, rng))
    delivery = describe(archivist)
    assert not send(archivist, delivery, "first.png", encode_png(page))["is_warning"]
    told = send(archivist, delivery, "copy.jpg", encode_jpeg(smaller, quality=60))
    assert (told["state"], told["is_warning"]) == ("taken", True)
    assert "first.png" in told["said"]
    assert not send(archivist, delivery, "other.png", encode_png(other))["is_warning"]


def test_nobody_sees_what_others_bring(archivist, desk, port, rng):
    desk.users.add("second", "lanting-353-prefaces", ["archivist"])
    delivery = describe(archivist)
    upload_id = begin(archivist, delivery, "a.bmp", 100).json["id"]
    other = Browser(port)
    other.enter("second")
    assert other.get(f"/deliveries/{delivery}").status == 404
    assert begin(other, delivery, "a.bmp", 100).status == 404
    assert put_chunk(other, upload_id, 0, b"x").status == 404
    assert other.call(f"/uploads/{upload_id}/finish").status == 404


@pytest.mark.parametrize("role", ["annotator", "approver", "engineer"])
def test_only_archivists_bring_scans(browser, role):
    browser.enter(role)
    assert browser.get("/deliveries").status == 403
    assert begin(browser, "0" * 32, "a.bmp", 100).status == 403


def test_a_quota_holds(tmp_path, rng):
    desk = a_desk(tmp_path)
    desk.users.add("archivist", "lanting-353-prefaces", ["archivist"], quota_bytes=7_000)
    with served(desk) as port:
        browser = Browser(port)
        browser.enter("archivist")
        delivery = describe(browser)
        assert send(browser, delivery, "a.bmp", noise_bmp(rng, 4_000))["state"] == "taken"
        told = begin(browser, delivery, "b.bmp", 4_000)
        assert (told.status, told.json["reason"]) == (422, "over_quota")


def test_a_full_disk_is_said_before_anything_is_sent(tmp_path):
    desk = a_desk(tmp_path, limits=Limits(spare_disk_bytes=1 << 60))
    desk.users.add("archivist", "lanting-353-prefaces", ["archivist"])
    with served(desk) as port:
        browser = Browser(port)
        browser.enter("archivist")
        assert begin(browser, describe(browser), "a.bmp", 10).json["reason"] == "disk_full"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"title": ""}, "Title and rights are required"),
        ({"rights": " "}, "Title and rights are required"),
        ({"script": "gothic"}, "script is none"),
        ({"batch": "../up"}, "batch cannot be named"),
        ({"title": "x" * 3000}, "cannot be used so"),
    ],
)
def test_a_description_is_checked_and_kept_in_the_form(archivist, desk, fields, said):
    archivist.get("/deliveries")
    given = {"title": "蘭亭序", "rights": "CC0", "script": "running", "batch": "b1", **fields}
    answer = archivist.post("/deliveries", delivery_id="0" * 32, **given)
    assert answer.status == 400
    assert said in answer.text
    assert all(value in answer.text for value in given.values() if value.strip(" ./gothicup"))
    assert desk.deliveries.of_owner("archivist") == []


def test_another_description_of_the_same_work_is_said_in_the_form(archivist, rng):
    send(archivist, describe(archivist), "a.bmp", noise_bmp(rng, 3_000))
    archivist.get("/deliveries")
    fields = {"title": "禮器碑", "batch": "b1", "rights": "CC BY 4.0", "script": "regular"}
    answer = archivist.post("/deliveries", delivery_id="1" * 32, **fields)
    assert answer.status == 400
    assert "described otherwise" in answer.text


def test_what_was_on_its_way_when_the_desk_ended_is_handed_over(desk, rng, tmp_path):
    data = noise_bmp(rng, 3_000)
    with served(desk) as port:
        browser = Browser(port)
        browser.enter("archivist")
        upload_id = begin(browser, describe(browser), "a.bmp", len(data)).json["id"]
        put_chunk(browser, upload_id, 0, data)
    assert desk.uploads.require(upload_id).state is State.RECEIVING
    again = a_desk(tmp_path)
    with served(again):
        assert again.uploads.require(upload_id).state is State.TAKEN
    assert len(files_of(again.place.inbox)) == 1
