"""Tables of records in Parquet, partitioned by batch, written whole or not at all.

    root/pages/batch=2024-11/rows-3f….parquet       accepted records
    root/pages/batch=2024-11/rejected-9a….parquet   what was not taken, and why
    root/pages/batch=2024-11/manifest.json          written last; without it nothing is there

Rows stream to a temporary file in row groups, so a batch of any size needs the memory of one
group. The manifest names the two files, their counts and the schema; it replaces the old one
in a single rename, and files that no manifest names are swept by the next write.

Keeps out: pixels (``pipelines.store``) and the shape of rows (``pipelines.schemas``).
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

import fsspec
import pandas as pd
import pyarrow.parquet as pq

from pipelines.effort import Effort
from pipelines.errors import TableError
from pipelines.evaluations import Evaluation
from pipelines.hand_styles import Hand, SalientStroke
from pipelines.layouts import LayoutReview
from pipelines.quality import PageQuality
from pipelines.records import (
    Column,
    Model,
    Page,
    Reading,
    Rejection,
    Release,
    Review,
    ReviewTask,
    Sample,
    Scan,
)
from pipelines.schemas import (
    fingerprint_of,
    from_arrow,
    schema_as_written,
    schema_fingerprint,
    schema_of,
    to_arrow,
)
from pipelines.truth import Corpus, CorpusPage

R = TypeVar("R")

TABLES: dict[str, type] = {
    "scans": Scan,
    "pages": Page,
    "layouts": LayoutReview,
    "columns": Column,
    "page_quality": PageQuality,
    "readings": Reading,
    "second_readings": Reading,
    "review_tasks": ReviewTask,
    "reviews": Review,
    "effort": Effort,
    "hands": Hand,
    "salient_strokes": SalientStroke,
    "samples": Sample,
    "augmentations": Sample,
    "models": Model,
    "evaluations": Evaluation,
    "releases": Release,
    "corpora": Corpus,
    "corpus_pages": CorpusPage,
}
"""Every table by name, with the record it holds."""

ROWS_PER_GROUP = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a written partition consists of. ``inputs`` is the fingerprint it was made from."""

    table: str
    batch: str
    schema: str
    rows_file: str
    rejected_file: str
    accepted: int
    rejected: int
    inputs: str


class Tables:
    """All tables under one root, a folder or any fsspec URL."""

    def __init__(self, root: str | Path) -> None:
        self.filesystem, self.root = fsspec.core.url_to_fs(str(root))

    def folder(self, name: str, batch: str) -> str:
        """Where a partition lies."""
        return f"{self.root}/{name}/batch={batch}"

    def batches(self, name: str) -> list[str]:
        """The batches of a table that are written whole, sorted."""
        found = self.filesystem.glob(f"{self.root}/{name}/batch=*/manifest.json")
        return sorted(path.split("/")[-2].removeprefix("batch=") for path in found)

    def manifest(self, name: str, batch: str) -> Manifest | None:
        """The manifest of a partition, or None if it was never written whole."""
        path = f"{self.folder(name, batch)}/manifest.json"
        if not self.filesystem.exists(path):
            return None
        return Manifest(**json.loads(self.filesystem.cat_file(path)))

    def writer(
        self, name: str, batch: str, record_type: type[R], *, inputs: str = ""
    ) -> TableWriter[R]:
        """A writer that replaces the partition when its block ends without an error."""
        if TABLES.get(name) is not record_type:
            raise TableError(
                f"The table {name!r} holds {getattr(TABLES.get(name), '__name__', 'nothing')}, "
                f"not {record_type.__name__}. Known tables: {', '.join(TABLES)}."
            )
        return TableWriter(self, name, batch, record_type, inputs)

    def write(
        self,
        name: str,
        batch: str,
        record_type: type[R],
        records: Iterable[R],
        rejections: Iterable[Rejection] = (),
        *,
        inputs: str = "",
    ) -> Manifest:
        """Write a whole partition at once; see :meth:`writer` for streams."""
        with self.writer(name, batch, record_type, inputs=inputs) as writer:
            for record in records:
                writer.accept(record)
            for rejection in rejections:
                writer.reject(rejection)
        return writer.manifest

    def read(self, name: str, batch: str, record_type: type[R]) -> list[R]:
        """All records of a partition."""
        return [record for group in self.iterate(name, batch, record_type) for record in group]

    def read_all(self, name: str, record_type: type[R]) -> list[R]:
        """All records of a table, batch after batch."""
        return [r for batch in self.batches(name) for r in self.read(name, batch, record_type)]

    def iterate(self, name: str, batch: str, record_type: type[R]) -> Iterator[list[R]]:
        """The records of a partition, one row group at a time."""
        manifest = self._require(name, batch)
        path = f"{self.folder(name, batch)}/{manifest.rows_file}"
        with self.filesystem.open(path, "rb") as file:
            parquet = pq.ParquetFile(file)
            written = schema_as_written(parquet.schema_arrow, record_type)
            if manifest.schema != fingerprint_of(written):
                raise TableError(
                    f"{name}/{batch} was written under another shape of {record_type.__name__} "
                    f"(schema {manifest.schema}, this version has "
                    f"{schema_fingerprint(record_type)}). Materialize it again."
                )
            for index in range(parquet.num_row_groups):
                yield from_arrow(parquet.read_row_group(index), record_type)

    def rejections(self, name: str, batch: str) -> list[Rejection]:
        """What the stage of a partition did not take."""
        manifest = self._require(name, batch)
        path = f"{self.folder(name, batch)}/{manifest.rejected_file}"
        with self.filesystem.open(path, "rb") as file:
            return from_arrow(pq.read_table(file), Rejection)

    def frame(self, name: str, batch: str) -> pd.DataFrame:
        """A partition as a pandas frame, nested fields as Python objects."""
        manifest = self._require(name, batch)
        with self.filesystem.open(f"{self.folder(name, batch)}/{manifest.rows_file}", "rb") as file:
            frame: pd.DataFrame = pq.read_table(file).to_pandas()
        return frame

    def _require(self, name: str, batch: str) -> Manifest:
        manifest = self.manifest(name, batch)
        if manifest is None:
            known = ", ".join(self.batches(name)) or "none"
            raise TableError(
                f"There is no {name} for batch {batch!r} (written batches: {known}). "
                f"Materialize {name} for it first."
            )
        return manifest


