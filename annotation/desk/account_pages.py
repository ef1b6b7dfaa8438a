"""Signing in and out, one's password and language; users and the audit log for engineers.

Keeps out: how passwords and sessions are kept (``annotation.desk.users``,
``annotation.desk.sessions``).
"""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from annotation.desk.doors import (
    LANGUAGE_COOKIE,
    Door,
    Refused,
    Visit,
    own_path,
    set_cookie,
)
from annotation.desk.languages import LANGUAGES
from annotation.desk.rendering import render
from annotation.desk.roles import Permission, Role
from annotation.desk.sessions import new_token
from annotation.desk.users import UserError

AUDIT_LINES_SHOWN = 300


def login_page(visit: Visit) -> Response:
    """The form that asks for name and password."""
    if visit.user is not None:
        return RedirectResponse("/", status_code=303)
    return _ask(visit, visit.request.query_params.get("next", "/"))


def login(visit: Visit) -> Response:
    """Open a session under a new token, or say that name and password do not fit."""
    name, password = visit.value("name")[:200], _raw(visit, "password")
    sessions, now = visit.desk.sessions, visit.desk.now()
    if sessions.must_wait(name, visit.address, now=now):
        visit.note("login_delayed", name=name)
        minutes = visit.desk.limits.failure_window_minutes
        return _ask(visit, visit.value("next"), "login.wait", status=429, minutes=minutes)
    user = visit.desk.users.check(name, password)
    if user is None:
        sessions.failed(name, visit.address, now=now)
        visit.note("login_failed", name=name)
        return _ask(visit, visit.value("next"), "login.wrong", status=401)
    visit.token, visit.user = sessions.open(user, now=now), user
    visit.note("login")
    return RedirectResponse(own_path(visit.value("next")), status_code=303)


def logout(visit: Visit) -> Response:
    """End the session."""
    visit.note("logout")
    visit.desk.sessions.close(visit.token)
    visit.token = new_token()
    return RedirectResponse("/login", status_code=303)


def choose_language(visit: Visit) -> Response:
    """Remember the language, and go on where one was."""
    chosen = visit.value("language")
    if chosen not in LANGUAGES:
        raise Refused(400, "refusal.no_form")
    response = RedirectResponse(own_path(visit.value("next")), status_code=303)
    set_cookie(response, visit.desk, LANGUAGE_COOKIE, chosen)
    return response


def password_page(visit: Visit) -> Response:
    """The form for a new password."""
    return render(visit, "password.html", problem="")


def change_password(visit: Visit) -> Response:
    """Give oneself a new password; every session ends and this one is opened anew."""
    if visit.user is None or not visit.desk.users.check(visit.name, _raw(visit, "old")):
        visit.note("password_refused")
        return render(visit, "password.html", problem=visit.say("password.wrong"), status=400)
    try:
        visit.desk.users.set_password(visit.name, _raw(visit, "new"))
    except UserError as error:
        return render(visit, "password.html", problem=_said(visit, error), status=400)
    visit.note("password_changed", name=visit.name)
    visit.token = visit.desk.sessions.open(visit.user, now=visit.desk.now())
    return RedirectResponse("/", status_code=303)


def users_page(visit: Visit) -> Response:
    """Everybody, their roles, and a form for a new one."""
    return _users(visit)


def add_user(visit: Visit) -> Response:
    """Make a user."""
    name, roles = visit.value("name"), _roles(visit)
    try:
        email = visit.value("email")
        visit.desk.users.add(name, _raw(visit, "password"), roles, email=email)
    except UserError as error:
        return _users(visit, _said(visit, error))
    visit.note("user_added", name=name, roles=[role.value for role in roles], email=email)
    return RedirectResponse("/users", status_code=303)


def change_user(visit: Visit) -> Response:
    """Give other roles or a new password, close or open a user."""
    name, roles, users = visit.value("name"), _roles(visit), visit.desk.users
    password = _raw(visit, "password")
    is_active = visit.value("is_active") == "yes"
    try:
        users.change(name, roles, is_active=is_active, email=visit.optional("email"))
        if password:
            users.set_password(name, password)
    except UserError as error:
        return _users(visit, _said(visit, error))
    changed = {
        "roles": [role.value for role in roles],
        "is_active": is_active,
        "email": visit.value("email"),
    }
    visit.note("user_changed", name=name, has_new_password=bool(password), **changed)
    return RedirectResponse("/users", status_code=303)


def audit_page(visit: Visit) -> Response:
    """The newest lines of the audit log."""
    return render(visit, "audit.html", lines=visit.desk.audit.last(AUDIT_LINES_SHOWN))


DOORS = (
    Door(path="/login", handler=login_page, permission=None),
    Door(path="/login", handler=login, method="POST", permission=None),
    Door(path="/logout", handler=logout, method="POST"),
    Door(path="/language", handler=choose_language, method="POST", permission=None),
    Door(path="/password", handler=password_page),
    Door(path="/password", handler=change_password, method="POST"),
    Door(path="/users", handler=users_page, permission=Permission.OPERATE),
    Door(path="/users", handler=add_user, method="POST", permission=Permission.OPERATE),
    Door(path="/users/change", handler=change_user, method="POST", permission=Permission.OPERATE),
    Door(path="/audit", handler=audit_page, permission=Permission.OPERATE),
)


def _ask(
    visit: Visit, wanted: str, key: str = "", *, status: int = 200, **values: object
) -> Response:
    problem = visit.say(key, **values) if key else ""
    return render(visit, "login.html", wanted=own_path(wanted), problem=problem, status=status)


def _users(visit: Visit, problem: str = "") -> Response:
    people = visit.desk.users.all()
    status = 400 if problem else 200
    return render(visit, "users.html", people=people, roles=Role, problem=problem, status=status)


def _roles(visit: Visit) -> tuple[Role, ...]:
    given = {value for name, value in visit.form if name == "role"}
    return tuple(role for role in Role if role.value in given)


def _raw(visit: Visit, key: str) -> str:
    """A field as it was typed: a password may begin with a blank."""
    return next((value for name, value in visit.form if name == key), "")


def _said(visit: Visit, error: UserError) -> str:
    sentences = visit.desk.sentences
    if visit.language == "en":
        return str(error)
    return sentences.say_reason(visit.language, error.reason)
