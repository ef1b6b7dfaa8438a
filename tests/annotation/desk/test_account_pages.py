"""Coming in: sessions, forms of our own only, patience that ends, roles, languages, the log."""

import stat

import pytest

from annotation.desk.doors import own_path
from tests.annotation.desk.serving import PASSWORD, Browser


def test_nobody_gets_in_without_a_name(browser):
    answer = browser.get("/users")
    assert (answer.status, answer.headers["location"]) == (303, "/login?next=/users")
    assert "Password" in browser.get("/login").text


def test_signing_in_opens_a_session_under_a_new_token(browser, desk):
    browser.get("/login")
    before = browser.cookies["beitie_desk"]
    answer = browser.enter("engineer")
    assert answer.status == 303
    assert browser.cookies["beitie_desk"] != before
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert browser.get("/users").status == 200
    token = browser.cookies["beitie_desk"]
    assert token.encode() not in desk.database.file.read_bytes()


def test_signing_out_ends_it_for_every_copy_of_the_cookie(browser, port):
    browser.enter("engineer")
    copy = Browser(port)
    copy.cookies = dict(browser.cookies)
    assert browser.post("/logout").status == 303
    assert copy.get("/users").status == 303


def test_a_session_runs_out(browser, desk):
    browser.enter("engineer")
    desk.now.pass_by(hours=desk.limits.session_hours, seconds=1)
    assert browser.get("/users").status == 303


def test_a_new_password_ends_the_other_sessions(browser, port):
    other = Browser(port)
    other.enter("archivist")
    browser.enter("archivist")
    assert browser.post("/password", old="wrong", new="another-password").status == 400
    assert browser.post("/password", old=PASSWORD, new="short").status == 400
    assert browser.post("/password", old=PASSWORD, new="another-password").status == 303
    assert browser.get("/password").status == 200
    assert other.get("/password").status == 303
    assert Browser(port).enter("archivist", "another-password").status == 303


def test_wrong_passwords_are_slowed_down_and_forgotten(browser, desk):
    for _ in range(desk.limits.failures_per_name):
        assert browser.enter("archivist", "wrong").status == 401
    assert browser.enter("archivist").status == 429
    assert browser.enter("annotator").status == 303, "others are not locked out"
    desk.now.pass_by(minutes=desk.limits.failure_window_minutes, seconds=1)
    browser.cookies.clear()
    assert browser.enter("archivist").status == 303


def test_one_address_cannot_try_every_name(browser, desk):
    for index in range(desk.limits.failures_per_address):
        desk.sessions.failed(f"user-{index}", "127.0.0.1", now=desk.now())
    assert browser.enter("archivist").status == 429


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_form_without_its_token_is_refused(browser, desk, token):
    browser.enter("archivist")
    assert browser.post("/logout", form_token=token).status == 403
    assert desk.audit.last(1)[0]["event"] == "form_refused"
    assert browser.get("/password").status == 200


def test_a_token_of_another_browser_is_refused(browser, port):
    browser.enter("archivist")
    other = Browser(port)
    other.enter("archivist")
    assert browser.post("/logout", form_token=other.form_token).status == 403


def test_a_wrong_token_in_a_header_does_not_pass_for_a_form(browser):
    browser.enter("archivist")
    assert browser.post("/logout", {"X-Form-Token": "1"}, form_token="").status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_from_another_site_is_refused(browser, headers):
    browser.enter("archivist")
    assert browser.post("/logout", headers).status == 403


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1.elsewhere.example", ""])
def test_an_unknown_host_is_not_answered(browser, host):
    assert browser.send("GET", "/login", host=host or "[").status in {400, 421}


def test_headers_keep_the_browser_strict(browser):
    for path in ("/login", "/static/desk.css", "/nothing"):
        headers = browser.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("role", ["archivist", "annotator", "approver"])
@pytest.mark.parametrize("path", ["/users", "/audit"])
def test_users_and_the_log_are_for_engineers(browser, role, path):
    browser.enter(role)
    assert browser.get(path).status == 403
    assert browser.post("/users/change", name="engineer", role="archivist").status == 403


def test_an_engineer_makes_and_changes_users(browser, port, desk):
    browser.enter("engineer")
    browser.get("/users")
    assert browser.post("/users", name="<b>", password=PASSWORD, role="archivist").status == 400
    answer = browser.post("/users", name="Wang", password=PASSWORD, role=["archivist", "approver"])
    assert answer.status == 303
    assert Browser(port).enter("Wang").status == 303
    assert browser.post("/users/change", name="Wang", role="annotator").status == 303
    assert Browser(port).enter("Wang").status == 401
    assert desk.users.find("Wang").roles == ("annotator",)
    events = [line["event"] for line in desk.audit.last(10)]
    assert {"user_added", "user_changed", "login_failed"} <= set(events)
    assert "user_added" in browser.get("/audit").text


def test_the_log_is_for_its_owner_and_holds_no_password(browser, desk):
    browser.enter("archivist", "a wrong password")
    assert stat.S_IMODE(desk.audit.file.stat().st_mode) == 0o600
    assert "wrong password" not in desk.audit.file.read_text()


def test_a_torn_line_of_the_log_costs_no_other(desk):
    desk.audit.note("first", who="a", address="", at=desk.now())
    with desk.audit.file.open("a") as file:
        file.write('{"at": "20')
    desk.audit.note("second", who="a\nb", address="", at=desk.now())
    assert [line["event"] for line in desk.audit.last(9)] == ["second", "first"]


def test_language_follows_the_browser_and_the_switch(browser, port):
    chinese = Browser(port, "zh-TW,zh;q=0.9,en;q=0.5").get("/login")
    assert '<html lang="zh-Hant">' in chinese.text
    assert "登入" in chinese.text
    assert '<html lang="en">' in browser.get("/login").text
    answer = browser.post("/language", language="zh", next="/login")
    assert (answer.status, answer.headers["location"]) == (303, "/login")
    assert '<html lang="zh-Hant">' in browser.get("/login").text
    assert browser.post("/language", language="xx").status == 400


@pytest.mark.parametrize(
    "wanted",
    ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere", "javascript:x", "/a\r\nb"],
)
def test_nobody_is_led_astray_after_signing_in(wanted):
    assert own_path(wanted) == "/"
