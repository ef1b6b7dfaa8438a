"""Jobs, and the sensors that start them: the rules of ``assets.triggers`` on the real project.

    take_in        inbox -> scans ... review_tasks          a batch         sensor ``inbox``
    take_reviews   layouts, reviews -> effort, samples      a batch         sensor ``decisions``
    cut_again      columns -> readings -> review_tasks      a batch         sensor ``new_layouts``
    read_again     readings -> review_tasks                 a batch         sensor ``releases``
    train_reader   samples -> model -> evaluation -> release                by hand, or opt-in

The sensor ``inbox`` runs from the start; the others wait until somebody turns them on in
Dagster, because they act on people's work. Training never starts by surprise: ``training``
records a proposal, and starts it only where BEITIE_RETRAIN=automatic says so.
"""

import json
import os
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import UTC, datetime

import dagster as dg

from assets.columns import columns
from assets.effort import effort
from assets.evaluation import evaluation
from assets.hands import hands
from assets.layouts import layouts
from assets.models import model
from assets.page_layouts import page_layouts, to_cut_again
from assets.page_quality import page_quality
from assets.pages import pages
from assets.partitions import BATCHES, batches
from assets.readings import ReadingConfig, readings, second_readings
from assets.release_pointer import current
from assets.releases import release
from assets.resources import Project
from assets.review_decisions import review_decisions
from assets.review_tasks import review_tasks
from assets.reviews import reviews
from assets.samples import samples
from assets.scans import scans
from assets.triggers import (
    Attempts,
    Wanted,
    inbox_cause,
    is_look_due,
    layout_cause,
    plan_inbox,
    plan_layouts,
    plan_readings,
    plan_reviews,
    propose_training,
    reading_cause,
    review_cause,
)
from assets.waiting import (
    batch_states,
    decision_signatures,
    sample_fingerprint,
    seen_by_training,
    trained_characters,
)
from pipelines.inbox import signatures

take_in = dg.define_asset_job(
    "take_in",
    dg.AssetSelection.assets(
        scans, pages, columns, page_quality, hands, readings, second_readings, review_tasks
    ),
    description="From the files of a batch to drafts before people.",
)
take_reviews = dg.define_asset_job(
    "take_reviews",
    dg.AssetSelection.assets(layouts, reviews, effort, samples),
    description="From what people decided about a batch to layouts and samples.",
)
cut_again = dg.define_asset_job(
    "cut_again",
    dg.AssetSelection.assets(columns, page_quality, hands, readings, second_readings, review_tasks),
    description="Pages that people laid out, into their columns and back before people.",
)
read_again = dg.define_asset_job(
    "read_again",
    dg.AssetSelection.assets(readings, review_tasks),
    description="What nobody has approved yet, with the reader of now.",
)
train_reader = dg.define_asset_job(
    "train_reader",
    dg.AssetSelection.assets(samples, model, evaluation, release),
    description="From everything approved to the next release, if it is better.",
)

JOBS = [take_in, take_reviews, cut_again, read_again, train_reader]

CAUSE_TAG = "beitie/cause"


@dg.sensor(
    job=take_in,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A folder in the inbox becomes a batch and is taken in.",
)
def inbox(
    context: dg.SensorEvaluationContext, project: dg.ResourceParam[Project]
) -> dg.SensorResult:
    """Looks into the inbox; the cursor holds what it saw, so that copying may take its time."""
    found = signatures(project.inbox)
    seen_before = json.loads(context.cursor or "{}")
    plan = plan_inbox(
        found,
        seen_before=seen_before,
        known_batches=context.instance.get_dynamic_partitions(BATCHES),
        attempts=_attempts(context, [inbox_cause(b, s) for b, s in found.items()]),
    )
    for batch in plan.given_up:
        context.log.warning(f"Batch {batch} failed too often; repair it and run take_in by hand.")
    return dg.SensorResult(
        run_requests=[_request(wanted) for wanted in plan.wanted],
        dynamic_partitions_requests=(
            [batches.build_add_request(list(plan.new_batches))] if plan.new_batches else []
        ),
        cursor=json.dumps(found, sort_keys=True),
        skip_reason=None if plan.wanted else _why_idle("the inbox", plan.unsettled),
    )


@dg.sensor(
    job=take_reviews,
    minimum_interval_seconds=15,
    description="New decisions of people become reviews and samples; a hint makes it look sooner.",
)
def decisions(
    context: dg.SensorEvaluationContext, project: dg.ResourceParam[Project]
) -> dg.SensorResult:
    """Asks Label Studio what changed; its webhooks get lost, so the truth is what it answers."""
    now, hint = time.time(), project.hints.last()
    looked_at = float(context.cursor or 0)
    if not is_look_due(now, looked_at=looked_at, hint_at=hint):
        return dg.SensorResult(skip_reason="No hint since the last look, which was a moment ago.")
    found = decision_signatures(project)
    wanted = plan_reviews(
        found, _attempts(context, [review_cause(b, s) for b, s in found.items() if s])
    )
    return dg.SensorResult(
        run_requests=[_request(one) for one in wanted],
        asset_events=_seen_first(review_decisions.key, wanted, found),
        cursor=str(now),
        skip_reason=None if wanted else "Nobody decided anything since the last look.",
    )


