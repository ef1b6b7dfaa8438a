"""Hostile input at the desk's doors: every case is refused, and nothing of it reaches the inbox."""

import hashlib
import io
import json
import shutil
import struct
import zipfile
import zlib
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from pipelines.metadata import read_metadata
from tests.annotation.desk.pictures import noise_bmp
from tests.annotation.desk.sending import begin, describe, files_of, put_chunk, send
from tests.annotation.desk.serving import Browser, a_desk, served

NAMES = {
    "parent": "../../etc/cron.d/x.png",
    "parent in the middle": "a/../../b.png",
    "dot": "./a.png",
    "absolute": "/etc/passwd.png",
    "empty part": "a//b.png",
    "backslashes": "..\\..\\windows\\x.png",
    "drive": "C:\\x.png",
    "drive with a slash": "C:/x.png",
    "null byte": "a.png\0.exe",
    "line break": "a\nb.png",
    "carriage return": "a\rb.png",
    "escape": "\x1b[2Ja.png",
    "right to left": "gnp.\u202egnp.exe.png",
    "zero width": "a\u200b.png",
    "line separator": "a\u2028b.png",
    "lone surrogate": "a\ud800.png",
    "private use": "\ue000.png",
    "too long": "x" * 300 + ".png",
    "too long in bytes": "碑" * 100 + ".png",
    "hidden": ".a.png",
    "hidden folder": ".ssh/a.png",
    "system": "folder/Thumbs.db",
    "nothing": "",
    "blank": "   ",
    "slash": "/",
    "ends in a dot": "a.png.",
    "ends in a blank": "a.png ",
    "device": "con.png",
    "markup": "<img src=x>.png",
    "pipe": "a|b.png",
    "star": "*.png",
    "sidecar": "work.toml",
    "sidecar of a file": "a.png.toml",
    "vector": "a.svg",
    "vector twice": "a.png.svg",
    "page": "a.html",
    "script": "a.js",
    "program": "a.exe",
    "archive": "a.zip",
    "no suffix": "README",
    "encoded parent stays a name, its suffix does not": "%2e%2e%2fa.png%00.sh",
}
"""Names that no file of ours may have."""


def bomb_png(side=60_000):
    """A few kilobytes that claim billions of pixels."""
    rows = zlib.compress(b"\0" * (1 << 20), 9)
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    )


def saved(kind, **options):
    data = io.BytesIO()
    noise = np.random.default_rng(5).integers(0, 256, (64, 64), np.uint8)
    Image.fromarray(noise).save(data, kind, **options)
    return data.getvalue()


def zipped():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../x.png", b"\0" * (1 << 20))
    return data.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
ENTITY = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><svg>&b;</svg>'
)

