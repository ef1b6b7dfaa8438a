"""A real desk on a free port, and a small browser without a screen to speak to it."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import uvicorn

from annotation.desk.application import make_application
from annotation.desk.desk import Desk, Place
from annotation.desk.roles import Role

PASSWORD = "lanting-353-prefaces"


class Clock:
    """A clock that goes only when it is told to."""

    def __init__(self):
        self.moment = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self):
        return self.moment

    def pass_by(self, **span):
        self.moment += timedelta(**span)


def a_desk(home, **changes):
    """A desk over an empty project."""
    place = Place(
        home=home / "desk",
        inbox=home / "inbox",
        store=str(home / "store"),
        tables=str(home / "tables"),
        journal=home / "journal",
    )
    return Desk(place=place, **{"now": Clock(), **changes})


def with_users(desk):
    """One user a role, named after it, all with the same password."""
    for role in Role:
        desk.users.add(role.value, PASSWORD, [role], email=f"{role.value}@example.org")
    return desk


@contextmanager
def served(desk, **options):
    """The port on which the desk is served until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            make_application(desk, **options),
            ws="none",
            lifespan="on",
            proxy_headers=False,
            log_level="error",
            timeout_graceful_shutdown=2,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.02)
            assert thread.is_alive() or server.started, "the desk did not start"
        try:
            yield port
        finally:
            server.should_exit = True
            thread.join(20)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


class Browser:
    """Keeps cookies and form tokens, sends exactly the path it is given."""

    def __init__(self, port, language="en"):
        self.port, self.cookies, self.language = port, {}, language
        self.form_token = ""

    def send(self, method, path, body=None, headers=(), *, host=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        given = {
            "Host": host or f"127.0.0.1:{self.port}",
            "Accept-Language": self.language,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            **dict(headers),
        }
        if body is not None:
            given.setdefault("Content-Length", str(len(body)))
        for name, value in given.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = Answer(connection.getresponse())
        for cookie in answer.headers.get_all("set-cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        connection.close()
        return answer

    def get(self, path, **options):
        answer = self.send("GET", path, **options)
        found = re.search(rb'name="form-token" content="([0-9a-f]+)"', answer.body)
        if found:
            self.form_token = found[1].decode()
        return answer

    def post(self, path, headers=(), /, **fields):
        """A form, with the token of the page that was looked at last unless one is given."""
        fields = {"form_token": self.form_token, **fields}
        body = urlencode(fields, doseq=True).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, body, {**kind, **dict(headers)})

    def put(self, path, body=b"", headers=()):
        return self.send("PUT", path, body, {"X-Form-Token": self.form_token, **dict(headers)})

    def call(self, path, /, **values):
        """What our own script sends: JSON with the token in a header."""
        kind = {"Content-Type": "application/json", "X-Form-Token": self.form_token}
        return self.send("POST", path, json.dumps(values).encode(), kind)

    def enter(self, name, password=PASSWORD):
        self.get("/login")
        answer = self.post("/login", name=name, password=password)
        if answer.status == 303:
            self.get("/password")
        return answer
