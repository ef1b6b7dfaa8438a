"""The demonstration: the whole loop once, on real pages and on a hand nobody has read before.

    python -m assets.demo                   what `make demo` runs
    python -m assets.demo --scans FOLDER    takes scans of your own in as well
    python -m assets.demo --fetch-only      fetches fonts, texts and the CODH pages, and stops

What it does, in this order: fetches material; draws synthetic works in an unseen brush hand, so
that their truth is known; takes everything in through the Dagster graph, up to drafts in a real
Label Studio; lets the *simulated* annotator correct the first batch there; trains the next reader
on what was approved; releases it if it is better on a frozen work; reads the second batch again
and has it corrected too. Finished steps are remembered, so that a second run is quick.

Keeps out: the graph itself (``assets.definitions``), figures, pictures and the report.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
from rich.console import Console

from annotation.simulated import SIMULATED_ANNOTATOR, annotate_batch
from assets.automation import CAUSE_TAG
from assets.columns import columns
from assets.demo_figures import gather
from assets.demo_material import (
    DemoParams,
    check_splits,
    content_face,
    draw_works,
    fetch,
    material_id,
    put_into_inbox,
    truth_by_page,
)
from assets.demo_report import print_figures, write_demo_report, write_pictures
from assets.demo_steps import Steps
from assets.evaluation import evaluation
from assets.models import model, newest_model
from assets.page_quality import page_quality
from assets.pages import pages
from assets.readings import CURRENT, ReadingConfig, readings, second_readings
from assets.release_pointer import current
from assets.releases import release
from assets.resources import Project, read_settings
from assets.review_tasks import review_tasks
from assets.reviews import reviews
from assets.runs import RunError, materialize, open_instance
from assets.samples import samples
from assets.scans import scans
from assets.stages import fingerprint
from assets.triggers import inbox_cause
from pipelines import codh
from pipelines.errors import BeitieError
from pipelines.inbox import signature
from pipelines.records import Reading
from pipelines.tables import Tables

FIRST, SECOND, REAL, OWN = "demo-1", "demo-2", "demo-codh", "demo-scans"
CORPUS_OF = {FIRST: 1, SECOND: 2}


class Demo:
    """One run over one project: the graph, its Dagster instance and a running Label Studio.

    Label Studio is started by the first step that has anything to do; ``stack`` ends it.
    """

    def __init__(
        self,
        project: Project,
        instance: dg.DagsterInstance,
        console: Console,
        stack: ExitStack,
    ) -> None:
        self.project, self.instance, self.console, self.stack = project, instance, console, stack
        self.before = Tables(project.home / "demo" / "before")

    def start_label_studio(self) -> None:
        """Start the local server, or attach to the one that runs; twice is once."""
        if self.project.settings.label_studio_url:
            return
        server = self.stack.enter_context(self.project.label_studio_server())
        self.console.print(f"  Label Studio at {server.url} after {server.start_seconds:.0f} s")
        self.project = Project(
            dataclasses.replace(
                self.project.settings,
                label_studio_url=server.url,
                label_studio_api_key=server.token,
            )
        )

    def take_in(self, batch: str) -> dict[str, Any]:
        """From files to drafts before people."""
        stages = [scans, pages, columns, page_quality, readings, second_readings, review_tasks]
        cause = inbox_cause(batch, signature(self.project.inbox / batch))
        # The tag tells the inbox sensor of `beitie up` that these files were taken in already.
        self._materialize(stages, batch, tags={CAUSE_TAG: cause})
        return self._counts(batch, "scans", "pages", "columns", "readings", "review_tasks")

    def correct(self, batch: str) -> dict[str, Any]:
        """The simulated annotator corrects a batch in Label Studio; its decisions come back."""
        self.start_label_studio()
        report = annotate_batch(
            self.project.tables,
            batch,
            self.project.label_studio(),
            truth_by_page(self.project, batch, CORPUS_OF[batch]),
        )
        self._materialize([reviews], batch)
        shown = ("annotated", "texts_corrected", "boxes_removed", "boxes_added", "unreached")
        did = asdict(report)
        return {name: did[name] for name in shown} | self._counts(batch, "reviews")

    def train(self) -> dict[str, Any]:
        """Samples, model, evaluation, and the release if it is better."""
        before = current(self.project)
        self._materialize([samples, model], None)
        trained = newest_model(self.project, self.instance)
        found = {
            "old release": before.release_id,
            "model": trained.model_id,
            "samples": trained.sample_count,
        }
        try:
            self._materialize([evaluation], None)
        except RunError:
            # A model that is not better fails its check; the release below says so in words.
            if self.project.tables.manifest("evaluations", trained.model_id) is None:
                raise
        try:
            self._materialize([release], None)
        except RunError as error:
            # Not a failure of the demonstration: a model that is not better is not released.
            return {**found, "new release": "", "why": str(error)}
        return {**found, "new release": current(self.project).release_id}

    def keep_old_reading(self, batch: str) -> dict[str, Any]:
        """Put aside what the old release read, before the new one reads the batch again."""
        found = self.project.tables.read("readings", batch, Reading)
        return {"columns": self.before.write("readings", batch, Reading, found).accepted}

    def read_again(self, batch: str) -> dict[str, Any]:
        """The new release reads the batch, and its drafts replace the old ones."""
        config = {"readings": ReadingConfig(release_id=CURRENT)}
        self._materialize([readings, review_tasks], batch, config=config)
        return self._counts(batch, "readings", "review_tasks")

    def _materialize(
        self,
        stages: Sequence[dg.AssetsDefinition],
        batch: str | None,
        **more: Any,
    ) -> None:
        self.start_label_studio()
        with self.console.status("") as line:
            materialize(
                self.project,
                self.instance,
                stages,
                batch=batch,
                on_progress=lambda said: line.update(said[:100]),
                **more,
            )

    def _counts(self, batch: str, *tables: str) -> dict[str, Any]:
        found = {name: self.project.tables.manifest(name, batch) for name in tables}
        return {name: manifest.accepted for name, manifest in found.items() if manifest}


def run(given: argparse.Namespace, console: Console) -> None:
    """The whole demonstration."""
    params = DemoParams()
    # Always the local Label Studio: the simulated annotator has no business in any other.
    settings = dataclasses.replace(read_settings(), label_studio_url="", label_studio_api_key="")
    project = Project(settings)
    steps = Steps(project.home / "demo" / "steps.json", console.print)
    console.print("fetch fonts, texts and pages ...")
    fetch(project)
    if given.fetch_only:
        return
    steps.run("draw synthetic works", material_id(params), lambda: draw_works(project, params))
    plan = put_into_inbox(project, given.scans, first=FIRST, second=SECOND, real=REAL, own=OWN)
    with ExitStack() as stack:
        instance = stack.enter_context(open_instance(project))
        demo = Demo(project, instance, console, stack)
        released = _loop(demo, steps, plan, params)
    _show(demo, console, steps, list(plan), released)
    if given.pictures:
        write_pictures(project, SECOND, content_face(project), given.pictures)


def _loop(demo: Demo, steps: Steps, plan: Mapping[str, str], params: DemoParams) -> dict[str, Any]:
    """One turn of the loop; what became of the training."""
    for batch, content in plan.items():
        steps.run(f"take in {batch}", content, partial(demo.take_in, batch))
    check_splits(demo.project, params, FIRST)
    first, both = plan[FIRST], fingerprint(plan[FIRST], plan[SECOND])
    steps.run(f"{SIMULATED_ANNOTATOR} corrects {FIRST}", first, partial(demo.correct, FIRST))
    released: dict[str, Any] = steps.run("train the next reader", first, demo.train)
    steps.run("keep the old reading", both, partial(demo.keep_old_reading, SECOND))
    if released["new release"]:
        steps.run(f"read {SECOND} again", both, partial(demo.read_again, SECOND))
    steps.run(f"{SIMULATED_ANNOTATOR} corrects {SECOND}", both, partial(demo.correct, SECOND))
    return released


def _show(
    demo: Demo, console: Console, steps: Steps, plan: Sequence[str], released: Mapping[str, str]
) -> None:
    project = demo.project
    face = content_face(project)
    figures = gather(
        project,
        demo.before,
        plan,
        first=FIRST,
        second=SECOND,
        true_pages=codh.read_truth(codh.fetch_wheel(project.home / "codh")),
        is_released=bool(released["new release"]),
    )
    report = write_demo_report(
        project.home / "reports" / "demo.html",
        project,
        demo.before,
        figures,
        face=face,
        second=SECOND,
        released=released,
        timings=steps.timings(),
        credits=(f"Pages: {codh.CREDIT}, {codh.RIGHTS}.", "Fonts: see their licences."),
    )
    console.print()
    print_figures(console, figures, released)
    console.print(f"\nreport   {report}\nopen it all: .venv/bin/beitie up")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m assets.demo", description="Run the whole loop once, with a report."
    )
    parser.add_argument("--scans", type=Path, metavar="FOLDER", help="scans of your own, too")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="write the README's, too")
    parser.add_argument("--fetch-only", action="store_true", help="fetch material and stop")
    given = parser.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        run(given, console)
    except BeitieError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            str(error), style="red", markup=False
        )
        return 1
    return 0


if __name__ == "__main__":
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    sys.exit(main())
