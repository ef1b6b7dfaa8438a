"""The real server behind a bad connection: what fails, what is kept, and what the next run finds.

A proxy stands before the server and spoils chosen answers: errors, lost answers, pages that lack
rows, a token that is refused from one moment to the next.
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from annotation.client import ClientParams, connect
from annotation.pull import PullParams, pull
from pipelines.errors import ServiceError
from tests.annotation.examples import a_batch
from tests.annotation.loop import Loop

LIU, WANG = "liu@example.org", "wang@example.org"
TEXT = "天地玄黃宇"


class Proxy:
    """Passes calls on; ``spoil(method, path, count)`` names what becomes of one.

    ``error`` answers 503 without asking the server, ``lost`` breaks the connection after the server
    has answered, ``cut`` takes the last row off a page, ``stranger`` sends a wrong token.
    """

    def __init__(self, url):
        self.target, self.calls = url, 0
        self.spoil = lambda method, path, count: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.calls += 1
                fault = outer.spoil(self.command, self.path, outer.calls)
                if fault == "error":
                    return self.reply(503, b'{"detail": "database is locked"}')
                headers = dict(self.headers)
                if fault == "stranger":
                    headers["Authorization"] = "Token " + "0" * 40
                status, data = outer.pass_on(self.command, self.path, body, headers)
                if fault == "lost":
                    self.close_connection = True
                    return None
                if fault == "cut" and status == 200:  # beyond the last page there is none
                    page = json.loads(data)
                    data = json.dumps({**page, "tasks": page["tasks"][:-1]}).encode()
                return self.reply(status, data)

            def reply(self, status, data):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def pass_on(self, method, path, body, headers):
        headers.pop("Host", None)
        asked = urllib.request.Request(
            self.target + path, data=body or None, headers=headers, method=method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(asked, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def proxy(server):
    standing = Proxy(server.url)
    yield standing
    standing.close()


@pytest.fixture
def through(proxy, server):
    """A client behind the proxy."""
    return connect(proxy.url, server.token, params=ClientParams(first_pause_s=0.02))


@pytest.fixture
def spoiled(real, through, images, journal, tables, store, request):
    """A batch of three columns, the first submitted, pulled by a client behind the proxy."""
    batch = a_batch(tables, store, (5, 4, 3), name=request.node.name[:40])
    loop = Loop(real, batch, images, journal)
    loop.push()
    loop.submit(loop.tasks()[0], TEXT, LIU)
    return loop


def pull_through(loop, client):
    return pull(
        loop.batch.tables, loop.batch.name, client, journal=loop.journal, params=PullParams()
    )


def nothing_is_written(loop):
    manifest = loop.batch.tables.manifest("reviews", loop.batch.name)
    return manifest is None and loop.journal.entries(loop.batch.name) == []


@pytest.mark.slow
@pytest.mark.label_studio
def test_a_server_that_fails_now_and_then_loses_nothing(spoiled, proxy, through):
    proxy.spoil = lambda method, path, count: "error" if count % 2 else None
    found = pull_through(spoiled, through)
    assert (found.approved, found.rejected) == (1, {"not_reviewed": 2})
    assert pull_through(spoiled, spoiled.client).approved == 1


@pytest.mark.slow
@pytest.mark.label_studio
@pytest.mark.parametrize(
    ("fault", "said"), [("cut", "counts 3 tasks .* listed"), ("error", "failed with 503")]
)
def test_a_listing_that_stays_broken_changes_nothing(spoiled, proxy, through, fault, said):
    proxy.spoil = lambda method, path, count: fault if path.startswith("/api/tasks") else None
    with pytest.raises(ServiceError, match=said):
        pull_through(spoiled, through)
    assert nothing_is_written(spoiled)
    proxy.spoil = lambda method, path, count: None
    assert pull_through(spoiled, through).approved == 1


@pytest.mark.slow
@pytest.mark.label_studio
def test_a_token_that_is_revoked_in_the_middle_is_named_and_nothing_is_half(
    spoiled, proxy, through
):
    """The first page comes, then the server knows the token no more."""
    before = proxy.calls
    proxy.spoil = lambda method, path, count: "stranger" if count > before + 1 else None
    with pytest.raises(ServiceError, match="refused our token"):
        pull_through(spoiled, through)
    assert nothing_is_written(spoiled)


@pytest.mark.slow
@pytest.mark.label_studio
def test_an_import_whose_answer_got_lost_is_not_made_twice(real, through, proxy, spoiled, tables):
    batch = a_batch(tables, spoiled.batch.store, (5, 4), name="lost-answer")
    loop = Loop(real, batch, spoiled.images, spoiled.journal)
    proxy.spoil = lambda method, path, count: (
        "lost" if method == "POST" and path.endswith("/import") or "/import?" in path else None
    )
    with pytest.raises(ServiceError, match="not reached while importing"):
        loop.push(client=through)
    again = loop.push()
    assert (again.tasks_created, again.tasks_found, again.accepted) == (0, 2, 2)


@pytest.mark.slow
@pytest.mark.label_studio
def test_a_draft_decides_nothing(spoiled, real):
    task = spoiled.tasks()[1]
    answer = real._http.post(
        f"{real.url}/api/tasks/{task.task_id}/drafts",
        headers=real._sdk._client_wrapper.get_headers(),
        json={"result": spoiled.result_of(task, "宙洪荒日"), "lead_time": 1.0},
    )
    assert answer.status_code == 201, answer.text
    found = spoiled.pull()
    assert (found.approved, found.rejected) == (1, {"not_reviewed": 2})
    assert spoiled.push().tasks_begun == 2, "somebody is at it: no other draft is put under them"


def test_what_is_submitted_twice_is_one_review(loop):
    loop.push()
    task = loop.tasks()[0]
    loop.submit(task, TEXT, LIU)
    loop.submit(task, TEXT, LIU)
    found = loop.pull()
    assert (found.approved, found.new_reviews) == (1, 1)
    (flag,) = found.flags
    assert "agree" in flag.detail
    assert len(loop.reviews()) == 1


def test_who_saved_an_annotation_last_had_a_hand_in_it(loop):
    """Label Studio keeps no roles apart: an approver may have changed what another submitted."""
    loop.push()
    loop.submit(loop.tasks()[0], TEXT, LIU)
    loop.pull(needs_second_person=True)
    (decided,) = loop.journal.entries(loop.batch.name)
    assert decided.editors == (loop.client.whoami().email,)
    assert decided.review.annotator == LIU
