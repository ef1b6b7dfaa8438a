"""Records as rows of Parquet: one Arrow schema per record, derived from its fields.

Holds: the mapping from a record's annotations to Arrow types, and both conversions. The
schema's fingerprint goes into every manifest, so that a table written under another shape of
record is refused by name instead of misread. One thing is forgiven: a record that has grown fields
with defaults still reads the rows of before, and fills them in.

Keeps out: files (``pipelines.tables``).
"""

from __future__ import annotations

import dataclasses
import hashlib
import types
import typing
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

import pyarrow as pa

from pipelines.errors import TableError

R = typing.TypeVar("R")
V = typing.TypeVar("V")

_SCALARS: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", tz="UTC"),
}


def _remembered(function: Callable[[type], V]) -> Callable[[type], V]:
    """``functools.cache`` for functions of a class, which mypy does not take for hashable."""
    return typing.cast(Callable[[type], V], cache(function))


@_remembered
def _fields(record_type: type) -> tuple[tuple[str, Any], ...]:
    hints = typing.get_type_hints(record_type)
    return tuple((field.name, hints[field.name]) for field in dataclasses.fields(record_type))


def _arrow_type(annotation: Any) -> pa.DataType:
    if typing.get_origin(annotation) is tuple:
        return pa.list_(_arrow_type(typing.get_args(annotation)[0]))
    if typing.get_origin(annotation) is types.UnionType:
        inner = [a for a in typing.get_args(annotation) if a is not types.NoneType]
        return _arrow_type(inner[0])
    if dataclasses.is_dataclass(annotation):
        return pa.struct(
            [pa.field(n, _arrow_type(t)) for n, t in _fields(typing.cast(type, annotation))]
        )
    if issubclass(annotation, Enum):
        return pa.string()
    return _SCALARS[annotation]


@_remembered
def schema_of(record_type: type) -> pa.Schema:
    """The Arrow schema of a record type: one field per dataclass field, nested as they are."""
    return pa.schema([pa.field(n, _arrow_type(t)) for n, t in _fields(record_type)])


@_remembered
def schema_fingerprint(record_type: type) -> str:
    """A hash of names and types; equal exactly when rows can be read back."""
    return fingerprint_of(schema_of(record_type))


def fingerprint_of(schema: pa.Schema) -> str:
    """The same of any schema."""
    return hashlib.sha256(str(schema).encode()).hexdigest()[:16]


def schema_as_written(found: pa.Schema, record_type: type) -> pa.Schema:
    """The schema of the record when it had the fields of ``found`` alone.

    Raises:
        TableError: If rows of ``found`` do not make records of this version: only fields that
            have a default may be missing.
    """
    written = pa.schema(_fields_as_written(record_type, {f.name: f.type for f in found}))
    if not written.equals(found):
        raise TableError(
            f"Rows do not fit {record_type.__name__}: found columns {found.names}, expected "
            f"{schema_of(record_type).names}. Materialize the table again with this version."
        )
    return written


def _fields_as_written(record_type: type, found: dict[str, pa.DataType]) -> list[pa.Field]:
    """Fields of the record that were found, and those that must be there."""
    optional = {
        field.name
        for field in dataclasses.fields(record_type)
        if field.default is not dataclasses.MISSING
    }
    return [
        pa.field(name, _type_as_written(annotation, found.get(name)))
        for name, annotation in _fields(record_type)
        if name in found or name not in optional
    ]


def _type_as_written(annotation: Any, found: pa.DataType | None) -> pa.DataType:
    if typing.get_origin(annotation) is tuple and found is not None and pa.types.is_list(found):
        return pa.list_(_type_as_written(typing.get_args(annotation)[0], found.value_type))
    is_record = dataclasses.is_dataclass(annotation)
    if is_record and found is not None and pa.types.is_struct(found):
        kinds = {field.name: field.type for field in found}
        return pa.struct(_fields_as_written(typing.cast(type, annotation), kinds))
    return _arrow_type(annotation)


def to_plain(record: Any) -> Any:
    """A record as JSON-like values; moments stay moments."""
    if isinstance(record, Enum):
        return record.value
    if dataclasses.is_dataclass(record):
        return {n: to_plain(getattr(record, n)) for n, _ in _fields(type(record))}
    if isinstance(record, tuple):
        return [to_plain(item) for item in record]
    return record


def from_plain(record_type: type[R], row: typing.Mapping[str, Any]) -> R:
    """The way back; fields that the row lacks take their default.

    Raises:
        KeyError, TypeError, ValueError: If the row is none of this record.
    """
    unknown = set(row) - {name for name, _ in _fields(record_type)}
    if unknown:
        raise KeyError(f"unknown fields {sorted(unknown)}")
    return typing.cast(R, _from_plain(record_type, row))


def _from_plain(annotation: Any, value: Any) -> Any:
    if value is None:
        return None
    if typing.get_origin(annotation) is tuple:
        inner = typing.get_args(annotation)[0]
        return tuple(_from_plain(inner, item) for item in value)
    if typing.get_origin(annotation) is types.UnionType:
        inner = next(a for a in typing.get_args(annotation) if a is not types.NoneType)
        return _from_plain(inner, value)
    if dataclasses.is_dataclass(annotation):
        fields = _fields(typing.cast(type, annotation))
        known = {n: _from_plain(t, value[n]) for n, t in fields if n in value}
        return typing.cast(type, annotation)(**known)
    if annotation is datetime:
        return typing.cast(datetime, value).astimezone(UTC)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return annotation(value)
    return value


def to_arrow(records: typing.Sequence[R], record_type: type[R]) -> pa.Table:
    """Records as an Arrow table under the schema of ``record_type``."""
    return pa.Table.from_pylist([to_plain(r) for r in records], schema=schema_of(record_type))


def from_arrow(table: pa.Table, record_type: type[R]) -> list[R]:
    """Arrow rows back to records.

    Raises:
        TableError: If the table has another schema.
    """
    schema_as_written(table.schema, record_type)
    return [typing.cast(R, _from_plain(record_type, row)) for row in table.to_pylist()]
