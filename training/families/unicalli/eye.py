"""What the eye of a checkpoint sees in a character, for comparing pictures.

Holds: ``Eye``: levels and tokens of single cells, seen clean and without a prompt, as in reading.
Distances on them are called eye distances: they are no LPIPS and no FID.

Keeps out: the distances (``training.metrics.features``), the eye itself (``stem``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.families.unicalli.layers import time_waves
from training.families.unicalli.weights import Bundle
from training.metrics.features import Floats, level_distances

Ink = npt.NDArray[np.uint8]

AT_ONCE = 64


class Eye:
    """The frozen eye of one checkpoint."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    @torch.inference_mode()
    def levels(self, cells: Ink) -> tuple[Tensor, ...]:
        """Three levels, (N, channels, h, w) each.

        Args:
            cells: (N, cell, cell), white on black, in the model's own size of a cell.
        """
        model = self._bundle.model
        blank = torch.zeros(1, model.dims.width)
        clean = model.time_in(time_waves(torch.zeros(1), model.dims.time_width))
        mark = clean + model.style_in(blank)
        parts = []
        for part in torch.split(torch.from_numpy(cells), AT_ONCE):
            latents = self._bundle.autoencoder.encode(part.float()[:, None] / 127.5 - 1)
            parts.append(model.eye.levels(latents, mark.expand(len(part), -1)))
        return tuple(torch.cat(level) for level in zip(*parts, strict=True))

    def features(self, cells: Ink) -> Floats:
        """Mean token of each cell, (N, D)."""
        coarse = self.levels(cells)[-1]
        return np.asarray(coarse.mean(dim=(2, 3)).double().numpy(), np.float64)

    def distances(self, one: Ink, other: Ink) -> Floats:
        """Eye distance of each pair of cells, (N,)."""
        return level_distances(self.levels(one), self.levels(other))
