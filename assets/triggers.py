"""When the graph moves by itself: the rules of the sensors, as functions of plain values.

Every rule compares what is wanted with what is there and asks for the runs that are missing.
Dagster remembers a run key for ever and drops the same one silently, so a key names partition,
content and attempt: a batch whose run failed is tried again, a few times and then no more.

Keeps out: Dagster, and where the values come from (``assets.automation``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

MAX_ATTEMPTS = 3

LOOK_INTERVAL_S = 60.0
"""Label Studio is asked for decisions this often; sooner after a hint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """What became of the runs that one cause has started so far."""

    failed: int = 0
    is_active: bool = False
    is_done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A run that is missing. ``cause`` is the same for every attempt; ``attempt`` from 0."""

    batch: str
    cause: str
    attempt: int

    @property
    def run_key(self) -> str:
        """Unique to partition, content and attempt."""
        return f"{self.cause}:{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPlan:
    """What the inbox asks for. ``unsettled`` batches may still be copied into."""

    new_batches: tuple[str, ...]
    wanted: tuple[Wanted, ...]
    unsettled: tuple[str, ...]
    given_up: tuple[str, ...] = ()


def inbox_cause(batch: str, signature: str) -> str:
    """Names the taking in of exactly these files."""
    return f"inbox:{batch}:{signature}"


def review_cause(batch: str, signature: str) -> str:
    """Names the taking in of exactly these decisions."""
    return f"reviews:{batch}:{signature}"


def reading_cause(batch: str, release_id: str) -> str:
    """Names the reading of a batch by a release."""
    return f"reading:{batch}:{release_id}"


def layout_cause(batch: str, version: str) -> str:
    """Names the cutting of a batch by exactly these layouts."""
    return f"layouts:{batch}:{version}"


def plan_inbox(
    signatures: Mapping[str, str],
    *,
    seen_before: Mapping[str, str],
    known_batches: Collection[str],
    attempts: Mapping[str, Attempts],
) -> InboxPlan:
    """Batches to open and runs to start for the folders of the inbox.

    A folder counts once two looks in a row found the same: an archivist's copy may take minutes.

    Args:
        signatures: The signature of each batch folder now.
        seen_before: The same at the last look.
        known_batches: Partitions that exist.
        attempts: What became of each cause, by :func:`inbox_cause`.
    """
    settled = {b: s for b, s in signatures.items() if seen_before.get(b) == s}
    wanted, given_up = _missing(
        {batch: inbox_cause(batch, sign) for batch, sign in settled.items()}, attempts
    )
    return InboxPlan(
        new_batches=tuple(sorted(set(settled) - set(known_batches))),
        wanted=wanted,
        unsettled=tuple(sorted(set(signatures) - set(settled))),
        given_up=given_up,
    )


def is_look_due(now: float, *, looked_at: float, hint_at: float) -> bool:
    """Whether to ask for decisions now: after a hint, or because the last look is old.

    All in seconds since 1970. A hint may get lost, or lie; so it only makes a look come sooner.
    """
    return hint_at >= looked_at or now - looked_at >= LOOK_INTERVAL_S


def plan_reviews(
    signatures: Mapping[str, str], attempts: Mapping[str, Attempts]
) -> tuple[Wanted, ...]:
    """Runs that take in decisions: one for every batch whose decisions nobody has taken in yet."""
    return _missing(
        {batch: review_cause(batch, sign) for batch, sign in signatures.items() if sign}, attempts
    )[0]


def plan_layouts(
    versions: Mapping[str, str], attempts: Mapping[str, Attempts]
) -> tuple[Wanted, ...]:
    """Runs that cut again what people laid out; ``versions`` of the batches that wait for it."""
    return _missing({b: layout_cause(b, version) for b, version in versions.items()}, attempts)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchState:
    """How far a batch is: which release read it, and whether anything waits for approval."""

    batch: str
    release_id: str
    open_columns: int


def plan_readings(
    states: Collection[BatchState], release_id: str, attempts: Mapping[str, Attempts]
) -> tuple[Wanted, ...]:
    """Runs that read again what nobody has approved, with the release that reads now.

    A batch that is approved to its last column is left alone, whoever read it.
    """
    return _missing(
        {
            state.batch: reading_cause(state.batch, release_id)
            for state in states
            if state.open_columns and state.release_id != release_id
        },
        attempts,
    )[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """That a new training is worth it; ``fingerprint`` names the samples it would see."""

    fingerprint: str
    approved_characters: int
    new_characters: int
    release_id: str
    sentence: str = field(compare=False)


def propose_training(
    *,
    fingerprint: str,
    approved_characters: int,
    trained_characters: int,
    release_id: str,
    enough: int,
) -> Proposal | None:
    """A proposal, if enough characters were approved that the current reader has never seen.

    Args:
        fingerprint: Names the samples as they are now.
        approved_characters: Characters of all samples that training may see.
        trained_characters: As many as the current reader was trained on.
        release_id: The release that reads now.
        enough: How many new ones make a training worth it.
    """
    fresh = approved_characters - trained_characters
    if fresh < enough:
        return None
    return Proposal(
        fingerprint=fingerprint,
        approved_characters=approved_characters,
        new_characters=fresh,
        release_id=release_id,
        sentence=(
            f"{fresh} characters were approved since release {release_id} was trained "
            f"({enough} are enough). `beitie train` starts a training on {approved_characters}."
        ),
    )


def _missing(
    causes: Mapping[str, str], attempts: Mapping[str, Attempts]
) -> tuple[tuple[Wanted, ...], tuple[str, ...]]:
    """The runs to start, and the batches whose attempts are used up."""
    wanted, given_up = [], []
    for batch, cause in sorted(causes.items()):
        so_far = attempts.get(cause, Attempts())
        if so_far.is_done or so_far.is_active:
            continue
        if so_far.failed >= MAX_ATTEMPTS:
            given_up.append(batch)
            continue
        wanted.append(Wanted(batch=batch, cause=cause, attempt=so_far.failed))
    return tuple(wanted), tuple(given_up)
