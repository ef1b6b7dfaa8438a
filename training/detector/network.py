"""The network that finds characters: ink in, a map of middles and of distances to the edges out.

Holds: ``Detector``, a fully convolutional pyramid after CenterNet (Zhou et al. 2019) with the box
distances of FCOS (Tian et al. 2019): it sees strides of 2 to 32 and answers at stride 4. No
layer depends on the size of the page.

Keeps out: what the maps mean on a page (``pipelines.finding.detector``), training, and the graph
that OpenCV runs (``pipelines.finding.network``).

Legend: B batch, H and W pixels (multiples of 32), h = H / 4, w = W / 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

STRIDE = 4
MULTIPLE = 32


@dataclass(frozen=True, kw_only=True)
class DetectorDims:
    """Channels at strides 2, 4, 8, 16 and 32, and those of the way back up.

    Attributes:
        widths: Of the way down.
        deep: Of the way up at strides 32 and 16.
        head: Of the way up at strides 8 and 4.
    """

    widths: tuple[int, int, int, int, int] = (12, 24, 48, 96, 128)
    deep: int = 64
    head: int = 32


class Block(nn.Module):
    """Convolution, normalization over the batch, rectifier: folded into one layer for OpenCV."""

    def __init__(self, inner: int, outer: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inner, outer, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(outer)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inner, H, W) to (B, outer, H / stride, W / stride)."""
        return torch.relu(self.norm(self.conv(x)))


class Detector(nn.Module):
    """See the module."""

    def __init__(self, dims: DetectorDims) -> None:
        super().__init__()
        self.dims = dims
        a, b, c, d, e = dims.widths
        self.down2 = Block(1, a, 2)
        self.down4 = Block(a, b, 2)
        self.down8 = nn.Sequential(Block(b, c, 2), Block(c, c))
        self.down16 = nn.Sequential(Block(c, d, 2), Block(d, d), Block(d, d))
        self.down32 = nn.Sequential(Block(d, e, 2), Block(e, e), Block(e, e))
        self.side32 = nn.Conv2d(e, dims.deep, 1)
        self.side16 = nn.Conv2d(d, dims.deep, 1)
        self.side8 = nn.Conv2d(c, dims.head, 1)
        self.side4 = nn.Conv2d(b, dims.head, 1)
        self.up16 = Block(dims.deep, dims.head)
        self.up8 = Block(dims.head, dims.head)
        self.up4 = Block(dims.head, dims.head)
        self.answer = nn.Conv2d(dims.head, 5, 1)
        # Middles are rare: begin with a probability of 1 % everywhere (Lin et al. 2017).
        nn.init.normal_(self.answer.weight, std=0.01)
        assert self.answer.bias is not None
        with torch.no_grad():
            self.answer.bias.copy_(torch.tensor([-4.6, 0.0, 0.0, 0.0, 0.0]))

    def forward(self, ink: Tensor) -> Tensor:
        """Ink (B, 1, H, W) in [0, 1] to (B, 5, h, w).

        Channel 0 is the logit of a middle; 1 to 4 are logarithms of the distances from the
        cell's middle to the left, top, right and bottom edge, in strides.
        """
        x4 = self.down4(self.down2(ink))
        x8 = self.down8(x4)
        x16 = self.down16(x8)
        x32 = self.down32(x16)
        y16 = self.up16(_twice(self.side32(x32)) + self.side16(x16))
        y8 = self.up8(_twice(y16) + self.side8(x8))
        y4 = self.up4(_twice(y8) + self.side4(x4))
        answer: Tensor = self.answer(y4)
        return answer


def _twice(x: Tensor) -> Tensor:
    return nn.functional.interpolate(x, scale_factor=2, mode="nearest")
