"""How the detector and the eye for orientation are trained: on two cores, or as a smoke test.

Holds: functions that fill in what ``training.detector`` asks for.

Keeps out: the doing (``training.detector``).
"""

from __future__ import annotations

from training.detector.crops import CropParams
from training.detector.network import DetectorDims
from training.detector.orientation import OrientationRecipe
from training.detector.recipe import DetectorRecipe
from training.loop import LoopParams


def tiny() -> DetectorRecipe:
    """Two cores, about 75 minutes."""
    return DetectorRecipe(name="detector.tiny")


def debug() -> DetectorRecipe:
    """A few steps: proves that a run works, not that it learns."""
    return DetectorRecipe(
        name="detector.debug",
        dims=DetectorDims(widths=(4, 8, 8, 8, 8), deep=8, head=8),
        loop=LoopParams(seconds=600, steps=3, log_every_s=0.0),
        crops=CropParams(side_px=96, crops_at_once=2, shuffled=4, workers=0),
        characters=20,
        judged_pages=1,
        settled_batches=2,
    )


def orientation() -> OrientationRecipe:
    """One core, ten minutes."""
    return OrientationRecipe(name="orientation.tiny")


def orientation_debug() -> OrientationRecipe:
    """A few steps."""
    return OrientationRecipe(
        name="orientation.debug",
        widths=(4, 8, 8, 8),
        loop=LoopParams(seconds=600, steps=3, log_every_s=0.0),
        characters_at_once=16,
        judged=16,
    )
