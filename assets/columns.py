"""The asset ``columns``: characters grouped from top to bottom, columns from right to left.

A page that people laid out is cut into their columns. A new layout cuts its page again; the
other pages of the batch keep what they have.
"""

from collections import defaultdict
from collections.abc import Iterator

import dagster as dg

from assets.page_layouts import (
    cut_before,
    layouts_version,
    page_layouts,
    parted,
    said_of,
    with_layouts,
)
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
    "pipelines/layouts.py",
    "pipelines/order",
)


@dg.asset(
    partitions_def=batches,
    deps=[pages, page_layouts],
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
    material = fingerprint(CODE, params, data_version(project.tables, "pages", batch))
    stage = Stage(
        project=project,
        table="columns",
        batch=batch,
        record_type=Column,
        inputs=with_layouts(material, layouts_version(project, batch)),
    )
    is_unchanged = stage.is_same()
    if not is_unchanged:
        stage.write(_columns_of(project, batch, params, material))
    return stage.report(preview=ordered_boxes(project, batch), is_unchanged=is_unchanged)


def _columns_of(
    project: Project, batch: str, params: ColumnParams, material: str
) -> Iterator[Column | Rejection]:
    tables, said = project.tables, said_of(project, batch)
    there = _unchanged(
        project, batch, material, {p: one.layout.layout_id for p, one in said.items()}
    )
    pages_of_batch = (page for group in tables.iterate("pages", batch, Page) for page in group)
    manifest = tables.manifest("pages", batch)
    count = (manifest.accepted if manifest else 0) - len(there)
    cut = process_columns(
        (page for page in pages_of_batch if page.page_id not in there),
        project.store,
        params,
        CODE,
        said=said,
        workers=project.settings.workers(count),
    )
    if not there:
        return cut
    return _in_order_of_pages(project, batch, cut, there)


Outcomes = dict[str, list[Column | Rejection]]


def _unchanged(project: Project, batch: str, material: str, layout_ids: dict[str, str]) -> Outcomes:
    """What the table has of pages that only others' layouts changed beside, by page id."""
    manifest = project.tables.manifest("columns", batch)
    if manifest is None or parted(manifest.inputs)[0] != material:
        return {}
    found: Outcomes = defaultdict(list)
    changed = set()
    for column in cut_before(project, batch):
        found[column.page_id].append(column)
        has_pictures = all(map(project.store.has, (column.image_key, column.ink_key)))
        if column.layout_id != layout_ids.get(column.page_id, "") or not has_pictures:
            changed.add(column.page_id)
    for rejection in project.tables.rejections("columns", batch):
        if rejection.item_id in found:
            found[rejection.item_id].append(rejection)
    return {page_id: rows for page_id, rows in found.items() if page_id not in changed}


def _in_order_of_pages(
    project: Project, batch: str, cut: Iterator[Column | Rejection], there: Outcomes
) -> Iterator[Column | Rejection]:
    """New cuts and what is there, page after page."""
    anew: Outcomes = defaultdict(list)
    for outcome in cut:
        anew[outcome.page_id if isinstance(outcome, Column) else outcome.item_id].append(outcome)
    for group in project.tables.iterate("pages", batch, Page):
        for page in group:
            yield from there.get(page.page_id) or anew[page.page_id]
