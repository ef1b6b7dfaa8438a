"""Bringing scans: the description of a work, then its files, with what became of each.

Keeps out: the bytes (``annotation.desk.uploads``) and their way on (``annotation.desk.handover``);
manifests from elsewhere (``annotation.desk.iiif_pages``).
"""

from __future__ import annotations

import json
import re
import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, RedirectResponse, Response

from annotation.desk.deliveries import Delivery, described
from annotation.desk.doors import Door, Refused, Visit
from annotation.desk.limits import Limits
from annotation.desk.rendering import fragment, render
from annotation.desk.roles import Permission
from annotation.desk.uploads import OPEN, State, Upload
from pipelines.errors import MaterialError
from pipelines.imaging import containers
from pipelines.inbox import check_description
from pipelines.records import Script

FIELDS = ("title", "calligrapher", "script", "rights", "source")
SUGGESTED_RIGHTS = ("public domain", "CC0", "CC BY 4.0", "CC BY-SA 4.0", "CC BY-NC 4.0", "unknown")
SUFFIXES = tuple(sorted(suffix for names in containers.SUFFIXES.values() for suffix in names))

_DIGEST = re.compile(r"[0-9a-f]{64}|")


def deliveries_page(visit: Visit) -> Response:
    """The form for a new delivery, and what was brought before."""
    batch = visit.desk.now().date().isoformat()
    given = {"batch": batch, "script": "unknown"}
    return form_page(visit, given)


def form_page(visit: Visit, given: Mapping[str, str], problem: str = "") -> Response:
    """The form of a description with what was typed, and above it what is wrong with it."""
    earlier = visit.desk.deliveries.of_owner(visit.name)
    uploads = {one.delivery_id: visit.desk.uploads.of_delivery(one.delivery_id) for one in earlier}
    return render(
        visit,
        "deliveries.html",
        given=given,
        problem=problem,
        delivery_id=given.get("delivery_id") or secrets.token_hex(16),
        scripts=Script,
        suggested_rights=SUGGESTED_RIGHTS,
        earlier=earlier,
        counts={key: Counter(one.state.value for one in found) for key, found in uploads.items()},
        used=visit.desk.uploads.used_bytes(visit.name),
        status=400 if problem else 200,
    )


def open_delivery(visit: Visit) -> Response:
    """Begin a delivery, or say what the description lacks."""
    given = {key: visit.value(key) for key in (*FIELDS, "batch", "delivery_id")}
    try:
        metadata = described({key: given[key] for key in FIELDS})
        check_description(visit.desk.place.inbox, given["batch"], metadata)
        delivery = visit.desk.deliveries.open(
            given["delivery_id"], visit.name, given["batch"], metadata, now=visit.desk.now()
        )
    except MaterialError as error:
        return form_page(visit, given, said(visit, error.reason, str(error)))
    visit.note(
        "delivery",
        delivery=delivery.delivery_id,
        batch=delivery.batch,
        **{
            "title": metadata.title,
            "rights": metadata.rights,
        },
    )
    return RedirectResponse(f"/deliveries/{delivery.delivery_id}", status_code=303)


def delivery_page(visit: Visit) -> Response:
    """The files of a delivery, and where to drop more."""
    delivery = own_delivery(visit)
    uploads = visit.desk.uploads.of_delivery(delivery.delivery_id)
    return render(
        visit,
        "delivery.html",
        delivery=delivery,
        uploads=uploads,
        is_busy=any(one.state is State.WAITING for one in uploads),
        is_unfinished=any(one.state is State.RECEIVING for one in uploads),
        can_fetch_again=any(one.url and one.state is State.REFUSED for one in uploads),
        suffixes=SUFFIXES,
    )


def files_fragment(visit: Visit) -> Response:
    """The list of files alone, for the page to renew."""
    delivery = own_delivery(visit)
    uploads = visit.desk.uploads.of_delivery(delivery.delivery_id)
    is_busy = any(one.state is State.WAITING for one in uploads)
    return JSONResponse({"html": fragment(visit, "files.html", uploads=uploads), "busy": is_busy})


def begin_upload(visit: Visit) -> Response:
    """Announce a file: JSON ``path``, ``size`` and ``modified`` (milliseconds)."""
    delivery, asked = own_delivery(visit), _json(visit)
    path, size, modified = asked.get("path"), asked.get("size"), asked.get("modified")
    if not (isinstance(path, str) and type(size) is int and type(modified) is int):
        raise Refused(400, "refusal.no_form")
    assert visit.user is not None, "the door lets only users pass"
    try:
        upload = visit.desk.uploads.begin(
            delivery, visit.user, path, size, modified, now=visit.desk.now()
        )
    except MaterialError as error:
        shown = path[:200].encode("unicode_escape").decode("ascii")
        visit.note("upload_refused", path=shown, size=size, reason=error.reason)
        return _no(visit, error)
    return JSONResponse(_told(visit, upload))


