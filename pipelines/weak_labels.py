"""Weak labels: characters of unlabelled pages that two independent readers read the same.

The readers see the same boxes and differ in all else, so that they seldom err alike. What they
agree on may be trained on at a small share; it is not approved by anybody, and nothing here makes
it so: the samples are of ``Origin.WEAK``, name no review, and are kept out of the ``samples``
table, from which exports and evaluations are made.

UniCalli's drafts heed the second reader and agree with it too easily: what it named by itself is
kept in each reading (``CharacterReading.alone``), and that is what is compared.

Holds: :func:`weak_samples` of columns, and of all that tables hold.

Keeps out: the readers, and how much such a label weighs (``training``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipelines.ids import derive_id, split_of
from pipelines.prompts import style_prompt
from pipelines.records import (
    ILLEGIBLE,
    CharacterReading,
    Column,
    Origin,
    Page,
    Reading,
    Rejection,
    Review,
    Sample,
    SampleCharacter,
    Split,
)
from pipelines.scripts import canonical
from pipelines.tables import Tables

STAGE = "weak_samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakLabelParams:
    """When agreement counts.

    Chosen and measured on worn pages of two hands that neither reader had learned, in boxes as
    they were found (2,031 and 2,135 characters): at these numbers 98 % of the labels are right, and
    40 % and 34 % of the characters get one; the readers by themselves are right in 58 % and 54 %
    (UniCalli) and 75 % and 64 % (RapidOCR). Any agreement at all is right in 95 % and 96 %.

    Attributes:
        least_score: Of the first reader by itself.
        least_second_score: Of the second.
        fewest_characters: Of a column, agreed on.
    """

    least_score: float = 0.35
    least_second_score: float = 0.7
    fewest_characters: int = 2


def weak_samples(
    columns: Iterable[Column],
    pages: Mapping[str, Page],
    readings: Mapping[str, Reading],
    seconds: Mapping[str, Reading],
    reviewed: Collection[str],
    *,
    code_version: str,
    params: WeakLabelParams = WeakLabelParams(),
) -> Iterator[Sample | Rejection]:
    """One weak sample or one rejection a column; where the readers differ stands □.

    Args:
        columns: As they were read.
        pages: Their pages, by id: the polarity is recorded there.
        readings: Of the first reader, by column.
        seconds: Of the second, by column.
        reviewed: Columns that somebody has decided about, in whatever way: people outrank machines.
        code_version: Goes into every sample.
        params: When agreement counts.

    Yields:
        Rejections carry one of the reasons ``held_out`` (a work that readers are judged on),
        ``reviewed``, ``not_read`` (by both), ``no_agreement``.
    """
    for column in columns:
        if split_of(column.work.work_id) is not Split.TRAIN:
            yield _reject(column, "held_out", "its work is one that readers are judged on")
            continue
        if column.column_id in reviewed:
            yield _reject(column, "reviewed", "somebody has decided about it")
            continue
        first, second = readings.get(column.column_id), seconds.get(column.column_id)
        if first is None or second is None:
            yield _reject(column, "not_read", "it was not read by both readers")
            continue
        agreed = agreed_characters(first, second, params)
        if len(agreed) < params.fewest_characters:
            yield _reject(column, "no_agreement", f"the readers agree on {len(agreed)} characters")
            continue
        polarity = pages[column.page_id].polarity
        yield Sample(
            sample_id=derive_id(first.reading_id, second.reading_id, STAGE, repr(params)),
            column_id=column.column_id,
            page_id=column.page_id,
            work=column.work,
            split=Split.TRAIN,
            origin=Origin.WEAK,
            ink_key=column.ink_key,
            polarity=polarity,
            characters=tuple(
                SampleCharacter(
                    box=character.box.moved(-column.box.left, -column.box.top),
                    written=agreed.get(character.character_id, ILLEGIBLE),
                    canonical=agreed.get(character.character_id, ILLEGIBLE),
                    is_damaged=False,
                )
                for character in column.characters
            ),
            prompt=style_prompt(column.work, polarity),
            review_id="",
            code_version=code_version,
        )


def weak_samples_in(
    tables: Tables, *, code_version: str, params: WeakLabelParams = WeakLabelParams()
) -> Iterator[Sample | Rejection]:
    """:func:`weak_samples` of every batch that both readers have read."""
    for batch in tables.batches("readings"):
        if tables.manifest("second_readings", batch) is None:
            continue
        reviews = (
            tables.read("reviews", batch, Review)
            if tables.manifest("reviews", batch) is not None
            else []
        )
        yield from weak_samples(
            tables.read("columns", batch, Column),
            {page.page_id: page for page in tables.read("pages", batch, Page)},
            {r.column_id: r for r in tables.read("readings", batch, Reading)},
            {r.column_id: r for r in tables.read("second_readings", batch, Reading)},
            {review.column_id for review in reviews},
            code_version=code_version,
            params=params,
        )


def agreed_characters(first: Reading, second: Reading, params: WeakLabelParams) -> dict[str, str]:
    """Canonical characters that both readers named in the same box, by character id."""
    theirs = {character.character_id: character for character in second.characters}
    return {
        ours.character_id: canonical(ours.alone)
        for ours in first.characters
        if (other := theirs.get(ours.character_id)) is not None and _is_agreed(ours, other, params)
    }


def _is_agreed(ours: CharacterReading, other: CharacterReading, params: WeakLabelParams) -> bool:
    return (
        bool(ours.alone)
        and canonical(ours.alone) == canonical(other.alone)
        and ours.alone_score >= params.least_score
        and other.alone_score >= params.least_second_score
    )


def _reject(column: Column, reason: str, detail: str) -> Rejection:
    return Rejection(
        item_id=column.column_id,
        stage=STAGE,
        reason=reason,
        detail=f"Column {column.column_id} of {column.work.title!r} gives no weak label: {detail}.",
    )
