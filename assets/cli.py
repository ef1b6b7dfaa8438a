"""``beitie``: the one front door for people.

Every command says what it did; a failure is one sentence on standard error that says what was
found, what was expected, which item and what to do, and the exit status is not 0. What a program
reads goes to standard output, everything else to standard error.

Imports stand inside the commands: ``beitie --help`` must not wait for Dagster.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assets.cli_families import adapt, attribute, restyle
from assets.cli_reviews import review
from assets.cli_users import user
from assets.terminal import (
    bar,
    explained,
    materialize,
    named,
    open_project,
    show_counts,
    show_reader,
    tell,
)
from pipelines.errors import BeitieError
from pipelines.records import Script

if TYPE_CHECKING:
    from assets.resources import Project

SCRIPTS = tuple(script.value for script in Script)
FAMILIES = ("unicalli", "calliffusion", "scriptvit")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="beitie", prog_name="beitie")
def main() -> None:
    """Beitie 碑帖: scans in, approved transcriptions and better readers out."""


@main.command()
@click.option("--desk-port", default=3001, show_default=True, help="Port of the archivist's desk.")
@click.option("--dagster-port", default=3000, show_default=True, help="Port of Dagster.")
@click.option("--label-studio-port", default=0, help="Port of Label Studio; 0 finds one.")
@explained
def up(desk_port: int, dagster_port: int, label_studio_port: int) -> None:
    """Start the desk, Dagster and Label Studio on localhost; Ctrl-C stops them."""
    import signal

    from assets.up import running

    # A service manager says SIGTERM where a person says Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ports = {"desk_port": desk_port, "dagster_port": dagster_port}
    ports |= {"label_studio_port": label_studio_port}
    with running(open_project(), say=tell, **ports) as watch:
        try:
            watch()
        except KeyboardInterrupt:
            return


@main.command()
@click.argument("sources", nargs=-1, required=True, metavar="PATH|URL...")
@click.option("--work", help="Title of the work; without it sidecar files (work.toml) say.")
@click.option("--calligrapher", help="Who wrote it.")
@click.option("--script", type=click.Choice(SCRIPTS), help="The script it is in.")
@click.option("--rights", help="Under what terms the scans may be used, as in 'CC BY-SA 4.0'.")
@click.option("--source", help="Where the scans come from, with the credit that is asked for.")
@click.option("--batch", help="The batch they join; by default one named after today.")
@click.option("--now", is_flag=True, help="Take the batch in at once, without `beitie up`.")
@explained
def add(
    sources: tuple[str, ...],
    work: str | None,
    calligrapher: str | None,
    script: str | None,
    rights: str | None,
    source: str | None,
    batch: str | None,
    now: bool,
) -> None:
    """Put scans of a work into the inbox; adding the same file twice does nothing."""
    from pipelines.inbox import add_described

    project = open_project()
    flags = {"title": work, "calligrapher": calligrapher, "script": script}
    flags |= {"rights": rights, "source": source}
    name = batch or datetime.now().astimezone().date().isoformat()
    added, refused = add_described(project.inbox, name, sources, flags)
    for one in added:
        click.echo(f"{one.folder}: {len(one.new)} new, {len(one.present)} there already")
    for sentence in refused:
        tell(f"Error: {sentence}")
    if now and added:
        _take_in(project, name)
    elif any(one.new for one in added):
        tell(f"`beitie up` takes batch {name} in; so does `beitie add --now`.")
    if refused:
        sys.exit(1)


@main.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=Path)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file, on one line.")
@click.option("--release", "release_id", help="Read with this release instead of the current one.")
@click.option("--no-second", is_flag=True, help="Leave the second reader (RapidOCR) out.")
@explained
def read(images: tuple[Path, ...], as_json: bool, release_id: str | None, no_second: bool) -> None:
    """Transcribe pages or single columns: columns from right to left."""
    from assets.release_pointer import checkpoint, current, find
    from assets.transcribe import Failure, transcribe

    project = open_project()
    reader = find(project, release_id) if release_id else current(project)
    with tempfile.TemporaryDirectory(prefix="beitie-read-") as home, bar() as on_step:
        results = transcribe(
            project.settings,
            images,
            Path(home),
            checkpoint=checkpoint(project, reader),
            has_second=not no_second,
            on_step=on_step,
        )
    failures = [result for result in results if isinstance(result, Failure)]
    for result in results:
        if isinstance(result, Failure):
            tell(f"Error: {result.sentence}")
            continue
        for doubt in dict.fromkeys(c["order_doubt"] for c in result.columns if c["order_doubt"]):
            tell(f"{result.file}: {doubt}")
        if as_json:
            click.echo(json.dumps(result.line(), ensure_ascii=False))
        else:
            click.echo(f"{result.file}\n{result.text}\n")
    if failures:
        sys.exit(1)


@main.command()
@click.argument("text")
@click.option("--calligrapher", default="unknown", show_default=True, help="In whose hand.")
@click.option("--script", type=click.Choice(SCRIPTS[:-1]), default="regular", show_default=True)
@click.option("--hand", default="", help="Font id of a hand the reader was trained on, instead.")
@click.option("--english", is_flag=True, help="TEXT is English words, to write in hieroglyphs.")
@click.option("--lexicon", type=Path, help="English words of your own (TOML), for --english.")
@click.option("--checkpoint", "model", type=Path, help="A model other than the released one.")
@click.option("--family", type=click.Choice(FAMILIES), default=FAMILIES[0], show_default=True)
@click.option("--adapter", type=Path, help="A hand learned by `beitie adapt` (calliffusion).")
@click.option("--mix", multiple=True, metavar="HAND=WEIGHT", help="Mixed in (calliffusion).")
@click.option("--skeleton", multiple=True, type=Path, help="Picture to follow (calliffusion).")
@click.option("--like", multiple=True, type=Path, help="Picture of the hand (scriptvit).")
@click.option("--seed", default=0, show_default=True, help="Another seed, another column.")
@click.option("-o", "--out", type=Path, required=True, help="PNG or SVG to write.")
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
@explained
def write(
    text: str,
    calligrapher: str,
    script: str,
    hand: str,
    english: bool,
    lexicon: Path | None,
    model: Path | None,
    family: str,
    adapter: Path | None,
    mix: tuple[str, ...],
    skeleton: tuple[Path, ...],
    like: tuple[Path, ...],
    seed: int,
    out: Path,
    force: bool,
) -> None:
    """Write columns in a hand; blanks in TEXT part columns (of English words, slashes do).

    What was written is read back, and what reads as something else is written again.
    """
    from assets.commands import run_training
    from assets.families import family_checkpoint
    from assets.release_pointer import checkpoint, current

    if family != "calliffusion" and (adapter or mix or skeleton):
        raise click.UsageError("--adapter, --mix and --skeleton need --family calliffusion.")
    if (family == "scriptvit") != bool(like):
        raise click.UsageError("--family scriptvit goes with --like, pictures of the hand.")
    if out.exists() and not force:
        raise BeitieError(f"{out} is already there. Name another file, or give --force.")
    project = open_project()
    arguments = [text, "--calligrapher", calligrapher, "--script", script, "--seed", str(seed)]
    arguments += ["--hand", hand] if hand else []
    arguments += ["--english"] if english else []
    arguments += ["--lexicon", str(lexicon.resolve())] if lexicon else []
    arguments += ["--adapter", str(adapter.resolve())] if adapter else []
    arguments += ["--mix", *mix] if mix else []
    arguments += ["--skeleton", *(str(one.resolve()) for one in skeleton)] if skeleton else []
    verb = "write"
    if like:  # all that it is told
        verb, arguments = "imitate", [text, "--references", *(str(one.resolve()) for one in like)]
    if model:
        folder = model.resolve()
    elif family == "unicalli":
        folder = checkpoint(project, current(project))
    else:
        folder = family_checkpoint(project, family)
    arguments += ["--checkpoint", str(folder), "--out", str(out.resolve())]
    report = run_training(project.settings, verb, arguments, on_progress=tell)
    if report.get("read_back_otherwise"):
        tell(f"Our reader reads these as something else: {report['read_back_otherwise']}")
    for word in report.get("words", ()):
        tell("{english} → {chinese} → {code} {sign}".format(**word))
    click.echo(str(out))


@main.command()
@click.option("--seconds", default=0, help="Time budget; 0 takes BEITIE_TRAIN_SECONDS.")
@click.option("--recipe", default="unicalli.fine_tune", show_default=True)
@click.option("--again", is_flag=True, help="Even if the reader was trained on these samples.")
@explained
def train(seconds: int, recipe: str, again: bool) -> None:
    """Samples, model, evaluation, and release if it is better."""
    from assets.evaluation import evaluation
    from assets.models import TrainingConfig, model
    from assets.releases import release
    from assets.samples import samples

    config = {"model": TrainingConfig(recipe=recipe, seconds=seconds, again=again)}
    project = open_project()
    materialize(project, [samples, model, evaluation, release], config=config)
    show_reader(project)


@main.command()
@explained
def evaluate() -> None:
    """Judge the newest model and the current reader on the frozen split."""
    from assets.evaluation import evaluation
    from pipelines.evaluations import Evaluation

    project = open_project()
    try:
        materialize(project, [evaluation])
    finally:
        from assets.models import newest_model

        batch = newest_model(project).model_id
        if project.tables.manifest("evaluations", batch):
            for row in project.tables.read("evaluations", batch, Evaluation):
                click.echo(
                    f"{row.model_id}  {row.reader.value:<9} {row.metric:<24} {row.value:8.2f}  "
                    f"({row.low:.2f} to {row.high:.2f} by {row.resampled.value}, "
                    f"{row.character_count} characters)"
                    + (row.against and f" beside {row.against}")
                )


@main.command()
@click.option("--rollback", is_flag=True, help="Go back to the reader before the current one.")
@click.option("--model", "model_id", help="Release this model, whatever the evaluation says.")
@click.option("--reason", help="Why, where you release by hand.")
@explained
def release(rollback: bool, model_id: str | None, reason: str | None) -> None:
    """Release the newest model if it is better, or move the pointer by hand."""
    from assets.release_pointer import open_release, roll_back
    from assets.releases import release as release_asset
    from assets.runs import open_instance, report_release
    from pipelines.records import Model

    project, now = open_project(), datetime.now(UTC)
    if rollback and model_id:
        raise click.UsageError("Give --rollback or --model, not both.")
    if model_id and not reason:
        raise click.UsageError("A release by hand needs a --reason; it is kept with the release.")
    if not rollback and not model_id:
        materialize(project, [release_asset])
    else:
        if model_id:
            if project.tables.manifest("models", model_id) is None:
                known = ", ".join(project.tables.batches("models")) or "none yet"
                raise BeitieError(f"There is no model {model_id!r}. Known models: {known}.")
            model = project.tables.read("models", model_id, Model)[0]
            opened = open_release(project, model, reason=f"by hand: {reason}", now=now)
        else:
            opened = roll_back(project, now=now)
        with open_instance(project) as instance:
            report_release(project, instance, opened)
    show_reader(project)


@main.command()
@click.argument("name")
@click.option("--pages", default=60, show_default=True, help="How many pages to draw.")
@click.option("--seed", default=1, show_default=True, help="The same seed draws the same pages.")
@click.option("--wear", type=float, help="From 0 (fresh) to 1 (some text lost); else drawn.")
@explained
def corpus(name: str, pages: int, seed: int, wear: float | None) -> None:
    """Draw synthetic pages with exact truth from the fonts and texts at hand."""
    from assets.corpora import CorpusConfig, corpora

    project = open_project()
    config = CorpusConfig(name=name, pages=pages, seed=seed, wear=wear)
    materialize(project, [corpora], config={"corpora": config})
    show_counts(project, "corpus_pages", name)


@main.command()
@click.argument("batch", nargs=-1)
@click.option("-o", "--out", type=Path, required=True, help="HTML file to write.")
@click.option("--pages", "shown", default=8, show_default=True, help="Pages shown step by step.")
@explained
def report(batch: tuple[str, ...], out: Path, shown: int) -> None:
    """What became of every page: a table, pictures step by step, and a sheet of all pages."""
    from assets.batch_report import write_batch_report

    project = open_project()
    click.echo(str(write_batch_report(project, named(project, batch, "columns"), out, shown=shown)))


@main.command()
@click.argument("format_name", metavar="FORMAT")
@click.option("-o", "--out", type=Path, required=True, help="Folder to make.")
@click.option("--batch", "batch", multiple=True, help="Only this batch; may be repeated.")
@click.option("--rights", default="", help="Only works under exactly these rights.")
@explained
def export(format_name: str, out: Path, batch: tuple[str, ...], rights: str) -> None:
    """Approved columns as parquet, jsonl or page-xml; rights that do not mix are refused."""
    from pipelines import exports

    project = open_project()
    exports.require_format(format_name)
    approved = exports.approved_columns(project.tables, batches=batch, rights=rights)
    done = exports.export(format_name, approved, project.store, out)
    click.echo(
        f"{done.folder}: {done.columns} columns, {done.characters} characters, {done.works} works"
    )


@main.command()
@explained
def status() -> None:
    """What is where: batches, what was refused and why, the reader, proposals."""
    from pipelines.inbox import signatures
    from pipelines.tables import TABLES

    project = open_project()
    tables = project.tables
    waiting = sorted(set(signatures(project.inbox)) - set(tables.batches("scans")))
    click.echo(f"project  {project.home}")
    if waiting:
        click.echo(f"inbox    waiting: {', '.join(waiting)}")
    for batch in tables.batches("scans"):
        click.echo(f"batch    {batch}")
        for name in list(TABLES)[: list(TABLES).index("reviews") + 1]:
            if tables.manifest(name, batch) is not None:
                show_counts(project, name, batch)
    show_reader(project)
    for file in sorted(project.proposals.glob("*.json")):
        proposal = json.loads(file.read_text(encoding="utf-8"))
        click.echo(f"proposal {proposal['proposed_at'][:16]}  {proposal['sentence']}")


for command in (review, user, adapt, attribute, restyle):
    main.add_command(command)


def _take_in(project: Project, batch: str) -> None:
    from assets.columns import columns
    from assets.page_quality import page_quality
    from assets.pages import pages
    from assets.readings import readings, second_readings
    from assets.scans import scans

    stages = [scans, pages, columns, page_quality, readings, second_readings]
    materialize(project, stages, batch=batch)
    for name in ("scans", "pages", "columns", "readings", "second_readings"):
        show_counts(project, name, batch)


if __name__ == "__main__":
    main(prog_name="beitie")
