"""The page view: a page, or a segment of a long one, with its columns and their order.

People correct the boxes of columns and their numbers, and mark what is no text. Characters are not
shown: three hundred boxes crawl in a browser, and the column view has them.

Keeps out: what becomes of it (``annotation.layouts``), the column view (``annotation.tasks``).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from annotation import interface
from annotation.images import Derivative
from annotation.page_pictures import Picture, make_page_picture
from annotation.payloads import Pictures, columns_of
from annotation.places import clip, place_of
from annotation.projects import Payload
from annotation.segments import SegmentParams, segments_of
from pipelines.geometry import Box
from pipelines.hand_styles import SalientStroke
from pipelines.ids import derive_id
from pipelines.imaging.codec import decode_picture
from pipelines.records import Column, Page
from pipelines.tables import Tables

LAYOUT_VERSION, HAND_VERSION = "layout", "hand"
"""Names of the two predictions of a page: what people begin with, and what they may look at."""

HIDDEN_COLUMNS = (
    *("inner_id", "completed_at", "total_predictions", "annotations_results", "annotations_ids"),
    *("predictions_score", "predictions_model_versions", "predictions_results", "file_upload"),
    *("storage_filename", "created_at", "updated_at", "updated_by", "avg_lead_time"),
    *("data.batch", "data.page_id", "data.key", "data.part", "data.parts", "data.frame"),
    *("data.sha", "data.work", "data.image"),
)
"""What the list of page tasks need not show."""


def page_payloads(
    tables: Tables, batch: str, pictures: Pictures, params: SegmentParams
) -> Iterator[Payload]:
    """The tasks of every page: its picture with the columns found on it.

    Raises:
        TableError: If the batch has no pages or columns yet.
        StoreError: If a picture is missing from the store.
    """
    by_page: dict[str, list[Column]] = defaultdict(list)
    for column in columns_of(tables, batch):
        by_page[column.page_id].append(column)

    strokes: dict[str, list[SalientStroke]] = defaultdict(list)
    if tables.manifest("salient_strokes", batch) is not None:
        for stroke in tables.read("salient_strokes", batch, SalientStroke):
            strokes[stroke.page_id].append(stroke)

    @lru_cache(maxsize=1)
    def decoded(image_key: str) -> Picture:
        return decode_picture(pictures.store.get(image_key))

    for group in tables.iterate("pages", batch, Page):
        for page in group:
            columns = by_page[page.page_id]
            frames = segments_of(
                Box(0, 0, page.width, page.height),
                [column.box for column in columns],
                params,
                max_side_px=pictures.max_side_px,
            )
            for part, frame in enumerate(frames, 1):
                picture = make_page_picture(
                    decoded,
                    page.image_key,
                    frame,
                    shown_in(frame, columns),
                    images=pictures.images,
                    max_side_px=pictures.max_side_px,
                )
                yield page_task(
                    page,
                    columns,
                    strokes[page.page_id],
                    picture=picture,
                    batch=batch,
                    frame=frame,
                    part=part,
                    parts=len(frames),
                )


def page_task(
    page: Page,
    columns: Sequence[Column],
    strokes: Sequence[SalientStroke] = (),
    *,
    picture: Derivative,
    batch: str,
    frame: Box,
    part: int = 1,
    parts: int = 1,
) -> dict[str, Any]:
    """One segment with the columns that lie whole in it, numbered from right to left.

    Args:
        page: The page.
        columns: All of its columns.
        strokes: Those that told a model most of the hand; a second prediction, ``hand``, shows
            them to whoever asks for it.
        picture: Of the segment.
        batch: Its batch.
        frame: The segment in pixels of the page; the page itself if there is but one.
        part: Which segment from the right, from 1 to ``parts``.
        parts: How many there are.
    """
    shown = shown_in(frame, columns)
    result: list[dict[str, Any]] = []
    for column in shown:
        result += column_region(
            derive_id("layout", column.column_id)[:10],
            place_of(column.box, frame),
            column.column_index + 1,
            picture,
        )
    predictions = [{"model_version": LAYOUT_VERSION, "result": result}]
    told = [stroke for stroke in strokes if clip(stroke.box, frame) == stroke.box]
    if told:
        predictions.append(
            {"model_version": HAND_VERSION, "result": _stroke_regions(told, frame, picture)}
        )
    where = f", part {part} of {parts} from the right" if parts > 1 else ""
    data: dict[str, Any] = {
        "image": picture.url,
        "title": f"{page.work.title}: page {page.page_index + 1}{where}",
        "work": page.work.title,
        "batch": batch,
        "page_id": page.page_id,
        "key": page.page_id if parts == 1 else f"{page.page_id}/{part}/{parts}",
        "part": part,
        "parts": parts,
        "frame": [frame.left, frame.top, frame.right, frame.bottom],
        "column_count": len(shown),
        "uncertain_columns": sum(column.is_order_uncertain for column in shown),
    }
    data["sha"] = _digest([data, *predictions])
    return {"data": data, "predictions": predictions}


def _stroke_regions(
    strokes: Sequence[SalientStroke], frame: Box, picture: Derivative
) -> list[dict[str, Any]]:
    return [
        area_region(
            stroke.stroke_id[:10], place_of(stroke.box, frame), interface.STROKE_LABEL, picture
        )
        for stroke in strokes
    ]


def column_region(
    identifier: str, place: dict[str, float], number: float, picture: Derivative
) -> list[dict[str, Any]]:
    """The results of one column: its box and its number, under one id."""
    box, order = area_region(identifier, place, interface.COLUMN_LABEL, picture), dict(place)
    shared = {key: value for key, value in box.items() if key not in ("type", "value")}
    value: dict[str, Any] = {**order, "number": number}
    return [box, {**shared, "from_name": interface.ORDER, "type": "number", "value": value}]


def area_region(
    identifier: str, place: dict[str, float], label: str, picture: Derivative
) -> dict[str, Any]:
    """The result of one box with its label: ``column``, ``seal``, ``damaged``, ``not-writing``."""
    value: dict[str, Any] = {**place, "rectanglelabels": [label]}
    return {
        "id": identifier,
        "from_name": interface.LAYOUT,
        "to_name": interface.IMAGE,
        "original_width": picture.width,
        "original_height": picture.height,
        "image_rotation": 0,
        "type": "rectanglelabels",
        "value": value,
    }


def page_decision_item(decision: str) -> dict[str, Any]:
    """The result that says whether the layout is right."""
    return {
        "id": derive_id("decision", decision)[:10],
        "from_name": interface.PAGE_DECISION,
        "to_name": interface.IMAGE,
        "type": "choices",
        "value": {"choices": [decision]},
    }


def shown_in(frame: Box, columns: Sequence[Column]) -> list[Column]:
    """The columns that lie whole in a frame, in reading order."""
    inside = (c for c in columns if frame.left <= c.box.left and c.box.right <= frame.right)
    return sorted(inside, key=lambda column: column.column_index)


def _digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