class TableWriter(Generic[R]):
    """Takes records one by one; an error inside its block leaves the old partition as it was."""

    def __init__(
        self, tables: Tables, name: str, batch: str, record_type: type[R], inputs: str
    ) -> None:
        self.tables, self.name, self.batch, self.inputs = tables, name, batch, inputs
        self.record_type = record_type
        self.accepted = 0
        self.rejected = 0
        self.manifest: Manifest
        self._pending: list[R] = []
        self._rejections: list[Rejection] = []
        self._token = uuid.uuid4().hex[:12]

    def accept(self, record: R) -> None:
        """Add a record."""
        self._pending.append(record)
        self.accepted += 1
        if len(self._pending) >= ROWS_PER_GROUP:
            self._flush()

    def reject(self, rejection: Rejection) -> None:
        """Add what was not taken."""
        self._rejections.append(rejection)
        self.rejected += 1

    def __enter__(self) -> TableWriter[R]:
        folder = self.tables.folder(self.name, self.batch)
        self.tables.filesystem.makedirs(folder, exist_ok=True)
        self._rows_path = f"{folder}/rows-{self._token}.parquet"
        self._rejected_path = f"{folder}/rejected-{self._token}.parquet"
        self._file = self.tables.filesystem.open(self._rows_path, "wb")
        self._parquet = pq.ParquetWriter(self._file, schema_of(self.record_type))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._flush()
            self._parquet.close()
        finally:
            self._sync_and_close(self._file)
        if kind is not None:
            self.tables.filesystem.rm_file(self._rows_path)
            return
        with self.tables.filesystem.open(self._rejected_path, "wb") as file:
            pq.write_table(to_arrow(self._rejections, Rejection), file)
        self.manifest = Manifest(
            table=self.name,
            batch=self.batch,
            schema=schema_fingerprint(self.record_type),
            rows_file=self._rows_path.split("/")[-1],
            rejected_file=self._rejected_path.split("/")[-1],
            accepted=self.accepted,
            rejected=self.rejected,
            inputs=self.inputs,
        )
        self._publish(self.manifest)

    def _flush(self) -> None:
        if self._pending:
            self._parquet.write_table(to_arrow(self._pending, self.record_type))
            self._pending = []

    def _publish(self, manifest: Manifest) -> None:
        filesystem = self.tables.filesystem
        folder = self.tables.folder(self.name, self.batch)
        final, temporary = f"{folder}/manifest.json", f"{folder}/.manifest-{self._token}"
        data = json.dumps(asdict(manifest), indent=1).encode()
        if "file" in filesystem.protocol:
            with open(temporary, "wb") as file:
                file.write(data)
                self._sync_and_close(file)
            os.replace(temporary, final)
        else:
            filesystem.pipe_file(final, data)
        keep = {manifest.rows_file, manifest.rejected_file}
        for path in filesystem.glob(f"{folder}/*.parquet"):
            if path.split("/")[-1] not in keep:
                filesystem.rm_file(path)

    @staticmethod
    def _sync_and_close(file: object) -> None:
        flush = getattr(file, "flush", None)
        fileno = getattr(file, "fileno", None)
        if flush is not None and not getattr(file, "closed", False):
            flush()
            if fileno is not None:
                with contextlib.suppress(OSError):  # a file in memory has no descriptor to sync
                    os.fsync(fileno())
        close = getattr(file, "close", None)
        if close is not None:
            close()
