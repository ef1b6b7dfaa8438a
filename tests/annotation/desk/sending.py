"""Brings files to a desk as the page's own script does, and goes on after every interruption."""

import hashlib
import http.client
import time

CHUNK = 1 << 20
PATIENCE_S = 120


def describe(browser, title="禮器碑", batch="b1", rights="CC0", **more):
    """Open a delivery through the form; its id."""
    page = browser.get("/deliveries")
    delivery_id = page.text.split('name="delivery_id" value="')[1].split('"')[0]
    fields = {"title": title, "batch": batch, "rights": rights, "script": "regular", **more}
    answer = browser.post("/deliveries", delivery_id=delivery_id, **fields)
    assert answer.status == 303, answer.text
    browser.get(f"/deliveries/{delivery_id}")
    return delivery_id


def begin(browser, delivery_id, path, size, modified=0):
    return browser.call(
        f"/deliveries/{delivery_id}/uploads", path=path, size=size, modified=modified
    )


def put_chunk(browser, upload_id, offset, chunk):
    digest = {"X-Chunk-SHA256": hashlib.sha256(chunk).hexdigest()}
    return browser.put(f"/uploads/{upload_id}?offset={offset}", chunk, digest)


def send(browser, delivery_id, path, data, *, chunk=CHUNK):
    """One file from beginning to end; what became of it."""
    told = begin(browser, delivery_id, path, len(data))
    if told.status != 200:
        return told.json
    told = told.json
    while told["state"] == "receiving" and told["received"] < len(data):
        at = told["received"]
        told = put_chunk(browser, told["id"], at, data[at : at + chunk]).json
    return browser.call(f"/uploads/{told['id']}/finish").json


def send_stubbornly(browser, delivery_id, path, data, *, chunk=CHUNK):
    """The same, beginning again whenever the desk is gone; how often that was."""
    deadline, breaks = time.monotonic() + PATIENCE_S, 0
    while True:
        try:
            return send(browser, delivery_id, path, data, chunk=chunk), breaks
        except (OSError, http.client.HTTPException):
            assert time.monotonic() < deadline, "the desk did not come back"
            breaks += 1
            time.sleep(0.1)


def files_of(inbox):
    """Every file of an inbox by its sha256, sidecars left out."""
    found = {}
    for path in inbox.rglob("*"):
        if path.is_file() and path.suffix != ".toml":
            found.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), []).append(path)
    return found
