"""Records and projects for the tests of the graph."""

import sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from annotation.in_memory import InMemoryLabelStudio
from assets.resources import Project, read_settings
from pipelines.evaluations import Evaluation, Unit
from pipelines.geometry import Box
from pipelines.ids import derive_id, split_of
from pipelines.imaging.codec import encode_png
from pipelines.metadata import WorkMetadata
from pipelines.records import Candidate, CharacterReading, Model, Reader, Reading
from tests.drawing import as_scan, draw_page

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


def a_comparison(
    value, *, model_id="new", against="old", low=None, high=None, characters=100, **fields
):
    """What a model needs more than another, as an evaluation writes it."""
    return Evaluation(
        model_id=model_id,
        reader=Reader.UNICALLI,
        split_fingerprint="split",
        metric="more_corrections_per_100",
        value=value,
        low=value - 3 if low is None else low,
        high=value + 3 if high is None else high,
        character_count=characters,
        resampled=Unit.WORK,
        against=against,
        **fields,
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


def a_page_scan(rng, *, columns=3, characters=5):
    """Dark characters on light paper, in columns from right to left, as a scanner sees them."""
    return as_scan(draw_page(rng, (characters,) * columns).ink, rng)


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
