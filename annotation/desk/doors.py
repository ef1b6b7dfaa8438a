"""The way in to every page: session, permission, where the request came from, its form.

A :class:`Door` is a path, who may pass it, and a plain function from :class:`Visit` to an answer,
which runs in a worker thread. What a door checks is checked before the body is read: nobody who
may not deliver can make the desk hold their bytes.

Keeps out: what pages say (the modules named ``..._pages``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from annotation.desk.desk import Desk
from annotation.desk.languages import LANGUAGES, preferred
from annotation.desk.roles import Permission
from annotation.desk.sessions import new_token
from annotation.desk.users import User
from pipelines.errors import BeitieError

COOKIE, LANGUAGE_COOKIE = "beitie_desk", "beitie_language"
FORM_TOKEN, FORM_HEADER = "form_token", "x-form-token"

_TOKEN = re.compile(r"[\w-]{43}")
_MAX_FORM_FIELDS = 100


class Refused(BeitieError):
    """A request that is not answered; ``status`` is HTTP's, the message a key of the sentences."""

    def __init__(self, status: int, key: str, **values: object) -> None:
        super().__init__(key)
        self.status, self.key, self.values = status, key, values


@dataclass(kw_only=True)
class Visit:
    """One request as a page sees it: who asks for what, in which language."""

    desk: Desk
    request: Request
    user: User | None
    token: str
    language: str
    body: bytes = b""
    form: list[tuple[str, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The user's name; nothing on pages that anybody may see."""
        return self.user.name if self.user else ""

    @property
    def address(self) -> str:
        """Where the request came from."""
        return self.request.client.host if self.request.client else ""

    def value(self, key: str) -> str:
        """One field of the form, without blanks around it; empty if it is not there."""
        return next((value.strip() for name, value in self.form if name == key), "")

    def optional(self, key: str) -> str | None:
        """The same, but None if it is not there."""
        return next((value.strip() for name, value in self.form if name == key), None)

    def part(self, key: str) -> str:
        """One part of the address."""
        return str(self.request.path_params[key])

    def say(self, key: str, **values: object) -> str:
        """A sentence in the visitor's language."""
        return self.desk.sentences.say(self.language, key, **values)

    def note(self, event: str, **details: object) -> None:
        """A line in the audit log."""
        now = self.desk.now()
        self.desk.audit.note(event, who=self.name, address=self.address, at=now, **details)


Handler = Callable[[Visit], Response]


@dataclass(frozen=True, kw_only=True)
class Door:
    """One path, one method.

    Attributes:
        path: As Starlette writes it, with ``{parts}``.
        method: GET, POST or PUT.
        handler: Makes the answer.
        permission: Who may pass; None is for everybody, signed in or not.
        max_body_bytes: Of a request; None is the limit of forms.
        is_for_script: Whether our own script asks, and wants JSON for a refusal.
        is_for_program: Whether another program knocks, which has no session and no form of ours;
            the handler checks its secret.
    """

    path: str
    handler: Handler
    method: str = "GET"
    permission: Permission | None = Permission.SEE
    max_body_bytes: int | None = None
    is_for_script: bool = False
    is_for_program: bool = False


def route_of(desk: Desk, door: Door, refuse: Callable[[Visit, Refused], Response]) -> Route:
    """The door as Starlette takes it; ``refuse`` makes the page of a refusal."""

    async def enter(request: Request) -> Response:
        visit = await run_in_threadpool(_arrive, desk, request)
        try:
            _may_pass(visit, door)
            if door.method != "GET":
                await _take_body(visit, door)
                if not door.is_for_program:
                    _is_own(visit)
            response = await run_in_threadpool(door.handler, visit)
        except Refused as refusal:
            response = await run_in_threadpool(_refused, visit, door, refusal, refuse)
        if visit.token != request.cookies.get(COOKIE) and not door.is_for_program:
            set_cookie(response, desk, COOKIE, visit.token)
        return response

    return Route(door.path, enter, methods=[door.method])


def set_cookie(response: Response, desk: Desk, name: str, value: str) -> None:
    """A cookie that no script reads and no other site sends."""
    response.set_cookie(
        name, value, httponly=True, samesite="strict", secure=desk.is_behind_https, path="/"
    )


def own_path(wanted: str) -> str:
    """A path of this desk to go on to, else its front page: never another site."""
    parts = urlsplit(wanted)
    is_own = wanted.startswith("/") and not parts.scheme and not parts.netloc
    return wanted if is_own and re.fullmatch(r"/[\w/.?=&%-]*", wanted) else "/"


def _arrive(desk: Desk, request: Request) -> Visit:
    cookie = request.cookies.get(COOKIE, "")
    token = cookie if _TOKEN.fullmatch(cookie) else new_token()
    user = desk.sessions.user_of(token, now=desk.now()) if token == cookie else None
    language = request.cookies.get(LANGUAGE_COOKIE, "")
    if language not in LANGUAGES:
        language = preferred(request.headers.get("accept-language", ""))
    return Visit(desk=desk, request=request, user=user, token=token, language=language)


def _may_pass(visit: Visit, door: Door) -> None:
    if door.permission is not None:
        if visit.user is None:
            raise Refused(401, "refusal.signed_out")
        if not visit.user.may(door.permission):
            raise Refused(403, "refusal.not_allowed")
    headers = visit.request.headers
    if door.method != "GET":
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers["host"]:
            raise Refused(403, "refusal.foreign")
        if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            raise Refused(403, "refusal.foreign")
    if door.is_for_script and door.method != "GET":
        _require_form_token(visit, headers.get(FORM_HEADER, ""))


async def _take_body(visit: Visit, door: Door) -> None:
    limit = door.max_body_bytes or visit.desk.limits.max_form_bytes
    announced = visit.request.headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > limit:
        raise Refused(413, "refusal.too_much", limit=limit)
    body = bytearray()
    try:
        async for part in visit.request.stream():
            body += part
            if len(body) > limit:
                raise Refused(413, "refusal.too_much", limit=limit)
    except ClientDisconnect:
        raise Refused(400, "refusal.broken_off") from None
    visit.body = bytes(body)


def _is_own(visit: Visit) -> None:
    kind = visit.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            visit.form = parse_qsl(
                visit.body.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_MAX_FORM_FIELDS,
            )
        except ValueError:
            raise Refused(400, "refusal.no_form") from None
    given = visit.request.headers.get(FORM_HEADER) or visit.value(FORM_TOKEN)
    _require_form_token(visit, given)


def _require_form_token(visit: Visit, given: str) -> None:
    if not visit.desk.sessions.is_form_token(visit.token, given):
        visit.note("form_refused", path=visit.request.url.path)
        raise Refused(403, "refusal.stale_form")


def _refused(
    visit: Visit, door: Door, refusal: Refused, refuse: Callable[[Visit, Refused], Response]
) -> Response:
    if door.is_for_script or door.is_for_program:
        said: dict[str, Any] = {"error": visit.say(refusal.key, **refusal.values)}
        return JSONResponse(said, status_code=refusal.status)
    if refusal.status == 401 and door.method == "GET":
        return RedirectResponse(f"/login?next={quote(visit.request.url.path)}", status_code=303)
    return refuse(visit, refusal)
