"""The asset ``layouts``: pages as people laid them out; the last word of people holds."""

import dagster as dg

from annotation.layout_pull import pull_layouts
from annotation.pull import PullParams
from assets.partitions import batches
from assets.resources import Project
from assets.review_decisions import review_decisions
from assets.review_tasks import PATIENCE
from assets.stages import code_version, report_of

CODE = code_version("annotation")


@dg.asset(
    partitions_def=batches,
    deps=[review_decisions],
    group_name="people",
    kinds={"python", "labelstudio", "parquet"},
    owners=["team:annotators"],
    code_version=CODE,
    retry_policy=PATIENCE,
)
def layouts(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """版式: the columns and their order as people drew them; the rest is rejected with why not."""
    batch = context.partition_key
    found = pull_layouts(
        project.tables,
        batch,
        project.label_studio(),
        journal=project.journal,
        params=PullParams(approvers=project.settings.approvers),
    )
    for sentence in found.unusable:
        context.log.warning(sentence)
    for flag in found.flags:
        context.log.warning(f"{flag.reason}: column {flag.column_id}: {flag.detail}")
    return report_of(
        project.tables,
        "layouts",
        batch,
        taken=found.pages,
        metadata={
            "new": found.new_layouts,
            "to put right": len(found.unusable),
            "flags": len(found.flags),
            "seconds": found.seconds,
        },
    )
