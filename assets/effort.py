"""The asset ``effort``: what a batch cost people, round by round.

Keeps out: how effort is counted (``annotation.effort``).
"""

from collections.abc import Iterator, Sequence
from statistics import median

import dagster as dg

from annotation.effort import effort_of, rounds_of
from annotation.journal import Decided
from annotation.states import standings
from assets.partitions import batches
from assets.report import Bar, Chart, Part, Table
from assets.resources import Project
from assets.reviews import reviews
from assets.stages import Stage, code_version, fingerprint
from pipelines.effort import Effort
from pipelines.records import Decision

LABEL_CHARACTERS = 36

CODE = code_version("annotation/effort.py", "pipelines/corrections.py")


@dg.asset(
    partitions_def=batches,
    deps=[reviews],
    group_name="people",
    kinds={"python", "parquet"},
    owners=["team:annotators"],
    code_version=CODE,
)
def effort(
    context: dg.AssetExecutionContext, project: dg.ResourceParam[Project]
) -> dg.MaterializeResult[None]:
    """Corrections per 100 characters and seconds per column, by round, annotator and hand."""
    batch = context.partition_key
    decided = _decided(project)
    own = decided.get(batch, [])
    rounds = rounds_of(entry for entries in decided.values() for entry in entries)
    stage = Stage(
        project=project,
        table="effort",
        batch=batch,
        record_type=Effort,
        inputs=fingerprint(CODE, rounds, [_seen(entry) for entry in own]),
    )
    is_unchanged = stage.is_same()
    if not is_unchanged:
        stage.write(effort_of(own, rounds))
    rows = project.tables.read("effort", batch, Effort)
    return stage.report(
        taken=len(rows),
        is_unchanged=is_unchanged,
        metadata={**_plotted(own), "table": dg.MetadataValue.md(as_markdown(rows))},
    )


def effort_parts(rows: Sequence[Effort]) -> Iterator[Part]:
    """What the report says of people's effort; nothing where nobody approved anything."""
    if not rows:
        return
    yield Chart(
        title="Corrections per 100 characters, round by round",
        unit="fewer is better; whiskers are 95 % intervals over works",
        bars=tuple(
            _bar(row, row.corrections, row.corrections_low, row.corrections_high) for row in rows
        ),
    )
    yield Chart(
        title="Seconds per column, round by round",
        unit="median column; whiskers are quartiles",
        bars=tuple(
            _bar(row, row.seconds, row.seconds_lower_quartile, row.seconds_upper_quartile)
            for row in rows
        ),
        note="Label Studio's lead time. What the simulated annotator took is invented.",
    )
    header, *cells = _cells(rows)
    yield Table(title="Effort", header=header, rows=tuple(cells))


def as_markdown(rows: Sequence[Effort]) -> str:
    """The rows as Dagster shows a table."""
    header, *cells = _cells(rows)
    lines = [header, ("---",) * len(header), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def hand(row: Effort) -> str:
    """The hand that was read: calligrapher and script."""
    return f"{row.calligrapher} {row.script}"


def _bar(row: Effort, value: float, low: float, high: float) -> Bar:
    """A bar has room for a short name; the table has the whole."""
    label = f"{row.round}: {row.annotator.partition('@')[0]}, {hand(row)}"
    if len(label) > LABEL_CHARACTERS:
        label = f"{label[: LABEL_CHARACTERS - 1]}…"
    return Bar(label=label, value=value, low=low, high=high, is_emphasized=not row.is_simulated)


def _cells(rows: Sequence[Effort]) -> list[tuple[str, ...]]:
    header = (
        *("round", "drafted by", "annotator", "hand", "columns", "characters"),
        *("corrections per 100", "seconds per column"),
    )
    return [
        header,
        *(
            (
                str(row.round),
                row.release_id,
                row.annotator,
                hand(row),
                str(row.columns),
                str(row.characters),
                f"{row.corrections:.1f} ({row.corrections_low:.1f} to {row.corrections_high:.1f})",
                f"{row.seconds:.0f} ({row.seconds_lower_quartile:.0f} to "
                f"{row.seconds_upper_quartile:.0f})",
            )
            for row in rows
        ),
    ]


def _plotted(decided: Sequence[Decided]) -> dict[str, float]:
    """Numbers that Dagster plots over batches; people's and the simulated annotator's apart."""
    shown = {}
    for is_simulated, name in ((False, "people"), (True, "simulated")):
        own = [
            entry
            for entry in decided
            if entry.review.is_simulated is is_simulated
            and entry.review.decision is Decision.APPROVED
        ]
        if characters := sum(len(entry.review.characters) for entry in own):
            edits = sum(entry.review.edit_count for entry in own)
            shown[f"corrections per 100 ({name})"] = 100 * edits / characters
            shown[f"seconds per column ({name})"] = median(entry.lead_time_s for entry in own)
    return shown


def _decided(project: Project) -> dict[str, list[Decided]]:
    """The last decisions of every batch that people saw, by batch."""
    return {
        batch: [
            standing.decided
            for standing in standings(project.journal.lines(batch)).values()
            if standing.decided is not None
        ]
        for batch in project.tables.batches("review_tasks")
    }


def _seen(entry: Decided) -> tuple[str, str, float]:
    return entry.review.review_id, entry.review.annotator, entry.lead_time_s
