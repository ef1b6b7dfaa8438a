"""Which of the hands that Calliffusion knows is likest to a few characters of a new one.

A new hand is learned from the prompt of a known one. The loss alone chooses badly: under the prompt
of a pale, broken hand the network is never far wrong. So the model writes the given characters in
each known hand, and ScriptViT's style vectors say whose writing looks most like them.

Keeps out: learning the hand (``training.families.calliffusion.adapting``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.glyphs.fonts import FontFace
from pipelines.windows import INK_LEVEL
from training.families.calliffusion.sampling import SamplingParams
from training.families.calliffusion.weights import Bundle as Writing
from training.families.calliffusion.writing import CalliffusionWriter, WritingParams
from training.families.scriptvit.attribution import style_vectors
from training.families.scriptvit.conditioning import LEAST_INK, reference_set
from training.families.scriptvit.weights import Bundle as Knowing

Ink = npt.NDArray[np.uint8]

KNOWING = Path(__file__).parent / "families" / "scriptvit" / "checkpoints" / "tiny"
"""The bundled model that compares."""
PLAIN = WritingParams(sampling=SamplingParams(guidance=1.0))
"""Without guidance: it costs half, and hands are compared, not shown."""


def likest_hand(
    writing: Writing,
    knowing: Knowing,
    pictures: Sequence[tuple[str, Ink]],
    face: FontFace,
    seed: int = 0,
) -> tuple[str, float]:
    """The known hand whose writing looks most like the given characters, and how far it is.

    Args:
        writing: The model that writes; characters that ``face`` lacks are not looked at.
        knowing: The model that compares.
        pictures: Characters with their ink, white on black.
        face: The standard font, for skeletons.
        seed: Of the writing, the same for all hands.

    Returns:
        Its name, and one minus the cosine of both style vectors, 0 to 2; an empty name if nothing
        that was written has ink.
    """
    shown = [(c, ink) for c, ink in pictures if face.covers(c)][: knowing.dims.max_references]
    text = "".join(character for character, _ in shown)
    (given,) = style_vectors(
        knowing.encoder, reference_set([ink for _, ink in shown], knowing.dims)[None]
    )
    writer = CalliffusionWriter(writing, face, PLAIN)
    hands: Mapping[str, str] = writing.recipe["hands"]
    far: dict[str, float] = {}
    for name, prompt in hands.items():
        column = writer.write_column(text, prompt, seed)
        cells = [column.ink[b.top : b.bottom, b.left : b.right] for b in column.boxes]
        inked = [cell for cell in cells if (cell > INK_LEVEL).mean() >= LEAST_INK]
        if inked:
            (written,) = style_vectors(knowing.encoder, reference_set(inked, knowing.dims)[None])
            far[name] = float(1 - written @ given)
    nearest = min(far, key=lambda name: far[name], default="")
    return nearest, far.get(nearest, 2.0)
