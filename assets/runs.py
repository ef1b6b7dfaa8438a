"""Runs of the graph from the front door: in this process, on the project's own instance.

What runs here appears in Dagster beside what the sensors start: same instance, same pool, same
checks. Only the daemon is not needed.

Keeps out: the graph itself (``assets.definitions``).
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from assets.definitions import build
from assets.partitions import BATCHES
from assets.releases import moved_pointer
from assets.resources import ROOT, Project
from pipelines.errors import BeitieError
from pipelines.records import Release

Progress = Callable[[str], None]

INSTANCE_FILE = "dagster.yaml"

FRONT_DOOR_TAG = "beitie/front_door"

_UNFINISHED = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


class RunError(BeitieError):
    """A run failed; the message is what its first failing step said."""


def prepare_instance(project: Project) -> Path:
    """The DAGSTER_HOME of the project, with the checkout's ``dagster.yaml`` in it."""
    home = project.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    source, target = ROOT / INSTANCE_FILE, home / INSTANCE_FILE
    if not target.exists() or target.read_bytes() != source.read_bytes():
        partial = home / f".{INSTANCE_FILE}.{os.getpid()}"
        shutil.copyfile(source, partial)
        os.replace(partial, target)
    return home


@contextmanager
def open_instance(project: Project) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of the project: its runs, events and partitions."""
    with dg.DagsterInstance.from_config(str(prepare_instance(project))) as instance:
        close_dead_runs(project, instance)
        yield instance


def close_dead_runs(project: Project, instance: dg.DagsterInstance) -> list[str]:
    """Mark runs of killed front doors as failed and free their places in the pool; their ids.

    Dagster's daemon does this for the runs that it launched. A run of this file belongs to a
    process that the daemon does not know, and may run where there is no daemon: if it was killed,
    its place in ``gpu0`` would stay taken and every later run would wait for ever. A living run
    holds a lock on a file of its name, which the system lets go when the process ends.
    """
    unfinished = dg.RunsFilter(tags={FRONT_DOOR_TAG: "true"}, statuses=_UNFINISHED)
    closed = []
    for run in instance.get_runs(unfinished):
        with _lock_of(project, run.run_id).open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # it lives
            instance.report_run_failed(run, "The process of this run was killed.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            closed.append(run.run_id)
        _lock_of(project, run.run_id).unlink()
    return closed


def materialize(
    project: Project,
    instance: dg.DagsterInstance,
    assets: Sequence[dg.AssetsDefinition],
    *,
    batch: str | None = None,
    config: Mapping[str, dg.Config] | None = None,
    on_progress: Progress | None = None,
    tags: Mapping[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    """Materialize assets with their checks, in this process, and wait.

    Args:
        project: The project.
        instance: Keeps the run; see :func:`open_instance`.
        assets: What to materialize, of one batch or of none.
        batch: The batch; its partition is made if there is none.
        config: Of single assets, by name.
        on_progress: Gets what the assets log.
        tags: Of the run.

    Raises:
        RunError: If a step fails or a blocking check does not hold.
    """
    if batch is not None and not instance.has_dynamic_partition(BATCHES, batch):
        instance.add_dynamic_partitions(BATCHES, [batch])
    graph = build(project, loggers={"console": _listener(on_progress)})
    run_id = str(uuid.uuid4())
    with _alive(project, run_id):
        result = graph.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[key for asset in assets for key in asset.keys],
            partition_key=batch,
            # A logger that the run does not name is not used.
            run_config=dg.RunConfig(ops=dict(config or {}), loggers={"console": {"config": {}}}),
            tags={**(tags or {}), FRONT_DOOR_TAG: "true"},
            run_id=run_id,
            raise_on_error=False,
        )
    if not result.success:
        raise RunError(_first_failure(result))
    return result


def report_release(project: Project, instance: dg.DagsterInstance, opened: Release) -> None:
    """Tell Dagster that a person moved the release pointer."""
    instance.report_runless_asset_event(moved_pointer(opened))


def _lock_of(project: Project, run_id: str) -> Path:
    folder = project.home / "running"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / run_id


@contextmanager
def _alive(project: Project, run_id: str) -> Iterator[None]:
    lock = _lock_of(project, run_id)
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
        lock.unlink()


class _Teller(logging.Handler):
    """Passes on what assets log; what Dagster says of itself stays in the event log."""

    def __init__(self, on_progress: Progress) -> None:
        super().__init__()
        self.on_progress = on_progress

    def emit(self, record: logging.LogRecord) -> None:
        about: Mapping[str, Any] = getattr(record, "dagster_meta", {})
        if not about.get("dagster_event"):
            self.on_progress(str(about.get("orig_message") or record.getMessage()))


def _listener(on_progress: Progress | None) -> dg.LoggerDefinition:
    def make(context: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("beitie", logging.INFO)
        logger.addHandler(_Teller(on_progress) if on_progress else logging.NullHandler())
        return logger

    return dg.LoggerDefinition(make)


def _first_failure(result: dg.ExecuteInProcessResult) -> str:
    """The sentence of the first check that does not hold, else of the first failing step."""
    for evaluation in result.get_asset_check_evaluations():
        if evaluation.blocking and not evaluation.passed:
            asset = evaluation.asset_key.to_user_string()
            return f"{asset}: the check {evaluation.check_name} fails: {evaluation.description}"
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            said = error.message.strip() if error else str(event.message)
            # The class of the error is for whoever reads the event log.
            kind, _, sentence = said.partition(": ")
            return f"{event.step_key}: {sentence if '.' in kind else said}"
    return f"the run {result.run_id} failed; `beitie up` shows why"
