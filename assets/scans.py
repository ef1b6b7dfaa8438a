"""The asset ``scans``: files of the inbox as they came, and what was wrong with the others."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from assets.partitions import batches
from assets.resources import Project
from assets.stages import Stage, batch_check, check_result, code_version, fingerprint
from pipelines.checks import conservation
from pipelines.errors import MaterialError
from pipelines.inbox import signature
from pipelines.records import Rejection, Scan
from pipelines.scans import find_inputs, ingest

CODE = code_version(
    "pipelines/scans.py",
    "pipelines/metadata.py",
    "pipelines/imaging/codec.py",
    "pipelines/imaging/containers.py",
)


@dg.asset(
    partitions_def=batches,
    group_name="material",
    kinds={"python", "parquet"},
    owners=["team:archivists"],
    code_version=CODE,
    check_specs=[
        batch_check(
            "scans_conserved",
            asset="scans",
            description="Every file of the inbox is a scan or a rejection.",
        )
    ],
)
def scans(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult:  # type: ignore[type-arg]  # with checks Dagster wants the bare class
    """原件: every file of the batch, byte for byte, with its work and its rights."""
    batch = context.partition_key
    folder = project.inbox / batch
    before = project.tables.manifest("scans", batch)
    if before is None and not folder.is_dir():
        raise MaterialError(
            f"Batch {batch!r} has neither files in {folder} nor scans from before. Put files "
            f"there with `beitie add FILES --batch {batch} --work ... --rights ...`.",
            reason="empty_batch",
        )
    stage = Stage(
        project=project,
        table="scans",
        batch=batch,
        record_type=Scan,
        inputs=fingerprint(CODE, signature(folder)),
    )
    is_unchanged = stage.is_same()
    if is_unchanged and before is not None:
        taken = before.accepted + before.rejected
    else:
        files = list(find_inputs([folder])) if folder.is_dir() else []
        carried: list[Scan] = []
        written = stage.write(_scans_of(project, batch, files, carried))
        taken = len(files) + len(carried)
        context.log.info(f"{len(files)} files, {written.accepted} scans, {len(carried)} kept")
    now = project.tables.manifest("scans", batch)
    assert now is not None, "it was written or found above"
    findings = conservation("scans", taken=taken, accepted=now.accepted, rejected=now.rejected)
    return stage.report(
        taken=taken,
        is_unchanged=is_unchanged,
        check_results=[check_result(findings, is_grave=True, name="scans_conserved")],
    )


def _scans_of(
    project: Project, batch: str, files: list[Path | Rejection], carried: list[Scan]
) -> Iterator[Scan | Rejection]:
    """Scans of the files, then those of earlier whose file has left the inbox (``carried``).

    Emptying the inbox takes nothing out of a batch: the bytes are in the store.
    """
    tables = project.tables
    others = (
        scan
        for other in tables.batches("scans")
        if other != batch
        for scan in tables.read("scans", other, Scan)
    )
    found = set()
    for outcome in ingest(files, None, project.store, CODE, known_scans=others):
        if isinstance(outcome, Scan):
            found.add(outcome.scan_id)
        yield outcome
    if tables.manifest("scans", batch) is not None:
        for scan in tables.read("scans", batch, Scan):
            if scan.scan_id not in found:
                carried.append(scan)
                yield scan
