"""Works: the list with its search, one work's way through the stages, pages with their text.

Keeps out: counting (``annotation.desk.progress``) and reading the text (``annotation.desk.texts``).
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from annotation.desk.doors import Door, Refused, Visit
from annotation.desk.progress import STAGES, PageSeen, Progress
from annotation.desk.rendering import fragment, render
from annotation.desk.roles import Permission
from annotation.desk.texts import Line, as_json, as_text, lines_of
from pipelines import exports
from pipelines.errors import MaterialError, StoreError
from pipelines.hand_styles import Hand
from pipelines.scripts import canonical

WORKS_SHOWN = 60
_FORBIDDEN_IN_NAMES = '\\/:*?"<>|'


def works_page(visit: Visit) -> Response:
    """All works, or those that a search finds."""
    wanted = visit.request.query_params.get("q", "")[:200].strip()
    return render(visit, "works.html", wanted=wanted, **_found(visit, wanted))


def works_fragment(visit: Visit) -> Response:
    """The list alone, for the page to renew."""
    wanted = visit.request.query_params.get("q", "")[:200].strip()
    found = _found(visit, wanted)
    return JSONResponse({"html": fragment(visit, "work_list.html", **found), "busy": True})


def work_page(visit: Visit) -> Response:
    """One work: where it is, its pages, what was not taken and why, and works in a like hand."""
    one = _work(visit)
    return render(visit, "work.html", one=one, stages=STAGES, like=_like(visit, one))


def work_fragment(visit: Visit) -> Response:
    """The stages alone, for the page to renew, and one sentence for who cannot see them."""
    one = _work(visit)
    reached = [stage for stage in STAGES if stage in one.counts]
    now = visit.say(f"stage.{reached[-1]}") if reached else visit.say("work.waiting_files")
    spoken = visit.say("work.spoken", stage=now, refused=len(one.refusals))
    html = fragment(visit, "work_status.html", one=one, stages=STAGES)
    return JSONResponse({"html": html, "spoken": spoken, "busy": True})


def page_page(visit: Visit) -> Response:
    """A page and its transcription, in columns from right to left."""
    one = _work(visit)
    place, seen = _page(visit, one)
    return render(
        visit,
        "page_text.html",
        one=one,
        seen=seen,
        lines=lines_of(visit.desk.partitions, seen),
        number=place + 1,
        before=one.pages[place - 1] if place else None,
        after=one.pages[place + 1] if place + 1 < len(one.pages) else None,
    )


def page_picture(visit: Visit) -> Response:
    """A page as JPEG, small or large."""
    sizes = {"small": visit.desk.limits.thumbnail_px, "large": visit.desk.limits.page_px}
    size = sizes.get(visit.part("size"))
    if size is None:
        raise Refused(404, "refusal.nothing_here")
    _, seen = _page(visit, _work(visit))
    try:
        data = visit.desk.thumbnails.of_page(seen.page, size)
    except StoreError:
        raise Refused(404, "refusal.nothing_here") from None
    return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=60"})


def download_text(visit: Visit) -> Response:
    """The whole work as plain text."""
    one = _work(visit)
    visit.note("download", work=one.work.work_id, kind="text")
    return _file(as_text(_all_lines(visit, one)).encode(), one, "txt", "text/plain; charset=utf-8")


def download_json(visit: Visit) -> Response:
    """The whole work with boxes and scores."""
    one = _work(visit)
    visit.note("download", work=one.work.work_id, kind="json")
    data = json.dumps(as_json(_all_lines(visit, one)), ensure_ascii=False, indent=1).encode()
    return _file(data, one, "json", "application/json")


def download_approved(visit: Visit) -> Response:
    """What people approved of the work, as an export with its card, in one ZIP."""
    one, kind = _work(visit), visit.part("kind")
    try:
        exports.require_format(kind)
        approved = exports.approved_columns(
            visit.desk.tables,
            batches=[b for b in one.batches if visit.desk.partitions.is_there("reviews", b)],
            work_id=one.work.work_id,
        )
    except MaterialError:
        raise Refused(404, "refusal.nothing_approved") from None
    visit.note("download", work=one.work.work_id, kind=kind)
    with tempfile.TemporaryDirectory(prefix="beitie-desk-") as folder:
        done = exports.export(kind, approved, visit.desk.store, Path(folder, "export"))
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(done.folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(done.folder))
    return _file(data.getvalue(), one, f"{kind}.zip", "application/zip")


DOORS = (
    Door(path="/", handler=works_page),
    Door(path="/works/list", handler=works_fragment, is_for_script=True),
    Door(path="/works/{work_id}", handler=work_page),
    Door(path="/works/{work_id}/status", handler=work_fragment, is_for_script=True),
    Door(path="/works/{work_id}/text", handler=download_text),
    Door(path="/works/{work_id}/json", handler=download_json),
    Door(
        path="/works/{work_id}/approved/{kind}",
        handler=download_approved,
        permission=Permission.EXPORT,
    ),
    Door(path="/works/{work_id}/pages/{page_id}", handler=page_page),
    Door(path="/works/{work_id}/pages/{page_id}/{size}.jpg", handler=page_picture),
)


def _found(visit: Visit, wanted: str) -> dict[str, Any]:
    works = visit.desk.works()
    found = [one for one in works if not wanted or _matches(visit, one, wanted)]
    return {"found": found[:WORKS_SHOWN], "count": len(found), "stages": STAGES}


def _like(visit: Visit, one: Progress) -> list[tuple[Progress, float]]:
    """Works whose hand looks like this one's, likest first, with how far they are (0 to 2).

    A work that lies in several batches is told of by its newest.
    """
    works = {other.work.work_id: other for other in visit.desk.works()}
    for batch in one.batches:
        for hand in visit.desk.partitions.read("hands", batch, Hand)[0]:
            if hand.work_id == one.work.work_id:
                near = [(works.get(found.work_id), found.distance) for found in hand.near_works]
                return [(work, distance) for work, distance in near if work is not None]
    return []


def _matches(visit: Visit, one: Progress, wanted: str) -> bool:
    """Whether every word stands in the description or the text, whatever its variant form."""
    described = [one.work.title, one.work.calligrapher, one.work.rights, one.work.source]
    described += [one.work.script.value, *one.batches, *(seen.file_name for seen in one.pages)]
    place = _folded("\n".join(described))
    words = [_folded(word) for word in wanted.split()]
    missing = [word for word in words if word not in place]
    if not missing:
        return True
    text = _folded(as_text(_all_lines(visit, one)))
    return all(word in text for word in missing)


def _folded(text: str) -> str:
    return "".join(canonical(character) for character in text.casefold())


def _all_lines(visit: Visit, one: Progress) -> list[tuple[PageSeen, list[Line]]]:
    return [(seen, lines_of(visit.desk.partitions, seen)) for seen in one.pages]


def _work(visit: Visit) -> Progress:
    wanted = visit.part("work_id")
    for one in visit.desk.works():
        if one.work.work_id == wanted:
            return one
    raise Refused(404, "refusal.nothing_here")


def _page(visit: Visit, one: Progress) -> tuple[int, PageSeen]:
    wanted = visit.part("page_id")
    for place, seen in enumerate(one.pages):
        if seen.page.page_id == wanted:
            return place, seen
    raise Refused(404, "refusal.nothing_here")


def _file(data: bytes, one: Progress, suffix: str, media_type: str) -> Response:
    """An answer that browsers save under the title of the work."""
    title = "".join("_" if sign in _FORBIDDEN_IN_NAMES else sign for sign in one.work.title)
    name = quote(f"{title}.{suffix}")
    disposition = f"attachment; filename=\"{one.work.work_id}.{suffix}\"; filename*=UTF-8''{name}"
    return Response(data, media_type=media_type, headers={"content-disposition": disposition})
