"""Which reader reads: the history of releases, and the release that a batch is pinned to.

Dagster refuses a cycle, and the loop is one: readings need a model, models need readings. It
closes here. The newest row of the ``releases`` table is the pointer; a batch stays with the
release that read it until a person or a sensor asks for another. The bundled checkpoint stands
before the first release.

Keeps out: whether a model deserves it (``assets.checks``), and torch.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from assets.model_cards import release_part, tell_on_card
from assets.resources import Project
from assets.stages import file_fingerprint
from pipelines.errors import ModelError
from pipelines.ids import derive_id
from pipelines.records import Model, Reading, Release

WEIGHTS = "model.safetensors"

FIRST = datetime(1970, 1, 1, tzinfo=UTC)
"""When the bundled reader counts as released: before every release."""


def bundled(project: Project) -> Release:
    """The reader that came with the program, as if it had been released at the very beginning.

    Raises:
        ModelError: If its weights are missing.
    """
    folder = project.settings.checkpoint
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise ModelError(
            f"There is no reader: {weights} is missing and nothing was released. Point "
            f"BEITIE_CHECKPOINT to a folder with {WEIGHTS}, recipe.json and vocabulary.txt."
        )
    content = _weights_fingerprint(weights, weights.stat().st_mtime_ns)
    return Release(
        release_id=derive_id("bundled", content),
        model_id=derive_id("bundled-model", content),
        family="unicalli",
        checkpoint_path=project.relative(folder),
        replaces="",
        released_at=FIRST,
        reason="bundled with the program",
    )


def history(project: Project) -> list[Release]:
    """Every release, oldest first; the bundled reader is the first where it is at hand."""
    opened = project.tables.read_all("releases", Release)
    opened.sort(key=lambda release: (release.released_at, release.release_id))
    if opened and not (project.settings.checkpoint / WEIGHTS).is_file():
        return opened
    return [bundled(project), *opened]


def current(project: Project) -> Release:
    """The release that reads new batches.

    Raises:
        ModelError: If there is none, the bundled one included.
    """
    return history(project)[-1]


def find(project: Project, release_id: str) -> Release:
    """The release of an id.

    Raises:
        ModelError: If it is not in the history.
    """
    for release in history(project):
        if release.release_id == release_id:
            return release
    known = ", ".join(release.release_id for release in history(project))
    raise ModelError(f"There is no release {release_id!r}. Known releases, oldest first: {known}.")


def pinned(project: Project, batch: str) -> Release:
    """The release that a batch is read with: the newest that read any of it, else the current.

    Columns that people approved keep the reading they had, so that a batch may hold several.
    """
    if project.tables.manifest("readings", batch) is None:
        return current(project)
    found = {
        reading.release_id
        for group in project.tables.iterate("readings", batch, Reading)
        for reading in group
    }
    for release in reversed(history(project)):
        if release.release_id in found:
            return release
    return current(project)


def checkpoint(project: Project, release: Release) -> Path:
    """The folder of a release's weights on this machine.

    Raises:
        ModelError: If the weights are gone.
    """
    folder = project.absolute(release.checkpoint_path)
    if not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"Release {release.release_id} names {folder}, which has no {WEIGHTS}. Put the folder "
            f"back, or go back a release with `beitie release --rollback`."
        )
    return folder


def open_release(project: Project, model: Model, *, reason: str, now: datetime) -> Release:
    """Make a model the reader from now on; the same model twice in a row is one release.

    Its card says so.

    Raises:
        ModelError: If the weights are gone.
    """
    before = current(project)
    if before.model_id == model.model_id:
        return before
    folder = project.absolute(model.checkpoint_path)
    if not (folder / WEIGHTS).is_file():
        raise ModelError(f"Model {model.model_id} cannot be released: {folder} has no {WEIGHTS}.")
    opened = _append(project, before, model.model_id, model.checkpoint_path, reason, now)
    tell_on_card(folder, release_part(opened))
    return opened


def roll_back(project: Project, *, now: datetime) -> Release:
    """Go back to the reader before the current one, as a new release: history is not rewritten.

    Going back twice does not return to where it began, but goes two models back.

    Raises:
        ModelError: If there is nothing before.
    """
    now_reading = current(project)
    releases = {release.release_id: release for release in history(project)}
    # A roll-back stands for the release it restored: what came before that one comes next.
    stands_for = now_reading
    while stands_for.reason.startswith(_ROLLED_BACK):
        stands_for = releases[stands_for.reason.removeprefix(_ROLLED_BACK)]
    target = releases.get(stands_for.replaces)
    if target is None:
        raise ModelError(
            f"There is nothing before release {now_reading.release_id} ({now_reading.reason}); "
            f"`beitie status` lists the releases."
        )
    checkpoint(project, target)
    reason = _ROLLED_BACK + target.release_id
    return _append(project, now_reading, target.model_id, target.checkpoint_path, reason, now)


_ROLLED_BACK = "rolled back to "


def _append(
    project: Project, before: Release, model_id: str, path: str, reason: str, now: datetime
) -> Release:
    release = Release(
        release_id=derive_id("release", model_id, before.release_id),
        model_id=model_id,
        family=before.family,
        checkpoint_path=path,
        replaces=before.release_id,
        # Strictly after the one before, whatever the clock says: the newest row is the pointer.
        released_at=max(now, before.released_at + timedelta(microseconds=1)),
        reason=reason,
    )
    project.tables.write("releases", release.release_id, Release, [release])
    return release


@lru_cache(maxsize=8)
def _weights_fingerprint(weights: Path, changed_ns: int) -> str:
    return file_fingerprint(weights)
