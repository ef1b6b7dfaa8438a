"""How CreativeSynth is run: the surface autoencoder trained, and the numbers of SDXL.

Holds: functions that fill in what ``training.families.creativesynth`` asks for. ``sdxl`` trains
nothing, as the paper trains nothing; it has been run on a miniature only, for neither a GPU nor
the weights of SDXL were at hand.

Keeps out: the doing (``training.families.creativesynth``).
"""

from __future__ import annotations

from training.families.creativesynth.autoencoder import SurfaceDims
from training.families.creativesynth.recipe import SurfaceRecipe
from training.families.creativesynth.synthesis import SynthesisParams
from training.loop import LoopParams


def surface() -> SurfaceRecipe:
    """One core, ten minutes."""
    return SurfaceRecipe(
        name="creativesynth.surface",
        loop=LoopParams(seconds=600, learning_rate=2e-3, weight_decay=0.0, average_decay=0.995),
    )


def debug() -> SurfaceRecipe:
    """A few steps: proves that a run works, not that it learns."""
    return SurfaceRecipe(
        name="creativesynth.debug",
        dims=SurfaceDims(fine=8, coarse=8),
        loop=LoopParams(seconds=30, steps=4, log_every_s=0.0),
        crop_px=32,
        crops_at_once=2,
    )


def sdxl() -> SynthesisParams:
    """The paper's: 30 steps, guidance 5, 1024 pixels; image scale 0.5 is ours. One GPU."""
    return SynthesisParams()


def sdxl_debug() -> SynthesisParams:
    """A few small steps on a miniature: proves that the way through the pipeline works."""
    return SynthesisParams(steps=4, side_px=64)
