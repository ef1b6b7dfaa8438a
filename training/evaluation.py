"""Readers side by side on the same approved crops.

Holds: ``evaluate_samples``. Of each reader: the share of characters read right, variants counting
as the same, and exactly as written; precision (of what it named) and F1; how far its scores are
from how often it is right; corrections per 100 characters; and the share read right by script and
by calligrapher, where there is more than one. All but the calibration with 95 % bootstrap
intervals over columns.

Keeps out: whether a model may be released on these figures (the graph decides).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.corrections import corrections_per_100
from pipelines.imaging.codec import decode_png
from pipelines.records import ILLEGIBLE, Evaluation, Reader, Sample
from pipelines.store import Store
from training.metrics.calibration import expected_calibration_error
from training.metrics.recognition import accuracy, f1
from training.roles import ColumnInk, Proposal, Recogniser


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """One character as read beside what people approved."""

    read: str
    score: float
    written: str
    canonical: str
    column: str
    script: str
    calligrapher: str

    @property
    def is_right(self) -> bool:
        return self.read == self.canonical


@dataclass(frozen=True, kw_only=True)
class _Figure:
    metric: str
    value: float
    low: float
    high: float
    count: int


def evaluate_samples(
    samples: Sequence[Sample],
    store: Store,
    readers: Mapping[Reader, Recogniser],
    model_id: str,
    seed: int = 0,
) -> Iterator[Evaluation]:
    """Figures of every reader on the same columns.

    Characters that nobody could read (□) are left out on both sides.

    Args:
        samples: The frozen split.
        store: Holds their ink.
        readers: By name.
        model_id: Goes into every row.
        seed: Of the bootstrap.
    """
    inks = [
        ColumnInk(decode_png(store.get(sample.ink_key)), tuple(c.box for c in sample.characters))
        for sample in samples
    ]
    ids = "\n".join(sorted(sample.sample_id for sample in samples))
    split = hashlib.sha256(ids.encode()).hexdigest()[:16]
    for name, reader in readers.items():
        columns = [
            list(_judged(sample, proposals))
            for sample, proposals in zip(samples, reader.read_columns(inks), strict=True)
        ]
        for figure in _figures([column for column in columns if column], seed):
            yield Evaluation(
                model_id=model_id,
                reader=name,
                split_fingerprint=split,
                metric=figure.metric,
                value=figure.value,
                low=figure.low,
                high=figure.high,
                character_count=figure.count,
            )


def _judged(sample: Sample, proposals: Sequence[Proposal]) -> Iterator[_Judged]:
    for character, proposal in zip(sample.characters, proposals, strict=True):
        if character.canonical != ILLEGIBLE:
            yield _Judged(
                read=proposal.text or ILLEGIBLE,
                score=proposal.score,
                written=character.written,
                canonical=character.canonical,
                column=sample.column_id,
                script=sample.work.script.value,
                calligrapher=sample.work.calligrapher,
            )


def _figures(columns: Sequence[Sequence[_Judged]], seed: int) -> Iterator[_Figure]:
    every = [character for column in columns for character in column]
    named = [character for character in every if character.read != ILLEGIBLE]
    yield _share("accuracy", every, [c.is_right for c in every], seed)
    yield _share("accuracy_as_written", every, [c.read == c.written for c in every], seed)
    yield _share("precision", named, [c.is_right for c in named], seed)
    both = f1(
        [c.is_right for c in every],
        [c.read != ILLEGIBLE for c in every],
        [c.column for c in every],
        np.random.default_rng(seed),
    )
    yield _Figure(metric="f1", value=both.value, low=both.low, high=both.high, count=both.count)
    error = expected_calibration_error([c.score for c in named], [c.is_right for c in named])
    yield _Figure(metric="calibration_error", value=error, low=error, high=error, count=len(named))
    texts = [("".join(c.read for c in one), "".join(c.canonical for c in one)) for one in columns]
    rate = corrections_per_100(texts, rng=np.random.default_rng(seed))
    yield _Figure(
        metric="corrections_per_100",
        value=rate.per_100,
        low=rate.low,
        high=rate.high,
        count=rate.character_count,
    )
    for kind in ("script", "calligrapher"):
        values = sorted({getattr(character, kind) for character in every})
        for value in values if len(values) > 1 else ():
            part = [character for character in every if getattr(character, kind) == value]
            yield _share(f"accuracy of {kind} {value}", part, [c.is_right for c in part], seed)


def _share(
    metric: str, characters: Sequence[_Judged], is_right: Sequence[bool], seed: int
) -> _Figure:
    share = accuracy(is_right, [c.column for c in characters], np.random.default_rng(seed))
    return _Figure(
        metric=metric, value=share.value, low=share.low, high=share.high, count=share.count
    )
