"""Whether a model may replace the reader: better on the same frozen split, or not at all.

Keeps out: how the figures are made (``training``), and Dagster: a check and an asset ask here.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.checks import Finding
from pipelines.records import Evaluation, Reader

METRIC = "corrections_per_100"
"""Corrections per 100 characters: what a model costs the people who work with it."""


def not_better(rows: Sequence[Evaluation], *, candidate_id: str, release_id: str) -> list[Finding]:
    """What speaks against the candidate; nothing, if it is the current reader itself.

    A candidate must need fewer corrections than the current reader on the same split, both read
    by themselves: what the second reader knows would hide what was learned. The
    intervals are shown and do not decide: a small split would refuse every model for ever, and a
    release can be rolled back.
    """
    if candidate_id == release_id:
        return []
    figures = {
        row.model_id: row for row in rows if row.metric == METRIC and row.reader is Reader.UNICALLI
    }
    missing = [model_id for model_id in (candidate_id, release_id) if model_id not in figures]
    if missing:
        problem = f"{METRIC} of {' and '.join(missing)} is not in the evaluation"
        return [_finding(candidate_id, f"{problem}; materialize the evaluation again")]
    candidate, release = figures[candidate_id], figures[release_id]
    if candidate.split_fingerprint != release.split_fingerprint:
        return [
            _finding(
                candidate_id,
                f"it was judged on the split {candidate.split_fingerprint} and the current reader "
                f"on {release.split_fingerprint}; materialize the evaluation again",
            )
        ]
    if candidate.value >= release.value:
        return [
            _finding(
                candidate_id,
                f"it needs {_figure(candidate)}, "
                f"the current reader {release_id} {_figure(release)}",
            )
        ]
    return []


def _figure(row: Evaluation) -> str:
    return f"{row.value:.2f} corrections per 100 characters ({row.low:.2f} to {row.high:.2f})"


def _finding(model_id: str, problem: str) -> Finding:
    return Finding(
        check="promotion", item_id=model_id, message=f"Model {model_id} is not released: {problem}."
    )
