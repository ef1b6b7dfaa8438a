"""The asset ``page_quality``: one row a page for the archivist, made for eyes and not for stages.

Nothing stands downstream of it: a page that deserves a look is told, not held back.
"""

from collections import defaultdict

import dagster as dg

from assets.columns import columns
from assets.pages import pages
from assets.partitions import batches
from assets.previews import ordered_boxes
from assets.resources import Project
from assets.stages import Stage, code_version, data_version, fingerprint
from pipelines.quality import PageQuality, QualityParams
from pipelines.quality import page_quality as quality_of
from pipelines.records import Column, Page, Rejection, Scan

CODE = code_version("pipelines/quality.py")

ROWS_SHOWN = 40


@dg.asset(
    partitions_def=batches,
    deps=[pages, columns],
    group_name="material",
    kinds={"python", "parquet"},
    owners=["team:archivists"],
    code_version=CODE,
)
def page_quality(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """What was found on every page of the batch, and which pages deserve a look."""
    batch, params = context.partition_key, QualityParams()
    tables = project.tables
    upstream = [data_version(tables, name, batch) for name in ("pages", "columns")]
    stage = Stage(
        project=project,
        table="page_quality",
        batch=batch,
        record_type=PageQuality,
        inputs=fingerprint(CODE, params, *upstream),
    )
    is_unchanged = stage.is_same()
    if not is_unchanged:
        stage.write(judge(project, batch, params))
    rows = tables.read("page_quality", batch, PageQuality)
    return stage.report(
        taken=len(rows),
        preview=ordered_boxes(project, batch),
        is_unchanged=is_unchanged,
        metadata={
            "pages to look at": sum(bool(row.advice) for row in rows),
            "table": dg.MetadataValue.md(as_markdown(rows)),
        },
    )


def judge(project: Project, batch: str, params: QualityParams) -> list[PageQuality]:
    """The rows of a batch in the order of its pages."""
    of_page: dict[str, list[Column]] = defaultdict(list)
    for column in project.tables.read("columns", batch, Column):
        of_page[column.page_id].append(column)
    refused: dict[str, list[Rejection]] = defaultdict(list)
    for rejection in project.tables.rejections("columns", batch):
        refused[rejection.item_id].append(rejection)
    files = {s.scan_id: s.file_name for s in project.tables.read("scans", batch, Scan)}
    return [
        quality_of(
            page,
            files[page.scan_id],
            of_page[page.page_id],
            refused[page.page_id],
            params,
        )
        for page in project.tables.read("pages", batch, Page)
    ]


def as_markdown(rows: list[PageQuality]) -> str:
    """The pages that deserve a look first, as Dagster shows a table."""
    shown = sorted(rows, key=lambda row: not row.advice)[:ROWS_SHOWN]
    names = ("work", "file", "page", "columns", "characters", "ink", "noise", "look at")
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for row in shown:
        counted = f"{row.column_count} | {row.character_count}"
        shares = f"{row.ink_fraction:.0%} | {row.noise_score:.0%}"
        place = f"{row.work.title} | {row.file_name} | {row.page_index + 1}"
        lines.append(f"| {place} | {counted} | {shares} | {row.advice} |")
    more = len(rows) - len(shown)
    return "\n".join([*lines, *([f"\n... and {more} more pages"] if more > 0 else [])])
