"""How well a model writes: what it wrote beside the hand's own ink and beside the standard font.

Three sources of the same characters are judged alike. *Own ink* is the ceiling: what readers and
the hand classifier make of the hand itself. *Standard font* is the floor: a model that only copies
its content image comes no nearer to the hand than that. Characters are as they came unless
``tries`` asks for more.

No figure stands alone. Pixel distances reward a blank picture where the hand is thin, and a
classifier takes faint specks for the thinnest hand it knows; both are told apart from writing by
how much is read back, and by how much ink there is beside the hand's own.

Holds: ``judge_writing``, its figures and their tables.

Keeps out: fonts and checkpoints (``training.judging``), the contact sheet
(``training.writing_sheet``), the single measures (``training.metrics``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from pipelines.records import Script
from pipelines.scripts import canonical
from pipelines.windows import fit_cell
from training.figures import figure_table
from training.gate import Writer, written_right
from training.hand_classifier import (
    HandClassifier,
    HandClassifierParams,
    train_hand_classifier,
)
from training.metrics.features import frechet_distance
from training.metrics.pictures import l1, rmse, ssim
from training.metrics.recognition import Share, mean
from training.roles import ColumnInk, Recogniser, WrittenColumn

Ink = npt.NDArray[np.uint8]

WRITTEN, OWN_INK, STANDARD = "written", "own ink", "standard font"
HAND_NAMED = "hand named"
INK_SHARE = "ink to own"
EYE_DISTANCE, EYE_FRECHET, FID = "eye distance", "eye Fréchet distance", "FID"
DARK = 127
"""Grey above which a pixel of white ink is clearly ink."""

PairDistances = Callable[[Ink, Ink], npt.NDArray[np.float64]]
"""Of each pair of two stacks of cells, (N, cell, cell) each, to (N,)."""
Features = Callable[[Ink], npt.NDArray[np.float64]]
"""Cells (N, cell, cell) to (N, D)."""


class Sight(Protocol):
    """Compares pictures by what a network sees in them; cells are (N, cell, cell)."""

    def features(self, cells: Ink) -> npt.NDArray[np.float64]:
        """(N, D)."""
        ...

    def distances(self, one: Ink, other: Ink) -> npt.NDArray[np.float64]:
        """Of each pair, (N,)."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class AskedHand:
    """A hand to write in.

    Attributes:
        name: Of the hand, or of the script where no hand was named.
        script: Its script.
        prompt: Style prompt in the wording of training.
        text: N characters to write.
        standard: The same in the standard font, fitted to their cells: (N, cell, cell).
        own: The same in the hand itself; empty where its ink is not at hand.
        others: Other characters of the hand, which the classifier learns from.
    """

    name: str
    script: Script
    prompt: str
    text: str
    standard: Ink
    own: Ink
    others: Ink


