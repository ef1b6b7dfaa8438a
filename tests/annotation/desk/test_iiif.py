"""IIIF: what manifests say, and the way from an address to scans in the inbox."""

import json
import shutil
import time
from dataclasses import replace

import pytest

from annotation.desk.iiif import ManifestError, Picture, parse
from annotation.desk.uploads import OPEN
from pipelines.imaging.codec import encode_jpeg
from pipelines.metadata import read_metadata
from tests.annotation.desk.serving import Browser, a_desk, served
from tests.annotation.desk.test_fetching import LOCAL, site
from tests.drawing import as_scan, draw_page

AT = "https://library.example"


def of_2(at, count=2):
    canvases = [
        {
            "@type": "sc:Canvas",
            "label": f"葉{n}",
            "images": [
                {
                    "resource": {
                        "@id": f"{at}/{n}.jpg",
                        "service": {"@id": f"{at}/iiif/{n}", "@type": "ImageService2"},
                    }
                }
            ],
        }
        for n in range(count)
    ]
    return {
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@type": "sc:Manifest",
        "label": [{"@value": "Stele", "@language": "en"}, {"@value": "碑", "@language": "zh"}],
        "attribution": "<b>Library</b> of <a href='x'>Things</a><script>x</script>",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "sequences": [{"canvases": canvases}],
    }


def of_3(at, count=2):
    items = [
        {
            "type": "Canvas",
            "label": {"none": [f"葉{n}"]},
            "items": [
                {
                    "type": "AnnotationPage",
                    "items": [
                        {
                            "type": "Annotation",
                            "motivation": "painting",
                            "body": {
                                "id": f"{at}/{n}.png",
                                "type": "Image",
                                "service": [{"id": f"{at}/iiif/{n}", "type": "ImageService3"}],
                            },
                        },
                        {"type": "Annotation", "motivation": "commenting", "body": {"id": "x"}},
                    ],
                }
            ],
        }
        for n in range(count)
    ]
    return {
        "type": "Manifest",
        "label": {"en": ["Stele"], "zh": ["碑"]},
        "rights": "http://creativecommons.org/publicdomain/mark/1.0/",
        "requiredStatement": {"label": {"en": ["By"]}, "value": {"en": ["Library of Things"]}},
        "items": items,
    }


def parsed(tree):
    return parse(json.dumps(tree).encode(), f"{AT}/manifest")


def test_presentation_2_is_read():
    found = parsed(of_2(AT))
    assert found.pictures == (
        Picture(url=f"{AT}/iiif/0/full/full/0/default.jpg", label="葉0"),
        Picture(url=f"{AT}/iiif/1/full/full/0/default.jpg", label="葉1"),
    )
    assert (found.label, found.attribution) == ("碑", "Library of Things")
    assert found.rights.endswith("by/4.0/")


def test_presentation_3_is_read():
    found = parsed(of_3(AT))
    assert [p.url for p in found.pictures] == [
        f"{AT}/iiif/0/full/max/0/default.jpg",
        f"{AT}/iiif/1/full/max/0/default.jpg",
    ]
    assert (found.label, found.attribution) == ("碑", "Library of Things")


def test_without_a_service_the_picture_itself_is_asked():
    tree = of_3(AT, 1)
    body = tree["items"][0]["items"][0]["items"][0]["body"]
    del body["service"]
    assert parsed(tree).pictures[0].url == f"{AT}/0.png"
    tree["items"][0]["items"][0]["items"][0]["body"] = {"type": "Choice", "items": [body, {}]}
    assert parsed(tree).pictures[0].url == f"{AT}/0.png"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"type": "Collection", "items": []}',
        b'{"type": "Manifest"}',
        b'{"type": "Manifest", "items": [1, null, {"items": "x"}]}',
        b'{"@type": "sc:Manifest", "sequences": {"canvases": 3}}',
        b"[" * 100_000,
        b'{"type": "Manifest", "items": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_manifest_is_refused(data):
    with pytest.raises(ManifestError):
        parse(data, AT)


