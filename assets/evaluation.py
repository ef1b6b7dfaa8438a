"""The asset ``evaluation``: the newest model and the current reader on the same frozen split.

Both are judged by the same command on the same samples in the same run and compared column by
column, so that neither a larger test split nor another version of the metrics can pass for
progress. The figures go onto the model's card.
"""

import shutil

import dagster as dg

from assets.commands import run_training
from assets.model_cards import evaluation_part, figures_table, tell_on_card
from assets.models import model, newest_model
from assets.promotion import judge
from assets.release_pointer import checkpoint, current, find
from assets.resources import Project
from assets.stages import Stage, code_version, fingerprint
from assets.waiting import seen_by_training
from pipelines.errors import ModelError
from pipelines.evaluations import Evaluation
from pipelines.records import Model, Release, Sample, Split
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
    candidate = newest_model(project, context.instance)
    release = _beside(project, candidate)
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
        # Whose writing was trained on tells known hands from unseen ones.
        staged.write("samples", "train", Sample, seen_by_training(project))
        stage.write(_evaluations(context, project, staged, candidate, release))
        shutil.rmtree(staged.root)
    rows = project.tables.read("evaluations", candidate.model_id, Evaluation)
    verdict = judge(rows, candidate_id=candidate.model_id, release_id=release.model_id)
    tell_on_card(project.absolute(candidate.checkpoint_path), evaluation_part(rows, verdict))
    return stage.report(
        is_unchanged=is_unchanged,
        metadata={
            "model": candidate.model_id,
            "release": release.release_id,
            "columns judged": len(judged),
            "verdict": verdict.why,
            "figures": dg.MetadataValue.md(figures_table(rows)),
        },
    )


def _beside(project: Project, candidate: Model) -> Release:
    """The current reader; where the candidate is just that, the one it replaced."""
    reader = current(project)
    is_itself = reader.model_id == candidate.model_id
    return find(project, reader.replaces) if is_itself else reader


def _evaluations(
    context: dg.AssetExecutionContext,
    project: Project,
    staged: Tables,
    candidate: Model,
    release: Release,
) -> list[Evaluation]:
    if staged.manifest("evaluations", candidate.model_id) is None:
        arguments = ["--tables", staged.root, "--store", project.settings.store_url]
        arguments += ["--checkpoint", str(project.absolute(candidate.checkpoint_path))]
        arguments += ["--model-id", candidate.model_id, "--batch", candidate.model_id]
        arguments += ["--against", str(checkpoint(project, release))]
        arguments += ["--against-id", release.model_id]
        run_training(
            project.settings,
            "evaluate",
            arguments,
            on_progress=context.log.info,
            lock=project.gpu_lock,
        )
    return staged.read("evaluations", candidate.model_id, Evaluation)
