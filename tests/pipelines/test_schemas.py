from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from pipelines.errors import TableError
from pipelines.geometry import Box
from pipelines.records import (
    Candidate,
    CharacterReading,
    Reader,
    Reading,
    Release,
    Review,
    Work,
)
from pipelines.schemas import (
    from_arrow,
    schema_as_written,
    schema_fingerprint,
    schema_of,
    to_arrow,
)
from pipelines.tables import TABLES
from tests.pipelines.examples import a_work


def a_reading() -> Reading:
    character = CharacterReading(
        character_id="c",
        box=Box(1, 2, 3, 4),
        text="",
        score=0.25,
        margin=0.0,
        candidates=(Candidate(text="𠀀", score=0.25), Candidate(text="一", score=0.25)),
    )
    return Reading(
        reading_id="r",
        column_id="col",
        page_id="p",
        work=a_work(),
        reader=Reader.UNICALLI,
        release_id="rel",
        characters=(character,),
    )


@pytest.mark.parametrize("record_type", TABLES.values())
def test_every_record_has_a_schema_of_its_fields(record_type):
    assert schema_of(record_type).names == list(record_type.__dataclass_fields__)


def test_nested_records_come_back_equal():
    reading = a_reading()
    assert from_arrow(to_arrow([reading], Reading), Reading) == [reading]
    assert reading.text == "□"


def test_no_rows_keep_the_schema():
    table = to_arrow([], Review)
    assert table.schema.equals(schema_of(Review))
    assert from_arrow(table, Review) == []


def test_times_come_back_in_utc():
    moment = datetime(2026, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    release = Release(
        release_id="r",
        model_id="m",
        family="unicalli",
        checkpoint_path="",
        replaces="",
        released_at=moment,
        reason="",
    )
    [back] = from_arrow(to_arrow([release], Release), Release)
    assert back.released_at == moment
    assert back.released_at.tzinfo is UTC


def test_another_shape_is_refused_by_name():
    table = pa.table({"work_id": ["a"]})
    with pytest.raises(TableError, match=r"do not fit Work: found columns \['work_id'\]"):
        from_arrow(table, Work)


def test_rows_of_before_a_record_grew_still_read():
    @dataclass(frozen=True)
    class Part:
        a: int
        added: str = "new"

    @dataclass(frozen=True)
    class Whole:
        parts: tuple[Part, ...]
        one: Part
        more: float | None = None

    part = pa.struct([pa.field("a", pa.int64())])
    old = pa.schema([pa.field("parts", pa.list_(part)), pa.field("one", part)])
    table = pa.Table.from_pylist([{"parts": [{"a": 1}], "one": {"a": 2}}], schema=old)
    assert from_arrow(table, Whole) == [Whole(parts=(Part(1),), one=Part(2))]
    assert schema_as_written(old, Whole).equals(old)
    with pytest.raises(TableError, match="do not fit Whole"):
        from_arrow(table.select(["one"]), Whole)
    other = pa.schema([*old, pa.field("unknown", pa.int64())])
    with pytest.raises(TableError, match="do not fit Whole"):
        schema_as_written(other, Whole)


def test_the_fingerprint_follows_the_fields():
    @dataclass(frozen=True)
    class Old:
        a: int

    @dataclass(frozen=True)
    class New:
        a: float

    assert schema_fingerprint(Old) != schema_fingerprint(New)
