"""The asset ``reviews``: columns as people left them. No re-run ever changes an approval."""

import dagster as dg

from annotation.pull import PullParams, pull
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
def reviews(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """校訂: approved, rejected and expert columns; the rest is rejected with why not yet."""
    batch = context.partition_key
    found = pull(
        project.tables,
        batch,
        project.label_studio(),
        journal=project.journal,
        params=PullParams(approvers=project.settings.approvers),
    )
    for flag in found.flags:
        context.log.warning(f"{flag.reason}: column {flag.column_id}: {flag.detail}")
    return report_of(
        project.tables,
        "reviews",
        batch,
        taken=found.columns,
        metadata={
            "approved": found.approved,
            "new": found.new_reviews,
            "flags": len(found.flags),
            "seconds": found.seconds,
        },
    )
