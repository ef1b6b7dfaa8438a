"""The asset ``review_tasks``: drafts before people, in Label Studio."""

from dataclasses import asdict

import dagster as dg

from annotation.gold import choose_gold
from annotation.hints import HOOK_PATH, SECRET_HEADER
from annotation.push import push
from annotation.rules import rules_of
from assets.hands import hands
from assets.partitions import batches
from assets.readings import readings, second_readings
from assets.resources import Project
from assets.stages import code_version, report_of
from pipelines.errors import ServiceError

CODE = code_version("annotation")

# The client has its own patience with single calls; this is for a server that restarts.
PATIENCE = dg.RetryPolicy(max_retries=1, delay=10)


@dg.asset(
    partitions_def=batches,
    deps=[readings, second_readings, hands],
    group_name="people",
    kinds={"python", "labelstudio", "parquet"},
    owners=["team:annotators"],
    code_version=CODE,
    retry_policy=PATIENCE,
)
def review_tasks(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """One task a column with its draft; the ones that need eyes come first."""
    batch = context.partition_key
    columns = project.tables.manifest("columns", batch)
    gold = choose_gold(
        project.tables,
        project.journal,
        batch,
        columns.accepted if columns else 0,
        rules_of(project.home, batch),
    )
    done = push(
        project.tables,
        project.store,
        batch,
        project.label_studio(),
        images=project.images,
        code_version=CODE,
        face=project.standard_font,
        gold=gold,
    )
    settings = project.settings
    if settings.hook_secret:
        address, secret = settings.hook_url + HOOK_PATH, {SECRET_HEADER: settings.hook_secret}
        try:
            project.label_studio().ensure_webhook(done.project_id, address, secret)
        except ServiceError as error:
            context.log.warning(f"No hints from Label Studio; it is asked every minute: {error}")
    context.log.info(
        f"{done.tasks_created} tasks made, {done.tasks_found} found, {done.tasks_refreshed} with "
        f"a new draft, {done.tasks_begun} begun by somebody and left alone"
    )
    shown = asdict(done)
    return report_of(
        project.tables,
        "review_tasks",
        batch,
        taken=done.columns,
        metadata={k: v for k, v in shown.items() if isinstance(v, int | float)},
    )