def test_a_manifest_without_end_is_refused():
    with pytest.raises(ManifestError, match="more than 5000"):
        parsed(of_2(AT, 5001))


@pytest.fixture
def library(rng):
    pages = {}
    with site(pages) as (server, at):
        for n in range(2):
            data = encode_jpeg(as_scan(draw_page(rng, (4, 3 + n)).ink, rng))
            for size in ("full", "max"):
                pages[f"/iiif/{n}/full/{size}/0/default.jpg"] = (200, {}, data)
        for name, tree in (("2", of_2(at)), ("3", of_3(at)), ("short", of_2(at, 3))):
            pages[f"/manifest{name}"] = (200, {}, json.dumps(tree).encode())
        yield server, at


@pytest.fixture
def desk(tmp_path, prepared):
    shutil.copytree(prepared, tmp_path / "desk")
    return a_desk(tmp_path, fetch_limits=LOCAL)


def wait_until_fetched(desk, delivery_id):
    deadline = time.monotonic() + 60
    while any(one.state in OPEN for one in desk.uploads.of_delivery(delivery_id)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return desk.uploads.of_delivery(delivery_id)


@pytest.mark.parametrize("version", ["2", "3"])
def test_a_manifest_becomes_scans_with_rights_and_credit(desk, port, library, version):
    _, at = library
    browser = Browser(port)
    browser.enter("archivist")
    browser.get("/iiif")
    proposed = browser.post("/iiif", address=f"{at}/manifest{version}").headers["location"]
    shown = browser.get(proposed).text
    assert 'value="碑"' in shown
    assert "Library of Things" in shown
    rights = "CC BY 4.0"
    answer = browser.post(proposed, title="碑", rights=rights, batch="b1", script="seal", source="")
    assert answer.status == 303
    uploads = wait_until_fetched(desk, proposed.split("/")[-1])
    assert [(one.path, one.state.value) for one in uploads] == [
        ("0001.jpg", "taken"),
        ("0002.jpg", "taken"),
    ]
    file = next(desk.place.inbox.rglob("0001.jpg"))
    metadata = read_metadata(file)
    assert metadata.rights == rights
    assert "Library of Things" in metadata.source
    assert f"{at}/manifest{version}" in metadata.source


def test_a_picture_that_fails_is_told_and_fetched_again(desk, port, library, rng):
    server, at = library
    browser = Browser(port)
    browser.enter("archivist")
    browser.get("/iiif")
    proposed = browser.post("/iiif", address=f"{at}/manifestshort").headers["location"]
    browser.get(proposed)
    browser.post(proposed, title="碑", rights="CC0", batch="b1", script="seal")
    delivery = proposed.split("/")[-1]
    uploads = wait_until_fetched(desk, delivery)
    assert [one.state.value for one in uploads] == ["taken", "taken", "refused"]
    assert "could not be fetched" in browser.get(f"/deliveries/{delivery}").text
    third = encode_jpeg(as_scan(draw_page(rng, (7, 2)).ink, rng))
    server.pages["/iiif/2/full/full/0/default.jpg"] = (200, {}, third)
    assert browser.post(f"/deliveries/{delivery}/again").status == 303
    uploads = wait_until_fetched(desk, delivery)
    assert [one.state.value for one in uploads] == ["taken"] * 3


def test_a_desk_without_leave_asks_nobody_inside(tmp_path, prepared, library):
    server, at = library
    shutil.copytree(prepared, tmp_path / "strict" / "desk")
    desk = a_desk(tmp_path / "strict", fetch_limits=replace(LOCAL, allowed=()))
    with served(desk) as port:
        browser = Browser(port)
        browser.enter("archivist")
        browser.get("/iiif")
        assert browser.post("/iiif", address=f"{at}/manifest2").status == 400
    assert server.asked == []
    assert desk.audit.last(1)[0]["event"] == "iiif_refused"
