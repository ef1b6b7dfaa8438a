"""The asset ``samples``: what people approved in any batch, ready to train on."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain

import dagster as dg

from assets.partitions import APPROVED
from assets.previews import sample_sheet
from assets.resources import Project
from assets.reviews import reviews
from assets.revocations import revoked_samples, taught_by, tell_on_cards
from assets.stages import Stage, code_version, data_version, fingerprint
from pipelines.records import Column, Page, Rejection, Review, Sample
from pipelines.samples import SampleParams, samples_from_reviews
from pipelines.wording import wording_in

CODE = code_version("pipelines/samples.py", "pipelines/prompts.py", "pipelines/wording.py")


@dg.asset(
    deps=[dg.AssetDep(reviews, partition_mapping=dg.AllPartitionMapping())],
    group_name="machine",
    kinds={"python", "parquet"},
    owners=["team:data-engineers"],
    code_version=CODE,
)
def samples(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """樣本: every approved column with its ink, split by its work; without what was revoked."""
    tables, params = project.tables, SampleParams(wording=wording_in(project.home))
    reviewed = tables.batches("reviews")
    versions = [
        (batch, [data_version(tables, name, batch) for name in ("reviews", "columns", "pages")])
        for batch in reviewed
    ]
    stage = Stage(
        project=project,
        table="samples",
        batch=APPROVED,
        record_type=Sample,
        inputs=fingerprint(CODE, params, versions),
    )
    is_unchanged = stage.is_same()
    if not is_unchanged:
        stage.write(_samples_of(project, reviewed, params))
    taught = taught_by(project, revoked_samples(project))
    tell_on_cards(project, taught)
    for one in taught:
        context.log.warning(one.sentence)
        context.log_event(dg.AssetObservation("model", metadata={"revoked": one.sentence}))
    taken = 0
    for batch in reviewed:
        manifest = tables.manifest("reviews", batch)
        taken += manifest.accepted if manifest else 0
    made = tables.read("samples", APPROVED, Sample)
    splits = Counter(sample.split for sample in made)
    return stage.report(
        taken=taken,
        preview=sample_sheet(project, made),
        is_unchanged=is_unchanged,
        metadata={
            "batches": len(reviewed),
            "characters": sum(len(sample.characters) for sample in made),
            **{f"{split.value} samples": count for split, count in splits.items()},
        },
    )


def _samples_of(
    project: Project, reviewed: list[str], params: SampleParams
) -> Iterator[Sample | Rejection]:
    tables = project.tables
    columns = (tables.read("columns", batch, Column) for batch in reviewed)
    pages = (tables.read("pages", batch, Page) for batch in reviewed)
    return samples_from_reviews(
        [review for batch in reviewed for review in tables.read("reviews", batch, Review)],
        chain.from_iterable(columns),
        chain.from_iterable(pages),
        project.store,
        code_version=CODE,
        params=params,
    )
