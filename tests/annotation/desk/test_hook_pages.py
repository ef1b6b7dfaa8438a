"""Label Studio's webhooks at the desk: a hint for who knows the secret, and nothing else."""

import time
from dataclasses import replace

import pytest

from annotation.hints import HOOK_PATH, is_secret
from tests.annotation.desk.serving import Browser, served

SECRET = "a secret of the two"


@pytest.fixture
def hook(desk):
    """A desk that knows a secret, and somebody who knocks without a session."""
    knowing = replace(desk, hook_secret=SECRET)
    with served(knowing) as port:
        yield knowing, Browser(port)


def knock(browser, secret, body=b"{}"):
    headers = {"X-Beitie-Secret": secret, "Content-Type": "application/json"}
    return browser.send("POST", HOOK_PATH, body, headers)


def test_a_call_with_the_secret_is_a_hint_and_is_answered_at_once(hook):
    desk, browser = hook
    assert desk.hints.last() == 0
    began = time.monotonic()
    answer = knock(browser, SECRET, b"{no json at all")
    assert time.monotonic() - began < 1, "Label Studio waits a second and no longer"
    assert (answer.status, answer.json) == (200, {"taken": True})
    assert answer.headers["set-cookie"] is None
    assert desk.hints.last() > 0


@pytest.mark.parametrize("secret", ["", "a secret of the tw", "é"])
def test_a_call_without_it_is_refused_and_written_down(hook, secret):
    desk, browser = hook
    assert knock(browser, secret.encode().decode("latin-1")).status == 403
    assert desk.hints.last() == 0
    assert desk.audit.last(1)[0]["event"] == "hook_refused"


def test_a_large_call_is_not_read(hook):
    desk, browser = hook
    assert knock(browser, SECRET, b"0" * (desk.limits.max_form_bytes + 1)).status == 413
    assert desk.hints.last() == 0


def test_a_desk_without_a_secret_takes_no_hints(browser, desk):
    assert knock(browser, "").status == 403
    assert not is_secret("", "")
    assert not is_secret("short", "short")
