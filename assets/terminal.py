"""What every command of the front door shows: progress, counts, and errors in a sentence.

Keeps out: the commands (``assets.cli``). Imports stand inside the functions, as there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from pipelines.errors import BeitieError

if TYPE_CHECKING:
    import dagster as dg

    from assets.resources import Project
    from assets.runs import Progress

P = ParamSpec("P")
T = TypeVar("T")


def explained(command: Callable[P, T]) -> Callable[P, T]:
    """Turn an error of the project into its sentence and exit status 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except BeitieError as error:
            raise click.ClickException(str(error)) from error

    return run


def open_project() -> Project:
    """The project that the environment names.

    Raises:
        SettingsError: If the environment cannot be used.
    """
    from assets.resources import Project, read_settings

    return Project(read_settings())


def tell(sentence: str) -> None:
    """Say something that is no result: on standard error."""
    click.echo(sentence, err=True)


def named(project: Project, given: tuple[str, ...], table: str) -> list[str]:
    """The batches that were named, else all that have the table.

    Raises:
        BeitieError: If a named one has not.
    """
    known = project.tables.batches(table)
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise BeitieError(
            f"Batch {', '.join(unknown)} has no {table}. Batches that have: "
            f"{', '.join(known) or 'none'}."
        )
    return list(given) or known


def materialize(
    project: Project,
    assets: list[dg.AssetsDefinition],
    *,
    batch: str | None = None,
    config: dict[str, Any] | None = None,
) -> None:
    """Materialize assets and show what they say while they work.

    Raises:
        RunError: If a step fails or a blocking check does not hold.
    """
    from rich.console import Console
    from rich.markup import escape

    from assets import runs

    console = Console(stderr=True)
    names = ", ".join(key.to_user_string() for asset in assets for key in asset.keys)
    heading = f"{names} of {batch}" if batch else names
    with console.status(heading) as line, runs.open_instance(project) as instance:

        def show(said: str) -> None:
            if console.is_terminal:
                line.update(f"{heading}: {escape(said[:100])}")
            else:
                tell(said)

        on_progress: Progress = show
        runs.materialize(
            project, instance, assets, batch=batch, config=config, on_progress=on_progress
        )


@contextmanager
def bar() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on standard error; the block gets a function of what, done and total."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=None)

        def step(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total)

        yield step


def show_counts(project: Project, table: str, batch: str) -> None:
    """One line: what a partition holds, and what was not taken and why."""
    from collections import Counter

    manifest = project.tables.manifest(table, batch)
    if manifest is None:
        return
    reasons = Counter(r.reason for r in project.tables.rejections(table, batch))
    why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    refused = f", {manifest.rejected} not taken ({why})" if manifest.rejected else ""
    click.echo(f"{batch:<14} {table:<16} {manifest.accepted:>6}{refused}")


def show_reader(project: Project) -> None:
    """One line: which release reads."""
    from assets.release_pointer import current

    reader = current(project)
    click.echo(f"reader   {reader.release_id} (model {reader.model_id}): {reader.reason}")
