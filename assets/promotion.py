"""Whether a model may replace the reader: better on the same frozen split, or surely no worse.

Keeps out: how the figures are made (``training``), and Dagster: a check and an asset ask here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.checks import Finding
from pipelines.evaluations import Evaluation
from pipelines.records import Reader

METRIC = "more_corrections_per_100"
"""Corrections per 100 characters that a model needs more than another on the same columns: what it
costs the people who work with it. Below 0 it saves them some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionParams:
    """When a model may replace the reader.

    Better is enough: a model that needs fewer corrections on the split is released, however wide
    the interval of the difference. A small split has wide intervals, and a rule that waited for
    them to close would refuse every model until hundreds of held-out characters are approved; the
    better figure is the better bet until then, it can be rolled back, and the interval is shown.

    Not better is enough only where harm is excluded: the whole 95 % interval of the paired
    bootstrap must lie at or below ``tolerated_loss_per_100``. What a model learned of one hand
    seldom shows on a split of other works; it must not cost them anything that people would notice.

    Attributes:
        tolerated_loss_per_100: Corrections per 100 characters that a model which is not better
            may need more at the very most.
        fewest_characters: Of the split, for a model that is not better: on fewer, columns that
            happen to agree would leave an interval of no width.
    """

    tolerated_loss_per_100: float = 1.0
    fewest_characters: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a model may be released, and why, as a sentence that goes on after its name."""

    is_released: bool
    why: str


def judge(
    rows: Sequence[Evaluation],
    *,
    candidate_id: str,
    release_id: str,
    params: PromotionParams = PromotionParams(),
) -> Verdict:
    """Compare a model with the current reader; with itself it may stay.

    Both are judged as they read by themselves: what the second reader knows would hide what was
    learned.
    """
    if candidate_id == release_id:
        return Verdict(is_released=True, why="it is the current reader")
    found = [
        row
        for row in rows
        if (row.model_id, row.against) == (candidate_id, release_id)
        and (row.metric, row.reader) == (METRIC, Reader.UNICALLI)
    ]
    if not found:
        return Verdict(
            is_released=False,
            why=f"the evaluation does not compare it with the current reader {release_id}; "
            f"materialize the evaluation again",
        )
    (row,) = found
    figure = (
        f"corrections per 100 characters on the frozen split: {row.value:+.2f} beside the current "
        f"reader {release_id} (95 % interval {row.low:+.2f} to {row.high:+.2f}, paired, by "
        f"{row.resampled.value}, {row.character_count} characters)"
    )
    if row.value < 0:
        return Verdict(is_released=True, why=f"better, {figure}")
    if row.high > params.tolerated_loss_per_100:
        return Verdict(
            is_released=False,
            why=f"not better, and a loss of more than {params.tolerated_loss_per_100:g} is not "
            f"excluded: {figure}",
        )
    if row.character_count < params.fewest_characters:
        return Verdict(
            is_released=False,
            why=f"not better, and fewer than {params.fewest_characters} characters cannot exclude "
            f"a loss: {figure}",
        )
    return Verdict(
        is_released=True,
        why=f"no worse by more than {params.tolerated_loss_per_100:g}, {figure}",
    )


def not_better(
    rows: Sequence[Evaluation],
    *,
    candidate_id: str,
    release_id: str,
    params: PromotionParams = PromotionParams(),
) -> list[Finding]:
    """What speaks against the candidate as a finding; nothing, if it may be released."""
    verdict = judge(rows, candidate_id=candidate_id, release_id=release_id, params=params)
    if verdict.is_released:
        return []
    return [
        Finding(
            check="promotion",
            item_id=candidate_id,
            message=f"Model {candidate_id} is not released: {verdict.why}.",
        )
    ]
