"""Scans from elsewhere: the address of a IIIF manifest, what it says, then the pictures.

Keeps out: fetching (``annotation.desk.fetching``, ``annotation.desk.courier``) and reading the
manifest (``annotation.desk.iiif``).
"""

from __future__ import annotations

import io
import secrets
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response

from annotation.desk import iiif
from annotation.desk.deliveries import described
from annotation.desk.delivery_pages import (
    FIELDS,
    SUFFIXES,
    SUGGESTED_RIGHTS,
    own_delivery,
    said,
)
from annotation.desk.doors import Door, Refused, Visit
from annotation.desk.fetching import fetch
from annotation.desk.rendering import render
from annotation.desk.roles import Permission
from annotation.desk.uploads import State
from pipelines.errors import MaterialError
from pipelines.inbox import check_description
from pipelines.records import Script

MAX_MANIFEST_BYTES = 20 << 20
MAX_ADDRESS_CHARACTERS = 2000


def address_page(visit: Visit) -> Response:
    """The form that asks for the address of a manifest."""
    return render(visit, "iiif.html", address="", problem="")


def look(visit: Visit) -> Response:
    """Fetch a manifest and keep what it says."""
    address = visit.value("address")[:MAX_ADDRESS_CHARACTERS]
    data = io.BytesIO()
    try:
        came_from = fetch(address, data, MAX_MANIFEST_BYTES, visit.desk.fetch_limits)
        manifest = iiif.parse(data.getvalue(), came_from)
    except MaterialError as error:
        shown = address.encode("unicode_escape").decode("ascii")
        visit.note("iiif_refused", asked=shown, reason=error.reason)
        problem = said(visit, error.reason, str(error))
        return render(visit, "iiif.html", address=address, problem=problem, status=400)
    proposal_id = secrets.token_hex(16)
    visit.desk.proposals.keep(proposal_id, visit.name, manifest, now=visit.desk.now())
    visit.note("iiif_looked_at", asked=manifest.address, pictures=len(manifest.pictures))
    return RedirectResponse(f"/iiif/{proposal_id}", status_code=303)


def proposal_page(visit: Visit) -> Response:
    """What the manifest says, as a description to correct."""
    manifest = _manifest(visit)
    credit = [text for text in (manifest.attribution, manifest.address) if text]
    given = {
        "title": manifest.label,
        "rights": manifest.rights,
        "source": ", ".join(credit),
        "batch": visit.desk.now().date().isoformat(),
        "script": "unknown",
    }
    return _proposal(visit, manifest, given)


def accept(visit: Visit) -> Response:
    """Open the delivery and announce its pictures; the courier fetches them."""
    manifest = _manifest(visit)
    given = {key: visit.value(key) for key in (*FIELDS, "batch")}
    # Credit and address travel with the scans, whatever becomes of the form.
    for kept in (manifest.attribution, manifest.address):
        if kept and kept not in given["source"]:
            given["source"] = ", ".join(filter(None, (given["source"], kept)))
    try:
        metadata = described({key: given[key] for key in FIELDS})
        check_description(visit.desk.place.inbox, given["batch"], metadata)
        delivery = visit.desk.deliveries.open(
            visit.part("proposal_id"), visit.name, given["batch"], metadata, now=visit.desk.now()
        )
    except MaterialError as error:
        return _proposal(visit, manifest, given, said(visit, error.reason, str(error)))
    files = [
        (f"{number:04d}{_suffix(picture.url)}", picture.url)
        for number, picture in enumerate(manifest.pictures, 1)
    ]
    visit.desk.uploads.announce_fetches(delivery, files, now=visit.desk.now())
    visit.desk.courier.hurry()
    visit.note("iiif_accepted", asked=manifest.address, delivery=delivery.delivery_id)
    return RedirectResponse(f"/deliveries/{delivery.delivery_id}", status_code=303)


def fetch_again(visit: Visit) -> Response:
    """Let what failed wait once more."""
    delivery = own_delivery(visit)
    for upload in visit.desk.uploads.of_delivery(delivery.delivery_id):
        if upload.url and upload.state is State.REFUSED:
            waiting = {"state": State.WAITING.value, "reason": "", "detail": ""}
            visit.desk.uploads.change(upload.upload_id, size=0, received=0, **waiting)
    visit.desk.courier.hurry()
    return RedirectResponse(f"/deliveries/{delivery.delivery_id}", status_code=303)


_DELIVER = Permission.DELIVER
DOORS = (
    Door(path="/iiif", handler=address_page, permission=_DELIVER),
    Door(path="/iiif", handler=look, method="POST", permission=_DELIVER),
    Door(path="/iiif/{proposal_id}", handler=proposal_page, permission=_DELIVER),
    Door(path="/iiif/{proposal_id}", handler=accept, method="POST", permission=_DELIVER),
    Door(
        path="/deliveries/{delivery_id}/again",
        handler=fetch_again,
        method="POST",
        permission=_DELIVER,
    ),
)


def _manifest(visit: Visit) -> iiif.Manifest:
    manifest = visit.desk.proposals.find(visit.part("proposal_id"), visit.name)
    if manifest is None:
        raise Refused(404, "refusal.nothing_here")
    return manifest


def _proposal(
    visit: Visit, manifest: iiif.Manifest, given: dict[str, str], problem: str = ""
) -> Response:
    return render(
        visit,
        "iiif_proposal.html",
        manifest=manifest,
        given=given,
        problem=problem,
        scripts=Script,
        suggested_rights=SUGGESTED_RIGHTS,
        status=400 if problem else 200,
    )


def _suffix(url: str) -> str:
    """The suffix that an address ends in, if it is a picture's; JPEG is what servers send."""
    suffix = PurePosixPath(urlsplit(url).path).suffix.lower()
    return suffix if suffix in SUFFIXES else ".jpg"
