"""How Calliffusion is trained: from nothing on two cores or a GPU, or as a smoke test.

Holds: functions that fill in what ``training.families.calliffusion.recipe`` asks for. No GPU was
at hand to run ``base``: its time is a budget, not a measurement.

Keeps out: the doing (``training.families.calliffusion``).
"""

from __future__ import annotations

from training.families.calliffusion.network import CalliffusionDims
from training.families.calliffusion.recipe import CalliffusionRecipe
from training.loop import LoopParams


def tiny() -> CalliffusionRecipe:
    """One core, an hour: 4 M parameters, cells of 48 pixels."""
    return CalliffusionRecipe(name="calliffusion.tiny")


def base() -> CalliffusionRecipe:
    """GPUs for days, after the paper: 128 pixels, four levels of 320 to 1280 channels, the noise.

    Version 1 names the widths and two layers a level (16 characters a batch, Adam at 1e-5, 120
    hours on two A100). What says which character it is comes by cross-attention alone, as there.
    """
    return CalliffusionRecipe(
        name="calliffusion.base",
        needs_gpu=True,
        dims=CalliffusionDims(
            cell_px=128,
            fold=1,
            widths=(320, 640, 1280, 1280),
            attends=(True, True, True, False),
            layers=2,
            head_width=64,
            groups=32,
            token_width=768,
            patch_px=8,
            eye_depth=6,
            characters=4000,
            index_numbers=64,
            mapped=0,
            is_pooled=False,
            prediction="epsilon",
        ),
        starts_from_standard=False,
        loop=LoopParams(
            seconds=120 * 3600,
            learning_rate=1e-5,
            floor=1.0,
            average_decay=0.9999,
            precision="bfloat16",
        ),
        characters_at_once=16,
    )


def debug() -> CalliffusionRecipe:
    """A few steps: proves that a run works, not that it learns."""
    return CalliffusionRecipe(
        name="calliffusion.debug",
        dims=CalliffusionDims(
            widths=(16, 32),
            attends=(False, True),
            head_width=16,
            groups=8,
            token_width=32,
            eye_depth=1,
            characters=20,
            index_numbers=4,
            mapped=4,
            words=256,
        ),
        hands=("ma-shan-zheng", "yuji-mai"),
        loop=LoopParams(seconds=40, steps=4, log_every_s=0.0),
        characters_at_once=4,
    )
