"""The asset ``reviews``: columns as people left them. No re-run ever changes an approval."""

import dagster as dg

from annotation.pull import PullParams, pull
from annotation.rules import rules_of
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
    """校訂: columns that people decided, each with its state; the rest says why not yet."""
    batch = context.partition_key
    found = pull(
        project.tables,
        batch,
        project.label_studio(),
        journal=project.journal,
        params=PullParams(
            approvers=project.settings.approvers,
            needs_second_person=rules_of(project.home, batch).needs_second_person,
        ),
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
            **{state.value: count for state, count in sorted(found.states.items())},
            "new": found.new_reviews,
            "flags": len(found.flags),
            "seconds": found.seconds,
        },
    )
