"""``beitie review``: drafts to people and decisions back, from the command line.

Keeps out: what a review is worth (``annotation``), and the assets that do it (``assets``).
"""

from __future__ import annotations

import click

from assets.terminal import explained, materialize, named, open_project, show_counts


@click.group()
def review() -> None:
    """Drafts to people, decisions back."""


@review.command("push")
@click.argument("batch", nargs=-1)
@explained
def review_push(batch: tuple[str, ...]) -> None:
    """Put the columns of batches before people (all batches that were read, by default)."""
    from assets.review_tasks import review_tasks

    project = open_project()
    for name in named(project, batch, "readings"):
        materialize(project, [review_tasks], batch=name)
        show_counts(project, "review_tasks", name)


@review.command("pull")
@click.argument("batch", nargs=-1)
@explained
def review_pull(batch: tuple[str, ...]) -> None:
    """Fetch what people decided, and make samples of it."""
    from assets.effort import effort
    from assets.reviews import reviews
    from assets.samples import samples

    project = open_project()
    for name in named(project, batch, "review_tasks"):
        materialize(project, [reviews], batch=name)
        show_counts(project, "reviews", name)
        materialize(project, [effort], batch=name)
    materialize(project, [samples])


@review.command("status")
@explained
def review_status() -> None:
    """How many columns wait for people, batch by batch."""
    project = open_project()
    for name in named(project, (), "review_tasks"):
        show_counts(project, "review_tasks", name)
        if project.tables.manifest("reviews", name) is not None:
            show_counts(project, "reviews", name)
