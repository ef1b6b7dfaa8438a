"""The asset ``columns``: characters grouped from top to bottom, columns from right to left."""

from collections.abc import Iterator

import dagster as dg

from assets.pages import pages
from assets.partitions import batches
from assets.previews import ordered_boxes
from assets.resources import Project
from assets.stages import Stage, code_version, data_version, fingerprint
from pipelines.columns import ColumnParams, process_columns
from pipelines.records import Column, Page, Rejection

CODE = code_version(
    "pipelines/columns.py",
    "pipelines/characters.py",
    "pipelines/finding",
    "pipelines/geometry.py",
    "pipelines/imaging/rhythm.py",
    "pipelines/order",
)


@dg.asset(
    partitions_def=batches,
    deps=[pages],
    group_name="material",
    kinds={"python", "opencv", "parquet"},
    owners=["team:archivists"],
    code_version=CODE,
)
def columns(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """列: the columns of every page with a box for each character, in reading order."""
    batch, params = context.partition_key, ColumnParams()
    stage = Stage(
        project=project,
        table="columns",
        batch=batch,
        record_type=Column,
        inputs=fingerprint(CODE, params, data_version(project.tables, "pages", batch)),
    )
    is_unchanged = stage.is_same()
    if not is_unchanged:
        stage.write(_columns_of(project, batch, params))
    return stage.report(preview=ordered_boxes(project, batch), is_unchanged=is_unchanged)


def _columns_of(project: Project, batch: str, params: ColumnParams) -> Iterator[Column | Rejection]:
    pages_of_batch = (
        page for group in project.tables.iterate("pages", batch, Page) for page in group
    )
    manifest = project.tables.manifest("pages", batch)
    workers = project.settings.workers(manifest.accepted if manifest else 0)
    return process_columns(pages_of_batch, project.store, params, CODE, workers=workers)
