"""What must hold before the material moves on: the predicates of ``pipelines.checks`` as checks.

A blocking check stops everything downstream, so only those block that would let something
disappear, leak or lie: conservation, boxes, split, approvals, promotion. The others tell.

Keeps out: what is checked (``pipelines.checks``, ``assets.promotion``).
"""

import warnings
from collections.abc import Callable, Iterator
from functools import wraps
from typing import TypeVar

import dagster as dg

from annotation.states import standings
from assets.columns import columns
from assets.evaluation import evaluation
from assets.layouts import layouts
from assets.models import newest_model
from assets.pages import pages
from assets.partitions import APPROVED, batches
from assets.promotion import not_better
from assets.readings import readings, second_readings
from assets.release_pointer import current
from assets.resources import Project
from assets.review_tasks import review_tasks
from assets.reviews import reviews
from assets.revocations import revoked_samples, taught_by
from assets.samples import samples
from assets.scans import scans
from assets.stages import check_result
from pipelines.checks import (
    Finding,
    approvals_complete,
    boxes_inside_page,
    conservation,
    reading_order,
    readings_fit,
    rights_named,
    split_leak,
    unanswered,
    unique_ids,
)
from pipelines.evaluations import Evaluation
from pipelines.records import Column, Page, Reading, Review, Sample, Scan
from pipelines.tables import Tables

MAX_UNCERTAIN_SHARE = 0.2
"""Above this share of uncertain columns a batch deserves a look before people start on it."""

MIN_POLARITY_CONFIDENCE = 0.1
"""Below it the two candidate masks of a page scored nearly the same."""

R = TypeVar("R")
BatchPredicate = Callable[[Tables, str], list[Finding]]
ProjectPredicate = Callable[[Project, str], list[Finding]]


def per_batch(
    asset: dg.AssetsDefinition, predicate: BatchPredicate, *, blocking: bool
) -> dg.AssetChecksDefinition:
    """A predicate over the tables of one batch as a check of an asset, under its own name."""

    @wraps(predicate)
    def of_tables(project: Project, batch: str) -> list[Finding]:
        return predicate(project.tables, batch)

    return per_batch_of_project(asset, of_tables, blocking=blocking)


def per_batch_of_project(
    asset: dg.AssetsDefinition, predicate: ProjectPredicate, *, blocking: bool
) -> dg.AssetChecksDefinition:
    """The same of a predicate that looks beyond the tables."""

    def check(
        context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]
    ) -> dg.AssetCheckResult:
        findings = predicate(project, context.partition_key)
        return check_result(findings, is_grave=blocking)

    with warnings.catch_warnings():
        # Checks by partition are a preview of this Dagster: without them a check of one batch
        # would speak for all of them. The lock holds the version still.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.asset_check(
            asset=asset,
            name=predicate.__name__,
            description=predicate.__doc__,
            blocking=blocking,
            partitions_def=batches,
        )(check)


def scans_described(tables: Tables, batch: str) -> list[Finding]:
    """No scan stands twice, and every work names its rights and its source."""
    found = tables.read("scans", batch, Scan)
    return unique_ids("scans", (s.scan_id for s in found)) + rights_named(s.work for s in found)


def pages_conserved(tables: Tables, batch: str) -> list[Finding]:
    """Every page of every scan is a page or a rejection, and none stands twice."""
    expected = sum(scan.page_count for scan in _rows(tables, "scans", batch, Scan))
    accepted, rejected = _counts(tables, "pages", batch)
    ids = (page.page_id for page in _rows(tables, "pages", batch, Page))
    return [
        *conservation("pages", taken=expected, accepted=accepted, rejected=rejected),
        *unique_ids("pages", ids),
    ]


def polarity_clear(tables: Tables, batch: str) -> list[Finding]:
    """Ink and ground were told apart clearly on every page."""
    return [
        Finding(
            check="polarity_clear",
            item_id=page.page_id,
            message=(
                f"Page {page.page_index} of {page.work.title!r} counts as {page.polarity.value} "
                f"with a confidence of {page.polarity_confidence:.2f} only; look at its ink."
            ),
        )
        for page in _rows(tables, "pages", batch, Page)
        if page.polarity_confidence < MIN_POLARITY_CONFIDENCE
    ]


def columns_conserved(tables: Tables, batch: str) -> list[Finding]:
    """Every page has a column or a rejection, and no column stands twice."""
    answered = [column.page_id for column in _rows(tables, "columns", batch, Column)]
    answered += [rejection.item_id for rejection in tables.rejections("columns", batch)]
    pages_of_batch = (page.page_id for page in _rows(tables, "pages", batch, Page))
    ids = (column.column_id for column in _rows(tables, "columns", batch, Column))
    return unanswered("columns", pages_of_batch, answered) + unique_ids("columns", ids)


def boxes_inside(tables: Tables, batch: str) -> list[Finding]:
    """Columns lie on their page, and characters in their column."""
    return boxes_inside_page(
        _rows(tables, "columns", batch, Column), _rows(tables, "pages", batch, Page)
    )


def order_consistent(tables: Tables, batch: str) -> list[Finding]:
    """Columns count from the right, characters from the top."""
    return reading_order(_rows(tables, "columns", batch, Column))


def order_certain(tables: Tables, batch: str) -> list[Finding]:
    """Few columns are of uncertain order; a batch full of them deserves a look first."""
    found = list(_rows(tables, "columns", batch, Column))
    uncertain = [column for column in found if column.is_order_uncertain]
    if len(uncertain) <= MAX_UNCERTAIN_SHARE * len(found):
        return []
    message = (
        f"The order of {len(uncertain)} of {len(found)} columns is uncertain; look at the boxes "
        f"before people start on batch {batch}."
    )
    return [Finding(check="order_certain", item_id=batch, message=message)]


