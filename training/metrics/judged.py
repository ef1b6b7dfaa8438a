"""The figures of columns that were read and can be judged.

Holds: the share of characters read right (accuracy, which is the recall too), precision (of what
was named) and F1, variants counting as the same and exactly as written; the normalized edit
distance of whole columns (NED) in the same two ways, and precision, recall, F1 and NED as
CalliBench counts (``training.metrics.texts``); how far scores are from how often they are right;
corrections per 100 characters; and the foremost of these by script, by calligrapher, and of known
and unseen hands, where there is more than one.

Keeps out: readers and samples (``training.evaluation``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipelines.corrections import corrections_per_100
from pipelines.records import ILLEGIBLE
from training.metrics.calibration import expected_calibration_error
from training.metrics.recognition import Share, accuracy, f1, mean
from training.metrics.texts import callibench, symmetric

CORRECTIONS = "corrections_per_100"

BY_KIND = frozenset(
    {
        "accuracy",
        "accuracy_as_written",
        "precision",
        "f1",
        "ned",
        "ned_as_written",
        "callibench_ned",
    }
)
"""What is told of each script, each calligrapher and each kind of hand too."""

HANDS = {True: "known hands", False: "unseen hands"}


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
    def is_named(self) -> bool:
        """Whether the reader named anything."""
        return self.read != ILLEGIBLE

    @property
    def is_right(self) -> bool:
        """Whether it was read right; variants count as the same."""
        return self.read == self.canonical

    @property
    def is_as_written(self) -> bool:
        """Whether it was read exactly as it is written."""
        return self.read == self.written


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
class Figure:
    """One figure with its 95 % bootstrap interval over ``count`` characters."""

    metric: str
    value: float
    low: float
    high: float
    count: int


def figures_of(columns: Sequence[JudgedColumn], seed: int) -> Iterator[Figure]:
    """Every figure; columns are drawn again by their unit."""
    yield from _characters_right(columns, seed)
    yield from _texts_near(columns, seed)
    named = [c for column in columns for c in column.characters if c.is_named]
    error = expected_calibration_error([c.score for c in named], [c.is_right for c in named])
    yield Figure(metric="calibration_error", value=error, low=error, high=error, count=len(named))
    rate = corrections_per_100(
        [(column.read, column.approved) for column in columns],
        rng=np.random.default_rng(seed),
        groups=[column.unit for column in columns],
    )
    yield Figure(
        metric=CORRECTIONS,
        value=rate.per_100,
        low=rate.low,
        high=rate.high,
        count=rate.character_count,
    )
    kinds: dict[str, Callable[[JudgedColumn], str]] = {
        "script ": lambda column: column.characters[0].script,
        "calligrapher ": lambda column: column.characters[0].calligrapher,
        "": lambda column: HANDS[column.is_known_hand],
    }
    for kind, of in kinds.items():
        values = sorted(set(map(of, columns)))
        for value in values if len(values) > 1 else ():
            part = [column for column in columns if of(column) == value]
            for figure in (*_characters_right(part, seed), *_texts_near(part, seed)):
                if figure.metric in BY_KIND:
                    yield replace(figure, metric=f"{figure.metric} of {kind}{value}")


def _characters_right(columns: Sequence[JudgedColumn], seed: int) -> Iterator[Figure]:
    """Place by place: variants folded, and exactly as written. Recall is the accuracy."""
    every = [(character, column.unit) for column in columns for character in column.characters]
    named = [(character, unit) for character, unit in every if character.is_named]
    rights: dict[str, Callable[[JudgedCharacter], bool]] = {
        "": lambda character: character.is_right,
        "_as_written": lambda character: character.is_as_written,
    }
    for suffix, is_right in rights.items():
        for metric, part in (("accuracy", every), ("precision", named)):
            right = [is_right(character) for character, _ in part]
            units = [unit for _, unit in part]
            yield _figure(metric + suffix, accuracy(right, units, np.random.default_rng(seed)))
        both = f1(
            [is_right(character) for character, _ in every],
            [character.is_named for character, _ in every],
            [unit for _, unit in every],
            np.random.default_rng(seed),
        )
        yield _figure(f"f1{suffix}", both)


def _texts_near(columns: Sequence[JudgedColumn], seed: int) -> Iterator[Figure]:
    """Whole columns as texts, each counting as much as any other; refusals are no text."""
    read = ["".join(c.read for c in column.characters if c.is_named) for column in columns]
    folded = [column.approved for column in columns]
    written = ["".join(c.written for c in column.characters) for column in columns]
    published = [callibench(*pair) for pair in zip(read, folded, strict=True)]
    values = {
        "ned": [symmetric(*pair).ned for pair in zip(read, folded, strict=True)],
        "ned_as_written": [symmetric(*pair).ned for pair in zip(read, written, strict=True)],
        "callibench_precision": [found.precision for found in published],
        "callibench_recall": [found.recall for found in published],
        "callibench_f1": [found.f1 for found in published],
        "callibench_ned": [found.ned for found in published],
    }
    units = [column.unit for column in columns]
    count = sum(map(len, folded))
    for metric, one_a_column in values.items():
        found = mean(one_a_column, units, np.random.default_rng(seed))
        yield replace(_figure(metric, found), count=count)


def _figure(metric: str, share: Share) -> Figure:
    return Figure(
        metric=metric, value=share.value, low=share.low, high=share.high, count=share.count
    )