@dataclass(frozen=True, kw_only=True)
class FidelityParams:
    """How it is judged.

    Attributes:
        in_column: Characters of a column.
        tries: How often what does not read back is written; 1 judges what came first.
        classifier: How it learns to tell the hands apart.
    """

    in_column: int = 5
    tries: int = 1
    seed: int = 0
    classifier: HandClassifierParams = HandClassifierParams()


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of one source with its 95 % interval; the Fréchet distance has none."""

    hand: str
    script: str
    source: str
    metric: str
    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, kw_only=True)
class JudgedHand:
    """What was written in one hand, and its figures."""

    hand: AskedHand
    columns: tuple[WrittenColumn, ...]
    figures: tuple[Figure, ...]


def judge_writing(
    hands: Sequence[AskedHand],
    standard_others: Ink,
    writer: Writer,
    readers: Mapping[str, Recogniser],
    sight: Sight,
    params: FidelityParams,
    official: Mapping[str, PairDistances] | None = None,
    inception: Features | None = None,
) -> Iterator[JudgedHand]:
    """Write in each hand, and judge what was written.

    Args:
        hands: What to write.
        standard_others: Characters of the standard font, a hand of its own to the classifier.
        writer: Writes.
        readers: By name, the first of them also decides what is written again.
        sight: Of the figures called eye distances.
        params: How.
        official: Distances that have their official weights, by the names they are known by.
        inception: Features that the Fréchet distance of may be called FID.
    """
    inked = [hand for hand in hands if len(hand.others)]
    learned = [*(hand.others for hand in inked), standard_others]
    numbers = np.repeat(np.arange(len(learned)), [len(cells) for cells in learned])
    classifier = (
        train_hand_classifier(np.concatenate(learned), numbers, params.classifier)
        if inked
        else None
    )
    spreads = {EYE_FRECHET: sight.features} | ({FID: inception} if inception else {})
    for hand in hands:
        columns = tuple(_written(hand, writer, next(iter(readers.values())), params))
        number = inked.index(hand) if hand in inked else None
        figures = tuple(
            _figures(
                hand, columns, number, classifier, readers, sight, params, official or {}, spreads
            )
        )
        yield JudgedHand(hand=hand, columns=columns, figures=figures)


def tables(figures: Sequence[Figure]) -> str:
    """What was read and named, then how near the pictures are, one row a hand and source."""
    metrics = list(dict.fromkeys(figure.metric for figure in figures))
    cells = {(f.hand, f.source, f.metric): f for f in figures}
    rows = list(dict.fromkeys((f.hand, f.script, f.source) for f in figures))
    shares = [metric for metric in metrics if metric.startswith("read by") or metric == HAND_NAMED]
    near = [metric for metric in metrics if metric not in shares]
    parts = [
        figure_table(
            title,
            ("hand", "script", "source", *taken),
            [
                (*row, *(_cell(cells.get((row[0], row[2], metric))) for metric in taken))
                for row in rows
                if any((row[0], row[2], metric) in cells for metric in taken)
            ],
        )
        for title, taken in (
            ("Characters read as what was asked for, and taken for the hand", shares),
            (
                "Beside the hand's own ink: how much ink, and how far; SSIM is better when higher",
                near,
            ),
        )
        if taken
    ]
    return "\n\n".join(parts)


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return "-"
    if figure.metric.startswith("read by") or figure.metric == HAND_NAMED:
        return f"{figure.value:.0%} ({figure.low:.0%} to {figure.high:.0%})"
    if figure.metric in (EYE_FRECHET, FID):
        return f"{figure.value:.1f}"
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _written(
    hand: AskedHand, writer: Writer, reader: Recogniser, params: FidelityParams
) -> Iterator[WrittenColumn]:
    for start in range(0, len(hand.text), params.in_column):
        part = hand.text[start : start + params.in_column]
        # Seeds of one column's tries must not meet those of the next.
        seed = params.seed + start * 100
        yield written_right(writer, reader, part, hand.prompt, seed=seed, tries=params.tries).column


def _figures(
    hand: AskedHand,
    columns: Sequence[WrittenColumn],
    number: int | None,
    classifier: HandClassifier | None,
    readers: Mapping[str, Recogniser],
    sight: Sight,
    params: FidelityParams,
    official: Mapping[str, PairDistances],
    spreads: Mapping[str, Features],
) -> Iterator[Figure]:
    cell = hand.standard.shape[1]
    sources = {WRITTEN: _cells_of(columns, cell), OWN_INK: hand.own, STANDARD: hand.standard}
    groups = [str(place // params.in_column) for place in range(len(hand.text))]
    inks = {name: _column_inks(cells, params.in_column) for name, cells in sources.items()}
    inks[WRITTEN] = [ColumnInk(column.ink, column.boxes) for column in columns]
    for source, cells in sources.items():
        if not len(cells):
            continue
        values: dict[str, Sequence[float]] = {
            f"read by {name}": _is_read(reader, inks[source], hand.text)
            for name, reader in readers.items()
        }
        if classifier is not None and number is not None:
            values[HAND_NAMED] = [float(named == number) for named in classifier.named(cells)]
        if len(hand.own) and source != OWN_INK:
            pairs = list(zip(cells, hand.own, strict=True))
            # Dark pixels alone: the haze of a faded character adds up to as much grey.
            values[INK_SHARE] = [
                float((a > DARK).sum() / max((b > DARK).sum(), 1)) for a, b in pairs
            ]
            for name, measure in (("L1", l1), ("RMSE", rmse), ("SSIM", ssim)):
                values[name] = [measure(*pair) for pair in pairs]
            distances = {EYE_DISTANCE: sight.distances, **official}
            for name, measure_all in distances.items():
                values[name] = list(map(float, measure_all(cells, hand.own)))
        for metric, of_characters in values.items():
            share = mean(of_characters, groups, np.random.default_rng(params.seed))
            yield _figure(hand, source, metric, share)
        # Of the own ink as many other characters: the distance of a hand to itself.
        beside = hand.others[: len(cells)] if source == OWN_INK else hand.own
        for name, features in spreads.items() if len(beside) > 1 else ():
            far = frechet_distance(features(cells), features(beside))
            exact = Share(value=far, low=far, high=far, count=len(cells))
            yield _figure(hand, source, name, exact)


def _figure(hand: AskedHand, source: str, metric: str, share: Share) -> Figure:
    return Figure(
        hand=hand.name, script=hand.script.value, source=source, metric=metric,
        value=share.value, low=share.low, high=share.high, count=share.count,
    )  # fmt: skip


def _cells_of(columns: Sequence[WrittenColumn], cell_px: int) -> Ink:
    """What was written, each character fitted to its cell as real ones are."""
    return np.stack(
        [
            fit_cell(column.ink[box.top : box.bottom, box.left : box.right], cell_px)
            for column in columns
            for box in column.boxes
        ]
    )


def _column_inks(cells: Ink, in_column: int) -> list[ColumnInk]:
    side = cells.shape[1] if len(cells) else 0
    parts = [cells[start : start + in_column] for start in range(0, len(cells), in_column)]
    return [
        ColumnInk(
            part.reshape(-1, side),
            tuple(Box(0, side * k, side, side * (k + 1)) for k in range(len(part))),
        )
        for part in parts
    ]


def _is_read(reader: Recogniser, columns: Sequence[ColumnInk], text: str) -> list[float]:
    read = [proposal for column in reader.read_columns(columns) for proposal in column]
    return [
        float(canonical(proposal.text) == canonical(wanted))
        for proposal, wanted in zip(read, text, strict=True)
    ]
