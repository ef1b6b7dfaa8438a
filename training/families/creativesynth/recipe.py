"""What a run must say: the numbers of training the surface autoencoder.

Keeps out: the numbers themselves (``training.recipes.creativesynth``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from training.families.creativesynth.autoencoder import SurfaceDims
from training.loop import LoopParams


@dataclass(frozen=True, kw_only=True)
class SurfaceRecipe:
    """How the surface autoencoder is trained.

    Attributes:
        name: For checkpoint and card.
        crop_px: Side of a crop; a multiple of 4.
        crops_at_once: In a batch.
        fine_hidden: Share of crops whose fine features are hidden, so that the coarse ones learn
            to carry tone and stains by themselves.
        judged: Share of the pictures that are held out, at least one.
    """

    name: str
    dims: SurfaceDims = field(default_factory=SurfaceDims)
    loop: LoopParams = field(default_factory=LoopParams)
    crop_px: int = 64
    crops_at_once: int = 12
    fine_hidden: float = 0.25
    judged: float = 0.1
    seed: int = 1
