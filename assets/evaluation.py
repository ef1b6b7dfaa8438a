"""The asset ``evaluation``: the newest model and the current reader on the same frozen split.

Both are judged by the same command on the same samples in the same run, so that neither a
larger test split nor another version of the metrics can pass for progress.
"""

import shutil
from collections.abc import Iterator

import dagster as dg

from assets.commands import run_training
from assets.models import model, newest_model
from assets.release_pointer import checkpoint, current
from assets.resources import Project
from assets.stages import Stage, code_version, fingerprint
from pipelines.errors import ModelError
from pipelines.records import Evaluation, Model, Release, Sample, Split
from pipelines.tables import Tables

CODE = code_version("training")


@dg.asset(
    deps=[model],
    group_name="machine",
    kinds={"python", "torch", "parquet"},
    owners=["team:ml-engineers"],
    code_version=CODE,
    pool="gpu0",
)
def evaluation(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """How the newest model and the current reader do on the frozen test split."""
    candidate, release = newest_model(project, context.instance), current(project)
    judged = [s for s in project.tables.read_all("samples", Sample) if s.split is Split.TEST]
    if not judged:
        raise ModelError(
            "The frozen split is empty: no approved column belongs to a work of the test split, "
            "so nothing can be measured. Approve columns of more works, or release by hand with "
            "`beitie release --model ID --reason ...`."
        )
    ids = sorted(sample.sample_id for sample in judged)
    stage = Stage(
        project=project,
        table="evaluations",
        batch=candidate.model_id,
        record_type=Evaluation,
        inputs=fingerprint(CODE, candidate.model_id, release.model_id, ids),
    )
    is_unchanged = stage.is_same()
    if not is_unchanged:
        staged = Tables(project.staging / f"evaluation-{stage.inputs}")
        staged.write("samples", "test", Sample, judged)
        stage.write(_evaluations(context, project, staged, candidate, release))
        shutil.rmtree(staged.root)
    rows = project.tables.read("evaluations", candidate.model_id, Evaluation)
    return stage.report(
        is_unchanged=is_unchanged,
        metadata={
            "model": candidate.model_id,
            "release": release.release_id,
            "columns judged": len(judged),
            "figures": dg.MetadataValue.md(_table(rows)),
        },
    )


def _evaluations(
    context: dg.AssetExecutionContext,
    project: Project,
    staged: Tables,
    candidate: Model,
    release: Release,
) -> Iterator[Evaluation]:
    folders = {release.model_id: checkpoint(project, release)}
    folders[candidate.model_id] = project.absolute(candidate.checkpoint_path)
    for model_id, folder in folders.items():
        if staged.manifest("evaluations", model_id) is None:
            arguments = ["--tables", staged.root, "--store", project.settings.store_url]
            arguments += ["--checkpoint", str(folder), "--model-id", model_id, "--batch", model_id]
            run_training(
                project.settings,
                "evaluate",
                arguments,
                on_progress=context.log.info,
                lock=project.gpu_lock,
            )
        yield from staged.read("evaluations", model_id, Evaluation)


def _table(rows: list[Evaluation]) -> str:
    lines = ["| model | reader | metric | value | 95 % interval | characters |", "|" + "---|" * 6]
    lines += [
        f"| {row.model_id} | {row.reader.value} | {row.metric} | {row.value:.2f} "
        f"| {row.low:.2f} to {row.high:.2f} | {row.character_count} |"
        for row in rows
    ]
    return "\n".join(lines)
