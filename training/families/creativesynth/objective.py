"""What the surface autoencoder is trained for: to give crops of scans and pages back.

Holds: ``Crops``, the batches as functions of their number, and ``restoring``, the loss of a slice.

Keeps out: the loop (``training.loop``), what is done with features (``harmony``).

Legend: B crops, S side of a crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from pipelines.errors import MaterialError
from training.families.creativesynth.autoencoder import SurfaceAutoencoder
from training.families.creativesynth.recipe import SurfaceRecipe
from training.loop import Step
from training.slices import Slice

Rgb = npt.NDArray[np.uint8]

GRADIENT_WEIGHT = 0.5
"""Of differences between neighbours beside the levels themselves: grain is what blurs first."""


@dataclass(frozen=True)
class Crops:
    """Pictures that crops are drawn from: (H, W, 3) each.

    Raises:
        MaterialError: If there is none, or one is smaller than a crop.
    """

    pictures: Sequence[Rgb]
    side_px: int

    def __post_init__(self) -> None:
        if not self.pictures:
            raise MaterialError(
                "There are no pictures to learn surfaces from. Give scans with --scans FILE..., "
                "or a corpus with --tables and --store.",
                reason="no_scans",
            )
        small = [p.shape[:2] for p in self.pictures if min(p.shape[:2]) < self.side_px]
        if small:
            raise MaterialError(
                f"A picture of {small[0][1]} by {small[0][0]} pixels is smaller than a crop of "
                f"{self.side_px}. Leave it out.",
                reason="too_small",
            )

    def draw(self, count: int, rng: np.random.Generator) -> Tensor:
        """(B, 3, S, S) in [-1, 1], turned and scaled at random."""
        crops = []
        for _ in range(count):
            picture = self.pictures[int(rng.integers(0, len(self.pictures)))]
            most = min(picture.shape[:2])
            taken = int(min(most, self.side_px * rng.choice([1.0, 1.0, 1.5, 2.0])))
            top = int(rng.integers(0, picture.shape[0] - taken + 1))
            left = int(rng.integers(0, picture.shape[1] - taken + 1))
            crop = picture[top : top + taken, left : left + taken]
            if taken != self.side_px:
                crop = np.asarray(
                    cv2.resize(crop, (self.side_px,) * 2, interpolation=cv2.INTER_AREA), np.uint8
                )
            crop = np.rot90(crop, int(rng.integers(0, 4)))
            crops.append(crop[:, ::-1] if rng.random() < 0.5 else crop)
        stacked = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
        return stacked.float() / 127.5 - 1


def restoring(model: SurfaceAutoencoder, crops: Crops, recipe: SurfaceRecipe) -> Step:
    """A step of training: absolute error of levels and of differences between neighbours."""
    device = next(model.parameters()).device

    def step(part: Slice) -> tuple[Tensor, dict[str, float]]:
        rng = part.numpy_seeded(recipe.seed)
        wanted = crops.draw(part.size(recipe.crops_at_once), rng).to(device)
        fine, coarse = model.encode(wanted)
        hidden = rng.random(len(wanted)) < recipe.fine_hidden
        shown = torch.from_numpy(~hidden).to(fine)[:, None, None, None]
        made = model.decode(fine * shown, coarse)
        levels = F.l1_loss(made, wanted)
        gradients = sum(
            (F.l1_loss(made.diff(dim=d), wanted.diff(dim=d)) for d in (2, 3)), wanted.new_zeros(())
        )
        loss = levels + GRADIENT_WEIGHT * gradients
        return loss, {"levels": levels.item(), "gradients": gradients.item()}

    return step
