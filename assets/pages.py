"""The asset ``pages``: upright pictures with their normalized ink."""

import dagster as dg

from assets.partitions import batches
from assets.previews import ink_sheet
from assets.resources import Project
from assets.scans import scans
from assets.stages import Stage, code_version, data_version, fingerprint
from pipelines.pages import PageParams, process_pages
from pipelines.records import Page, Scan

CODE = code_version("pipelines/pages.py", "pipelines/imaging")


@dg.asset(
    partitions_def=batches,
    deps=[scans],
    group_name="material",
    kinds={"python", "opencv", "parquet"},
    owners=["team:archivists"],
    code_version=CODE,
)
def pages(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """頁: every page of the batch upright, its ink white on black, its polarity kept."""
    batch, params = context.partition_key, PageParams()
    stage = Stage(
        project=project,
        table="pages",
        batch=batch,
        record_type=Page,
        inputs=fingerprint(CODE, params, data_version(project.tables, "scans", batch)),
    )
    taken = sum(scan.page_count for scan in project.tables.read("scans", batch, Scan))
    is_unchanged = stage.is_same()
    if not is_unchanged:
        scans_of_batch = (
            scan for group in project.tables.iterate("scans", batch, Scan) for scan in group
        )
        workers = project.settings.workers(taken)
        stage.write(process_pages(scans_of_batch, project.store, params, CODE, workers=workers))
    return stage.report(taken=taken, preview=ink_sheet(project, batch), is_unchanged=is_unchanged)
