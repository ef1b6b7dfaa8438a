"""Pages out of templates: Jinja2 with everything escaped, sentences by key.

Keeps out: what a page shows (the modules named ``..._pages``), and its words (``sentences.toml``).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from annotation.desk.doors import Visit
from annotation.desk.languages import LANGUAGES, TAGS
from annotation.desk.roles import Permission

TEMPLATES = Path(__file__).with_name("templates")

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["bytes"] = readable_bytes
    return environment


def render(visit: Visit, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """A page in the visitor's language."""
    return HTMLResponse(fragment(visit, template, **values), status_code=status)


def fragment(visit: Visit, template: str, **values: object) -> str:
    """The HTML of a page, or of a part of one."""
    desk = visit.desk
    return (
        _environment()
        .get_template(template)
        .render(
            say=visit.say,
            say_reason=lambda reason: desk.sentences.say_reason(visit.language, reason),
            user=visit.user,
            may={permission.value: _may(visit, permission) for permission in Permission},
            language=visit.language,
            languages=LANGUAGES,
            tags=TAGS,
            form_token=desk.sessions.form_token(visit.token),
            path=visit.request.url.path,
            links=desk.place.links,
            limits=desk.limits,
            **values,
        )
    )


def readable_bytes(count: int) -> str:
    """A size for people, in powers of 1024."""
    size, unit = float(count), 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return (
        f"{size:.0f} {_UNITS[unit]}" if unit == 0 or size >= 100 else f"{size:.1f} {_UNITS[unit]}"
    )


def _may(visit: Visit, permission: Permission) -> bool:
    return visit.user is not None and visit.user.may(permission)
