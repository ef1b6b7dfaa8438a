"""From a column and its readings to a task: the crop, the pre-label, and why it comes when.

A task shows at most twenty characters. A longer column becomes several tasks of consecutive
characters; the seam is recorded in each (``part``, ``parts``, ``crop``) and undone on the way
back (``annotation.reviews``). Region ids derive from the character and the release, so the same
draft is the same prediction however often it is made.

Label Studio's percent lives here and nowhere else: ``place_of`` and ``box_of`` turn pixels of
the page into percent of the picture and back, exact to the pixel. The picture is the crop, or
with a guide to its right the ``frame``, which is as high as the crop and begins where it does.

Keeps out: pictures (``annotation.images``), sending (``annotation.push``).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation import interface
from annotation.candidates import Candidates, candidates_of, comparison
from annotation.images import Derivative
from annotation.triage import Triage
from pipelines.geometry import Box, union
from pipelines.ids import derive_id
from pipelines.records import (
    Character,
    CharacterReading,
    Column,
    Page,
    Reading,
)

HIDDEN_COLUMNS = (
    *("inner_id", "completed_at", "total_predictions", "annotations_results", "annotations_ids"),
    *("predictions_score", "predictions_model_versions", "predictions_results", "file_upload"),
    *("storage_filename", "created_at", "updated_at", "updated_by", "avg_lead_time"),
    *("data.comparison", "data.batch", "data.page_id", "data.column_id", "data.column_index"),
    *("data.key", "data.part", "data.parts", "data.crop", "data.frame"),
    *("data.character_ids", "data.candidates"),
    *("data.reading_id", "data.sha", "data.work", "data.image", "data.is_order_uncertain"),
)
"""What the list of tasks need not show: it is there to choose by title, draft and priority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPart:
    """Consecutive characters of a column that make one task.

    ``part`` counts from 1 to ``parts``; ``crop`` in pixels of the page.
    """

    column: Column
    part: int
    parts: int
    characters: tuple[Character, ...]
    crop: Box

    @property
    def key(self) -> str:
        """What identifies the task over all pushes: the column and the part of it."""
        return f"{self.column.column_id}/{self.part}/{self.parts}"


def split_column(column: Column, max_characters: int) -> list[ColumnPart]:
    """Cut a column into tasks of nearly equal length, at most ``max_characters`` each.

    The seam lies half-way between neighbours. Where their boxes overlap, both crops reach over
    the seam, so that no character is cut.

    Raises:
        ValueError: If ``max_characters`` is not positive.
    """
    if max_characters < 1:
        raise ValueError(f"A task needs room for a character; got {max_characters}.")
    total = len(column.characters)
    parts = max(1, math.ceil(total / max_characters))
    bounds = [round(index * total / parts) for index in range(parts + 1)]
    groups = [column.characters[a:b] for a, b in zip(bounds, bounds[1:], strict=False)]
    cuts = [column.box.top, *_seams(groups), column.box.bottom]
    result = []
    for index, group in enumerate(groups):
        strip = Box(
            column.box.left, cuts[index], column.box.right, max(cuts[index + 1], cuts[index] + 1)
        )
        own = [clipped for c in group if (clipped := _clip(c.box, column.box)) is not None]
        whole = union([strip, *(Box(strip.left, b.top, strip.right, b.bottom) for b in own)])
        crop = _clip(whole, column.box)
        assert crop is not None
        result.append(
            ColumnPart(column=column, part=index + 1, parts=parts, characters=group, crop=crop)
        )
    return result


def _seams(groups: Sequence[Sequence[Character]]) -> list[int]:
    return [
        (max(c.box.bottom for c in above) + min(c.box.top for c in below)) // 2
        for above, below in zip(groups, groups[1:], strict=False)
    ]


def _clip(box: Box, frame: Box) -> Box | None:
    clipped = box.moved(-frame.left, -frame.top).clipped(frame.width, frame.height)
    return clipped.moved(frame.left, frame.top) if clipped else None


def shown_of(data: Mapping[str, Any]) -> tuple[Box, Box]:
    """The crop of a task and the frame its percent are of, from the task's data.

    Tasks made before there was a guide have no frame: their picture is the crop.
    """
    crop = Box(*(int(value) for value in data["crop"]))
    return crop, Box(*(int(value) for value in data["frame"])) if "frame" in data else crop


