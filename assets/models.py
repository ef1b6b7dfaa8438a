"""The asset ``model``: the next reader.

Training runs as a command and never by surprise: by hand, or by a sensor that was told to. Each
model has its own partition in ``models`` and its own folder; nothing overwrites another one.
"""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from assets.commands import run_training
from assets.release_pointer import WEIGHTS, checkpoint, current
from assets.resources import Project
from assets.samples import samples
from assets.stages import Stage, code_version, fingerprint, report_of
from assets.waiting import SEEN_SAMPLES, sample_fingerprint, seen_by_training
from pipelines.errors import ModelError
from pipelines.ids import derive_id
from pipelines.records import Model, Release, Sample

CODE = code_version("training")


class TrainingConfig(dg.Config):
    """What a training may spend. ``seconds`` 0 takes BEITIE_TRAIN_SECONDS."""

    recipe: str = "unicalli.fine_tune"
    seconds: int = 0
    again: bool = False
    """Train even though the current reader was trained on exactly these samples."""


@dg.asset(
    deps=[samples],
    group_name="machine",
    kinds={"python", "torch", "safetensors"},
    owners=["team:ml-engineers"],
    code_version=CODE,
    pool="gpu0",
)
def model(
    context: dg.AssetExecutionContext, config: TrainingConfig, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """模型: the current reader, trained further on what people approved."""
    parent = current(project)
    seen = _trainable(project)
    seen_fingerprint = sample_fingerprint(seen)
    made = _reads_already(project, parent, config, seen_fingerprint)
    is_unchanged = made is not None
    if made is None:
        seconds = config.seconds or project.settings.train_seconds
        inputs = fingerprint(CODE, config.recipe, seconds, parent.release_id, seen_fingerprint)
        stage = Stage(
            project=project,
            table="models",
            batch=derive_id("model", inputs),
            record_type=Model,
            inputs=inputs,
        )
        folder = project.models / stage.batch
        is_unchanged = stage.is_same() and (folder / WEIGHTS).is_file()
        if not is_unchanged:
            started = datetime.now(UTC)
            _train(context, project, parent, config.recipe, seconds, folder, seen)
            ended = datetime.now(UTC)
            row = Model(
                model_id=stage.batch,
                family=parent.family,
                recipe=config.recipe,
                parent_release_id=parent.release_id,
                sample_fingerprint=seen_fingerprint,
                sample_count=len(seen),
                checkpoint_path=project.relative(folder),
                trained_at=ended,
                train_seconds=(ended - started).total_seconds(),
            )
            stage.write([row])
        made = project.tables.read("models", stage.batch, Model)[0]
    return report_of(
        project.tables,
        "models",
        made.model_id,
        metadata={
            MODEL_KEY: made.model_id,
            "is_unchanged": is_unchanged,
            "parent release": made.parent_release_id,
            "samples": made.sample_count,
            "characters": sum(len(sample.characters) for sample in seen),
            "seconds": made.train_seconds,
        },
    )


MODEL_KEY = "model"
"""Under which metadata key the asset ``model`` names the model it made."""


def newest_model(project: Project, instance: dg.DagsterInstance | None = None) -> Model:
    """The model that the asset ``model`` made last, as Dagster saw it, else by its time.

    Raises:
        ModelError: If none was trained yet.
    """
    models = {model.model_id: model for model in project.tables.read_all("models", Model)}
    if not models:
        raise ModelError("No model was trained yet. `beitie train` trains one.")
    event = instance.get_latest_materialization_event(dg.AssetKey("model")) if instance else None
    if event is not None and event.asset_materialization is not None:
        named = event.asset_materialization.metadata.get(MODEL_KEY)
        if named is not None and str(named.value) in models:
            return models[str(named.value)]
    return max(models.values(), key=lambda model: (model.trained_at, model.model_id))


def _trainable(project: Project) -> list[Sample]:
    seen = seen_by_training(project)
    if not seen:
        held_out = len(project.tables.read_all("samples", Sample))
        raise ModelError(
            f"There is nothing to train on: {held_out} approved columns, none of a work of the "
            f"train split. Approve columns of more works, then run this again."
        )
    return seen


def _reads_already(
    project: Project, parent: Release, config: TrainingConfig, seen_fingerprint: str
) -> Model | None:
    """The current reader, if it was trained by this recipe on exactly these samples."""
    if config.again or project.tables.manifest("models", parent.model_id) is None:
        return None
    reader = project.tables.read("models", parent.model_id, Model)[0]
    is_same = (reader.recipe, reader.sample_fingerprint) == (config.recipe, seen_fingerprint)
    return reader if is_same else None


def _train(
    context: dg.AssetExecutionContext,
    project: Project,
    parent: Release,
    recipe: str,
    seconds: int,
    folder: Path,
    seen: list[Sample],
) -> None:
    # Written beside and moved at the end: a folder under its final name is complete.
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    settings = project.settings
    arguments = ["--tables", settings.tables_url, "--store", settings.store_url]
    arguments += ["--recipe", recipe, "--parent", str(checkpoint(project, parent))]
    arguments += ["--out", str(partial), "--seconds", str(seconds)]
    if settings.threads:
        arguments += ["--threads", str(settings.threads)]
    report = run_training(
        settings, "train", arguments, on_progress=context.log.info, lock=project.gpu_lock
    )
    if not (partial / WEIGHTS).is_file():
        raise ModelError(f"The training ended well but left no {WEIGHTS} in {partial}.")
    ids = "\n".join(sorted(sample.sample_id for sample in seen))
    (partial / SEEN_SAMPLES).write_text(ids + "\n", encoding="ascii")
    context.log.info(f"training reported {report}")
    os.replace(partial, folder)
