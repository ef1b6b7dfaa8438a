"""The tasks a batch should have, one after the other, and the columns that cannot become one.

Keeps out: what a task holds (``annotation.tasks``), pages (``annotation.page_tasks``), and sending
(``annotation.projects``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from annotation import interface
from annotation.candidates import Candidates
from annotation.gold import Gold
from annotation.guide import lay_out
from annotation.images import Derivative, Images, make_derivative, make_guided_derivative
from annotation.projects import Payload
from annotation.queue import QueueParams, Waiting, line_up, waiting
from annotation.tasks import ColumnPart, candidates_in, column_task, split_column
from annotation.triage import Triage, TriageParams, triage
from pipelines.errors import MaterialError
from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.hand_styles import Hand, alike
from pipelines.records import Column, Reading, Rejection
from pipelines.scripts import canonical
from pipelines.store import Store
from pipelines.tables import Tables

STAGE = "review_tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Where pictures come from, where Label Studio's browser finds them, and how large.

    ``face`` is the standard font that guides are drawn in; without one there are none.
    """

    store: Store
    images: Images
    max_side_px: int
    face: FontFace | None = None

    def of_part(self, part: ColumnPart, candidates: Sequence[Candidates]) -> tuple[Derivative, Box]:
        """The picture of a task and what of the page it shows.

        With a standard font that is the ink with a guide, without one the ink alone.

        Raises:
            StoreError: If the store lacks the picture.
            UnreadableImage: If the picture does not decode.
            ValueError: If the part lies outside the picture of its column.
        """
        column = part.column
        cut = part.crop.moved(-column.box.left, -column.box.top)
        if self.face is None or not part.characters:
            picture = make_derivative(
                self.store,
                column.image_key,
                cut,
                images=self.images,
                max_side_px=self.max_side_px,
            )
            return picture, part.crop
        layout = lay_out([character.box for character in part.characters], part.crop)
        picture = make_guided_derivative(
            self.store,
            column.image_key,
            cut,
            layout=layout,
            candidates=candidates,
            face=self.face,
            images=self.images,
            max_side_px=self.max_side_px,
        )
        return picture, layout.frame


def columns_of(tables: Tables, batch: str) -> Iterator[Column]:
    """The columns of a batch, one row group in memory at a time."""
    for group in tables.iterate("columns", batch, Column):
        yield from group


def column_payloads(
    tables: Tables,
    batch: str,
    pictures: Pictures,
    *,
    max_characters: int,
    weights: TriageParams,
    queue: QueueParams,
    rejections: dict[str, Rejection],
) -> Iterator[Payload]:
    """The tasks of each column; what cannot become one goes into ``rejections`` by column id.

    Raises:
        TableError: If the batch has no columns or readings yet.
        StoreError: If a picture is missing from the store.
    """
    readings = {r.column_id: r for r in tables.read("readings", batch, Reading)}
    seconds: dict[str, Reading] = {}
    if tables.manifest("second_readings", batch) is not None:
        seconds = {r.column_id: r for r in tables.read("second_readings", batch, Reading)}
    weighed, place_of = _weighed(tables, batch, readings, seconds, weights, queue)
    for column in columns_of(tables, batch):
        reading = readings.get(column.column_id)
        if reading is None:
            sentence = f"Column {column.column_id} has no reading; materialize readings again."
            rejections[column.column_id] = rejected(column, "no_reading", sentence)
            continue
        try:
            payloads = _tasks_of(
                column,
                reading,
                seconds.get(column.column_id),
                pictures,
                batch=batch,
                max_characters=max_characters,
                weighed=weighed[column.column_id],
                place=place_of[column.column_id],
            )
        except MaterialError as error:
            rejections[column.column_id] = rejected(column, error.reason, str(error))
            continue
        except ValueError as error:
            rejections[column.column_id] = rejected(column, "column_disagrees", str(error))
            continue
        expected = interface.column_interface()
        problems = [p for payload in payloads for p in interface.task_problems(payload, expected)]
        if problems:
            rejections[column.column_id] = rejected(column, "invalid_task", " ".join(problems))
            continue
        yield from payloads


def gold_payloads(
    gold: Sequence[Gold],
    batch: str,
    pictures: Pictures,
    *,
    among: int,
    max_characters: int,
    weights: TriageParams,
) -> Iterator[Payload]:
    """The tasks of known columns, like any others; one that cannot be shown is left out.

    Each takes a place of the queue that its id decides, ``among`` as many columns.
    """
    expected = interface.column_interface()
    counts = Counter(canonical(c.text) for one in gold for c in one.reading.characters if c.text)
    for one in gold:
        weighed = triage(
            one.reading,
            None,
            is_order_uncertain=one.column.is_order_uncertain,
            counts=counts,
            params=weights,
        )
        try:
            payloads = _tasks_of(
                one.column,
                one.reading,
                None,
                pictures,
                batch=batch,
                max_characters=max_characters,
                weighed=weighed,
                place=1 + crc32(one.column.column_id.encode()) % max(1, among),
            )
        except (MaterialError, ValueError):
            continue
        if not any(interface.task_problems(payload, expected) for payload in payloads):
            yield from payloads


def rejected(column: Column, reason: str, detail: str) -> Rejection:
    """A column that was not put before people."""
    return Rejection(item_id=column.column_id, stage=STAGE, reason=reason, detail=detail)


def _weighed(
    tables: Tables,
    batch: str,
    readings: Mapping[str, Reading],
    seconds: Mapping[str, Reading],
    weights: TriageParams,
    queue: QueueParams,
) -> tuple[dict[str, Triage], Mapping[str, int]]:
    """What each column that was read is worth looking at, and its place in the queue, by id."""
    counts = Counter(canonical(c.text) for r in readings.values() for c in r.characters if c.text)
    looks: Mapping[str, str] = {}
    if tables.manifest("hands", batch) is not None:
        looks = alike(tables.read("hands", batch, Hand))
    weighed: dict[str, Triage] = {}
    line: list[Waiting] = []
    for column in columns_of(tables, batch):
        reading = readings.get(column.column_id)
        if reading is None:
            continue
        weighed[column.column_id] = triage(
            reading,
            seconds.get(column.column_id),
            is_order_uncertain=column.is_order_uncertain,
            counts=counts,
            params=weights,
        )
        look = looks.get(column.work.work_id, "")
        line.append(waiting(column, reading, weighed[column.column_id], look))
    return weighed, line_up(line, queue)


def _tasks_of(
    column: Column,
    reading: Reading,
    second: Reading | None,
    pictures: Pictures,
    *,
    batch: str,
    max_characters: int,
    weighed: Triage,
    place: int,
) -> list[Payload]:
    payloads: list[Payload] = []
    for part in split_column(column, max_characters):
        candidates = candidates_in(part, reading, second)
        picture, frame = pictures.of_part(part, candidates)
        payloads.append(
            column_task(
                part,
                reading,
                second,
                picture=picture,
                triage=weighed,
                place=place,
                batch=batch,
                frame=frame,
            )
        )
    return payloads