def place_of(box: Box, crop: Box, frame: Box | None = None) -> dict[str, float]:
    """A box (pixels of the page) as Label Studio's percent of the frame, cut to the crop.

    Raises:
        ValueError: If the box lies outside the crop.
    """
    inside, whole = _clip(box, crop), frame or crop
    if inside is None:
        raise ValueError(f"{box} lies outside the crop {crop} it should be shown in.")
    return {
        "x": 100 * (inside.left - whole.left) / whole.width,
        "y": 100 * (inside.top - whole.top) / whole.height,
        "width": 100 * inside.width / whole.width,
        "height": 100 * inside.height / whole.height,
        "rotation": 0,
    }


def box_of(value: Mapping[str, Any], crop: Box, frame: Box | None = None) -> Box:
    """Label Studio's percent of the frame as a box in pixels of the page, cut to the crop.

    It has at least one pixel.

    Raises:
        ValueError: If the place is missing, not finite, rotated, empty, outside the picture, or
            more in the guide than on the ink.
    """
    try:
        x, y, width, height = (float(value[key]) for key in ("x", "y", "width", "height"))
        rotation = float(value.get("rotation") or 0)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"A place needs x, y, width and height; got {dict(value)}.") from error
    if not all(math.isfinite(number) for number in (x, y, width, height, rotation)):
        raise ValueError(f"A place needs finite numbers; got {dict(value)}.")
    if rotation % 360:
        raise ValueError(f"A box is turned by {rotation} degrees; draw it upright.")
    if width <= 0 or height <= 0:
        raise ValueError(f"A box of {width} by {height} percent holds nothing; delete it.")
    whole = frame or crop
    left, top = round(x * whole.width / 100), round(y * whole.height / 100)
    right = max(left + 1, round((x + width) * whole.width / 100))
    bottom = max(top + 1, round((y + height) * whole.height / 100))
    inside = Box(left, top, right, bottom).clipped(whole.width, whole.height)
    if inside is None:
        raise ValueError(f"A box at {x:.1f}, {y:.1f} percent lies outside its picture.")
    on_ink = inside.clipped(crop.width, crop.height)
    if on_ink is None or 2 * on_ink.width < inside.width:
        raise ValueError(
            f"A box at {x:.1f}, {y:.1f} percent lies in the guide beside the ink; draw it on the "
            f"ink, or delete it."
        )
    return on_ink.moved(crop.left, crop.top)


def region_id(character_id: str, release_id: str) -> str:
    """The id of a pre-labelled region: the same character and release always make the same."""
    return derive_id("region", character_id, release_id)[:10]


def candidates_in(
    part: ColumnPart, reading: Reading, second: Reading | None
) -> tuple[Candidates, ...]:
    """What is proposed for each character of a part, in order."""
    return candidates_of(
        part.characters,
        {character.character_id: character for character in reading.characters},
        {character.character_id: character for character in second.characters} if second else None,
    )


def column_task(
    part: ColumnPart,
    reading: Reading,
    second: Reading | None,
    *,
    picture: Derivative,
    triage: Triage,
    place: int,
    batch: str,
    frame: Box | None = None,
) -> dict[str, Any]:
    """One task as Label Studio imports it: ``{"data": {...}, "predictions": [one]}``.

    ``place`` is where it stands in the order of work, from 1 (``annotation.queue``). ``frame`` is
    what the picture shows, where that is more than the part's crop: the crop with its guide.
    ``data["sha"]`` covers everything else in the task, so that a push sees what is outdated.

    Raises:
        ValueError: If a character lies outside its column.
    """
    column = part.column
    read = {character.character_id: character for character in reading.characters}
    candidates = candidates_in(part, reading, second)
    shown = frame or part.crop
    scores = [read[c.character_id].score for c in part.characters if c.character_id in read]
    data: dict[str, Any] = {
        "image": picture.url,
        "title": _title(part),
        "comparison": comparison(
            candidates, column.order_doubt if column.is_order_uncertain else ""
        ),
        "queue": place,
        "priority": triage.priority,
        "uncertainty": triage.uncertainty,
        "disagreement": triage.disagreement,
        "rarity": triage.rarity,
        "order_uncertainty": (
            round(max(0.01, 1 - column.order_confidence), 4) if column.is_order_uncertain else 0.0
        ),
        "is_order_uncertain": column.is_order_uncertain,
        "work": column.work.title,
        "batch": batch,
        "page_id": column.page_id,
        "column_id": column.column_id,
        "column_index": column.column_index,
        "key": part.key,
        "part": part.part,
        "parts": part.parts,
        "crop": [part.crop.left, part.crop.top, part.crop.right, part.crop.bottom],
        "frame": [shown.left, shown.top, shown.right, shown.bottom],
        "character_ids": [character.character_id for character in part.characters],
        "candidates": [list(place.texts) for place in candidates],
        "reading_id": reading.reading_id,
        "release_id": reading.release_id,
        "draft": reading.text,
    }
    prediction = {
        "model_version": reading.release_id,
        "score": round(sum(scores) / len(scores), 4) if scores else 0.0,
        "result": [
            item
            for character in part.characters
            for item in _draft_region(
                character,
                read.get(character.character_id),
                place_of(character.box, part.crop, shown),
                picture,
                reading.release_id,
            )
        ],
    }
    data["sha"] = _digest([data, prediction])
    return {"data": data, "predictions": [prediction]}


