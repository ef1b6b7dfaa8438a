"""The door for Label Studio's webhooks: a secret, a hint, and an answer at once.

Keeps out: what a hint leads to (``annotation.hints``).
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from annotation.desk.doors import Door, Refused, Visit
from annotation.hints import HOOK_PATH, SECRET_HEADER, is_secret


def take_hint(visit: Visit) -> Response:
    """Remember that something may have changed; what the call says is not even read."""
    if not is_secret(visit.request.headers.get(SECRET_HEADER, ""), visit.desk.hook_secret):
        visit.note("hook_refused")
        raise Refused(403, "refusal.not_allowed")
    visit.desk.hints.give()
    return JSONResponse({"taken": True})


DOORS = (
    Door(
        path=HOOK_PATH,
        handler=take_hint,
        method="POST",
        permission=None,
        is_for_program=True,
    ),
)
