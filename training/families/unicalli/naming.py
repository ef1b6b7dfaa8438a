"""Naming: from what the characters of a column look like to what is proposed for each.

Holds: ``Look`` and ``Namer``. Looks are weighed by what a second reader named, if one was asked
(``training.second_opinion``), and by what usually follows what (``training.context``). What is
known already stands, and the characters beside it are weighed in its context.

Keeps out: looking (``reading``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from pipelines.scripts import canonical
from training.context import PairModel, in_context
from training.roles import NOTHING, Proposal
from training.second_opinion import Candidates, heeding

NO_CHANCE = 1e-12
"""Stands for a chance of nothing, whose logarithm is taken."""


@dataclass(frozen=True, kw_only=True)
class NamingParams:
    """What is proposed for a character.

    Attributes:
        candidates: How many proposals each character keeps.
        context_weight: Of what usually follows what against the look of a character, if the
            checkpoint knows it; 0 goes by look alone.
        softness: Root that is drawn of chances before they are given as scores, so that a score
            of 0.8 is right eight times in ten; look, context and second reader know of the same
            smudges and would be too sure together.
        refuse_below: Score under which no character is named.
    """

    candidates: int = 5
    context_weight: float = 1.0
    softness: float = 2.0
    refuse_below: float = 0.1


@dataclass(frozen=True)
class Look:
    """What one character looks like: candidates likeliest first, and the chance of no ink."""

    candidates: Candidates
    blank: float

    @property
    def is_blank(self) -> bool:
        """Whether no ink at all is likelier than any character."""
        return self.blank > float(self.candidates.chances[0])


class Namer:
    """Proposes what characters are called that look so.

    Args:
        context: What follows what in texts, or None.
        ids: Vocabulary ids of characters, as the context knows them.
        params: What is proposed.
    """

    def __init__(
        self, context: PairModel | None, ids: Mapping[str, int], params: NamingParams
    ) -> None:
        self._context, self._ids, self._params = context, ids, params

    def propose(
        self,
        column: Sequence[Look],
        second: Sequence[Proposal] = (),
        known: Sequence[str] = (),
    ) -> list[Proposal]:
        """Proposals of a column, one a character.

        Args:
            column: What its characters look like.
            second: What another reader read of each; empty if none was asked.
            known: What is certain of each, "" where nothing is; empty if nothing is known.
        """
        if not any(known):
            return self._heeding(column, second)
        sure = [
            Look(Candidates((canonical(text),), np.ones(1), 0.0), 0.0) if text else look
            for look, text in zip(column, known, strict=True)
        ]
        said = [
            NOTHING if text else opinion
            for opinion, text in zip(second or [NOTHING] * len(column), known, strict=True)
        ]
        return [
            Proposal(text=text, score=1.0, margin=1.0, candidates=((text, 1.0),)) if text else read
            for read, text in zip(self._heeding(sure, said), known, strict=True)
        ]

    def _heeding(self, column: Sequence[Look], second: Sequence[Proposal]) -> list[Proposal]:
        """Proposals of a column; where a second reader was heeded, with what was seen before."""
        alone = self._weighed(column, [NOTHING] * len(column))
        if not any(said.text for said in second):
            return alone
        told = self._weighed(column, second)
        return [
            replace(proposal, alone=(before.text, before.score))
            for proposal, before in zip(told, alone, strict=True)
        ]

    def _weighed(self, column: Sequence[Look], second: Sequence[Proposal]) -> list[Proposal]:
        """Look, opinion and context; a cell that looks blank parts what is before and after it."""
        found: list[Proposal] = []
        pairs = zip(column, second, strict=True)
        for is_blank, run in groupby(pairs, lambda pair: pair[0].is_blank):
            looks = list(run)
            if is_blank:
                found += [self._named(look.candidates, look.blank) for look, _ in looks]
            else:
                weighed = self._in_context([heeding(look.candidates, said) for look, said in looks])
                found += [
                    self._named(these, look.blank)
                    for these, (look, _) in zip(weighed, looks, strict=True)
                ]
        return found

    def _in_context(self, column: Sequence[Candidates]) -> list[Candidates]:
        context, weight = self._context, self._params.context_weight
        if context is None or not weight:
            return list(column)
        # Candidates of all characters in one rectangle; what fills it up has no chance.
        most = max(len(candidates.texts) for candidates in column)
        ids = np.full((len(column), most), -1, np.int64)
        chances = np.full((len(column), most), NO_CHANCE)
        for row, candidates in enumerate(column):
            count = len(candidates.texts)
            ids[row, :count] = [self._ids.get(text, -1) for text in candidates.texts]
            chances[row, :count] = candidates.chances / candidates.chances.max()
        weighed = in_context(context, ids, np.maximum(chances, NO_CHANCE), weight)
        return [
            Candidates(
                candidates.texts,
                row[: len(candidates.texts)],
                candidates.others / float(candidates.chances.sum()),
            )
            for candidates, row in zip(column, weighed, strict=True)
        ]

    def _named(self, candidates: Candidates, blank: float) -> Proposal:
        """Scores share what is left beside other characters and no ink at all."""
        soft = np.append(candidates.chances, candidates.others) ** (1 / self._params.softness)
        scores = soft[:-1] / soft.sum() * (1 - blank)
        ranked = [
            (candidates.texts[place], float(scores[place]))
            for place in np.argsort(-scores, kind="stable")[: max(2, self._params.candidates)]
        ]
        score, second = ranked[0][1], ranked[1][1] if len(ranked) > 1 else 0.0
        refused = blank > score or score < self._params.refuse_below
        return Proposal(
            text="" if refused else ranked[0][0],
            score=score,
            margin=score - second,
            candidates=tuple(ranked[: self._params.candidates]),
        )
