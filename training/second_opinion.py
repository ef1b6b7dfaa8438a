"""Two readers that err on different characters, weighed against each other.

UniCalli knows forms a print reader has never seen and ranks everything in its table; RapidOCR
knows regular and running hands far better and names one character. What the second reader named
multiplies the chance of that character by how much likelier it is to say so when it is right than
when it is wrong: Bayes' rule for one more witness, before the context is weighed.

Measured on two hands that UniCalli never saw, 1,760 characters of texts each, whole and aged; the
numbers of ``OpinionParams`` were chosen there. RapidOCR's score says how often it is right: 3 %
under 0.2, half around 0.6, 98 % above 0.97, much the same on whole and on aged characters.

Holds: ``Candidates`` of one character and :func:`heeding`.

Keeps out: the readers (``training.roles``), the context (``training.context``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.roles import Proposal

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class OpinionParams:
    """How far the second reader is believed.

    Attributes:
        least: How often it is right at score 0.
        gain: How much more often at score 1; in between it grows with the square of the score.
        slip: Chance that, being wrong, it names just this character.
        unlisted: Chance by look of a character that the first reader did not list at all.
    """

    least: float = 0.02
    gain: float = 0.95
    slip: float = 1e-3
    unlisted: float = 1e-3


@dataclass(frozen=True)
class Candidates:
    """What one character may be: names with their chances, and the chance of any other name.

    The chances need not sum to 1.
    """

    texts: tuple[str, ...]
    chances: Floats
    others: float


def heeding(
    candidates: Candidates, second: Proposal, params: OpinionParams | None = None
) -> Candidates:
    """The candidates after the second reader spoke; as they were if it named nothing.

    A character that was not listed is added at the end: it may be one the table does not hold.
    """
    if not second.text:
        return candidates
    params = params or OpinionParams()
    right = params.least + params.gain * min(1.0, max(0.0, second.score)) ** 2
    odds = right / ((1 - right) * params.slip)
    if second.text in candidates.texts:
        chances = candidates.chances.copy()
        chances[candidates.texts.index(second.text)] *= odds
        return Candidates(candidates.texts, chances, candidates.others)
    return Candidates(
        (*candidates.texts, second.text),
        np.append(candidates.chances, params.unlisted * odds),
        candidates.others,
    )
