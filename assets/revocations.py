"""Revoked approvals, and who learned from them: the models and releases of which samples are gone.

A checkpoint keeps the ids of the samples it was made from (``samples.txt``). A revocation leaves
the checkpoint as it is, because nothing can be unlearned; but it is named, so that people can train
again or roll back.

Keeps out: revoking (``annotation.approval``), and training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotation.states import standings
from assets.model_cards import tell_on_card
from assets.release_pointer import current
from assets.resources import Project
from assets.waiting import SEEN_SAMPLES
from pipelines.records import Model, Release
from pipelines.samples import sample_id_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """A sample that must not be learned from any more; ``detail`` says who revoked it and why."""

    batch: str
    column_id: str
    sample_id: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """A model that learned from revoked samples; ``reads_now`` if it is the current reader."""

    model_id: str
    release_ids: tuple[str, ...]
    revoked: tuple[Revoked, ...]
    reads_now: bool

    @property
    def sentence(self) -> str:
        """What to tell people, and what they can do."""
        columns = ", ".join(one.column_id for one in self.revoked)
        released = f", released as {', '.join(self.release_ids)}" if self.release_ids else ""
        now = " It reads now: train again (`beitie train`)." if self.reads_now else ""
        return f"Model {self.model_id}{released} learned from revoked columns {columns}.{now}"


def revoked_samples(project: Project) -> dict[str, Revoked]:
    """Every sample whose approval was revoked and not given again, by its id."""
    found: dict[str, Revoked] = {}
    for batch in project.journal.batches():
        for column_id, standing in standings(project.journal.lines(batch)).items():
            now = standing.review.content_hash if standing.is_approved and standing.review else ""
            for review in standing.revoked:
                sample_id = sample_id_of(review.review_id, review.content_hash)
                if review.content_hash != now:
                    found[sample_id] = Revoked(
                        batch=batch,
                        column_id=column_id,
                        sample_id=sample_id,
                        detail=review.returned_detail,
                    )
    return found


def taught_by(project: Project, revoked: Mapping[str, Revoked]) -> list[Taught]:
    """The models that learned from these samples, themselves or by a model they began from."""
    if not revoked:
        return []
    models = {model.model_id: model for model in project.tables.read_all("models", Model)}
    releases = {one.release_id: one for one in project.tables.read_all("releases", Release)}
    reader = current(project).model_id
    found = []
    for model in sorted(models.values(), key=lambda one: (one.trained_at, one.model_id)):
        seen = _seen(project, model, models, releases)
        learned = tuple(revoked[sample_id] for sample_id in sorted(seen & set(revoked)))
        if learned:
            found.append(
                Taught(
                    model_id=model.model_id,
                    release_ids=tuple(
                        one.release_id
                        for one in releases.values()
                        if one.model_id == model.model_id
                    ),
                    revoked=learned,
                    reads_now=model.model_id == reader,
                )
            )
    return found


def tell_on_cards(project: Project, taught: Sequence[Taught]) -> None:
    """Say on the card of each of these models what it should not have learned from."""
    models = {model.model_id: model for model in project.tables.read_all("models", Model)}
    for one in taught:
        lines = [f"- column {r.column_id} of batch {r.batch}: {r.detail}" for r in one.revoked]
        folder = project.absolute(models[one.model_id].checkpoint_path)
        if folder.is_dir():
            heading = (
                "## Revoked samples\n\nIt learned from columns whose approval was revoked:\n\n"
            )
            tell_on_card(folder, heading + "\n".join(lines) + "\n")


def _seen(
    project: Project, model: Model, models: Mapping[str, Model], releases: Mapping[str, Release]
) -> set[str]:
    """Ids of the samples that a model and everything it began from were made of."""
    seen: set[str] = set()
    known: set[str] = set()
    ancestor: Model | None = model
    while ancestor is not None and ancestor.model_id not in known:
        known.add(ancestor.model_id)
        file = project.absolute(ancestor.checkpoint_path) / SEEN_SAMPLES
        if file.is_file():
            seen |= set(file.read_text(encoding="ascii").split())
        parent = releases.get(ancestor.parent_release_id)
        ancestor = None if parent is None else models.get(parent.model_id)
    return seen
