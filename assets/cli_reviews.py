"""``beitie review``: drafts to people and decisions back, from the command line.

Keeps out: what a review is worth (``annotation``), and the assets that do it (``assets``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from assets.terminal import explained, materialize, named, open_project, show_counts, tell
from pipelines.errors import BeitieError

if TYPE_CHECKING:
    from assets.resources import Project


@click.group()
def review() -> None:
    """Drafts to people, decisions back."""


@review.command("push")
@click.argument("batch", nargs=-1)
@explained
def review_push(batch: tuple[str, ...]) -> None:
    """Put the columns of batches before people (all batches that were read, by default).

    Pages that people laid out anew are cut into their columns and read before.
    """
    from assets.columns import columns
    from assets.page_layouts import to_cut_again
    from assets.page_quality import page_quality
    from assets.readings import readings, second_readings
    from assets.review_tasks import review_tasks

    project = open_project()
    for name in named(project, batch, "readings"):
        if name in to_cut_again(project):
            again = [columns, page_quality, second_readings, readings]
            materialize(project, again, batch=name)
            show_counts(project, "columns", name)
        materialize(project, [review_tasks], batch=name)
        show_counts(project, "review_tasks", name)


@review.command("pull")
@click.argument("batch", nargs=-1)
@explained
def review_pull(batch: tuple[str, ...]) -> None:
    """Fetch what people decided about pages and columns, and make samples of it."""
    from assets.effort import effort
    from assets.layouts import layouts
    from assets.page_layouts import to_cut_again
    from assets.reviews import reviews
    from assets.samples import samples

    project = open_project()
    for name in named(project, batch, "review_tasks"):
        materialize(project, [layouts, reviews], batch=name)
        show_counts(project, "layouts", name)
        show_counts(project, "reviews", name)
        materialize(project, [effort], batch=name)
    materialize(project, [samples])
    if waiting := to_cut_again(project):
        tell(
            f"People laid out pages of {', '.join(waiting)} anew: "
            f"`beitie review push {' '.join(waiting)}` cuts them into their columns."
        )


@review.command("status")
@explained
def review_status() -> None:
    """How far every batch is with people, what came back, and what somebody should look at."""
    from annotation.states import standings
    from assets.revocations import revoked_samples, taught_by

    project = open_project()
    for name in named(project, (), "review_tasks"):
        show_counts(project, "review_tasks", name)
        if project.tables.manifest("layouts", name) is not None:
            show_counts(project, "layouts", name)
        if project.tables.manifest("reviews", name) is not None:
            show_counts(project, "reviews", name)
            _show_states(project, name)
    for name in project.journal.batches():
        for column_id, standing in sorted(standings(project.journal.lines(name)).items()):
            if standing.returned is not None:
                click.echo(f"{name:<14} returned         {column_id}: {standing.returned_detail}")
            for flag in standing.flags:
                click.echo(f"{name:<14} look at          {column_id}: {flag.detail}")
    for taught in taught_by(project, revoked_samples(project)):
        click.echo(f"revoked        {taught.sentence}")


@review.command("revoke")
@click.argument("column_id", metavar="COLUMN")
@click.option("--reason", required=True, help="Why; the annotator and every log read it.")
@explained
def review_revoke(column_id: str, reason: str) -> None:
    """Take an approval back; its sample goes with the next `beitie review pull`."""
    import getpass
    from datetime import UTC, datetime

    from annotation.approval import Person, act
    from annotation.journal import Action
    from annotation.states import standings
    from assets.revocations import revoked_samples, taught_by

    project = open_project()
    for batch in project.journal.batches():
        standing = standings(project.journal.lines(batch)).get(column_id)
        if standing is None or standing.review is None:
            continue
        after = act(
            project.journal,
            batch,
            column_id,
            Action.REVOKE,
            Person(name=f"{getpass.getuser()} (command line)"),
            content_hash=standing.review.content_hash,
            at=datetime.now(UTC),
            reason=reason,
        )
        tell(f"{after.returned_detail}. `beitie review pull {batch}` takes its sample away.")
        for taught in taught_by(project, revoked_samples(project)):
            if any(one.column_id == column_id for one in taught.revoked):
                click.echo(taught.sentence)
        return
    raise BeitieError(
        f"Nobody has approved a column {column_id!r}. The desk shows the id of every column, and "
        f"so does the table `reviews`."
    )


@review.command("agreement")
@click.argument("batch", nargs=-1)
@click.option("--seed", default=0, show_default=True, help="Of the intervals.")
@explained
def review_agreement(batch: tuple[str, ...], seed: int) -> None:
    """How far annotators agree with each other, the draft, and what is known, task by task."""
    import numpy as np

    from annotation.agreement import agreements
    from annotation.gold import ground_truth
    from pipelines.records import ReviewTask

    project = open_project()
    for name in named(project, batch, "review_tasks"):
        rows = project.tables.read("review_tasks", name, ReviewTask)
        if not rows:
            continue
        client = project.label_studio()
        tasks = [t for t in client.tasks(rows[0].project_id) if "column_id" in t.data]
        truth = {c: review for c, (_, review) in ground_truth(project.journal).items()}
        found = agreements(tasks, client.users(), np.random.default_rng(seed), truth=truth)
        if not found:
            click.echo(f"{name:<14} nobody has annotated anything yet")
        for one in found:
            click.echo(f"{name:<14} {one.sentence}")


def _show_states(project: Project, batch: str) -> None:
    """One line: how many columns stand on each step of the ladder."""
    from collections import Counter

    from annotation.states import state_of
    from pipelines.records import Review
    from pipelines.states import State

    found: Counter[State] = Counter()
    found.update(map(state_of, project.tables.read("reviews", batch, Review)))
    found.update(map(state_of, project.tables.rejections("reviews", batch)))
    told = ", ".join(f"{found[s]} {s.value.replace('_', ' ')}" for s in State if found[s])
    click.echo(f"{batch:<14} {'states':<16} {told}")
