"""What the order of work saves: our queue beside a random order and beside priority alone.

Two hands that the bundled reader never learned, works of the demonstration, aged and cut out
perfectly. People who have time for a part of a batch: how many of the wrong characters do they get
to see, and how many different characters do they approve? And the reader that learns from that
part: how well does it read frozen works?
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotation.queue import QueueParams, Waiting, line_up
from annotation.triage import triage
from assets.demo_material import content_face
from assets.resources import Project
from pipelines.geometry import Box
from pipelines.glyphs.registry import load_fonts
from pipelines.metadata import WorkMetadata
from pipelines.records import CharacterReading, Reader, Reading
from pipelines.scripts import canonical
from tests.benchmarks.measure import table
from tests.benchmarks.reading import A_WORK, IN_COLUMN, conditions
from tests.benchmarks.rounds import approved_ink, rate_of, said
from training.families.unicalli.fine_tuning import fine_tune
from training.families.unicalli.library import cached_library
from training.families.unicalli.reading import UniCalliReader
from training.families.unicalli.weights import load_bundle
from training.hands import bank_of_hands, fetched_hands, prompts_of
from training.opening import cache
from training.recipes import unicalli as recipes
from training.roles import ColumnInk, Proposal
from training.second_reader import HeedingReader, RapidOcrReader

SHARES = (0.1, 0.25, 0.5)
LEARNED_SHARE = 0.25
SHUFFLES = 200
LEARNED_SHUFFLES = 2
FROZEN_EVERY = 3
"""Of the works, one in so many is kept from people, to be read at the end."""
SEED = 3


@dataclass(frozen=True)
class Pool:
    """Columns that wait for people, and those that they never see."""

    columns: list[ColumnInk]
    truth: list[str]
    hands: list[str]
    works: list[str]

    def part(self, chosen: Sequence[int]) -> tuple[list[ColumnInk], list[str]]:
        """Some of the columns with what stands in them."""
        return [self.columns[i] for i in chosen], [self.truth[i] for i in chosen]


def bench_queue(project: Project) -> None:
    """What each order brings before people, then what a reader learns from it."""
    pool, frozen = _pools(project)
    bundle = load_bundle(project.settings.checkpoint)
    library = cached_library(
        bundle.vocabulary,
        content_face(project),
        bundle.autoencoder,
        bundle.dims.cell_px,
        project.home / "cache",
    )
    second = RapidOcrReader()
    theirs = second.read_columns(pool.columns)
    ours = HeedingReader(UniCalliReader(bundle, library), second).read_columns(pool.columns)
    wrong = np.array(
        [
            sum(canonical(p.text) != c for p, c in zip(read, true, strict=True))
            for read, true in zip(ours, pool.truth, strict=True)
        ]
    )
    line = _line(pool, ours, theirs)
    orders = {
        "our queue": _order(line, QueueParams()),
        "priority alone": _order(line, QueueParams(novelty_weight=0, balance_weight=0)),
    }
    rng = np.random.default_rng(SEED)
    shuffles = [rng.permutation(len(line)).tolist() for _ in range(SHUFFLES)]
    title = (
        f"{len(line)} columns, {sum(map(len, pool.truth))} characters, {wrong.sum()} drafted wrong"
    )
    header = ("order", *(f"first {share:.0%}: errors seen, characters" for share in SHARES))
    rows = [(name, *_shares(order, wrong, pool)) for name, order in orders.items()]
    table(title, header, [*rows, ("random, mean", *_mean_shares(shuffles, wrong, pool))])
    count = round(LEARNED_SHARE * len(line))
    trials = [(name, order[:count]) for name, order in orders.items()]
    trials += [(f"random {i + 1}", shuffles[i][:count]) for i in range(LEARNED_SHUFFLES)]
    fonts = load_fonts(None, project.home / "fonts")
    known = fetched_hands(project.home / "fonts", [h for h in bundle.recipe["hands"] if h in fonts])
    replay, prompts = bank_of_hands(known, bundle.vocabulary, cache()), prompts_of(known)
    learned = [("nothing", "", said(rate_of(UniCalliReader(bundle, library), frozen)))]
    for name, chosen in trials:
        bundle = load_bundle(project.settings.checkpoint)
        fine_tune(
            bundle, approved_ink(pool.part(chosen), bundle), library, recipes.fine_tune(),
            replay=replay, prompts=prompts, log=None,
        )  # fmt: skip
        after = rate_of(UniCalliReader(bundle, library), frozen)
        learned.append((name, str(wrong[chosen].sum()), said(after)))
    title = f"A reader that learned from {count} columns, on {len(frozen[0])} frozen ones"
    table(title, ("order", "corrections spent", "corrections per 100 after"), learned)


def _pools(project: Project) -> tuple[Pool, tuple[list[ColumnInk], list[str]]]:
    pool = Pool([], [], [], [])
    frozen: tuple[list[ColumnInk], list[str]] = ([], [])
    for name, (columns, truth) in conditions(project):
        if not name.endswith("aged"):
            continue
        for index, (column, text) in enumerate(zip(columns, truth, strict=True)):
            work = index * IN_COLUMN // A_WORK
            if work % FROZEN_EVERY == FROZEN_EVERY - 1:
                frozen[0].append(column)
                frozen[1].append(text)
            else:
                pool.columns.append(column)
                pool.truth.append(text)
                pool.hands.append(name)
                pool.works.append(f"{name} {work}")
    return pool, frozen


def _line(
    pool: Pool, ours: Sequence[Sequence[Proposal]], theirs: Sequence[Sequence[Proposal]]
) -> list[Waiting]:
    drafts = [_reading(i, one, Reader.UNICALLI) for i, one in enumerate(ours)]
    seconds = [_reading(i, one, Reader.RAPIDOCR) for i, one in enumerate(theirs)]
    counts = Counter(canonical(c.text) for draft in drafts for c in draft.characters if c.text)
    return [
        Waiting(
            column_id=str(index),
            priority=triage(draft, second, is_order_uncertain=False, counts=counts).priority,
            characters=tuple(canonical(c.text) for c in draft.characters if c.text),
            groups=(pool.works[index], pool.hands[index]),
        )
        for index, (draft, second) in enumerate(zip(drafts, seconds, strict=True))
    ]


def _reading(index: int, proposals: Sequence[Proposal], reader: Reader) -> Reading:
    return Reading(
        reading_id=str(index),
        column_id=str(index),
        page_id="",
        work=WorkMetadata(title="benchmark", rights="CC0", source="drawn").work(),
        reader=reader,
        release_id="benchmark",
        characters=tuple(
            CharacterReading(
                character_id=f"{index}/{place}",
                box=Box(0, 0, 1, 1),
                text=p.text,
                score=p.score,
                margin=p.margin,
                candidates=(),
                alone=p.alone[0] if p.alone else "",
            )
            for place, p in enumerate(proposals)
        ),
    )


def _order(line: Sequence[Waiting], params: QueueParams) -> list[int]:
    place_of = line_up(line, params)
    return sorted(range(len(line)), key=lambda index: place_of[str(index)])


def _seen(order: Sequence[int], share: float, wrong: np.ndarray, pool: Pool) -> tuple[float, int]:
    first = list(order[: round(share * len(order))])
    return wrong[first].sum() / wrong.sum(), len({c for i in first for c in pool.truth[i]})


def _shares(order: Sequence[int], wrong: np.ndarray, pool: Pool) -> list[str]:
    found = [_seen(order, share, wrong, pool) for share in SHARES]
    return [f"{errors:.0%}, {characters}" for errors, characters in found]


def _mean_shares(orders: Sequence[Sequence[int]], wrong: np.ndarray, pool: Pool) -> list[str]:
    cells = []
    for share in SHARES:
        found = np.array([_seen(order, share, wrong, pool) for order in orders])
        (errors, characters), spread = found.mean(0), found.std(0)
        cells.append(f"{errors:.0%} (sd {spread[0]:.0%}), {characters:.0f}")
    return cells
