"""What every stage does around its one call: skip if nothing changed, write whole, report.

Holds: fingerprints (of source code, of a written partition, of a stage's inputs), the test
whether a partition is already made from exactly these inputs, and the report to Dagster with
counts, reasons and a picture.

Dagster's own staleness does not follow external assets and partitions reliably, so the manifest
of a table carries the fingerprint of what it was made from; the data version is reported beside.

Keeps out: what a stage does (``pipelines``, ``annotation``, ``training``).
"""

import base64
import dataclasses
import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import dagster as dg

from assets.partitions import batches
from assets.resources import ROOT, Project
from pipelines.checks import Finding
from pipelines.errors import TableError
from pipelines.records import Rejection
from pipelines.tables import Manifest, Tables

R = TypeVar("R")


@cache
def code_version(*places: str) -> str:
    """A fingerprint of source files: modules and packages, as paths below the checkout.

    The code itself rather than a number that someone must remember to raise.
    """
    digest = hashlib.sha256()
    for place in places:
        path = ROOT / place
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        for file in files:
            digest.update(file.relative_to(ROOT).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def fingerprint(*parts: object) -> str:
    """A short hash of things whose ``repr`` says what they are."""
    return hashlib.sha256("\x1f".join(map(repr, parts)).encode()).hexdigest()[:16]


def data_version(tables: Tables, name: str, batch: str) -> str:
    """A fingerprint of a partition's content: equal after writing the same rows again.

    A partition that was never written has the version ``"absent"``.
    """
    manifest = tables.manifest(name, batch)
    if manifest is None:
        return "absent"
    digest = hashlib.sha256()
    for file_name in (manifest.rows_file, manifest.rejected_file):
        with tables.filesystem.open(f"{tables.folder(name, batch)}/{file_name}", "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Stage(Generic[R]):
    """One partition of one table on its way to being written.

    ``inputs`` fingerprints everything that decides the rows: upstream data versions, code
    and parameters.
    """

    project: Project
    table: str
    batch: str
    record_type: type[R]
    inputs: str

    def is_same(self) -> bool:
        """Whether the partition is already there, made from these inputs, pictures included."""
        manifest = self.project.tables.manifest(self.table, self.batch)
        if manifest is None or manifest.inputs != self.inputs:
            return False
        fields = dataclasses.fields(cast(Any, self.record_type))
        keys = [field.name for field in fields if field.name.endswith("_key")]
        try:
            return all(
                self.project.store.has(key)
                for group in self.project.tables.iterate(self.table, self.batch, self.record_type)
                for record in group
                for key in (getattr(record, field) for field in keys)
                if key is not None
            )
        except TableError:  # written under another shape of record: not the same
            return False

    def write(self, outcomes: Iterable[R | Rejection]) -> Manifest:
        """Write the partition as its records and rejections come, whole or not at all."""
        with self.project.tables.writer(
            self.table, self.batch, self.record_type, inputs=self.inputs
        ) as writer:
            for outcome in outcomes:
                if isinstance(outcome, Rejection):
                    writer.reject(outcome)
                else:
                    writer.accept(outcome)
        return writer.manifest

    def report(
        self,
        *,
        taken: int | None = None,
        preview: bytes | None = None,
        is_unchanged: bool = False,
        metadata: Mapping[str, Any] | None = None,
        check_results: Sequence[dg.AssetCheckResult] = (),
    ) -> dg.MaterializeResult[None]:
        """What Dagster shows of the partition; see :func:`report_of`."""
        shown = {"is_unchanged": is_unchanged, **(metadata or {})}
        return report_of(
            self.project.tables,
            self.table,
            self.batch,
            taken=taken,
            preview=preview,
            metadata=shown,
            check_results=check_results,
        )


def report_of(
    tables: Tables,
    table: str,
    batch: str,
    *,
    taken: int | None = None,
    preview: bytes | None = None,
    metadata: Mapping[str, Any] | None = None,
    check_results: Sequence[dg.AssetCheckResult] = (),
) -> dg.MaterializeResult[None]:
    """What Dagster shows of a partition as it is written now: counts, reasons, a picture.

    Args:
        tables: Hold the partition.
        table: Its table.
        batch: Its batch.
        taken: How many items went in, where the stage knows.
        preview: A JPEG small enough to stand in the event log (about 50 kB).
        metadata: More to show.
        check_results: Of the checks that the asset itself carries.

    Raises:
        TableError: If the partition was never written.
    """
    reasons = Counter(rejection.reason for rejection in tables.rejections(table, batch))
    manifest = tables.manifest(table, batch)
    assert manifest is not None, "its rejections were just read"
    shown: dict[str, Any] = {
        "accepted": manifest.accepted,
        "rejected": manifest.rejected,
        "dagster/row_count": manifest.accepted,
        **{f"rejected: {reason}": count for reason, count in reasons.most_common()},
        **(metadata or {}),
    }
    if taken is not None:
        shown["taken"] = taken
    if preview is not None:
        shown["preview"] = picture(preview)
    return dg.MaterializeResult(
        metadata=shown,
        data_version=dg.DataVersion(data_version(tables, table, batch)),
        check_results=list(check_results),
    )


def batch_check(name: str, *, asset: str, description: str) -> dg.AssetCheckSpec:
    """A blocking check, by batch, that the asset itself answers for when it is materialized."""
    with warnings.catch_warnings():
        # Checks by partition are a preview of this Dagster: without them a check of one batch
        # would speak for all of them. The lock holds the version still.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            name, asset=asset, blocking=True, partitions_def=batches, description=description
        )


SHOWN_FINDINGS = 20


def check_result(
    findings: Sequence[Finding], *, is_grave: bool, name: str | None = None
) -> dg.AssetCheckResult:
    """Findings as Dagster shows them: the first sentence, the count, and the first ones."""
    first = [f"- `{finding.item_id}` {finding.message}" for finding in findings[:SHOWN_FINDINGS]]
    return dg.AssetCheckResult(
        check_name=name,
        passed=not findings,
        severity=dg.AssetCheckSeverity.ERROR if is_grave else dg.AssetCheckSeverity.WARN,
        description=findings[0].message if findings else None,
        metadata={
            "findings": len(findings),
            "first": dg.MetadataValue.md("\n".join(first) or "none"),
        },
    )


def picture(jpeg: bytes) -> dg.MarkdownMetadataValue:
    """A JPEG inside the event itself: the web page needs no way into the store."""
    return dg.MetadataValue.md(
        f"![preview](data:image/jpeg;base64,{base64.b64encode(jpeg).decode()})"
    )


def file_fingerprint(path: Path) -> str:
    """A hash of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:16]