@dg.sensor(
    job=cut_again,
    minimum_interval_seconds=60,
    description="Pages that people laid out anew are cut into their columns.",
)
def new_layouts(
    context: dg.SensorEvaluationContext, project: dg.ResourceParam[Project]
) -> dg.SensorResult:
    """Compares the layouts of every batch with those that its columns are cut by."""
    found = to_cut_again(project)
    wanted = plan_layouts(found, _attempts(context, [layout_cause(*one) for one in found.items()]))
    return dg.SensorResult(
        run_requests=[_request(one) for one in wanted],
        asset_events=_seen_first(page_layouts.key, wanted, found),
        skip_reason=None if wanted else "Every page is cut as people laid it out.",
    )


@dg.sensor(
    job=read_again,
    minimum_interval_seconds=60,
    description="After a release: read again what nobody has approved yet.",
)
def releases(
    context: dg.SensorEvaluationContext, project: dg.ResourceParam[Project]
) -> dg.SensorResult:
    """Compares the reader of every batch with the reader of now."""
    reader = current(project)
    states = list(batch_states(project))
    wanted = plan_readings(
        states,
        reader.release_id,
        _attempts(context, [reading_cause(s.batch, reader.release_id) for s in states]),
    )
    config = dg.RunConfig(ops={readings.op.name: ReadingConfig(release_id=reader.release_id)})
    return dg.SensorResult(
        run_requests=[_request(one, config) for one in wanted],
        skip_reason=None if wanted else f"Every open batch was read by {reader.release_id}.",
    )


@dg.sensor(
    job=train_reader,
    minimum_interval_seconds=120,
    description="Enough approvals: propose a training, or start it where that was asked for.",
)
def training(
    context: dg.SensorEvaluationContext, project: dg.ResourceParam[Project]
) -> dg.SensorResult:
    """Records a proposal once for each set of samples."""
    reader = current(project)
    seen = seen_by_training(project)
    proposal = propose_training(
        fingerprint=sample_fingerprint(seen),
        approved_characters=sum(len(sample.characters) for sample in seen),
        trained_characters=trained_characters(project, seen, reader),
        release_id=reader.release_id,
        enough=project.settings.retrain_after_characters,
    )
    if proposal is None:
        return dg.SensorResult(skip_reason="Too little was approved for a training to be worth it.")
    file = project.proposals / f"{proposal.fingerprint}.json"
    is_new = not file.exists()
    if is_new:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        made = {**asdict(proposal), "proposed_at": datetime.now(UTC).isoformat()}
        partial.write_text(json.dumps(made, indent=1), encoding="utf-8")
        os.replace(partial, file)
    cause = f"training:{proposal.fingerprint}:{reader.release_id}"
    so_far = _attempts(context, [cause]).get(cause, Attempts())
    starts = project.settings.retrain_automatically and so_far == Attempts()
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=cause, tags={CAUSE_TAG: cause})] if starts else [],
        asset_events=(
            [dg.AssetObservation(model.key, metadata={"proposal": proposal.sentence})]
            if is_new
            else []
        ),
        skip_reason=None if starts else f"Proposed: {proposal.sentence}",
    )


SENSORS = [inbox, decisions, new_layouts, releases, training]


def _request(wanted: Wanted, config: dg.RunConfig | None = None) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=wanted.run_key,
        partition_key=wanted.batch,
        tags={CAUSE_TAG: wanted.cause},
        run_config=config,
    )


def _seen_first(
    key: dg.AssetKey, wanted: Collection[Wanted], versions: Mapping[str, str]
) -> list[dg.AssetMaterialization]:
    """What people did, as the graph is told once, at the first attempt to take it in."""
    return [
        dg.AssetMaterialization(
            asset_key=key,
            partition=one.batch,
            tags={"dagster/data_version": versions[one.batch]},
        )
        for one in wanted
        if one.attempt == 0
    ]


def _attempts(context: dg.SensorEvaluationContext, causes: Collection[str]) -> dict[str, Attempts]:
    """What became of the runs of each cause, by the tag that they carry."""
    found = {}
    for cause in causes:
        runs = context.instance.get_runs(dg.RunsFilter(tags={CAUSE_TAG: cause}))
        found[cause] = Attempts(
            failed=sum(run.is_failure_or_canceled for run in runs),
            is_active=any(not run.is_finished for run in runs),
            is_done=any(run.is_success for run in runs),
        )
    return found


def _why_idle(what: str, unsettled: Collection[str]) -> str:
    if unsettled:
        return f"Still waiting for {', '.join(unsettled)}: files may still be arriving."
    return f"Nothing new in {what}."
