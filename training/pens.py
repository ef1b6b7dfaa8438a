"""Who writes in a hand that a few characters show: by learning it, or by looking at it.

Holds: ``Pen``, what ``training.augmenting`` asks of one; ``LearningPen`` (Calliffusion: corrections
of low rank, minutes a hand) and ``LookingPen`` (ScriptViT: nothing is learned); :func:`pen_of`.

Keeps out: what is written and whether it reads back (``training.augmenting``, ``training.gate``).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipelines.errors import ModelError
from pipelines.glyphs.fonts import FontFace
from training.adapted_strength import best_of, trials_of
from training.checkpoints import family_of
from training.families.calliffusion.adapting import learn_hand
from training.families.calliffusion.recipe import AdaptRecipe
from training.families.calliffusion.weights import Bundle as Writing
from training.families.calliffusion.weights import load_bundle as load_writing
from training.families.calliffusion.weights import with_adapter
from training.families.calliffusion.writing import CalliffusionWriter
from training.families.scriptvit.weights import Bundle as Knowing
from training.families.scriptvit.weights import load_bundle as load_knowing
from training.gate import Writer
from training.hands import content_face
from training.imitating import ImitatingWriter
from training.likest_hand import KNOWING, likest_hand
from training.roles import Recogniser

logger = logging.getLogger(__name__)

Ink = npt.NDArray[np.uint8]


class Pen(Protocol):
    """Something that writes in any hand it is shown."""

    @property
    def face(self) -> FontFace:
        """Says what characters look like; what it lacks is not written."""
        ...

    @property
    def fingerprint(self) -> str:
        """Of the weights."""
        ...

    def in_hand(self, name: str, pictures: Sequence[tuple[str, Ink]]) -> tuple[Writer, str]:
        """A writer in the hand of the given characters, and the prompt it is to be asked with."""
        ...


@dataclass(frozen=True, kw_only=True)
class LearningPen:
    """Learns each hand, and applies what it learned as far as it stays legible.

    ``reader`` judges that; ``knowing`` compares looks.
    """

    base: Writing
    face: FontFace
    knowing: Knowing
    reader: Recogniser
    recipe: AdaptRecipe

    @property
    def fingerprint(self) -> str:
        """Of the base."""
        return self.base.fingerprint

    def in_hand(self, name: str, pictures: Sequence[tuple[str, Ink]]) -> tuple[Writer, str]:
        """Learned from the likest known hand on; minutes."""
        near, _ = likest_hand(self.base, self.knowing, pictures, self.face)
        adapter = learn_hand(self.base, name, pictures, self.face, self.recipe, near=near)
        seed = self.recipe.seed
        trials = trials_of(self.base, adapter, self.knowing, self.reader, pictures, self.face, seed)
        strength = best_of(trials).strength
        logger.info("%s: near %s, at strength %g", name, adapter.facts["near"], strength)
        ready = with_adapter(self.base, adapter, strength)
        return CalliffusionWriter(ready, self.face), adapter.prompt


@dataclass(frozen=True, kw_only=True)
class LookingPen:
    """Looks at the characters, and writes."""

    bundle: Knowing
    face: FontFace

    @property
    def fingerprint(self) -> str:
        """Of the model."""
        return self.bundle.fingerprint

    def in_hand(self, name: str, pictures: Sequence[tuple[str, Ink]]) -> tuple[Writer, str]:
        """At once; there is no prompt."""
        return ImitatingWriter(self.bundle, self.face, [ink for _, ink in pictures]), ""


def pen_of(checkpoint: Path, fonts: Path, reader: Recogniser, recipe: AdaptRecipe) -> Pen:
    """The pen that a checkpoint is.

    Args:
        checkpoint: Of Calliffusion or of ScriptViT.
        fonts: Folder of the fonts; the checkpoint's content font must be there.
        reader: For a pen that learns: judges how far it may go.
        recipe: For a pen that learns.

    Raises:
        ModelError: If it is of another family, or does not write characters.
    """
    family = family_of(checkpoint)
    if family == "scriptvit":
        bundle = load_knowing(checkpoint)
        if bundle.is_of_words:
            raise ModelError(
                f"{checkpoint} writes words of letters, and hands lack characters. Use a model of "
                f"characters, such as scriptvit.tiny."
            )
        bundle.require_writing()
        return LookingPen(bundle=bundle, face=content_face(fonts, bundle.recipe["content_font"]))
    base = load_writing(checkpoint)
    return LearningPen(
        base=base,
        face=content_face(fonts, base.recipe["content_font"]),
        knowing=load_knowing(KNOWING),
        reader=reader,
        recipe=recipe,
    )