def append_chunk(visit: Visit) -> Response:
    """A part of a file, at ``?offset=``, with its sha256 in ``X-Chunk-SHA256``."""
    upload, asked = own_upload(visit), visit.request.query_params
    offset = asked.get("offset", "")
    digest = visit.request.headers.get("x-chunk-sha256", "")
    if not (offset.isascii() and offset.isdigit() and _DIGEST.fullmatch(digest)):
        raise Refused(400, "refusal.no_form")
    try:
        upload = visit.desk.uploads.append(upload.upload_id, int(offset[:18]), visit.body, digest)
    except MaterialError as error:
        return _no(visit, error)
    return JSONResponse(_told(visit, upload))


def finish_upload(visit: Visit) -> Response:
    """All bytes are here: hand the file over, or say why not."""
    before = own_upload(visit)
    try:
        upload = visit.desk.handover.finish(before.upload_id)
    except MaterialError as error:
        return _no(visit, error)
    if before.state in OPEN:
        visit.note(
            f"upload_{upload.state.value}",
            path=upload.path,
            size=upload.size,
            scan=upload.scan_id,
            reason=upload.reason,
        )
    return JSONResponse(_told(visit, upload))


def give_up(visit: Visit) -> Response:
    """Forget the files of a delivery that did not come whole."""
    delivery = own_delivery(visit)
    for upload in visit.desk.uploads.of_delivery(delivery.delivery_id):
        if visit.desk.uploads.give_up(upload.upload_id).reason == "given_up":
            visit.note("upload_given_up", path=upload.path, size=upload.size)
    return RedirectResponse(f"/deliveries/{delivery.delivery_id}", status_code=303)


def own_delivery(visit: Visit) -> Delivery:
    """The delivery that the address names, if it is the visitor's."""
    found = visit.desk.deliveries.find(visit.part("delivery_id"), visit.name)
    if found is None:
        raise Refused(404, "refusal.nothing_here")
    return found


def own_upload(visit: Visit) -> Upload:
    """The upload that the address names, if it is the visitor's."""
    found = visit.desk.uploads.find(visit.part("upload_id"))
    if found is None or found.owner.casefold() != visit.name.casefold():
        raise Refused(404, "refusal.nothing_here")
    return found


def said(visit: Visit, reason: str, detail: str) -> str:
    """A reason in plain language, then the stage's own sentence."""
    plain = visit.desk.sentences.say_reason(visit.language, reason)
    return f"{plain} {detail}"


def _told(visit: Visit, upload: Upload) -> dict[str, Any]:
    words = visit.say(f"state.{upload.state.value}")
    if upload.reason:
        words = visit.desk.sentences.say_reason(visit.language, upload.reason)
    elif upload.alike:
        words = visit.say("state.alike", path=upload.alike)
    return {
        "id": upload.upload_id,
        "received": upload.received,
        "state": upload.state.value,
        "said": words,
        "detail": upload.detail,
        "is_warning": bool(upload.alike),
    }


def _no(visit: Visit, error: MaterialError) -> Response:
    plain = visit.desk.sentences.say_reason(visit.language, error.reason)
    told = {"error": plain, "detail": str(error), "reason": error.reason}
    return JSONResponse(told, status_code=422)


def _json(visit: Visit) -> dict[str, Any]:
    try:
        asked = json.loads(visit.body)
    except (ValueError, RecursionError):
        raise Refused(400, "refusal.no_form") from None
    if not isinstance(asked, dict):
        raise Refused(400, "refusal.no_form")
    return asked


def doors(limits: Limits) -> tuple[Door, ...]:
    """The doors of these pages; only one of them takes more than a form."""
    deliver, post = Permission.DELIVER, "POST"
    one, file = "/deliveries/{delivery_id}", "/uploads/{upload_id}"
    script: dict[str, Any] = {"permission": deliver, "is_for_script": True}
    return (
        Door(path="/deliveries", handler=deliveries_page, permission=deliver),
        Door(path="/deliveries", handler=open_delivery, method=post, permission=deliver),
        Door(path=one, handler=delivery_page, permission=deliver),
        Door(path=f"{one}/give-up", handler=give_up, method=post, permission=deliver),
        Door(path=f"{one}/files", handler=files_fragment, **script),
        Door(path=f"{one}/uploads", handler=begin_upload, method=post, **script),
        Door(
            path=file,
            handler=append_chunk,
            method="PUT",
            max_body_bytes=limits.max_chunk_bytes,
            **script,
        ),
        Door(path=f"{file}/finish", handler=finish_upload, method=post, **script),
    )
