"""The desk as a web application: its doors, its files, and what is said where there is no door.

Keeps out: how it is served (``annotation.desk.__main__``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from annotation.desk import (
    account_pages,
    approval_pages,
    delivery_pages,
    hook_pages,
    iiif_pages,
    work_pages,
)
from annotation.desk.armour import LOCAL_NAMES, Armour
from annotation.desk.desk import Desk
from annotation.desk.doors import Refused, Visit, route_of
from annotation.desk.rendering import render

STATIC = Path(__file__).with_name("static")


def make_application(desk: Desk, *, host_names: Collection[str] = ()) -> Starlette:
    """The application of one desk; ``host_names`` it answers to besides the local ones."""

    @asynccontextmanager
    async def open_desk(_: Starlette) -> AsyncIterator[None]:
        await run_in_threadpool(desk.handover.finish_all)
        desk.courier.start()
        yield
        await run_in_threadpool(desk.courier.stop)

    doors = (
        *account_pages.DOORS,
        *approval_pages.DOORS,
        *delivery_pages.doors(desk.limits),
        *iiif_pages.DOORS,
        *work_pages.DOORS,
        *hook_pages.DOORS,
    )
    return Starlette(
        routes=[
            *(route_of(desk, door, refusal_page) for door in doors),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(Armour, host_names=LOCAL_NAMES | set(host_names))],
        lifespan=open_desk,
        exception_handlers={404: _nothing_here, 405: _nothing_here},
    )


def refusal_page(visit: Visit, refusal: Refused) -> Response:
    """A page that says why something was refused, and what to do."""
    sentence = visit.say(refusal.key, **refusal.values)
    return render(visit, "refusal.html", sentence=sentence, status=refusal.status)


async def _nothing_here(_: Request, __: Exception) -> Response:
    return PlainTextResponse("There is nothing here. 此處無此頁。", status_code=404)
