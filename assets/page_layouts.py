"""What people drew on pages, as the columns see it: the layouts that hold, and what they are for.

A plain cycle is refused: layouts are drawn over columns, and columns are cut by layouts. It closes
as the loop of releases does, through something external: ``columns`` reads the table ``layouts``
as it is then, and its manifest names what it read.

Keeps out: fetching layouts (``assets.layouts``), cutting by them (``pipelines.layouts``).
"""

from __future__ import annotations

from collections import defaultdict

import dagster as dg

from annotation.layout_pull import approved_by_people
from assets.partitions import batches
from assets.resources import Project
from assets.stages import fingerprint
from pipelines.errors import TableError
from pipelines.layouts import LayoutReview, Said
from pipelines.records import Column

page_layouts = dg.AssetSpec(
    "page_layouts",
    partitions_def=batches,
    description="版式: columns and their order as people drew them. No code makes them.",
    group_name="people",
    kinds={"labelstudio"},
    owners=["team:annotators"],
)


def layouts_of(project: Project, batch: str) -> dict[str, LayoutReview]:
    """The layout that holds for each page that people laid out, by page id."""
    if project.tables.manifest("layouts", batch) is None:
        return {}
    return {found.page_id: found for found in project.tables.read("layouts", batch, LayoutReview)}


def said_of(project: Project, batch: str) -> dict[str, Said]:
    """What people said of pages: layouts, and on those pages the columns that they approved.

    The approvals come from the journal, the columns as they are from the table.
    """
    layouts = layouts_of(project, batch)
    approved = approved_by_people(project.journal, batch) if layouts else {}
    kept: dict[str, list[Column]] = defaultdict(list)
    for column in cut_before(project, batch) if layouts else ():
        if column.page_id in layouts and column.column_id in approved:
            kept[column.page_id].append(column)
    return {page_id: Said(layout, tuple(kept[page_id])) for page_id, layout in layouts.items()}


def cut_before(project: Project, batch: str) -> list[Column]:
    """The columns as the batch has them; none if another version of the program wrote them."""
    if project.tables.manifest("columns", batch) is None:
        return []
    try:
        return project.tables.read("columns", batch, Column)
    except TableError:
        return []


def layouts_version(project: Project, batch: str) -> str:
    """Names the layouts of a batch; empty without any."""
    found = sorted(layout.layout_id for layout in layouts_of(project, batch).values())
    return fingerprint(found) if found else ""


def with_layouts(material: str, version: str) -> str:
    """What columns are made from: the material, and the layouts that they are cut by."""
    return f"{material}+{version}" if version else material


def parted(inputs: str) -> tuple[str, str]:
    """The two parts of :func:`with_layouts`."""
    material, _, version = inputs.partition("+")
    return material, version


def to_cut_again(project: Project) -> dict[str, str]:
    """The batches whose columns are not cut by the layouts of now, with the version of those."""
    found = {}
    for batch in project.tables.batches("layouts"):
        manifest = project.tables.manifest("columns", batch)
        wanted = layouts_version(project, batch)
        if manifest is not None and parted(manifest.inputs)[1] != wanted:
            found[batch] = wanted
    return found
