"""The surface autoencoder learned from pictures: real scans, and synthetic pages.

Holds: ``learn_surfaces`` and how well what was held out is given back.

Keeps out: where pictures come from (``training.restyling``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.families.creativesynth.autoencoder import SurfaceAutoencoder
from training.families.creativesynth.objective import Crops, Rgb, restoring
from training.families.creativesynth.recipe import SurfaceRecipe
from training.loop import Fitted, fit

JUDGED_CROPS = 32


@dataclass(frozen=True)
class Learned:
    """What a run came to; ``psnr_db`` of crops of held-out pictures, by level of features."""

    model: SurfaceAutoencoder
    fitted: Fitted
    psnr_db: float
    coarse_psnr_db: float
    held_out: int


def learn_surfaces(
    pictures: Sequence[Rgb], recipe: SurfaceRecipe, *, log: Path | None, device: torch.device
) -> Learned:
    """Train an autoencoder.

    Args:
        pictures: (H, W, 3) each, at least a crop wide and high.
        recipe: Every number of the run.
        log: Gets one JSON line now and then.
        device: Where it is computed.

    Raises:
        MaterialError: If there are no pictures, or one is too small.
        ModelError: If the loss becomes something that is no number.
    """
    count = max(1, round(recipe.judged * len(pictures))) if len(pictures) > 1 else 0
    order = np.random.default_rng(recipe.seed).permutation(len(pictures))
    kept = [pictures[k] for k in order[count:]]
    held_out = [pictures[k] for k in order[:count]] or kept
    torch.manual_seed(recipe.seed)
    model = SurfaceAutoencoder(recipe.dims).to(device)
    fitted = fit(model, restoring(model, Crops(kept, recipe.crop_px), recipe), recipe.loop, log=log)
    model.eval()
    crops = Crops(held_out, recipe.crop_px).draw(JUDGED_CROPS, np.random.default_rng(recipe.seed))
    crops = crops.to(device)
    with torch.no_grad():
        fine, coarse = model.encode(crops)
        whole, alone = model.decode(fine, coarse), model.decode(torch.zeros_like(fine), coarse)
    return Learned(model, fitted, _psnr(whole, crops), _psnr(alone, crops), count)


def _psnr(made: torch.Tensor, wanted: torch.Tensor) -> float:
    """In decibels of pictures between -1 and 1."""
    error = float((made.clamp(-1, 1) - wanted).square().mean())
    return 10 * math.log10(4 / max(error, 1e-12))
