"""What waits: columns for people, decisions for the graph, approvals for a training.

Holds: the questions that sensors and ``beitie status`` ask of tables and Label Studio.

Keeps out: what follows from the answers (``assets.triggers``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from annotation.journal import Step
from annotation.push import PAGES_SUFFIX, project_title
from assets.release_pointer import pinned
from assets.resources import Project
from assets.stages import fingerprint
from assets.triggers import BatchState
from pipelines.records import Release, Review, ReviewTask, Sample, Split

SEEN_SAMPLES = "samples.txt"
"""Lies in the folder of a trained checkpoint: the ids of the samples it was made from."""


def seen_by_training(project: Project) -> list[Sample]:
    """The samples that training sees: those of the train split, and no others."""
    return [s for s in project.tables.read_all("samples", Sample) if s.split is Split.TRAIN]


def sample_fingerprint(samples: list[Sample]) -> str:
    """Names a set of samples."""
    return fingerprint(sorted(sample.sample_id for sample in samples))


def trained_characters(project: Project, samples: list[Sample], reader: Release) -> int:
    """How many characters of these samples the reader was trained on."""
    file: Path = project.absolute(reader.checkpoint_path) / SEEN_SAMPLES
    if not file.is_file():
        return 0
    seen = set(file.read_text(encoding="ascii").split())
    return sum(len(sample.characters) for sample in samples if sample.sample_id in seen)


def decision_signatures(project: Project) -> dict[str, str]:
    """A fingerprint of what people did to columns and pages, in Label Studio and at the desk.

    By batch, empty where nobody did anything.

    Raises:
        ServiceError: If Label Studio is down, slow or refuses.
    """
    found: dict[str, str] = {}
    pushed = project.tables.batches("review_tasks")
    if not pushed:
        return found
    client = project.label_studio()
    for batch in pushed:
        project_ids = {
            task.project_id
            for group in project.tables.iterate("review_tasks", batch, ReviewTask)
            for task in group
        }
        pages = client.find_project(project_title(batch, PAGES_SUFFIX))
        project_ids |= {pages} if pages is not None else set()
        digest, is_empty = hashlib.sha256(), True
        for project_id in sorted(project_ids):
            for task in client.summaries(project_id):
                if task.is_begun:
                    line = f"{task.task_id}|{task.annotation_count}|{task.updated_at}\n"
                    digest.update(line.encode())
                    is_empty = False
        for written in project.journal.lines(batch):
            if isinstance(written.entry, Step):
                digest.update(f"{written.at}|{written.entry}\n".encode())
                is_empty = False
        found[batch] = "" if is_empty else digest.hexdigest()[:16]
    return found


def approved_columns(project: Project, batch: str) -> set[str]:
    """The columns of a batch that people approved."""
    if project.tables.manifest("reviews", batch) is None:
        return set()
    return {
        review.column_id
        for group in project.tables.iterate("reviews", batch, Review)
        for review in group
        if review.is_approved
    }


def batch_states(project: Project) -> Iterator[BatchState]:
    """How far each batch is that was read."""
    for batch in project.tables.batches("readings"):
        manifest = project.tables.manifest("columns", batch)
        total = manifest.accepted if manifest else 0
        yield BatchState(
            batch=batch,
            release_id=pinned(project, batch).release_id,
            open_columns=total - len(approved_columns(project, batch)),
        )
