"""How right an order is, against a truth in which box k is the k-th to be read."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, kw_only=True)
class OrderScore:
    """Counts over pages.

    ``in_order``: characters in the longest sequence that stands in true order, so that all others
    would have to be moved. ``followed``: characters whose next one is the true next one (for the
    last: that none is). Pages are wrong unless perfect; ``flagged`` carry a doubt.
    """

    pages: int = 0
    characters: int = 0
    in_order: int = 0
    followed: int = 0
    perfect: int = 0
    flagged: int = 0
    wrong_flagged: int = 0

    def __add__(self, other: OrderScore) -> OrderScore:
        return OrderScore(
            **{name: getattr(self, name) + getattr(other, name) for name in self.__annotations__}
        )

    @property
    def wrong(self) -> int:
        return self.pages - self.perfect


def score(columns: Sequence[Sequence[int]], is_flagged: bool) -> OrderScore:
    """One page: the true places of its characters, column by column as they were read."""
    places = [place for column in columns for place in column]
    true = {place: rank for rank, place in enumerate(sorted(places))}
    order = [true[place] for place in places]
    is_perfect = order == list(range(len(order)))
    ends_right = bool(order) and order[-1] == len(order) - 1
    return OrderScore(
        pages=1,
        characters=len(order),
        in_order=longest_rise(order),
        followed=sum(b == a + 1 for a, b in pairwise(order)) + ends_right,
        perfect=int(is_perfect),
        flagged=int(is_flagged),
        wrong_flagged=int(is_flagged and not is_perfect),
    )


def longest_rise(order: Sequence[int]) -> int:
    """Length of the longest part of the sequence that rises."""
    ends: list[int] = []
    for item in order:
        place = bisect.bisect_left(ends, item)
        ends[place : place + 1] = [item]
    return len(ends)
