"""The assets ``readings`` and ``second_readings``: columns as the two readers read them.

RapidOCR gives a second opinion; UniCalli reads with the release that the batch is pinned to, and
heeds it: the two err on different characters. Both run as commands. A command writes into a
staging folder named after its inputs, and what it wrote is taken over in one step: columns that
people approved keep the reading they had, and a run that was killed finds what was finished
before.
"""

import shutil
from collections.abc import Iterator, Mapping

import dagster as dg

from assets.columns import columns
from assets.commands import read_columns
from assets.partitions import batches
from assets.release_pointer import checkpoint, current, find, pinned
from assets.resources import Project
from assets.stages import Stage, code_version, data_version, fingerprint
from assets.waiting import approved_columns
from pipelines.records import Column, Reader, Reading, Rejection, Release
from pipelines.tables import Tables

CODE = code_version("training")
SECOND_CODE = code_version("training/second_reader.py", "training/readings.py")

CURRENT = "current"
"""Stands for the release that reads now, in a run's configuration."""

released_recogniser = dg.AssetSpec(
    "released_recogniser",
    description="發布: the reader that reads from now on. The loop closes through this pointer.",
    group_name="machine",
    kinds={"safetensors"},
    owners=["team:ml-engineers"],
)


class ReadingConfig(dg.Config):
    """Which release reads: empty for the batch's own, ``current``, or the id of a release."""

    release_id: str = ""


@dg.asset(
    partitions_def=batches,
    deps=[columns, "second_readings", released_recogniser],
    group_name="machine",
    kinds={"python", "torch", "parquet"},
    owners=["team:ml-engineers"],
    code_version=CODE,
    pool="gpu0",
)
def readings(
    context: dg.AssetExecutionContext, config: ReadingConfig, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """釋讀: what UniCalli reads in every column nobody has approved, heeding the second opinion."""
    batch = context.partition_key
    if config.release_id == CURRENT:
        release = current(project)
    elif config.release_id:
        release = find(project, config.release_id)
    else:
        release = pinned(project, batch)
    return _materialize(context, project, Reader.UNICALLI, release)


@dg.asset(
    partitions_def=batches,
    deps=[columns],
    group_name="machine",
    kinds={"python", "onnx", "parquet"},
    owners=["team:ml-engineers"],
    code_version=SECOND_CODE,
)
def second_readings(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """The second opinion: what RapidOCR reads in the same boxes."""
    return _materialize(context, project, Reader.RAPIDOCR, None)


TABLE_OF = {Reader.UNICALLI: "readings", Reader.RAPIDOCR: "second_readings"}


def _materialize(
    context: dg.AssetExecutionContext, project: Project, reader: Reader, release: Release | None
) -> dg.MaterializeResult[None]:
    batch, table = context.partition_key, TABLE_OF[reader]
    release_id = release.release_id if release else ""
    stage = Stage(
        project=project,
        table=table,
        batch=batch,
        record_type=Reading,
        inputs=fingerprint(
            CODE if release else SECOND_CODE,
            release_id,
            data_version(project.tables, "columns", batch),
            data_version(project.tables, "second_readings", batch) if release else "",
        ),
    )
    is_unchanged = stage.is_same()
    if not is_unchanged:
        kept = kept_readings(project, batch) if release else {}
        staged = _staged(project, stage, sorted(kept))
        if staged.manifest(table, batch) is None and _stage_columns(project, staged, batch, kept):
            read_columns(
                project.settings,
                tables=staged.root,
                store=project.settings.store_url,
                batch=batch,
                reader=reader,
                checkpoint=checkpoint(project, release) if release else None,
                release_id=release_id,
                second=_second(project, batch) if release else "",
                on_progress=context.log.info,
                lock=project.gpu_lock if release else None,
            )
        stage.write(_merged(project, staged, batch, table, kept))
        shutil.rmtree(staged.root)
    taken = project.tables.manifest("columns", batch)
    return stage.report(
        taken=taken.accepted if taken else 0,
        is_unchanged=is_unchanged,
        metadata={"reader": reader.value, "release": release_id or "none", **_figures(stage)},
    )


def _second(project: Project, batch: str) -> str:
    """Where the second opinion is, if there is one."""
    is_there = project.tables.manifest("second_readings", batch) is not None
    return project.settings.tables_url if is_there else ""


def kept_readings(project: Project, batch: str) -> dict[str, Reading]:
    """The readings of columns that people approved, by column: no new release replaces them."""
    if project.tables.manifest("readings", batch) is None:
        return {}
    approved = approved_columns(project, batch)
    return {
        reading.column_id: reading
        for group in project.tables.iterate("readings", batch, Reading)
        for reading in group
        if reading.column_id in approved
    }


def _staged(project: Project, stage: Stage[Reading], kept: list[str]) -> Tables:
    """The staging tables of exactly this work; those of other work on the partition are swept."""
    prefix = f"{stage.table}-{stage.batch}-"
    folder = project.staging / (prefix + fingerprint(stage.inputs, *kept))
    for other in project.staging.glob(f"{prefix}{'?' * 16}"):
        if other != folder:
            shutil.rmtree(other)
    return Tables(folder)


def _stage_columns(
    project: Project, staged: Tables, batch: str, kept: Mapping[str, Reading]
) -> int:
    """Write the columns that are to be read, and return how many they are."""
    manifest = staged.write(
        "columns",
        batch,
        Column,
        (
            column
            for group in project.tables.iterate("columns", batch, Column)
            for column in group
            if column.column_id not in kept
        ),
    )
    return manifest.accepted


def _merged(
    project: Project, staged: Tables, batch: str, table: str, kept: Mapping[str, Reading]
) -> Iterator[Reading | Rejection]:
    """Kept and new readings of every column, in the order of the columns, then rejections."""
    new: dict[str, Reading] = {}
    if staged.manifest(table, batch) is not None:
        new = {reading.column_id: reading for reading in staged.read(table, batch, Reading)}
        yield from staged.rejections(table, batch)
    for group in project.tables.iterate("columns", batch, Column):
        for column in group:
            reading = kept.get(column.column_id) or new.get(column.column_id)
            if reading is not None:
                yield reading


def _figures(stage: Stage[Reading]) -> dict[str, float]:
    characters = [
        character
        for group in stage.project.tables.iterate(stage.table, stage.batch, Reading)
        for reading in group
        for character in reading.characters
    ]
    if not characters:
        return {"characters": 0}
    return {
        "characters": len(characters),
        "refused": sum(not character.text for character in characters),
        "mean score": sum(character.score for character in characters) / len(characters),
    }