def readings_cover(tables: Tables, batch: str) -> list[Finding]:
    """Every column was read or says why not, and a reading answers for every character."""
    return _readings_cover(tables, "readings", batch)


def second_readings_cover(tables: Tables, batch: str) -> list[Finding]:
    """The same of the second reader."""
    return _readings_cover(tables, "second_readings", batch)


def tasks_conserved(tables: Tables, batch: str) -> list[Finding]:
    """Every column has a task or a rejection."""
    taken, _ = _counts(tables, "columns", batch)
    accepted, rejected = _counts(tables, "review_tasks", batch)
    return conservation("review_tasks", taken=taken, accepted=accepted, rejected=rejected)


def reviews_conserved(tables: Tables, batch: str) -> list[Finding]:
    """Every task has a review or says why not yet."""
    taken, _ = _counts(tables, "review_tasks", batch)
    accepted, rejected = _counts(tables, "reviews", batch)
    return conservation("reviews", taken=taken, accepted=accepted, rejected=rejected)


def layouts_conserved(tables: Tables, batch: str) -> list[Finding]:
    """Every page has a layout or says why not yet."""
    taken, _ = _counts(tables, "pages", batch)
    accepted, rejected = _counts(tables, "layouts", batch)
    return conservation("layouts", taken=taken, accepted=accepted, rejected=rejected)


def approvals_whole(tables: Tables, batch: str) -> list[Finding]:
    """An approval has text, one character a box, and a name."""
    return approvals_complete(_rows(tables, "reviews", batch, Review))


def approvals_undisturbed(project: Project, batch: str) -> list[Finding]:
    """Nothing that was approved was changed, withdrawn or answered twice since; people look."""
    return [
        Finding(check="approvals_undisturbed", item_id=column_id, message=flag.detail)
        for column_id, standing in standings(project.journal.lines(batch)).items()
        for flag in standing.flags
    ]


@dg.asset_check(asset=samples)
def models_untouched_by_revocations(project: dg.ResourceParam[Project]) -> dg.AssetCheckResult:
    """No model learned from a column whose approval was revoked since."""
    findings = [
        Finding(check="models_untouched", item_id=one.model_id, message=one.sentence)
        for one in taught_by(project, revoked_samples(project))
    ]
    return check_result(findings, is_grave=False)


@dg.asset_check(asset=samples, blocking=True)
def samples_conserved(project: dg.ResourceParam[Project]) -> dg.AssetCheckResult:
    """Every review is a sample or a rejection."""
    tables = project.tables
    taken = sum(_counts(tables, "reviews", batch)[0] for batch in tables.batches("reviews"))
    accepted, rejected = _counts(tables, "samples", APPROVED)
    findings = conservation("samples", taken=taken, accepted=accepted, rejected=rejected)
    return check_result(findings, is_grave=True)


@dg.asset_check(asset=samples, blocking=True)
def no_split_leak(project: dg.ResourceParam[Project]) -> dg.AssetCheckResult:
    """A work, and the same ink, stand in one split alone, over everything training may see."""
    return check_result(split_leak(project.tables.read_all("samples", Sample)), is_grave=True)


@dg.asset_check(asset=evaluation, blocking=True)
def beats_release(
    context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]
) -> dg.AssetCheckResult:
    """The newest model is better than the reader on the frozen split, or surely no worse."""
    candidate, release = newest_model(project, context.instance), current(project)
    rows = project.tables.read("evaluations", candidate.model_id, Evaluation)
    findings = not_better(rows, candidate_id=candidate.model_id, release_id=release.model_id)
    return check_result(findings, is_grave=True)


ALL = [
    per_batch(scans, scans_described, blocking=False),
    per_batch(pages, pages_conserved, blocking=True),
    per_batch(pages, polarity_clear, blocking=False),
    per_batch(columns, columns_conserved, blocking=True),
    per_batch(columns, boxes_inside, blocking=True),
    per_batch(columns, order_consistent, blocking=False),
    per_batch(columns, order_certain, blocking=False),
    per_batch(readings, readings_cover, blocking=True),
    per_batch(second_readings, second_readings_cover, blocking=True),
    per_batch(review_tasks, tasks_conserved, blocking=True),
    per_batch(layouts, layouts_conserved, blocking=True),
    per_batch(reviews, reviews_conserved, blocking=True),
    per_batch(reviews, approvals_whole, blocking=True),
    per_batch_of_project(reviews, approvals_undisturbed, blocking=False),
    models_untouched_by_revocations,
    samples_conserved,
    no_split_leak,
    beats_release,
]


def _rows(tables: Tables, name: str, batch: str, record_type: type[R]) -> Iterator[R]:
    for group in tables.iterate(name, batch, record_type):
        yield from group


def _counts(tables: Tables, name: str, batch: str) -> tuple[int, int]:
    """Accepted and rejected, both 0 where nothing was written."""
    manifest = tables.manifest(name, batch)
    return (manifest.accepted, manifest.rejected) if manifest else (0, 0)


def _readings_cover(tables: Tables, name: str, batch: str) -> list[Finding]:
    of_batch = list(_rows(tables, "columns", batch, Column))
    found = list(_rows(tables, name, batch, Reading))
    answered = [reading.column_id for reading in found]
    answered += [rejection.item_id for rejection in tables.rejections(name, batch)]
    return [
        *unanswered(name, (column.column_id for column in of_batch), answered),
        *unique_ids(name, (reading.column_id for reading in found)),
        *readings_fit(found, of_batch),
    ]
