"""What it cost people: corrections per 100 characters and seconds per column, by round and hand.

A round is what one release drafted. Seconds are Label Studio's own lead time, which runs on while
somebody drinks tea with the task open: so the median column counts, with quartiles, not the sum.
What the simulated annotator did stands in rows of its own; its seconds are invented.

Keeps out: the record (``pipelines.effort``), charts (``assets.effort``), edit distances
(``pipelines.corrections``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from annotation.journal import Decided
from pipelines.corrections import corrections_per_100
from pipelines.effort import Effort
from pipelines.records import Decision, Script
from pipelines.scripts import canonical

SEED = 20260101


def effort_of(decisions: Iterable[Decided], rounds: Sequence[str]) -> list[Effort]:
    """Rows by round, people before the simulated annotator, then by name and hand.

    Args:
        decisions: The last decision about each column; those that approve no character say nothing
            about effort and are left out.
        rounds: Releases in the order in which they came before people; see :func:`rounds_of`.

    Raises:
        ValueError: If a decision's release is in no round.
    """
    groups: dict[tuple[str, str, bool, str, Script], list[Decided]] = defaultdict(list)
    for entry in decisions:
        review = entry.review
        if review.decision is Decision.APPROVED and review.characters:
            work = review.work
            groups[
                review.draft_release_id,
                review.annotator,
                review.is_simulated,
                work.calligrapher,
                work.script,
            ].append(entry)
    rows = [_row(key, entries, rounds) for key, entries in groups.items()]
    return sorted(
        rows, key=lambda r: (r.round, r.is_simulated, r.annotator, r.calligrapher, r.script)
    )


def rounds_of(decisions: Iterable[Decided]) -> list[str]:
    """The releases whose drafts people decided about, in the order of their first decision."""
    first = sorted(decisions, key=lambda entry: entry.review.reviewed_at)
    return list(dict.fromkeys(entry.review.draft_release_id for entry in first))


def _row(
    key: tuple[str, str, bool, str, Script], entries: Sequence[Decided], rounds: Sequence[str]
) -> Effort:
    release_id, annotator, is_simulated, calligrapher, script = key
    rate = corrections_per_100(
        [
            ("".join(canonical(c) for c in entry.review.draft), entry.review.text)
            for entry in entries
        ],
        np.random.default_rng(SEED),
        groups=[entry.review.work.work_id for entry in entries],
    )
    lower, middle, upper = np.quantile([entry.lead_time_s for entry in entries], (0.25, 0.5, 0.75))
    return Effort(
        round=rounds.index(release_id) + 1,
        release_id=release_id,
        annotator=annotator,
        is_simulated=is_simulated,
        calligrapher=calligrapher,
        script=script,
        columns=rate.column_count,
        characters=rate.character_count,
        corrections=rate.per_100,
        corrections_low=rate.low,
        corrections_high=rate.high,
        seconds=float(middle),
        seconds_lower_quartile=float(lower),
        seconds_upper_quartile=float(upper),
    )
