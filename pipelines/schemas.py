"""Records as rows of Parquet: one Arrow schema per record, derived from its fields.

Holds: the mapping from a record's annotations to Arrow types, and both conversions. The
schema's fingerprint goes into every manifest, so that a table written under another shape of
record is refused by name instead of misread.

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
    return hashlib.sha256(str(schema_of(record_type)).encode()).hexdigest()[:16]


def _to_plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return {n: _to_plain(getattr(value, n)) for n, _ in _fields(type(value))}
    if isinstance(value, tuple):
        return [_to_plain(item) for item in value]
    return value


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
        return typing.cast(type, annotation)(**{n: _from_plain(t, value[n]) for n, t in fields})
    if annotation is datetime:
        return typing.cast(datetime, value).astimezone(UTC)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return annotation(value)
    return value


def to_arrow(records: typing.Sequence[R], record_type: type[R]) -> pa.Table:
    """Records as an Arrow table under the schema of ``record_type``."""
    return pa.Table.from_pylist([_to_plain(r) for r in records], schema=schema_of(record_type))


def from_arrow(table: pa.Table, record_type: type[R]) -> list[R]:
    """Arrow rows back to records.

    Raises:
        TableError: If the table has another schema.
    """
    expected = schema_of(record_type)
    if not table.schema.equals(expected):
        raise TableError(
            f"Rows do not fit {record_type.__name__}: found columns {table.schema.names}, "
            f"expected {expected.names}. Materialize the table again with this version."
        )
    return [typing.cast(R, _from_plain(record_type, row)) for row in table.to_pylist()]
