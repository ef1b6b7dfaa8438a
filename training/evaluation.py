"""Readers side by side on the same approved crops.

Holds: ``Judge``. It lays the columns of one split before readers, tells how each did
(``training.metrics.judged``), and of two models what one needs more than the other on the same
columns.

All but the calibration have 95 % bootstrap intervals. Works are drawn again where there are
several: columns of one work fail together. A single work leaves only its columns, and the interval
then says nothing of other works; each row names what was drawn.

Keeps out: whether a model may be released on these figures (the graph decides).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np

from pipelines.corrections import compare_corrections
from pipelines.evaluations import Evaluation, Unit
from pipelines.imaging.codec import decode_png
from pipelines.records import ILLEGIBLE, Reader, Sample
from pipelines.store import Store
from training.metrics.judged import HANDS, Figure, JudgedCharacter, JudgedColumn, figures_of
from training.roles import ColumnInk, Proposal, Recogniser

MORE_CORRECTIONS = "more_corrections_per_100"
"""Of a row that compares two models: below 0 where the first needs fewer."""

UNNAMED = "unknown"
"""The calligrapher of a work of which nobody is named; never a known hand."""


class Judge:
    """Lays the columns of one split before readers and tells how they did.

    Args:
        samples: The frozen split.
        store: Holds their ink.
        known_calligraphers: Whose writing the judged model may have been trained on.
        seed: Of the bootstrap.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        store: Store,
        known_calligraphers: Collection[str] = (),
        seed: int = 0,
    ) -> None:
        self._samples, self._seed = samples, seed
        self._known = set(known_calligraphers) - {UNNAMED}
        self._inks = [
            ColumnInk(
                decode_png(store.get(sample.ink_key)), tuple(c.box for c in sample.characters)
            )
            for sample in samples
        ]
        ids = "\n".join(sorted(sample.sample_id for sample in samples))
        self._split = hashlib.sha256(ids.encode()).hexdigest()[:16]
        has_works = len({sample.work.work_id for sample in samples}) > 1
        self._resampled = Unit.WORK if has_works else Unit.COLUMN

    def proposals(
        self, reader: Recogniser, second: Sequence[Sequence[Proposal]] = ()
    ) -> list[list[Proposal]]:
        """What a reader reads in every column, told what a second one read where it is given."""
        told = (
            [replace(ink, second=tuple(said)) for ink, said in zip(self._inks, second, strict=True)]
            if second
            else self._inks
        )
        return reader.read_columns(told)

    def columns(self, proposals: Sequence[Sequence[Proposal]]) -> list[JudgedColumn]:
        """Every column with a character that can be judged: □ is left out on both sides."""
        judged = (self._judged(*pair) for pair in zip(self._samples, proposals, strict=True))
        return [column for column in judged if column.characters]

    def _judged(self, sample: Sample, proposals: Sequence[Proposal]) -> JudgedColumn:
        is_by_work = self._resampled is Unit.WORK
        return JudgedColumn(
            unit=sample.work.work_id if is_by_work else sample.column_id,
            is_known_hand=sample.work.calligrapher in self._known,
            characters=tuple(
                JudgedCharacter(
                    read=proposal.text or ILLEGIBLE,
                    score=proposal.score,
                    written=character.written,
                    canonical=character.canonical,
                    script=sample.work.script.value,
                    calligrapher=sample.work.calligrapher,
                )
                for character, proposal in zip(sample.characters, proposals, strict=True)
                if character.canonical != ILLEGIBLE
            ),
        )

    def figures(
        self, columns: Sequence[JudgedColumn], reader: Reader, model_id: str
    ) -> Iterator[Evaluation]:
        """How a reader did."""
        for figure in figures_of(columns, self._seed):
            yield self._row(figure, reader, model_id)

    def compare(
        self,
        columns: Sequence[JudgedColumn],
        others: Sequence[JudgedColumn],
        reader: Reader,
        model_id: str,
        other_id: str,
    ) -> Iterator[Evaluation]:
        """What a model needs more than another, over all and of known and unseen hands.

        Args:
            columns: As the model read them.
            others: The same columns as the other one read them.
            reader: How both read: by themselves, or heeding the second reader.
            model_id: Of the first.
            other_id: Of the second.
        """
        pairs = list(zip(columns, others, strict=True))
        parts = {"": pairs}
        for is_known, name in HANDS.items():
            parts[f" of {name}"] = [pair for pair in pairs if pair[0].is_known_hand is is_known]
        if not all(parts.values()):
            parts = {"": pairs}
        for name, part in parts.items():
            found = compare_corrections(
                [other.read for _, other in part],
                [column.read for column, _ in part],
                [column.approved for column, _ in part],
                np.random.default_rng(self._seed),
                groups=[column.unit for column, _ in part],
            )
            figure = Figure(
                metric=MORE_CORRECTIONS + name,
                value=found.difference,
                low=found.low,
                high=found.high,
                count=found.after.character_count,
            )
            yield self._row(figure, reader, model_id, other_id)

    def _row(self, figure: Figure, reader: Reader, model_id: str, against: str = "") -> Evaluation:
        return Evaluation(
            model_id=model_id,
            reader=reader,
            split_fingerprint=self._split,
            metric=figure.metric,
            value=figure.value,
            low=figure.low,
            high=figure.high,
            character_count=figure.count,
            resampled=self._resampled,
            against=against,
        )
