"""The asset ``augmentations``: what a model wrote for hands and characters that are rare.

Off by default in training: the recipe ``unicalli.augmented`` takes it in, no other does. What
stands here was approved by nobody and leaves in no export.
"""

from typing import Literal

import dagster as dg
from pydantic import Field

from assets.commands import run_training
from assets.families import family_checkpoint
from assets.partitions import APPROVED
from assets.previews import sample_sheet
from assets.release_pointer import WEIGHTS, checkpoint, current
from assets.resources import Project
from assets.samples import samples
from assets.stages import Stage, code_version, data_version, file_fingerprint, fingerprint
from pipelines.augmentations import AugmentationParams
from pipelines.records import ILLEGIBLE, Sample

FAMILIES = ("calliffusion", "scriptvit")
CODE = code_version(
    *(f"training/families/{family}" for family in FAMILIES),
    *("training/augmenting.py", "training/pens.py", "training/imitating.py"),
    *("training/likest_hand.py", "training/adapted_strength.py", "pipelines/augmentations.py"),
)


class AugmentationConfig(dg.Config):
    """How much may be written."""

    budget: int = Field(
        default=AugmentationParams().budget, ge=1, description="Characters in all hands together."
    )
    family: Literal["calliffusion", "scriptvit"] = Field(
        default="calliffusion", description="Who writes: by learning a hand, or by looking at it."
    )
    seconds: int = Field(default=120, ge=1, description="At most, of learning one hand.")
    seed: int = Field(default=0, description="All randomness.")


@dg.asset(
    deps=[samples],
    group_name="machine",
    kinds={"python", "torch", "parquet"},
    owners=["team:ml-engineers"],
    code_version=CODE,
    pool="gpu0",
)
def augmentations(
    context: dg.AssetExecutionContext,
    project: dg.ResourceParam[Project],
    config: AugmentationConfig,
) -> dg.MaterializeResult[None]:
    """補字: columns a model wrote in rare hands, each character read back before it counts."""
    writer = family_checkpoint(project, config.family)
    reader = checkpoint(project, current(project))
    stage = Stage(
        project=project,
        table="augmentations",
        batch=APPROVED,
        record_type=Sample,
        inputs=fingerprint(
            CODE,
            config.budget,
            config.seconds,
            config.seed,
            file_fingerprint(writer / WEIGHTS),
            file_fingerprint(reader / WEIGHTS),
            data_version(project.tables, "samples", APPROVED),
        ),
    )
    is_unchanged = stage.is_same()
    if not is_unchanged:
        settings = project.settings
        arguments = ["--tables", settings.tables_url, "--store", settings.store_url]
        arguments += ["--batch", APPROVED, "--inputs", stage.inputs]
        arguments += ["--checkpoint", str(writer), "--reader-checkpoint", str(reader)]
        arguments += ["--budget", str(config.budget), "--seconds", str(config.seconds)]
        arguments += ["--seed", str(config.seed), "--code-version", CODE]
        run_training(
            settings, "augment", arguments, on_progress=context.log.info, lock=project.gpu_lock
        )
    made = project.tables.read("augmentations", APPROVED, Sample)
    characters = [c for sample in made for c in sample.characters]
    return stage.report(
        taken=len(made) + len(project.tables.rejections("augmentations", APPROVED)),
        preview=sample_sheet(project, made),
        is_unchanged=is_unchanged,
        metadata={
            "hands": len({(s.work.calligrapher, s.work.script) for s in made}),
            "characters": len(characters),
            "read back as something else": sum(c.canonical == ILLEGIBLE for c in characters),
        },
    )