FILES = {
    "drawing with a script": ("a.png", SVG),
    "drawing with an entity": ("a.png", ENTITY),
    "drawing after a blank line": ("a.jpg", b"\n\n" + SVG),
    "page": ("a.gif", b"<!doctype html><script>alert(1)</script>"),
    "script after a GIF's first letters": ("a.gif", b"GIF89a/*" + b"A" * 50 + b"*/=1;alert(1)"),
    "archive": ("a.tif", zipped()),
    "gzip": ("a.png", b"\x1f\x8b\x08" + b"\0" * 50),
    "program": ("a.png", b"\x7fELF" + b"\0" * 200),
    "shell": ("a.png", b"#!/bin/sh\nrm -rf /\n"),
    "postscript": ("a.pdf", b"%!PS-Adobe-3.0\n(x) run"),
    "pdf of nothing": ("a.pdf", b"%PDF-1.7\n%%EOF"),
    "pdf with a script and no page": (
        "a.pdf",
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
    ),
    "bomb": ("a.png", bomb_png()),
    "bomb under another name": ("a.jpg", bomb_png()),
    "bomb of text": ("a.png", bomb_png(4_000_000)),
    "huge bmp header": (
        "a.bmp",
        noise_bmp(np.random.default_rng(1), 600)[:18]
        + struct.pack("<ii", 90_000, 90_000)
        + b"\x01\0\x18\0"
        + b"\0" * 124,
    ),
    "cut PNG": ("a.png", saved("PNG")[:200]),
    "cut JPEG": ("a.jpg", saved("JPEG")[:-300]),
    "cut TIFF": ("a.tif", saved("TIFF")[:150]),
    "TIFF that points to itself": ("a.tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0" + b"\0" * 20),
    "TIFF that points outside": ("a.tif", b"II*\0\xff\xff\xff\x7f" + b"\0" * 20),
    "JPEG 2000 of nothing": ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 60),
    "WebP of nothing": ("a.webp", b"RIFF\xff\xff\xff\x7fWEBPVP8 " + b"\0" * 40),
    "AVIF": ("a.webp", b"\0\0\0\x20ftypavif" + b"\0" * 40),
    "office": ("a.tif", b"\xd0\xcf\x11\xe0" + b"\0" * 60),
    "one byte": ("a.png", b"\x89"),
    "zeros": ("a.png", b"\0" * 5000),
}
"""Files under innocent names that are no picture, or none that can be decoded."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, prepared):
    home = tmp_path_factory.mktemp("hostile")
    shutil.copytree(prepared, home / "desk")
    desk = a_desk(home)
    with served(desk) as port:
        browser = Browser(port)
        browser.enter("archivist")
        yield desk, browser, describe(browser)


def nothing_came(desk):
    found = desk.place.home.parent.rglob("*")
    outside = [path for path in found if "etc" in path.parts or "x.png" in path.name]
    return not files_of(desk.place.inbox) and not outside


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_hostile_name_is_refused(hostile, name):
    desk, browser, delivery = hostile
    answer = begin(browser, delivery, name, 100)
    assert answer.status == 422
    assert answer.json["reason"] in {"bad_name", "hidden_file", "sidecar_file", "unknown_suffix"}
    assert nothing_came(desk)


@pytest.mark.parametrize(("name", "data"), FILES.values(), ids=FILES)
def test_a_hostile_file_is_refused(hostile, name, data):
    desk, browser, delivery = hostile
    told = send(browser, delivery, name, data)
    assert told["state"] == "refused", told
    assert nothing_came(desk)
    assert not [p for p in desk.uploads.folder.rglob("*") if p.suffix == ".png"], "not kept either"


@pytest.mark.parametrize(
    "asked",
    [
        {"path": "a.png", "size": -1, "modified": 0},
        {"path": "a.png", "size": 0, "modified": 0},
        {"path": "a.png", "size": 1 << 62, "modified": 0},
        {"path": "a.png", "size": "100", "modified": 0},
        {"path": "a.png", "size": 1.5, "modified": 0},
        {"path": "a.png", "size": True, "modified": 0},
        {"path": ["a.png"], "size": 100, "modified": 0},
        {"path": {"$gt": ""}, "size": 100, "modified": 0},
        {"path": "a.png", "size": 100, "modified": "now"},
        {"path": "a.png"},
        {},
    ],
    ids=str,
)
def test_a_hostile_announcement_is_refused(hostile, asked):
    _, browser, delivery = hostile
    answer = browser.send(
        "POST",
        f"/deliveries/{delivery}/uploads",
        json.dumps(asked).encode(),
        {"X-Form-Token": browser.form_token, "Content-Type": "application/json"},
    )
    assert answer.status in {400, 422}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b"[" * 60_000, b"\xff\xfe", b'{"path": NaN}'], ids=range(7)
)
def test_a_body_that_is_no_announcement_is_refused(hostile, body):
    _, browser, delivery = hostile
    kind = {"X-Form-Token": browser.form_token, "Content-Type": "application/json"}
    answer = browser.send("POST", f"/deliveries/{delivery}/uploads", body, kind)
    assert answer.status == 400


@pytest.mark.parametrize("offset", ["-1", "", "1e3", "0x10", "٣", "9" * 40, "1 OR 1=1"])
def test_a_hostile_offset_writes_nothing(hostile, offset):
    desk, browser, delivery = hostile
    upload_id = begin(browser, delivery, "offset.png", 100).json["id"]
    digest = {"X-Chunk-SHA256": hashlib.sha256(b"x").hexdigest()}
    answer = browser.put(f"/uploads/{upload_id}?offset={quote(offset)}", b"x", digest)
    assert answer.status == 400 or answer.json["received"] == 0
    assert desk.uploads.require(upload_id).received == 0


def test_more_than_was_announced_is_refused(hostile):
    desk, browser, delivery = hostile
    upload_id = begin(browser, delivery, "longer.png", 10).json["id"]
    assert put_chunk(browser, upload_id, 0, b"x" * 11).json["reason"] == "longer_than_announced"
    assert desk.uploads.require(upload_id).received == 0


@pytest.mark.parametrize("announced", ["99999999999", "-5", "x", "5, 5"])
def test_a_body_beyond_the_limit_is_not_read(hostile, announced):
    _, browser, _ = hostile
    answer = browser.send(
        "PUT",
        "/uploads/0?offset=0",
        b"x",
        {"X-Form-Token": browser.form_token, "Content-Length": announced},
    )
    assert answer.status in {400, 413}


@pytest.mark.parametrize(
    "path",
    [
        "/static/../desk.sqlite",
        "/static/..%2f..%2fsentences.toml",
        "/static/%2e%2e/sentences.toml",
        "/static//etc/passwd",
        "/static/....//sentences.toml",
        "/works/..%2f..%2f..%2fetc%2fpasswd",
        "/works/x/pages/..%2f..%2fkey/small.jpg",
        "/deliveries/..%2f..%2fdesk.sqlite",
        "/works/x%00/text",
        "/works/'%20OR%201=1--",
        "/deliveries/'%20OR%20'1'='1",
        "/uploads/../../desk.sqlite",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/templates/page.html",
        "/desk.sqlite",
        "/key",
        "/audit.jsonl",
    ],
)
def test_a_path_leads_nowhere_else(hostile, path):
    _, browser, _ = hostile
    answer = browser.get(path)
    assert answer.status in {400, 404, 405}
    assert b"root:" not in answer.body
    assert b"SQLite" not in answer.body


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/users", "/static/desk.css"])
def test_other_methods_do_nothing(hostile, method, path):
    assert hostile[1].send(method, path).status in {400, 404, 405}


@pytest.mark.parametrize("field", ["title", "calligrapher", "source", "rights"])
def test_markup_in_a_description_stays_text(hostile, field):
    desk, browser, _ = hostile
    markup = '"><script>alert(1)</script>'
    fields = {"title": f"work {field}", "rights": "CC0", "source": "s", field: markup}
    delivery = describe(browser, batch=f"b-{field}", **fields)
    for page in (f"/deliveries/{delivery}", "/deliveries", "/"):
        text = browser.get(page).text
        assert "<script>alert" not in text
    assert "\nrights" not in desk.deliveries.find(delivery, "archivist").metadata.title


def test_a_description_cannot_smuggle_in_another_line(hostile):
    desk, browser, _ = hostile
    delivery = describe(browser, title='a"\nrights = "stolen', batch="b-toml")
    send(browser, delivery, "a.bmp", noise_bmp(np.random.default_rng(9), 4_000))
    file = next((desk.place.inbox / "b-toml").rglob("a.bmp"))
    assert read_metadata(file).rights == "CC0"
    file.unlink()
