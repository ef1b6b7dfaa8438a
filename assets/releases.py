"""The asset ``release``: the model that reads from now on."""

from datetime import UTC, datetime

import dagster as dg

from assets.evaluation import evaluation
from assets.models import newest_model
from assets.promotion import judge
from assets.readings import released_recogniser
from assets.release_pointer import current, open_release
from assets.resources import Project
from pipelines.errors import ModelError
from pipelines.evaluations import Evaluation
from pipelines.records import Release


@dg.asset(
    deps=[evaluation],
    group_name="machine",
    kinds={"python", "safetensors"},
    owners=["team:ml-engineers"],
)
def release(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """發布: the newest model reads from now on, if it is better or surely no worse."""
    candidate, before = newest_model(project, context.instance), current(project)
    rows = project.tables.read("evaluations", candidate.model_id, Evaluation)
    # The blocking check stops a run that materialized the evaluation; this one stops a person
    # who materializes the release alone.
    verdict = judge(rows, candidate_id=candidate.model_id, release_id=before.model_id)
    if not verdict.is_released:
        raise ModelError(f"Model {candidate.model_id} is not released: {verdict.why}.")
    opened = open_release(project, candidate, reason=verdict.why, now=datetime.now(UTC))
    context.log_event(moved_pointer(opened))
    return dg.MaterializeResult(
        metadata=_shown(opened), data_version=dg.DataVersion(opened.release_id)
    )


def moved_pointer(opened: Release) -> dg.AssetMaterialization:
    """Tells Dagster that the external asset ``released_recogniser`` now names this release."""
    return dg.AssetMaterialization(
        asset_key=released_recogniser.key,
        metadata=_shown(opened),
        tags={"dagster/data_version": opened.release_id},
    )


def _shown(opened: Release) -> dict[str, str]:
    return {
        "release": opened.release_id,
        "model": opened.model_id,
        "replaces": opened.replaces or "nothing",
        "reason": opened.reason,
        "released at": opened.released_at.isoformat(),
    }