def _draft_region(
    character: Character,
    read: CharacterReading | None,
    place: Mapping[str, float],
    picture: Derivative,
    release_id: str,
) -> list[dict[str, Any]]:
    texts = {interface.WRITTEN: read.text} if read and read.text else {}
    return region(
        region_id(character.character_id, release_id),
        place,
        texts=texts,
        states=(),
        width=picture.width,
        height=picture.height,
    )


def region(
    identifier: str,
    place: Mapping[str, float],
    *,
    texts: Mapping[str, str],
    states: Sequence[str],
    width: int,
    height: int,
) -> list[dict[str, Any]]:
    """The results of one character: a box, its texts by control, its states; one shared id.

    ``width`` and ``height`` are those of the picture the browser shows.
    """
    shared = {
        "id": identifier,
        "to_name": interface.IMAGE,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
    }
    items = [{**shared, "from_name": interface.BOX, "type": "rectangle", "value": dict(place)}]
    for name, text in texts.items():
        value: dict[str, Any] = {**place, "text": [text]}
        items.append({**shared, "from_name": name, "type": "textarea", "value": value})
    if states:
        value = {**place, "choices": list(states)}
        items.append({**shared, "from_name": interface.STATE, "type": "choices", "value": value})
    return items


def decision_item(decision: str) -> dict[str, Any]:
    """The result that says what is to become of the column."""
    return {
        "id": derive_id("decision", decision)[:10],
        "from_name": interface.DECISION,
        "to_name": interface.IMAGE,
        "type": "choices",
        "value": {"choices": [decision]},
    }


def _title(part: ColumnPart) -> str:
    column = part.column
    place = f"{column.work.title}: column {column.column_index + 1}"
    return place if part.parts == 1 else f"{place}, part {part.part} of {part.parts}"


def _digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def page_task(
    page: Page, columns: Sequence[Column], *, picture: Derivative, batch: str
) -> dict[str, Any]:
    """The page view: every column's box with its place from right to left."""
    frame = Box(0, 0, page.width, page.height)
    result: list[dict[str, Any]] = []
    for column in sorted(columns, key=lambda c: c.column_index):
        place = place_of(column.box, frame)
        shared = {
            "id": derive_id("layout", column.column_id)[:10],
            "to_name": interface.IMAGE,
            "original_width": picture.width,
            "original_height": picture.height,
            "image_rotation": 0,
        }
        label: dict[str, Any] = {**place, "rectanglelabels": [interface.COLUMN_LABEL]}
        number: dict[str, Any] = {**place, "number": column.column_index + 1}
        result += [
            {**shared, "from_name": interface.LAYOUT, "type": "rectanglelabels", "value": label},
            {**shared, "from_name": interface.ORDER, "type": "number", "value": number},
        ]
    prediction = {"model_version": f"layout-{_digest(result)[:8]}", "result": result}
    data: dict[str, Any] = {
        "image": picture.url,
        "title": f"{page.work.title}: page {page.page_index + 1}",
        "work": page.work.title,
        "batch": batch,
        "page_id": page.page_id,
        "key": page.page_id,
        "column_count": len(columns),
        "uncertain_columns": sum(column.is_order_uncertain for column in columns),
    }
    data["sha"] = _digest([data, prediction])
    return {"data": data, "predictions": [prediction]}
