"""Records and projects for the tests of the graph."""

import sys
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np

from annotation.in_memory import InMemoryLabelStudio
from assets.resources import Project, read_settings
from pipelines.geometry import Box
from pipelines.imaging.codec import encode_png
from pipelines.metadata import WorkMetadata
from pipelines.records import (
    Candidate,
    CharacterReading,
    Evaluation,
    Model,
    Reader,
    Reading,
    derive_id,
    split_of,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_project(home, **environment):
    """A project with a bundled checkpoint that only its fingerprint is taken of."""
    bundled = home / "bundled"
    bundled.mkdir(parents=True, exist_ok=True)
    (bundled / "model.safetensors").write_bytes(b"bundled weights")
    return Project(
        read_settings({"BEITIE_HOME": str(home), "BEITIE_CHECKPOINT": str(bundled), **environment})
    )


def a_work(title="禮器碑", rights="CC0"):
    return WorkMetadata(title=title, rights=rights, source="drawn by a test").work()


def a_model(project, name, *, parent="", samples="s", minute=0):
    """A model with weights on disk and its row in the table."""
    folder = project.models / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(name.encode())
    model = Model(
        model_id=name,
        family="unicalli",
        recipe="unicalli.fine_tune",
        parent_release_id=parent,
        sample_fingerprint=samples,
        sample_count=1,
        checkpoint_path=project.relative(folder),
        trained_at=NOW.replace(minute=minute),
        train_seconds=1.0,
    )
    project.tables.write("models", name, Model, [model])
    return model


def an_evaluation(model_id, value, *, split="split", metric="corrections_per_100"):
    return Evaluation(
        model_id=model_id,
        reader=Reader.UNICALLI,
        split_fingerprint=split,
        metric=metric,
        value=value,
        low=max(0.0, value - 1),
        high=value + 1,
        character_count=100,
    )


def a_reading(column_id, text, *, release_id="r", work=None):
    return Reading(
        reading_id=derive_id(column_id, release_id),
        column_id=column_id,
        page_id="page",
        work=work or a_work(),
        reader=Reader.UNICALLI,
        release_id=release_id,
        characters=tuple(
            CharacterReading(
                character_id=f"{column_id}-{index}",
                box=Box(0, index * 10, 10, index * 10 + 10),
                text=character,
                score=0.9,
                margin=0.5,
                candidates=(Candidate(text=character, score=0.9),),
            )
            for index, character in enumerate(text)
        ),
    )


def a_stubbed_project(home, **environment):
    """A project with doubles for the two programs: ``stub_training``, and Label Studio."""
    program = home / "stub-python"
    home.mkdir(parents=True, exist_ok=True)
    program.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).parent / "stub_training.py"}" "$@"\n'
    )
    program.chmod(0o755)
    project = a_project(home, BEITIE_TRAINING_PYTHON=str(program), **environment)
    label_studio = InMemoryLabelStudio(project.images.document_root)
    project.label_studio = lambda: label_studio
    return project


def draw_page(rng, *, columns=3, characters=5, cell_px=64):
    """Dark brush-like figures on light paper, and their boxes from right to left."""
    height, width = (characters + 1) * cell_px, (columns + 1) * cell_px
    paper = np.full((height, width), 225, np.uint8)
    boxes = []
    for column in range(columns):
        for row in range(characters):
            left = width - cell_px // 2 - (column + 1) * cell_px + 8
            top = cell_px // 2 + row * cell_px + 6
            size = cell_px - 16
            corners = rng.integers(0, size, (4, 2))
            for start, end in pairwise(corners):
                a, b = (int(left + start[0]), int(top + start[1])), (left + end[0], top + end[1])
                cv2.line(paper, a, (int(b[0]), int(b[1])), 20, 5)
            cv2.rectangle(paper, (left + 4, top + 4), (left + size - 4, top + size - 4), 20, 4)
            boxes.append((column, Box(left, top, left + size, top + size)))
    return paper, boxes


def put_work(project, batch, title, pages, rights="CC0"):
    """Files of one work in the inbox, as an archivist would copy them there."""
    folder = project.inbox / batch / title
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "work.toml").write_text(
        f'title = "{title}"\nrights = "{rights}"\nsource = "drawn by a test"\nscript = "regular"\n'
    )
    for index, page in enumerate(pages):
        (folder / f"page-{index}.png").write_bytes(encode_png(page))
    return folder


def titles_of(split, count):
    """Titles whose works the hash puts into a split."""
    found = (f"work {index}" for index in range(1000))
    return list(islice((t for t in found if split_of(a_work(t).work_id) is split), count))
