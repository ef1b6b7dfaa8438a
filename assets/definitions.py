"""The graph as Dagster loads it: ``dagster definitions validate -m assets.definitions``."""

from collections.abc import Mapping

import dagster as dg

from assets import automation, checks
from assets.augmentations import augmentations
from assets.columns import columns
from assets.corpora import corpora
from assets.effort import effort
from assets.evaluation import evaluation
from assets.hands import hands
from assets.layouts import layouts
from assets.models import model
from assets.page_layouts import page_layouts
from assets.page_quality import page_quality
from assets.pages import pages
from assets.readings import readings, released_recogniser, second_readings
from assets.releases import release
from assets.resources import Project, read_settings
from assets.restyled_corpora import restyled_corpora
from assets.review_decisions import review_decisions
from assets.review_tasks import review_tasks
from assets.reviews import reviews
from assets.samples import samples
from assets.scans import scans

ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [
    scans,
    pages,
    page_layouts,
    columns,
    page_quality,
    corpora,
    restyled_corpora,
    hands,
    released_recogniser,
    readings,
    second_readings,
    review_tasks,
    review_decisions,
    layouts,
    reviews,
    effort,
    samples,
    augmentations,
    model,
    evaluation,
    release,
]


def build(
    project: Project, loggers: Mapping[str, dg.LoggerDefinition] | None = None
) -> dg.Definitions:
    """The graph over one project; tests and the front door give their own.

    Steps run one after another in the run's own process: a batch is a chain, the heavy steps are
    commands, and a process a step would cost two seconds and 200 MB each.
    """
    return dg.Definitions(
        assets=ASSETS,
        asset_checks=checks.ALL,
        jobs=automation.JOBS,
        sensors=automation.SENSORS,
        resources={"project": project},
        loggers=loggers,
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The graph over the project that the environment names."""
    return build(Project(read_settings()))
