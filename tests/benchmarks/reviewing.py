"""What the way to people and back costs, on a real Label Studio: push and pull, and nothing to do.

Pictures are left out: every column shows the same one. A pull reads again what changed shortly
before the last change it saw. People decide a few columns in that time, a program all of them, so
the time is set to a second here.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import numpy as np

from annotation import cursor
from annotation import pull as puller
from annotation.client import connect
from annotation.images import ImageFolder
from annotation.journal import Journal
from annotation.label_studio import FullTask, LabelStudio
from annotation.pull import pull
from annotation.push import PushParams, push
from annotation.server import LabelStudioServer
from annotation.tasks import decision_item
from assets.resources import Project
from pipelines.geometry import Box
from pipelines.ids import box_id, derive_id
from pipelines.imaging.codec import encode_png
from pipelines.records import (
    Character,
    CharacterReading,
    Column,
    Reader,
    Reading,
    Script,
    Work,
)
from pipelines.store import Store
from pipelines.tables import Tables
from tests.benchmarks.measure import report

COLUMNS = 1000
CHARACTERS = 20
BATCH = "benchmark"
PITCH_PX = 50
SECOND = timedelta(seconds=1)


def bench_review(project: Project, columns: int = COLUMNS) -> None:
    """Push columns with drafts, annotate half and then all of them, pull each time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tables, store = Tables(folder / "tables"), Store(folder / "store")
        write_batch(tables, store, columns)
        server = LabelStudioServer(folder / "ls", venv=project.settings.label_studio_venv)
        with (
            server,
            patch.object(cursor, "OVERLAP", SECOND),
            patch.object(puller, "OVERLAP", SECOND),
        ):
            client = connect(server.url, server.token)
            _measure(client, tables, store, server.images, Journal(folder / "journal"), columns)


def _measure(
    client: LabelStudio,
    tables: Tables,
    store: Store,
    images: ImageFolder,
    journal: Journal,
    columns: int,
) -> None:
    def pushed() -> float:
        params = PushParams(with_page_view=False)
        done = push(
            tables, store, BATCH, client, images=images, code_version="bench", params=params
        )
        if done.accepted != columns:
            raise RuntimeError(f"{done.accepted} of {columns} columns were pushed")
        return done.seconds

    def pulled() -> tuple[float, int]:
        done = pull(tables, BATCH, client, journal=journal)
        return done.seconds, done.tasks_read

    first, again = pushed(), pushed()
    what = f"{columns} tasks, {columns * CHARACTERS} characters"
    report(
        "push with nothing to do / push",
        again / first,
        "",
        f"{again:.1f} and {first:.1f} s; {what}",
    )
    project_id = client.find_project(f"Beitie {BATCH}") or 0
    waiting = iter(list(client.tasks(project_id)))
    idle: dict[str, tuple[float, float]] = {}
    for share, count in (("half", columns // 2), ("all", columns - columns // 2)):
        annotated = _annotate(client, waiting, count)
        seconds, read = pulled()
        nothing, again_read = pulled()
        push_again = pushed()
        idle[share] = nothing, push_again
        report(
            f"pull with nothing to do / pull, {share} done",
            nothing / seconds,
            "",
            f"{nothing:.1f} s reading {again_read}, {seconds:.1f} s reading {read} of {count}; "
            f"{annotated / count * 1000:.0f} ms to submit one",
        )
    for index, verb in enumerate(("pull", "push")):
        half, whole = idle["half"][index], idle["all"][index]
        report(
            f"{verb} with nothing to do, all done / half",
            whole / half,
            "about 1",
            f"{whole:.1f} and {half:.1f} s",
        )


def _annotate(client: LabelStudio, waiting: Iterator[FullTask], count: int) -> float:
    """Approve tasks as drafted; how many seconds it took."""
    me, spent = client.whoami().user_id, 0.0
    for task in islice(waiting, count):
        spent += _seconds(
            lambda task=task: client.add_annotation(
                task.task_id,
                [*task.predictions[-1]["result"], decision_item("approve")],
                completed_by=me,
                lead_time_s=30.0,
            )
        )
    return spent


def _seconds(action: Callable[[], object]) -> float:
    started = time.monotonic()
    action()
    return time.monotonic() - started


def write_batch(tables: Tables, store: Store, count: int) -> None:
    """Columns of twenty characters, ten a page, each with its reading; all show one picture."""
    work = Work(
        work_id=derive_id("benchmark"),
        title="benchmark",
        calligrapher="none",
        script=Script.REGULAR,
        rights="none",
        source="benchmark",
    )
    height = CHARACTERS * PITCH_PX
    blank = store.put(encode_png(np.full((height, PITCH_PX), 255, np.uint8)), ".png")
    columns, readings = [], []
    for number in range(count):
        page_id, index = derive_id("page", number // 10), number % 10
        left = (9 - index) * PITCH_PX
        box = Box(left, 0, left + PITCH_PX, height)
        boxes = [
            Box(left + 5, y * PITCH_PX + 5, left + 45, y * PITCH_PX + 45) for y in range(CHARACTERS)
        ]
        ids = [box_id(page_id, place) for place in boxes]
        columns.append(
            Column(
                column_id=box_id(page_id, box),
                page_id=page_id,
                work=work,
                column_index=index,
                box=box,
                characters=tuple(
                    Character(character_id=i, box=b, confidence=0.9)
                    for i, b in zip(ids, boxes, strict=True)
                ),
                image_key=blank,
                ink_key=blank,
                order_confidence=1.0,
                is_order_uncertain=False,
                code_version="bench",
            )
        )
        readings.append(
            Reading(
                reading_id=derive_id("reading", number),
                column_id=columns[-1].column_id,
                page_id=page_id,
                work=work,
                reader=Reader.UNICALLI,
                release_id="bench",
                characters=tuple(
                    CharacterReading(
                        character_id=i, box=b, text="永", score=0.9, margin=0.5, candidates=()
                    )
                    for i, b in zip(ids, boxes, strict=True)
                ),
            )
        )
    tables.write("columns", BATCH, Column, columns)
    tables.write("readings", BATCH, Reading, readings)
