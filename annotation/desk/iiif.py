"""IIIF manifests, Presentation 2 and 3, as a list of pictures with title, rights and attribution.

    https://iiif.io/api/presentation/2.1/     sequences > canvases > images > resource
    https://iiif.io/api/presentation/3.0/     items > items > items > body

A picture is asked at full size from its image service, else at its own address. Texts lose their
HTML, because they become part of a description.

Keeps out: fetching (``annotation.desk.fetching``). Everything here is untrusted: what has another
shape than expected is refused, never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from pipelines.errors import MaterialError

MAX_PICTURES = 5000
MAX_TEXT_CHARACTERS = 600
_LANGUAGES = ("zh-Hant", "zh-TW", "zh", "zh-Hans", "ja", "none", "@none", "en")
_NEWEST_SERVICE = "ImageService3"


class ManifestError(MaterialError):
    """The bytes are no IIIF manifest that can be taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One canvas: where its picture is, and what it is called."""

    url: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a manifest says of a work; texts are plain, and empty where it says nothing."""

    label: str
    rights: str
    attribution: str
    address: str
    pictures: tuple[Picture, ...]


def parse(data: bytes, address: str) -> Manifest:
    """The manifest in these bytes.

    Raises:
        ManifestError: If it is none, has no picture or too many.
    """
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        raise _refused(address, "it is no JSON") from None
    if not isinstance(tree, dict):
        raise _refused(address, "it is no JSON object")
    kind = tree.get("type", tree.get("@type"))
    if kind == "Manifest":
        pictures, rights = _pictures_of_3(tree), tree.get("rights")
        statement = tree.get("requiredStatement")
        credit = _text(statement.get("value")) if isinstance(statement, dict) else ""
    elif kind == "sc:Manifest":
        pictures, rights = _pictures_of_2(tree), tree.get("license")
        credit = _text(tree.get("attribution"))
    else:
        raise _refused(address, f"its type is {str(kind)[:60]!r}, not a manifest's")
    found = []
    for picture in pictures:
        found.append(picture)
        if len(found) > MAX_PICTURES:
            raise _refused(address, f"it has more than {MAX_PICTURES} pictures")
    if not found:
        raise _refused(address, "no picture was found in it")
    return Manifest(
        label=_text(tree.get("label")),
        rights=_text(rights),
        attribution=credit,
        address=address,
        pictures=tuple(found),
    )


def _pictures_of_2(tree: dict[str, Any]) -> Iterator[Picture]:
    for sequence in _objects(tree.get("sequences"))[:1]:  # others repeat it in another order
        for canvas in _objects(sequence.get("canvases")):
            for image in _objects(canvas.get("images")):
                for resource in _objects(image.get("resource")):
                    first = _objects(resource.get("default")) or [resource]  # oa:Choice
                    yield from _picture(first[0], canvas)


def _pictures_of_3(tree: dict[str, Any]) -> Iterator[Picture]:
    for canvas in _objects(tree.get("items")):
        for page in _objects(canvas.get("items")):
            for annotation in _objects(page.get("items")):
                if annotation.get("motivation") not in ("painting", ["painting"]):
                    continue
                for body in _objects(annotation.get("body"))[:1]:
                    chosen = _objects(body.get("items"))[:1] if body.get("type") == "Choice" else []
                    yield from _picture((chosen or [body])[0], canvas)


def _picture(resource: dict[str, Any], canvas: dict[str, Any]) -> Iterator[Picture]:
    url = ""
    for service in _objects(resource.get("service")):
        address = service.get("id", service.get("@id"))
        if isinstance(address, str) and address:
            kind = str(service.get("type", service.get("@type", "")))
            size = "max" if kind == _NEWEST_SERVICE else "full"
            url = f"{address.rstrip('/')}/full/{size}/0/default.jpg"
            break
    own = resource.get("id", resource.get("@id"))
    url = url or (own if isinstance(own, str) else "")
    if url:
        yield Picture(url=url, label=_text(canvas.get("label"))[:80])


def _objects(value: object) -> list[dict[str, Any]]:
    """A value that may be one object or a list of them."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, dict)]


def _text(value: object) -> str:
    """Plain text out of a string, a list, or a map by language, at most 600 characters."""
    if isinstance(value, dict):
        if "@value" in value:
            return _text(value["@value"])
        known = [language for language in _LANGUAGES if language in value]
        chosen = known[:1] or list(value)[:1]
        return _text(value[chosen[0]]) if chosen else ""
    if isinstance(value, list):
        tagged = [one for one in value if isinstance(one, dict)]
        wanted = [o for name in _LANGUAGES for o in tagged if o.get("@language") == name]
        if wanted:
            return _text(wanted[0])
        return "; ".join(filter(None, (_text(one) for one in value[:10])))[:MAX_TEXT_CHARACTERS]
    if not isinstance(value, str):
        return ""
    stripper = _Stripper()
    stripper.feed(value[: 10 * MAX_TEXT_CHARACTERS])
    stripper.close()
    return " ".join("".join(stripper.parts).split())[:MAX_TEXT_CHARACTERS]


class _Stripper(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.is_hidden = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.is_hidden = tag in {"script", "style"}
        self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.is_hidden = False

    def handle_data(self, data: str) -> None:
        if not self.is_hidden:
            self.parts.append(data)


def _refused(address: str, why: str) -> ManifestError:
    return ManifestError(
        f"{address[:200]} cannot be taken as a IIIF manifest: {why}. Give the address of a "
        f"manifest, Presentation 2 or 3.",
        reason="bad_manifest",
    )
