"""The hand of each work of a batch: its characters to one style vector, and what it is like.

Holds: ``hands_of_works``: characters of columns in, ``Hand`` records or rejections out, one a work.

Keeps out: tables and files (``training.whose_hand``), attribution itself (``attribution``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipelines.hand_styles import Hand, Likeness
from pipelines.records import Rejection, Work
from pipelines.windows import INK_LEVEL
from training.families.scriptvit.attribution import (
    Vectors,
    attribute,
    drawn_sets,
    spread,
    style_vectors,
    unit,
)
from training.families.scriptvit.conditioning import LEAST_INK, Ink, reference_set
from training.families.scriptvit.weights import Bundle


@dataclass(frozen=True, kw_only=True)
class WorkParams:
    """How much of a work is looked at.

    Attributes:
        sets: Sets of characters drawn from the work; its vector is their mean.
        near_works: Other works named for each.
        spread_of: Characters among which the spread is measured.
    """

    sets: int = 8
    near_works: int = 3
    spread_of: int = 15
    seed: int = 0


_DEFAULT = WorkParams()


def hands_of_works(
    works: Mapping[str, tuple[Work, Sequence[Ink]]],
    bundle: Bundle,
    others: Iterable[Hand] = (),
    *,
    code_version: str,
    params: WorkParams = _DEFAULT,
) -> tuple[list[Hand], list[Rejection]]:
    """One hand or rejection a work.

    Args:
        works: By id, with the ink of single characters, white on black.
        bundle: The model.
        others: Hands of other batches; those of another model are left out.
        code_version: Goes into the records.
        params: How much is looked at.
    """
    found: list[Hand] = []
    rejected: list[Rejection] = []
    rng = np.random.default_rng(params.seed)
    for work_id, (work, characters) in works.items():
        seen = [ink for ink in characters if (ink > INK_LEVEL).mean() >= LEAST_INK]
        if not seen:
            rejected.append(
                Rejection(
                    item_id=work_id,
                    stage="hands",
                    reason="no_characters",
                    detail=f"{work.title} ({work_id}) has {len(characters)} characters, none with "
                    f"ink; a hand is known by at least one.",
                )
            )
            continue
        found.append(_hand(work_id, work, seen, bundle, rng, code_version, params))
    known = [h for h in others if h.model_fingerprint == bundle.fingerprint]
    here = {hand.work_id for hand in found}
    everybody = [*found, *(hand for hand in known if hand.work_id not in here)]
    return [_with_neighbours(hand, everybody, params.near_works) for hand in found], rejected


def _hand(
    work_id: str,
    work: Work,
    characters: Sequence[Ink],
    bundle: Bundle,
    rng: np.random.Generator,
    code_version: str,
    params: WorkParams,
) -> Hand:
    # One by one: more characters than a set holds are no error of a work.
    cells = np.concatenate([reference_set([ink], bundle.dims) for ink in characters])
    size = min(bundle.dims.max_references, len(cells))
    sets = drawn_sets(cells, size, 1 if size == len(cells) else params.sets, rng)
    vector: Vectors = unit(style_vectors(bundle.encoder, sets).mean(axis=0))
    said = attribute(vector, size, bundle.enrolled)
    apart = spread(bundle.encoder, sets[0][: params.spread_of])
    return Hand(
        work_id=work_id,
        calligrapher=work.calligrapher,
        script=work.script,
        vector=tuple(float(number) for number in vector),
        references=sets.shape[0] * size,
        spread=apart,
        is_one_hand=apart <= bundle.enrolled.spread_limit,
        nearest_hand=said.nearest[0][0],
        distance=said.nearest[0][1],
        threshold=said.threshold,
        is_rejected=said.is_rejected,
        near_works=(),
        model_fingerprint=bundle.fingerprint,
        code_version=code_version,
    )


def _with_neighbours(hand: Hand, everybody: Sequence[Hand], count: int) -> Hand:
    own = np.asarray(hand.vector)
    likely = sorted(
        (
            Likeness(work_id=other.work_id, distance=float(1 - own @ np.asarray(other.vector)))
            for other in everybody
            if other.work_id != hand.work_id
        ),
        key=lambda likeness: (likeness.distance, likeness.work_id),
    )
    return replace(hand, near_works=tuple(likely[:count]))
