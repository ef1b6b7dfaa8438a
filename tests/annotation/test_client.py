"""What both the real server and the double must do, and what happens when a server fails."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from annotation import interface
from annotation.client import ClientParams, connect
from annotation.projects import same_prediction
from annotation.tasks import decision_item, region
from annotation.views import COLUMN_VIEWS
from pipelines.errors import ServiceError
from pipelines.ids import derive_id

PLACE = {"x": 10.0, "y": 20.0, "width": 30.0, "height": 5.0, "rotation": 0}


def payload(key: str, version: str = "release-1", text: str = "天"):
    return {
        "data": {
            "image": "/data/local-files/?d=images/x.jpg",
            "title": "a title",
            "comparison": "天 | 夫",
            "key": key,
            "priority": 0.25,
        },
        "predictions": [prediction(version, text)],
    }


def prediction(version: str, text: str):
    result = region("r1", PLACE, texts={interface.WRITTEN: text}, states=(), width=80, height=400)
    return {"model_version": version, "score": 0.5, "result": result}


@pytest.fixture
def project(label_studio, request):
    config = interface.column_interface().xml
    return label_studio.ensure_project(title_of(request), config, "for a test")


def title_of(request):
    return f"contract {derive_id(request.node.name)}"


def test_a_project_is_found_again_by_its_title(label_studio, project, request):
    title = title_of(request)
    config = interface.column_interface().xml
    assert label_studio.ensure_project(title, config, "again") == project
    assert label_studio.find_project(title) == project
    assert label_studio.find_project(title[:-1]) is None
    with pytest.raises(ServiceError, match="50 characters"):
        label_studio.ensure_project("t" * 51, config, "too long")
    label_studio.ensure_views(project, COLUMN_VIEWS, ["data.key"])
    label_studio.ensure_views(project, COLUMN_VIEWS, ["data.key"])


def test_tasks_come_back_as_they_were_sent(label_studio, project):
    sent = [payload(f"k{i}") for i in range(3)]
    assert label_studio.import_tasks(project, sent) == 3
    summaries = list(label_studio.summaries(project))
    assert [s.data for s in summaries] == [p["data"] for p in sent]
    assert [(s.annotation_count, s.prediction_count, s.is_begun) for s in summaries] == [
        (0, 1, False)
    ] * 3
    full = list(label_studio.tasks(project))
    assert [t.task_id for t in full] == [s.task_id for s in summaries]
    assert full[0].predictions[0]["result"] == sent[0]["predictions"][0]["result"]
    assert full[0].predictions[0]["model_version"] == "release-1"


def test_importing_appends_so_that_we_must_look_first(label_studio, project):
    label_studio.import_tasks(project, [payload("same")])
    label_studio.import_tasks(project, [payload("same")])
    assert [s.data["key"] for s in label_studio.summaries(project)] == ["same", "same"]


def test_predictions_come_and_go_one_by_one_and_the_task_changes(label_studio, project):
    label_studio.import_tasks(project, [payload("k")])
    (before,) = label_studio.tasks(project)
    new = {**prediction("release-2", "地"), "task": before.task_id}
    second = {**prediction("rapidocr", "他"), "task": before.task_id}
    assert label_studio.add_predictions(project, [new, second]) == 2
    full = label_studio.task(before.task_id)
    by_version = {p["model_version"]: p for p in full.predictions}
    assert set(by_version) == {"release-1", "release-2", "rapidocr"}
    assert all(same_prediction(by_version[p["model_version"]], p) for p in (new, second))
    assert not same_prediction(by_version["rapidocr"], {**second, "model_version": "release-1"})
    assert by_version["release-2"]["score"] == new["score"]
    assert by_version["release-2"]["id"] > by_version["release-1"]["id"]
    label_studio.delete_prediction(int(by_version["release-1"]["id"]))
    label_studio.delete_prediction(int(by_version["release-1"]["id"]))
    label_studio.update_task(before.task_id, {**before.data, "priority": 0.75})
    label_studio.show_predictions(project, "release-2")
    (after,) = label_studio.tasks(project)
    assert sorted(p["model_version"] for p in after.predictions) == ["rapidocr", "release-2"]
    assert after.data["priority"] == 0.75
    assert after.updated_at > before.updated_at


def test_an_annotation_is_in_somebodys_name_and_moves_the_clock(label_studio, project):
    label_studio.import_tasks(project, [payload("a"), payload("b")])
    first, second = label_studio.summaries(project)
    somebody = label_studio.ensure_user("somebody@example.org", "somebody")
    assert label_studio.ensure_user("somebody@example.org", "somebody") == somebody
    result = [decision_item("approve")]
    annotation = label_studio.add_annotation(
        second.task_id, result, completed_by=somebody, lead_time_s=7.5
    )
    moment = next(t for t in label_studio.tasks(project) if t.task_id == second.task_id).updated_at
    assert moment > second.updated_at
    changed = list(label_studio.tasks(project, moment - timedelta(microseconds=1)))
    assert [t.task_id for t in changed] == [second.task_id]
    (found,) = changed[0].annotations
    assert found["id"] == annotation
    assert found["completed_by"] == somebody
    assert label_studio.users()[somebody].email == "somebody@example.org"
    assert found["lead_time"] == 7.5
    assert found["result"] == result
    assert not found["was_cancelled"]
    label_studio.update_annotation(annotation, [decision_item("reject")])
    again = label_studio.task(second.task_id)
    assert again.annotations[0]["result"][0]["value"] == {"choices": ["reject"]}
    assert again.annotations[0]["completed_by"] == somebody
    assert again.annotations[0]["updated_by"] == label_studio.whoami().user_id
    assert again.updated_at > moment
    untouched = label_studio.task(first.task_id)
    assert untouched.annotations == ()
    assert untouched.updated_at == first.updated_at


def test_a_skipped_task_counts_as_begun(label_studio, project):
    label_studio.import_tasks(project, [payload("a")])
    (task,) = label_studio.summaries(project)
    me = label_studio.whoami().user_id
    label_studio.add_annotation(task.task_id, [], completed_by=me, lead_time_s=1.0, is_skipped=True)
    (task,) = label_studio.summaries(project)
    assert (task.annotation_count, task.is_begun) == (1, True)


def test_what_is_gone_is_gone(label_studio, project):
    label_studio.import_tasks(project, [payload("a"), payload("b")])
    first, second = label_studio.summaries(project)
    label_studio.delete_task(first.task_id)
    label_studio.delete_task(first.task_id)
    assert label_studio.task(first.task_id) is None
    assert [s.task_id for s in label_studio.summaries(project)] == [second.task_id]
    with pytest.raises(ServiceError, match="push the batch again"):
        label_studio.add_annotation(first.task_id, [], completed_by=1, lead_time_s=0.0)


def test_a_project_that_is_gone_says_what_to_do(label_studio):
    with pytest.raises(ServiceError, match="deleted"):
        list(label_studio.summaries(987654))


def test_a_webhook_is_made_once(label_studio, project):
    # An address that Label Studio takes without asking a name server; nobody calls it.
    address = "http://1.1.1.1/hooks/label-studio"
    for secret in ("one", "another"):
        label_studio.ensure_webhook(project, address, {"X-Beitie-Secret": secret})
    assert label_studio.webhooks(project) == {address: True}


@pytest.mark.label_studio
@pytest.mark.slow
def test_the_local_server_calls_nobody_inside(real, request):
    """Its guard against requests to inner addresses stays on, so that it gives no hints."""
    project = real.ensure_project(title_of(request), interface.column_interface().xml, "a test")
    with pytest.raises(ServiceError, match="setting the webhook"):
        real.ensure_webhook(project, "http://127.0.0.1:3001/hooks/label-studio", {})
    assert real.webhooks(project) == {}


def test_more_tasks_than_a_page_holds_are_all_listed(label_studio, project):
    label_studio.import_tasks(project, [payload(f"k{i}") for i in range(205)])
    keys = [s.data["key"] for s in label_studio.summaries(project)]
    assert keys == [f"k{i}" for i in range(205)]
    assert len(list(label_studio.tasks(project))) == 205


def test_pictures_are_served_from_the_project_folder_alone(label_studio, project, images):
    images.prepare()
    images.put("ab-picture.jpg", b"\xff\xd8\xff a picture")
    (images.document_root / "secret.jpg").write_bytes(b"not for projects")
    url = images.url_of("ab-picture.jpg")
    label_studio.serve_images(project, images.path)
    label_studio.serve_images(project, images.path)
    assert label_studio.fetch(url) == (b"\xff\xd8\xff a picture", "image/jpeg")
    for outside in ("secret.jpg", "images/../secret.jpg", "images/../../secrets.json"):
        with pytest.raises(ServiceError):
            label_studio.fetch(f"/data/local-files/?d={outside}")


# --- a server that misbehaves, on a real socket ---------------------------------------------

TOKEN = "0123456789abcdef0123456789abcdef01234567"
IMPATIENT = ClientParams(timeout_s=0.4, import_timeout_s=0.4, tries=3, first_pause_s=0.01)


class Misbehaving:
    """Answers from a list of (status, body, seconds to wait); the last one is repeated."""

    def __init__(self):
        self.answers = []
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                outer.requests.append((self.command, self.path))
                if self.path.startswith("/api/current-user/whoami") and not outer.whoami_fails:
                    status, body, wait = 200, {"id": 1, "email": "a@b.c"}, 0
                else:
                    index = min(len(outer.requests) - 1 - outer.before, len(outer.answers) - 1)
                    status, body, wait = outer.answers[index]
                time.sleep(wait)
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the client had no patience left, as it should

            do_GET = do_POST = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.whoami_fails = False
        self.before = 0
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def client(self):
        client = connect(self.url, TOKEN, params=IMPATIENT)
        self.before = len(self.requests)
        return client

    @property
    def after(self):
        return self.requests[self.before :]

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def misbehaving():
    server = Misbehaving()
    yield server
    server.close()


def page_of(tasks, total):
    return {"tasks": tasks, "total": total, "total_annotations": 0, "total_predictions": 0}


def row(number):
    return {"id": number, "data": {}, "updated_at": "2026-01-01T00:00:00Z"}


def test_a_server_that_is_down_is_named_with_what_to_do(misbehaving):
    client = misbehaving.client()
    misbehaving.close()
    with pytest.raises(ServiceError, match="not reached while listing users.*beitie up") as error:
        client.users()
    assert misbehaving.url in str(error.value)
    with pytest.raises(ServiceError, match="not reached"):
        connect(misbehaving.url, TOKEN, params=IMPATIENT)


def test_a_slow_server_is_not_waited_for_forever(misbehaving):
    client = misbehaving.client()
    misbehaving.answers = [(200, [], 5.0)]
    began = time.monotonic()
    with pytest.raises(ServiceError, match="took too long while listing users"):
        client.users()
    assert time.monotonic() - began < 3
    assert len(misbehaving.after) == IMPATIENT.tries


def test_a_failing_server_is_asked_again_where_that_is_harmless(misbehaving):
    client = misbehaving.client()
    misbehaving.answers = [(500, {}, 0), (503, {}, 0), (200, [{"id": 4, "email": "x@y.z"}], 0)]
    assert client.users()[4].email == "x@y.z"
    assert len(misbehaving.after) == 3


def test_what_makes_something_is_tried_once(misbehaving):
    client = misbehaving.client()
    misbehaving.answers = [(500, {"detail": "locked"}, 0)]
    with pytest.raises(ServiceError, match="failed with 500 while importing 1 tasks.*locked"):
        client.import_tasks(7, [payload("k")])
    with pytest.raises(ServiceError, match="submitting"):
        client.add_annotation(7, [], completed_by=1, lead_time_s=0)
    assert [method for method, _ in misbehaving.after] == ["POST", "POST"]


def test_a_listing_is_read_to_its_counted_end_even_if_pages_are_cut(misbehaving):
    client = misbehaving.client()
    misbehaving.answers = [
        (200, page_of([row(1)], 3), 0),
        (200, page_of([row(2)], 3), 0),
        (200, page_of([row(3)], 3), 0),
    ]
    assert [s.task_id for s in client.summaries(1)] == [1, 2, 3]
    misbehaving.before = len(misbehaving.requests)
    misbehaving.answers = [(200, page_of([row(1)], 3), 0), (404, {"detail": "Invalid page."}, 0)]
    with pytest.raises(ServiceError, match="counts 3 tasks in project 1 but listed 1"):
        list(client.summaries(1))


def test_something_else_that_listens_there_is_recognised(misbehaving):
    client = misbehaving.client()
    misbehaving.answers = [(200, b"<html>a router's login page</html>", 0)]
    with pytest.raises(ServiceError, match="Is it Label Studio that listens there"):
        client.users()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_explained_and_not_shown(misbehaving, status):
    misbehaving.whoami_fails = True
    misbehaving.answers = [(status, {"detail": f"Invalid token {TOKEN}."}, 0)]
    with pytest.raises(ServiceError, match="LABEL_STUDIO_API_KEY") as error:
        connect(misbehaving.url, TOKEN, params=IMPATIENT)
    assert TOKEN not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.label_studio
@pytest.mark.slow
def test_saved_views_bring_tasks_in_their_order_and_only_theirs(real):
    config = interface.column_interface().xml
    project = real.ensure_project("contract view", config, "for a test")
    queue = [10, 2, 9, 100, 1]
    tasks = [payload(f"k{i}") for i in range(len(queue))]
    for task, place in zip(tasks, queue, strict=True):
        disagreement = {2: 0.25, 9: 1.0, 100: 0.0004}.get(place, 0.0)
        more = {"queue": place, "priority": place / 100, "disagreement": disagreement}
        task["data"] |= more | {"rarity": 0.0, "order_uncertainty": 0.2 * (place == 100)}
    real.import_tasks(project, tasks)
    real.ensure_views(project, COLUMN_VIEWS, ["data.key"])
    real.ensure_views(project, COLUMN_VIEWS, ["data.key"])
    views = {view.data["title"]: view.id for view in real._sdk.views.list(project=project)}
    assert list(views) == [view.title for view in COLUMN_VIEWS]

    def listed(title):
        found = real._sdk.tasks.list(view=views[title], fields="task_only")
        return [task.data["queue"] for task in found]

    assert listed("Most useful first") == [1, 2, 9, 10, 100]
    assert listed("Readers disagree") == [9, 2, 100]
    assert listed("Rare characters") == []
    assert listed("Order in doubt") == [100]
    (tenth,) = (t for t in real.summaries(project) if t.data["queue"] == 10)
    answer = [decision_item(interface.NEEDS_EXPERT)]
    me = real.whoami().user_id
    real.add_annotation(tenth.task_id, answer, completed_by=me, lead_time_s=1.0)
    assert listed("For an expert") == [10]
    assert listed("Most useful first") == [1, 2, 9, 100]


@pytest.mark.label_studio
@pytest.mark.slow
def test_the_real_server_refuses_a_wrong_token(server):
    with pytest.raises(ServiceError, match="refused our token"):
        connect(server.url, "f" * 40)


@pytest.mark.label_studio
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The `parse_obj` method is deprecated")  # inside the SDK
def test_a_personal_access_token_works_too(server, real):
    made = real._sdk.tokens.create()
    client = connect(server.url, made.token)
    assert client.whoami() == real.whoami()
    with pytest.raises(ServiceError, match="no such|404|not what was asked"):
        client.fetch("/data/local-files/?d=images/none.jpg")
