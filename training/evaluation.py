"""Readers side by side on the same approved crops.

Holds: ``Judge``. Of each reader: the share of characters read right, variants counting
as the same, and exactly as written; precision (of what it named) and F1; how far its scores are
from how often it is right; corrections per 100 characters; and the share read right by script, by
calligrapher, and of known and unseen hands, where there is more than one. Of two models: what one
needs more than the other on the same columns.

All but the calibration have 95 % bootstrap intervals. Works are drawn again where there are
several: columns of one work fail together. A single work leaves only its columns, and the interval
then says nothing of other works; each row names what was drawn.

Keeps out: whether a model may be released on these figures (the graph decides).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipelines.corrections import compare_corrections, corrections_per_100
from pipelines.evaluations import Evaluation, Unit
from pipelines.imaging.codec import decode_png
from pipelines.records import ILLEGIBLE, Reader, Sample
from pipelines.store import Store
from training.metrics.calibration import expected_calibration_error
from training.metrics.recognition import accuracy, f1
from training.roles import ColumnInk, Proposal, Recogniser

CORRECTIONS = "corrections_per_100"
MORE_CORRECTIONS = "more_corrections_per_100"
"""Of a row that compares two models: below 0 where the first needs fewer."""

UNNAMED = "unknown"
"""The calligrapher of a work of which nobody is named; never a known hand."""


@dataclass(frozen=True, kw_only=True)
class JudgedCharacter:
    """One character as read beside what people approved."""

    read: str
    score: float
    written: str
    canonical: str
    script: str
    calligrapher: str

    @property
    def is_right(self) -> bool:
        """Whether it was read right; variants count as the same."""
        return self.read == self.canonical


@dataclass(frozen=True, kw_only=True)
class JudgedColumn:
    """What of a column can be judged; ``unit`` names what is drawn again with it."""

    unit: str
    is_known_hand: bool
    characters: tuple[JudgedCharacter, ...]

    @property
    def read(self) -> str:
        """The column as read, □ where the reader refused."""
        return "".join(character.read for character in self.characters)

    @property
    def approved(self) -> str:
        """The column as approved."""
        return "".join(character.canonical for character in self.characters)


@dataclass(frozen=True, kw_only=True)
class _Figure:
    metric: str
    value: float
    low: float
    high: float
    count: int


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
        for figure in _figures(columns, self._seed):
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
        for is_known, name in _HANDS.items():
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
            figure = _Figure(
                metric=MORE_CORRECTIONS + name,
                value=found.difference,
                low=found.low,
                high=found.high,
                count=found.after.character_count,
            )
            yield self._row(figure, reader, model_id, other_id)

    def _row(self, figure: _Figure, reader: Reader, model_id: str, against: str = "") -> Evaluation:
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


_HANDS = {True: "known hands", False: "unseen hands"}


def _figures(columns: Sequence[JudgedColumn], seed: int) -> Iterator[_Figure]:
    every = [(character, column) for column in columns for character in column.characters]
    characters = [character for character, _ in every]
    units = [column.unit for _, column in every]
    named = [pair for pair in every if pair[0].read != ILLEGIBLE]
    yield _share("accuracy", [c.is_right for c in characters], units, seed)
    yield _share("accuracy_as_written", [c.read == c.written for c in characters], units, seed)
    named_units = [column.unit for _, column in named]
    yield _share("precision", [c.is_right for c, _ in named], named_units, seed)
    both = f1(
        [c.is_right for c in characters],
        [c.read != ILLEGIBLE for c in characters],
        units,
        np.random.default_rng(seed),
    )
    yield _Figure(metric="f1", value=both.value, low=both.low, high=both.high, count=both.count)
    error = expected_calibration_error([c.score for c, _ in named], [c.is_right for c, _ in named])
    yield _Figure(metric="calibration_error", value=error, low=error, high=error, count=len(named))
    rate = corrections_per_100(
        [(column.read, column.approved) for column in columns],
        rng=np.random.default_rng(seed),
        groups=[column.unit for column in columns],
    )
    yield _Figure(
        metric=CORRECTIONS,
        value=rate.per_100,
        low=rate.low,
        high=rate.high,
        count=rate.character_count,
    )
    kinds = {
        "script": [c.script for c in characters],
        "calligrapher": [c.calligrapher for c in characters],
        "": [_HANDS[column.is_known_hand] for _, column in every],
    }
    for kind, values in kinds.items():
        for value in sorted(set(values)) if len(set(values)) > 1 else ():
            part = [place for place, found in enumerate(values) if found == value]
            yield _share(
                " ".join(filter(None, ("accuracy of", kind, value))),
                [characters[place].is_right for place in part],
                [units[place] for place in part],
                seed,
            )


def _share(metric: str, is_right: Sequence[bool], units: Sequence[str], seed: int) -> _Figure:
    share = accuracy(is_right, units, np.random.default_rng(seed))
    return _Figure(
        metric=metric, value=share.value, low=share.low, high=share.high, count=share.count
    )
