"""How strongly a hand learned from a few characters is to be applied: as far as it stays legible.

Five characters teach a look, and unteach a little how others are written. Corrections of low rank
can be applied in part, so a hand is tried at several strengths on characters that it was not
learned from: how far is the look (ScriptViT's style vectors), and how much of it reads back?

Holds: ``Trial``, :func:`trials_of` and :func:`best_of`.

Keeps out: learning a hand (``training.families.calliffusion.adapting``) and the known hand that it
starts from (``training.likest_hand``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt

from pipelines.glyphs.fonts import FontFace
from pipelines.scripts import canonical
from pipelines.windows import INK_LEVEL
from training.families.calliffusion.weights import Adapter, with_adapter
from training.families.calliffusion.weights import Bundle as Writing
from training.families.calliffusion.writing import CalliffusionWriter
from training.families.scriptvit.attribution import style_vectors, unit
from training.families.scriptvit.conditioning import LEAST_INK, reference_set
from training.families.scriptvit.weights import Bundle as Knowing
from training.roles import ColumnInk, Recogniser, WrittenColumn

Ink = npt.NDArray[np.uint8]

STRENGTHS = (0.0, 0.3, 0.6, 1.0)
TRIED = 24
"""Characters written at each, spread over the base's table from the commonest to the rarest."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What was written at one strength.

    Attributes:
        strength: 0 is the base in the likest known hand, 1 all that was learned.
        far: One minus the cosine of its style vector to that of the given characters, 0 to 2.
        read: Share of the characters that read back.
    """

    strength: float
    far: float
    read: float


def trials_of(
    base: Writing,
    adapter: Adapter,
    knowing: Knowing,
    reader: Recogniser,
    pictures: Sequence[tuple[str, Ink]],
    face: FontFace,
    seed: int = 0,
) -> list[Trial]:
    """The hand at each of ``STRENGTHS``, on characters that it was not learned from.

    Args:
        base: The model it was learned on.
        adapter: The hand.
        knowing: The model that compares looks.
        reader: Reads back.
        pictures: What the hand was learned from, white on black.
        face: The standard font.
        seed: Of the writing, the same for each.
    """
    given = {character for character, _ in pictures}
    others = [c for c in base.characters if c not in given and face.covers(c)]
    text = "".join(others[:: max(1, len(others) // TRIED)][:TRIED])
    wanted = _look([ink for _, ink in pictures], knowing)
    found = []
    for strength in STRENGTHS:
        writer = CalliffusionWriter(with_adapter(base, adapter, strength), face)
        column = writer.write_column(text, adapter.prompt, seed)
        cells = [column.ink[b.top : b.bottom, b.left : b.right] for b in column.boxes]
        written = _look(cells, knowing)
        far = 2.0 if written is None or wanted is None else float(1 - written @ wanted)
        found.append(Trial(strength=strength, far=far, read=_read(reader, column)))
    return found


def best_of(trials: Sequence[Trial]) -> Trial:
    """The best of look and legibility together: what reads back, less how far it is.

    Both lie between 0 and 1 in practice. A hand that nobody can read is of no use however like it
    is, and one that everybody can read but that is like no hand is the standard font.
    """
    return max(trials, key=lambda trial: trial.read - trial.far)


def with_strength(adapter: Adapter, trials: Sequence[Trial]) -> Adapter:
    """The adapter with its best strength, and all trials, among its facts."""
    said = {"strength": best_of(trials).strength, "trials": [asdict(trial) for trial in trials]}
    return replace(adapter, facts={**adapter.facts, **said})


def _look(inks: Sequence[Ink], knowing: Knowing) -> npt.NDArray[np.float32] | None:
    """The mean style vector of single characters; None if none has ink."""
    inked = [ink for ink in inks if (ink > INK_LEVEL).mean() >= LEAST_INK]
    if not inked:
        return None
    cells = np.concatenate([reference_set([ink], knowing.dims) for ink in inked])
    return unit(style_vectors(knowing.encoder, cells[:, None]).mean(axis=0))


def _read(reader: Recogniser, column: WrittenColumn) -> float:
    (proposals,) = reader.read_columns([ColumnInk(column.ink, column.boxes)])
    right = [
        canonical(proposal.text) == canonical(wanted)
        for proposal, wanted in zip(proposals, column.text, strict=True)
    ]
    return float(np.mean(right))
