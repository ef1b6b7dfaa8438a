"""Layouts whose reading order is known because they were laid out in it.

Each function draws one page from a generator and returns boxes in the order they are read. Sizes
vary by a factor of three, columns drift, and nothing stands on a grid. The unit is about 100
pixels a character.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.geometry import Box

Rng = np.random.Generator
Layout = Callable[[Rng], "list[Box]"]
SIZE = 100


@dataclass(frozen=True, kw_only=True)
class Hand:
    """How evenly somebody writes: ``spread`` of sizes (log), ``sway`` of middles, and pitch."""

    spread: float = 0.18
    sway: float = 0.06
    gap: float = 0.12
    pitch: float = 1.5


EVEN = Hand(spread=0.08, sway=0.03)
LIVELY = Hand(spread=0.3, sway=0.1, gap=0.05, pitch=1.7)


def column(rng: Rng, x: float, top: float, count: int, hand: Hand, size: float = SIZE) -> list[Box]:
    """Characters under one another around a middle line."""
    boxes = []
    for _ in range(count):
        width, height = size * np.exp(np.clip(rng.normal(0, hand.spread, 2), -0.55, 0.55))
        shape = rng.random()
        if shape < 0.08:
            width *= 0.35  # an upright stroke
        elif shape < 0.14:
            height *= 0.35  # a level stroke
        middle = x + rng.normal(0, hand.sway) * size
        boxes.append(
            Box(
                round(middle - width / 2),
                round(top),
                max(round(middle - width / 2) + 1, round(middle + width / 2)),
                max(round(top) + 1, round(top + height)),
            )
        )
        top += height + rng.uniform(-0.5, 1.5) * hand.gap * size
    return boxes


def bent(boxes: Sequence[Box], shift: Callable[[float], float]) -> list[Box]:
    """Boxes moved sideways by a function of their height on the page."""
    return [box.moved(round(shift(box.center[1])), 0) for box in boxes]


def page(
    rng: Rng, hand: Hand, columns: int, rows: int, *, x: float = 0, top: float = 0, ragged: int = 0
) -> list[Box]:
    """A plain page; ``ragged`` characters at most are missing at the foot of each column."""
    boxes = []
    for k in range(columns):
        count = max(1, rows - int(rng.integers(0, ragged + 1)))
        boxes += column(rng, x - k * hand.pitch * SIZE, top, count, hand)
    return boxes


def plain(rng: Rng) -> list[Box]:
    hand = [EVEN, Hand(), LIVELY][rng.integers(3)]
    return page(rng, hand, int(rng.integers(3, 10)), int(rng.integers(5, 14)), ragged=3)


def leaning(rng: Rng) -> list[Box]:
    lean = rng.uniform(0.06, 0.3) * rng.choice([-1, 1])
    return bent(page(rng, Hand(), int(rng.integers(3, 8)), 9, ragged=2), lambda y: lean * y)


def curved(rng: Rng) -> list[Box]:
    bow, turn = rng.uniform(50, 130), rng.uniform(400, 900)
    return bent(
        page(rng, Hand(), int(rng.integers(3, 8)), 11, ragged=2),
        lambda y: float(bow * np.sin(y / turn)),
    )


def raised_heads(rng: Rng) -> list[Box]:
    """Some columns start one or two characters above the others, some hang two below."""
    boxes = []
    for k in range(int(rng.integers(4, 9))):
        start = int(rng.choice([-2, -1, 0, 0, 0, 2]))
        boxes += column(rng, -k * 150, start * 110, 9 - start, Hand())
    return boxes


def three_sizes(rng: Rng) -> list[Box]:
    """Each column in a size of its own, up to three times that of its neighbour."""
    boxes, x = [], 0.0
    for _ in range(int(rng.integers(3, 7))):
        size = float(rng.choice([50, 80, 110, 150]))
        x -= 0.8 * size
        boxes += column(rng, x, rng.uniform(0, 60), int(900 // size), Hand(), size)
        x -= 0.8 * size
    return boxes


def notes(rng: Rng) -> list[Box]:
    """Columns with a note in two rows at the head, in the middle or at the foot."""
    boxes = []
    for k in range(int(rng.integers(3, 7))):
        x, top = -k * 170.0, 0.0
        before, after = int(rng.integers(1, 5)), int(rng.integers(1, 6))
        part = column(rng, x, top, before, EVEN)
        boxes += part
        if rng.random() < 0.7:
            top = part[-1].bottom + 10
            count = int(rng.integers(2, 7))
            right = column(rng, x + 26, top, count, EVEN, 45)
            left = column(rng, x - 26, top, count - int(rng.integers(0, 2)), EVEN, 45)
            boxes += right + left
            part = right + left
        boxes += column(rng, x, max(b.bottom for b in part) + 12, after, EVEN)
    return boxes


def spread(rng: Rng) -> list[Box]:
    """Two pages beside each other, the right one first."""
    hand, columns = Hand(), int(rng.integers(3, 7))
    right = page(rng, hand, columns, 9, ragged=2)
    edge = min(box.left for box in right) - rng.uniform(250, 500)
    return right + page(rng, hand, columns, 9, x=edge, top=rng.uniform(-60, 60), ragged=2)


def two_tiers(rng: Rng) -> list[Box]:
    """A page of two registers whose columns do not continue each other."""
    hand = EVEN
    upper = page(rng, hand, int(rng.integers(5, 9)), 5, ragged=2)
    top = max(box.bottom for box in upper) + rng.uniform(230, 350)
    return upper + page(rng, hand, int(rng.integers(5, 9)), 5, x=rng.uniform(-60, 0), top=top)


def verse(rng: Rng) -> list[Box]:
    """Lines of two halves with a caesura at one height in every column."""
    boxes = []
    for k in range(int(rng.integers(4, 9))):
        for top in (0, 5 * 115 + 90):
            boxes += [
                Box(
                    -k * 150 + int(dx),
                    top + 115 * row,
                    -k * 150 + 95 + int(dx),
                    top + 115 * row + 98,
                )
                for row, dx in enumerate(rng.normal(0, 4, 5))
            ]
    return boxes


def signature(rng: Rng) -> list[Box]:
    """Body, then a smaller signature that starts low at the left."""
    body = page(rng, Hand(), int(rng.integers(3, 6)), 9)
    left = min(box.left for box in body)
    size = float(rng.uniform(45, 70))
    return body + column(rng, left - size, 500, int(rng.integers(3, 8)), Hand(), size)


def with_losses(rng: Rng) -> list[Box]:
    """A plain page of which every sixth character is lost, and edges are a little off."""
    boxes = page(rng, Hand(), int(rng.integers(3, 8)), 11, ragged=2)
    kept = [box for box in boxes if rng.random() > 0.17]
    return [
        Box(
            b.left + int(rng.integers(-8, 9)),
            b.top + int(rng.integers(-8, 9)),
            max(b.left + 10, b.right + int(rng.integers(-8, 9))),
            max(b.top + 10, b.bottom + int(rng.integers(-8, 9))),
        )
        for b in kept
    ]


LAYOUTS: dict[str, Layout] = {
    layout.__name__: layout
    for layout in (
        plain,
        leaning,
        curved,
        raised_heads,
        three_sizes,
        notes,
        spread,
        two_tiers,
        verse,
        signature,
        with_losses,
    )
}
