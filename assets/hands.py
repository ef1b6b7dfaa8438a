"""The asset ``hands``: how each work's hand looks, and whose it is most like.

A vector a work: by it the queue lets different hands take turns, the desk names works in a like
hand, and the page view shows which strokes told. It is an opinion of a model, not a fact of the
work: it orders what people see and decides nothing.
"""

import dagster as dg

from assets.columns import columns
from assets.commands import run_training
from assets.families import family_checkpoint
from assets.partitions import batches
from assets.release_pointer import WEIGHTS
from assets.resources import Project
from assets.stages import Stage, code_version, data_version, file_fingerprint, fingerprint
from pipelines.hand_styles import Hand

FAMILY = "scriptvit"
CODE = code_version(f"training/families/{FAMILY}", "training/whose_hand.py")

ROWS_SHOWN = 40


@dg.asset(
    partitions_def=batches,
    deps=[columns],
    group_name="machine",
    kinds={"python", "torch", "parquet"},
    owners=["team:ml-engineers"],
    code_version=CODE,
    pool="gpu0",
)
def hands(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """手: the hand of every work of the batch as a vector, and the likest hand that is known."""
    batch, checkpoint = context.partition_key, family_checkpoint(project, FAMILY)
    stage = Stage(
        project=project,
        table="hands",
        batch=batch,
        record_type=Hand,
        inputs=fingerprint(
            CODE,
            file_fingerprint(checkpoint / WEIGHTS),
            data_version(project.tables, "columns", batch),
        ),
    )
    is_unchanged = stage.is_same()
    if not is_unchanged:
        settings = project.settings
        arguments = ["--tables", settings.tables_url, "--store", settings.store_url]
        arguments += ["--batch", batch, "--checkpoint", str(checkpoint), "--inputs", stage.inputs]
        arguments += ["--code-version", CODE]
        run_training(
            settings, "hands", arguments, on_progress=context.log.info, lock=project.gpu_lock
        )
    rows = project.tables.read("hands", batch, Hand)
    return stage.report(
        taken=len(rows) + len(project.tables.rejections("hands", batch)),
        is_unchanged=is_unchanged,
        metadata={"table": dg.MetadataValue.md(as_markdown(rows))},
    )


def as_markdown(rows: list[Hand]) -> str:
    """Works and the hands they are most like, as Dagster shows a table."""
    lines = ["| work | said to be by | most like | distance | known hand |", "|---" * 5 + "|"]
    lines += [
        f"| `{row.work_id}` | {row.calligrapher}, {row.script} | {row.nearest_hand} "
        f"| {row.distance:.2f} | {'no' if row.is_rejected else 'yes'} |"
        for row in rows[:ROWS_SHOWN]
    ]
    return "\n".join(lines)
