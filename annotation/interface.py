"""The labelling interfaces and their control names, and a check of what is sent against them.

``interface.xml`` is the column view (text), ``page_interface.xml`` the page view (layout).
Label Studio's own import takes a prediction whose control does not exist, and then silently
shows nothing; so everything is checked here, offline, before it is sent.

Keeps out: how tasks are made (``annotation.tasks``) and what a result means
(``annotation.reviews``).
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

IMAGE = "image"
BOX = "box"
PICK = "pick"
WRITTEN = "written"
CANONICAL = "canonical"
STATE = "state"
DECISION = "decision"
NOTE = "note"
SCRIPT = "script"
CALLIGRAPHER = "calligrapher"
LAYOUT = "layout"
ORDER = "order"

DAMAGED = "damaged"
ILLEGIBLE_STATE = "illegible"
VARIANT = "variant"
SIGNATURE = "signature"
SEAL = "seal"
SMALL_NOTE = "small-note"

PER_REGION = frozenset({BOX, PICK, WRITTEN, CANONICAL, STATE})

APPROVE = "approve"
REJECT = "reject"
NEEDS_EXPERT = "needs-expert"

PAGE_DECISION = "page_decision"

COLUMN_LABEL = "column"
SEAL_LABEL = "seal"
DAMAGED_LABEL = "damaged"
NOT_WRITING_LABEL = "not-writing"
STROKE_LABEL = "stroke"
"""A stroke that told a model most of the hand: to look at, nothing follows from it."""

LAYOUT_RIGHT = "layout-right"
LAYOUT_WRONG = "layout-wrong"

_RESULT_TYPES = {
    "Rectangle": "rectangle",
    "RectangleLabels": "rectanglelabels",
    "TextArea": "textarea",
    "Choices": "choices",
    "Number": "number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control of an interface: its tag, the object it speaks about, its allowed values."""

    tag: str
    to_name: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A labelling configuration: the XML as it is sent, its controls and its task fields."""

    xml: str
    controls: Mapping[str, Control]
    fields: frozenset[str]


@cache
def column_interface() -> Interface:
    """The interface of column tasks."""
    return _parse((Path(__file__).parent / "interface.xml").read_text(encoding="utf-8"))


@cache
def page_interface() -> Interface:
    """The interface of page tasks."""
    return _parse((Path(__file__).parent / "page_interface.xml").read_text(encoding="utf-8"))


def _parse(xml: str) -> Interface:
    controls: dict[str, Control] = {}
    fields: set[str] = set()
    for element in ElementTree.fromstring(xml).iter():
        value = element.get("value", "")
        if value.startswith("$"):
            fields.add(value[1:])
        name, to_name = element.get("name"), element.get("toName")
        if name and to_name:
            values = frozenset(
                str(child.get("alias") or child.get("value"))
                for child in element
                if child.tag in ("Choice", "Label")
            )
            controls[name] = Control(tag=element.tag, to_name=to_name, values=values)
    # Label Studio strips it too; equal text saves an update at each push.
    return Interface(xml=xml.strip(), controls=controls, fields=frozenset(fields))


def task_problems(payload: Mapping[str, Any], interface: Interface) -> list[str]:
    """What is wrong with a task (``data`` and ``predictions``) as it would be imported.

    Empty when nothing is. Each problem is one sentence that names the field or region.
    """
    data = payload.get("data", {})
    problems = [
        f"The task has no field {field!r}, which the interface shows."
        for field in sorted(interface.fields - set(data))
    ]
    if "candidates" in data:
        problems += _guide_problems(data, payload.get("predictions", ()), interface)
    for prediction in payload.get("predictions", ()):
        problems += result_problems(prediction.get("result", ()), interface)
    return problems


def _guide_problems(
    data: Mapping[str, Any], predictions: Sequence[Mapping[str, Any]], interface: Interface
) -> list[str]:
    """What is wrong with the candidates of a task, and with what its picture shows of the page."""
    problems: list[str] = []
    places, characters = data["candidates"], data.get("character_ids", ())
    if len(places) != len(characters):
        problems.append(
            f"There are candidates for {len(places)} characters, but {len(characters)} characters."
        )
    keys = len(interface.controls[PICK].values) if PICK in interface.controls else 0
    for number, texts in enumerate(places, 1):
        if len(texts) > keys or len(set(texts)) < len(texts) or not all(texts):
            problems.append(
                f"Character {number} has the candidates {list(texts)}; expected at most {keys}, "
                f"all different and none empty."
            )
    crop = data.get("crop", (0, 0, 1, 1))
    frame = data.get("frame", crop)
    if frame[:2] != crop[:2] or frame[3] != crop[3] or frame[2] < crop[2]:
        problems.append(
            f"The picture shows {list(frame)} of the page, its crop is {list(crop)}; the crop "
            f"stands at its left and is as high."
        )
        return problems
    edge = 100 * (crop[2] - crop[0]) / (frame[2] - frame[0])
    for prediction in predictions:
        problems += [
            f"Region {item.get('id')!r} reaches into the guide: the ink ends at {edge:.1f} percent."
            for item in prediction.get("result", ())
            if item.get("from_name") == BOX
            and item["value"].get("x", 0) + item["value"].get("width", 0) > edge + 0.01
        ]
    return problems


def result_problems(result: Sequence[Mapping[str, Any]], interface: Interface) -> list[str]:
    """What is wrong with the result list of a prediction or annotation."""
    problems: list[str] = []
    shapes: dict[str, tuple[float, ...]] = {}
    seen: set[tuple[str, str]] = set()
    for item in result:
        region, name = str(item.get("id", "")), str(item.get("from_name", ""))
        control = interface.controls.get(name)
        if not region or control is None:
            known = ", ".join(sorted(interface.controls))
            problems.append(f"Region {region!r} uses the control {name!r}; there are: {known}.")
            continue
        if (region, name) in seen:
            problems.append(f"Region {region!r} answers {name!r} twice; one would be dropped.")
        seen.add((region, name))
        if item.get("to_name") != control.to_name:
            problems.append(f"Region {region!r}: {name!r} speaks about {control.to_name!r}.")
        if item.get("type") != _RESULT_TYPES[control.tag]:
            problems.append(
                f"Region {region!r}: {name!r} has type {item.get('type')!r}, its control takes "
                f"{_RESULT_TYPES[control.tag]!r}."
            )
        problems += _value_problems(region, name, control, item.get("value", {}), shapes)
    return problems


def _value_problems(
    region: str,
    name: str,
    control: Control,
    value: Mapping[str, Any],
    shapes: dict[str, tuple[float, ...]],
) -> list[str]:
    problems: list[str] = []
    chosen = set(value.get("choices", ())) | set(value.get("rectanglelabels", ()))
    if chosen - control.values:
        problems.append(
            f"Region {region!r}: {name!r} has no {sorted(chosen - control.values)}; it offers "
            f"{sorted(control.values)}."
        )
    if control.tag == "TextArea" and not isinstance(value.get("text"), list):
        problems.append(f"Region {region!r}: {name!r} needs its text as a list of strings.")
    if "x" in value:
        place = tuple(float(value.get(key, math.nan)) for key in ("x", "y", "width", "height"))
        x, y, width, height = place
        inside = 0 <= x <= x + width <= 100.01 and 0 <= y <= y + height <= 100.01
        if not inside or width <= 0 or height <= 0:
            problems.append(f"Region {region!r} lies at {place}; percent run from 0 to 100.")
        # Results that share an id are one region: Label Studio takes the first shape it meets.
        if shapes.setdefault(region, place) != place:
            problems.append(f"Region {region!r} has two places: {shapes[region]} and {place}.")
    elif control.tag in ("Rectangle", "RectangleLabels"):
        problems.append(f"Region {region!r}: {name!r} has no place.")
    return problems
