"""From a column and its readings to a task: the crop, the pre-label, and why it comes when.

A task shows at most twenty characters. A longer column becomes several tasks of consecutive
characters; the seam is recorded in each (``part``, ``parts``, ``crop``) and undone on the way
back (``annotation.reviews``). Region ids derive from the character and the release, so the same
draft is the same prediction however often it is made.

Keeps out: percent (``annotation.places``), pictures (``annotation.images``), sending
(``annotation.push``).
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
from annotation.places import clip, place_of
from annotation.triage import Triage
from pipelines.geometry import Box, union
from pipelines.ids import derive_id
from pipelines.records import (
    Character,
    CharacterReading,
    Column,
    Reading,
)

HIDDEN_COLUMNS = (
    *("inner_id", "completed_at", "total_predictions", "annotations_results", "annotations_ids"),
    *("predictions_score", "predictions_model_versions", "predictions_results", "file_upload"),
    *("storage_filename", "created_at", "updated_at", "updated_by", "avg_lead_time"),
    *("data.comparison", "data.batch", "data.page_id", "data.column_id", "data.column_index"),
    *("data.key", "data.part", "data.parts", "data.crop", "data.frame"),
    *("data.character_ids", "data.candidates"),
    *("data.draft_version", "data.reading_id", "data.sha", "data.work", "data.image"),
    "data.is_order_uncertain",
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
        own = [clipped for c in group if (clipped := clip(c.box, column.box)) is not None]
        whole = union([strip, *(Box(strip.left, b.top, strip.right, b.bottom) for b in own)])
        crop = clip(whole, column.box)
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


def region_id(character_id: str, version: str) -> str:
    """The id of a pre-labelled region: the same character and version always make the same."""
    return derive_id("region", character_id, version)[:10]


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
    """One task as Label Studio imports it: ``{"data": {...}, "predictions": [...]}``.

    The first prediction is the draft, the second what the second reader read. ``place`` is where
    it stands in the order of work, from 1 (``annotation.queue``). ``frame`` is what the picture
    shows, where that is more than the part's crop: the crop with its guide.
    ``data["sha"]`` covers everything else in the task, so that a push sees what is outdated.

    Raises:
        ValueError: If a character lies outside its column.
    """
    column = part.column
    candidates = candidates_in(part, reading, second)
    shown = frame or part.crop
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
        "draft_version": draft_version(reading),
        "draft": reading.text,
    }
    predictions = [_prediction(part, reading, draft_version(reading), picture, shown)]
    if second is not None:
        predictions.append(_prediction(part, second, second.reader.value, picture, shown))
    data["sha"] = _digest([data, predictions])
    return {"data": data, "predictions": predictions}


def draft_version(reading: Reading) -> str:
    """What Label Studio calls the reader's draft: its release, or the reader where it has none."""
    return reading.release_id or reading.reader.value


def _prediction(
    part: ColumnPart, reading: Reading, version: str, picture: Derivative, shown: Box
) -> dict[str, Any]:
    """What one reader drafted of a part, with the mean of its scores."""
    read = {character.character_id: character for character in reading.characters}
    scores = [read[c.character_id].score for c in part.characters if c.character_id in read]
    return {
        "model_version": version,
        "score": round(sum(scores) / len(scores), 4) if scores else 0.0,
        "result": [
            item
            for character in part.characters
            for item in _draft_region(
                character,
                read.get(character.character_id),
                place_of(character.box, part.crop, shown),
                picture,
                version,
            )
        ],
    }


def _draft_region(
    character: Character,
    read: CharacterReading | None,
    place: Mapping[str, float],
    picture: Derivative,
    version: str,
) -> list[dict[str, Any]]:
    texts = {interface.WRITTEN: read.text} if read and read.text else {}
    return region(
        region_id(character.character_id, version),
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
    pick: int = 0,
) -> list[dict[str, Any]]:
    """The results of one character: a box, its texts by control, its states; one shared id.

    ``width`` and ``height`` are those of the picture the browser shows; ``pick`` is the key of a
    candidate, 0 for none.
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
    chosen = [(interface.PICK, [str(pick)] if pick else []), (interface.STATE, list(states))]
    for name, choices in chosen:
        if choices:
            value = {**place, "choices": choices}
            items.append({**shared, "from_name": name, "type": "choices", "value": value})
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
