"""LPIPS (Zhang et al. 2018), version 0.1 on AlexNet: by its official weights or not at all.

Two files are needed, neither of which is ours to ship: AlexNet's weights as torchvision publishes
them (``alexnet-owt-7be5be79.pth``) and the linear layers of the ``lpips`` package (``alex.pth``).
The first carries its own hash in its name, which is checked: on other weights the figure would
not be LPIPS. Both are opened without running what a pickle may hold, and every key must fit.

Holds: ``Lpips`` and ``load_lpips``.

Keeps out: the same kind of distance on weights of our own (``training.metrics.features``).

Legend: N pictures, C channels of a level.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.metrics.official import fit, published_tensors

Ink = npt.NDArray[np.uint8]

ALEXNET_SHA256 = "7be5be79"
"""How the hash of torchvision's file begins, as its name says."""
SIDE_PX = 64
"""Characters are enlarged to this side: AlexNet halves a picture six times over."""
MEAN, SPREAD = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Of the colours that the official code moves [-1, 1] to."""


class Lpips(nn.Module):
    """AlexNet's five levels, and one weight for each of their channels."""

    mean: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleDict(
            {
                "0": nn.Conv2d(3, 64, 11, stride=4, padding=2),
                "3": nn.Conv2d(64, 192, 5, padding=2),
                "6": nn.Conv2d(192, 384, 3, padding=1),
                "8": nn.Conv2d(384, 256, 3, padding=1),
                "10": nn.Conv2d(256, 256, 3, padding=1),
            }
        )
        self.lin = nn.ParameterList(torch.zeros(1, c, 1, 1) for c in (64, 192, 384, 256, 256))
        self.register_buffer("mean", torch.tensor(MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor(SPREAD).reshape(1, 3, 1, 1), persistent=False)

    def levels(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W) in [-1, 1] to what each convolution sees after its ReLU."""
        x = (x - self.mean) / self.spread
        seen = []
        for name, layer in self.features.items():
            if name in ("3", "6"):
                x = F.max_pool2d(x, 3, 2)
            x = F.relu(layer(x))
            seen.append(x)
        return seen

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """Distance of each pair, (N,); 0 for the same picture."""
        parts = []
        pairs = zip(self.levels(one), self.levels(other), self.lin, strict=True)
        for a, b, weight in pairs:
            apart = (_unit(a) - _unit(b)).square()
            parts.append((apart * weight).sum(dim=1).mean(dim=(1, 2)))
        return torch.stack(parts).sum(dim=0)

    @torch.inference_mode()
    def distances(self, one: Ink, other: Ink) -> npt.NDArray[np.float64]:
        """Of each pair of cells (N, cell, cell), white on black, shown as black on white."""
        found: Tensor = self(_shown(one), _shown(other))
        return np.asarray(found.double().numpy(), np.float64)


def load_lpips(alexnet: Path, linear: Path, *, alexnet_sha256: str = ALEXNET_SHA256) -> Lpips:
    """LPIPS from its two official files.

    Args:
        alexnet: torchvision's state dict.
        linear: ``alex.pth`` of the ``lpips`` package, version 0.1.
        alexnet_sha256: How the hash of the first must begin.

    Raises:
        ModelError: If a file is missing, is not what its hash says, or a tensor is missing, extra
            or of another shape.
    """
    # The classifier behind the convolutions is part of the file and of no use here.
    convolutions = {
        name: tensor
        for name, tensor in published_tensors(
            alexnet, sha256=alexnet_sha256, figure="LPIPS"
        ).items()
        if not name.startswith("classifier.")
    }
    weights = published_tensors(linear, figure="LPIPS")
    official = {f"lin{k}.model.1.weight": f"lin.{k}" for k in range(5)}
    model = Lpips()
    given = convolutions | {official.get(name, name): value for name, value in weights.items()}
    fit(model, given, "LPIPS 0.1 on AlexNet")
    return model


def _unit(level: Tensor) -> Tensor:
    # As the official code: the length is guarded, so that nothing seen stays nothing.
    length: Tensor = level.square().sum(dim=1, keepdim=True).sqrt()
    return level / (length + 1e-10)


def _shown(cells: Ink) -> Tensor:
    grey = 1 - torch.from_numpy(cells).float()[:, None] / 127.5
    large = F.interpolate(grey, size=(SIDE_PX, SIDE_PX), mode="bilinear", align_corners=False)
    return large.expand(-1, 3, -1, -1)
