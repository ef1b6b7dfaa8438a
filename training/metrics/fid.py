"""FID (Heusel et al. 2017): by its official weights or not at all.

The file is the Inception network of 2015-12-05 as pytorch-fid and torch-fidelity publish it for
torch (``pt_inception-2015-12-05-6726825d.pth``); the hash in its name is checked. Papers take
thousands of pictures a side. Of a few dozen the figure is far too high, and only figures of as
many pictures may be compared.

Holds: ``Inception``, in the form FID is defined on (it differs from torchvision's in its pools and
in how pictures are enlarged), and ``load_inception``.

Keeps out: the distance itself (``training.metrics.features.frechet_distance``).

Legend: N pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.metrics.official import fit, published_tensors

Ink = npt.NDArray[np.uint8]

INCEPTION_SHA256 = "6726825d"
"""How the hash of the published file begins, as its name says."""
SIDE_PX = 299
AT_ONCE = 16

Kernel = tuple[int, int]
Layers = Mapping[str, tuple[int, int, Kernel]]
"""By name: channels in, channels out, size of the kernel."""
Pool = Literal["mean", "max", "halve"]
Chain = Sequence[str | tuple[str, str]]


class Convolution(nn.Module):
    """Convolution, normalization by what was seen in training, ReLU."""

    def __init__(self, fed: int, out: int, kernel: Kernel, stride: int, padding: Kernel) -> None:
        super().__init__()
        self.conv = nn.Conv2d(fed, out, kernel, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """(N, fed, h, w) to (N, out, ...)."""
        return F.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Several chains of convolutions on the same input, side by side, and a pool.

    Args:
        layers: All convolutions.
        chains: Their names in order; what stands in the last place of a chain may be two names,
            whose outputs stand side by side.
        pool: With stride 2 ("halve"), every last convolution of a chain has it too.
    """

    def __init__(self, layers: Layers, chains: Sequence[Chain], pool: Pool) -> None:
        super().__init__()
        self.chains, self.pool = chains, pool
        ends = {chain[-1] for chain in chains} if pool == "halve" else set()
        for name, (fed, out, (high, wide)) in layers.items():
            stride, padding = (2, (0, 0)) if name in ends else (1, (high // 2, wide // 2))
            self.add_module(name, Convolution(fed, out, (high, wide), stride, padding))

    def forward(self, x: Tensor) -> Tensor:
        """(N, fed, h, w) to all outputs side by side."""
        found = []
        for chain in self.chains:
            y = x
            for name in chain:
                names = (name,) if isinstance(name, str) else name
                y = torch.cat([self.get_submodule(one)(y) for one in names], dim=1)
            found.append(y)
        if self.pool == "halve":
            found.append(F.max_pool2d(x, 3, 2))
        elif self.pool == "max":
            found.append(self.get_submodule("branch_pool")(F.max_pool2d(x, 3, 1, 1)))
        else:
            mean = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
            found.append(self.get_submodule("branch_pool")(mean))
        return torch.cat(found, dim=1)


def _a(fed: int, pooled: int) -> Mixed:
    layers = {
        "branch1x1": (fed, 64, (1, 1)),
        "branch5x5_1": (fed, 48, (1, 1)), "branch5x5_2": (48, 64, (5, 5)),
        "branch3x3dbl_1": (fed, 64, (1, 1)), "branch3x3dbl_2": (64, 96, (3, 3)),
        "branch3x3dbl_3": (96, 96, (3, 3)), "branch_pool": (fed, pooled, (1, 1)),
    }  # fmt: skip
    return Mixed(layers, (["branch1x1"], _chain("branch5x5", 2), _chain("branch3x3dbl", 3)), "mean")


def _b(fed: int) -> Mixed:
    layers = {
        "branch3x3": (fed, 384, (3, 3)), "branch3x3dbl_1": (fed, 64, (1, 1)),
        "branch3x3dbl_2": (64, 96, (3, 3)), "branch3x3dbl_3": (96, 96, (3, 3)),
    }  # fmt: skip
    return Mixed(layers, (["branch3x3"], _chain("branch3x3dbl", 3)), "halve")


def _c(fed: int, narrow: int) -> Mixed:
    flat, tall = (1, 7), (7, 1)
    layers = {
        "branch1x1": (fed, 192, (1, 1)),
        "branch7x7_1": (fed, narrow, (1, 1)), "branch7x7_2": (narrow, narrow, flat),
        "branch7x7_3": (narrow, 192, tall),
        "branch7x7dbl_1": (fed, narrow, (1, 1)), "branch7x7dbl_2": (narrow, narrow, tall),
        "branch7x7dbl_3": (narrow, narrow, flat), "branch7x7dbl_4": (narrow, narrow, tall),
        "branch7x7dbl_5": (narrow, 192, flat), "branch_pool": (fed, 192, (1, 1)),
    }  # fmt: skip
    return Mixed(layers, (["branch1x1"], _chain("branch7x7", 3), _chain("branch7x7dbl", 5)), "mean")


def _d(fed: int) -> Mixed:
    layers = {
        "branch3x3_1": (fed, 192, (1, 1)), "branch3x3_2": (192, 320, (3, 3)),
        "branch7x7x3_1": (fed, 192, (1, 1)), "branch7x7x3_2": (192, 192, (1, 7)),
        "branch7x7x3_3": (192, 192, (7, 1)), "branch7x7x3_4": (192, 192, (3, 3)),
    }  # fmt: skip
    return Mixed(layers, (_chain("branch3x3", 2), _chain("branch7x7x3", 4)), "halve")


def _e(fed: int, pool: Pool) -> Mixed:
    flat, tall = (1, 3), (3, 1)
    layers = {
        "branch1x1": (fed, 320, (1, 1)), "branch3x3_1": (fed, 384, (1, 1)),
        "branch3x3_2a": (384, 384, flat), "branch3x3_2b": (384, 384, tall),
        "branch3x3dbl_1": (fed, 448, (1, 1)), "branch3x3dbl_2": (448, 384, (3, 3)),
        "branch3x3dbl_3a": (384, 384, flat), "branch3x3dbl_3b": (384, 384, tall),
        "branch_pool": (fed, 192, (1, 1)),
    }  # fmt: skip
    chains: tuple[Chain, ...] = (
        ["branch1x1"],
        ["branch3x3_1", ("branch3x3_2a", "branch3x3_2b")],
        [*_chain("branch3x3dbl", 2), ("branch3x3dbl_3a", "branch3x3dbl_3b")],
    )
    return Mixed(layers, chains, pool)


def _chain(name: str, length: int) -> list[str]:
    return [f"{name}_{place}" for place in range(1, length + 1)]


class Inception(nn.Module):
    """Pictures to the 2,048 features that FID is taken of."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Convolution(3, 32, (3, 3), 2, (0, 0))
        self.Conv2d_2a_3x3 = Convolution(32, 32, (3, 3), 1, (0, 0))
        self.Conv2d_2b_3x3 = Convolution(32, 64, (3, 3), 1, (1, 1))
        self.Conv2d_3b_1x1 = Convolution(64, 80, (1, 1), 1, (0, 0))
        self.Conv2d_4a_3x3 = Convolution(80, 192, (3, 3), 1, (0, 0))
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _a(192, 32), _a(256, 64), _a(288, 64)
        self.Mixed_6a, self.Mixed_6b = _b(288), _c(768, 128)
        self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = _c(768, 160), _c(768, 160), _c(768, 192)
        self.Mixed_7a, self.Mixed_7b, self.Mixed_7c = _d(768), _e(1280, "mean"), _e(2048, "max")
        self.fc = nn.Linear(2048, 1008)  # in the published file, and not used here

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 255] to (N, 2048)."""
        x = (_enlarged(x, SIDE_PX) - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = F.max_pool2d(x, 3, 2)
        for name, layer in self.named_children():
            if name.startswith("Mixed"):
                x = layer(x)
        return x.mean(dim=(2, 3))

    @torch.inference_mode()
    def features(self, cells: Ink) -> npt.NDArray[np.float64]:
        """Of cells (N, cell, cell), white on black, shown as black on white: (N, 2048)."""
        parts = [
            self((255 - part.float())[:, None].expand(-1, 3, -1, -1))
            for part in torch.split(torch.from_numpy(cells), AT_ONCE)
        ]
        return np.asarray(torch.cat(parts).double().numpy(), np.float64)


def load_inception(path: Path, *, sha256: str = INCEPTION_SHA256) -> Inception:
    """The network of FID from its published file.

    Raises:
        ModelError: If the file is missing, another one, or does not fit key by key.
    """
    model = Inception()
    fit(model, published_tensors(path, sha256=sha256, figure="FID"), "FID's Inception")
    return model


def _enlarged(x: Tensor, side: int) -> Tensor:
    """Bilinear as TensorFlow 1 did it: the first pixels lie on each other, not the edges."""
    for axis in (2, 3):
        size = x.shape[axis]
        places = torch.arange(side, dtype=torch.float32) * (size / side)
        low = places.floor().long()
        share = (places - low).reshape((-1, 1) if axis == 2 else (-1,))
        high = (low + 1).clamp(max=size - 1)
        x = x.index_select(axis, low) * (1 - share) + x.index_select(axis, high) * share
    return x
