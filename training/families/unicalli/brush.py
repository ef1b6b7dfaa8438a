"""The brush of the model: a convolutional decoder that draws a cell of latents.

Holds: ``Brush``, the counterpart of the eye (``stem``). It sees the noised cell and the standard
glyph of what is to be written, at every latent pixel, and is told by the transformer's tokens
what stands around the cell. Like the eye it is trained first on single characters
(``pretraining``): from linear patches of sixteen pixels a small transformer draws strokes in the
right places, and no character that anybody can read.

Keeps out: attention between cells (``model``), the eye (``stem``).

Legend: N cells, D model width, Z latent channels, S side of a cell in latents, P side in tokens,
M time width.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from training.families.unicalli.autoencoder import LATENT_CHANNELS
from training.families.unicalli.stem import ModulatedBlock


class Brush(nn.Module):
    """Down to the tokens' size and up again, handing on what each level saw (a U-Net)."""

    def __init__(self, width: int, time_width: int, levels: tuple[int, int] = (48, 96)) -> None:
        super().__init__()
        low, middle = levels

        def blocks(channels: int, count: int) -> nn.ModuleList:
            return nn.ModuleList([ModulatedBlock(channels, time_width) for _ in range(count)])

        self.enter = nn.Conv2d(2 * LATENT_CHANNELS, low, 3, padding=1)
        self.fine_down = blocks(low, 1)
        self.halve = nn.Conv2d(low, middle, 2, stride=2)
        self.medium_down = blocks(middle, 1)
        self.quarter = nn.Conv2d(middle, width, 2, stride=2)
        self.told = nn.Linear(width, width)
        self.coarse = blocks(width, 2)
        self.unquarter = nn.Conv2d(width, 4 * middle, 1)
        self.medium_up = blocks(middle, 2)
        self.unhalve = nn.Conv2d(middle, 4 * low, 1)
        self.fine_up = blocks(low, 2)
        self.leave = nn.Conv2d(low, LATENT_CHANNELS, 3, padding=1)
        self.enlarge = nn.PixelShuffle(2)
        # What the transformer says starts at nothing: a model that starts from its brush draws
        # exactly what the brush draws by itself.
        nn.init.zeros_(self.told.weight)
        nn.init.zeros_(self.told.bias)
        nn.init.zeros_(self.leave.weight)

    def forward(
        self, image: Tensor, content: Tensor, tokens: Tensor | None, mark: Tensor
    ) -> Tensor:
        """The clean cell as the brush sees it through the noise.

        Args:
            image: (N, Z, S, S) noised latents.
            content: (N, Z, S, S) latents of the standard glyph, zeros where nothing is known.
            tokens: (N, P * P, D) of the cell's image stream after the last block, or None.
            mark: (N, M) embedding of time and style.

        Returns:
            (N, Z, S, S).
        """
        x = self.enter(
            torch.cat([image, content], dim=1).contiguous(memory_format=torch.channels_last)
        )
        fine = x = _through(self.fine_down, x, mark)
        medium = x = _through(self.medium_down, self.halve(x), mark)
        x = self.quarter(x)
        if tokens is not None:
            x = x + rearrange(self.told(tokens), "N (h w) D -> N D h w", h=x.shape[2])
        x = _through(self.coarse, x, mark)
        x = _through(self.medium_up, self.enlarge(self.unquarter(x)) + medium, mark)
        x = _through(self.fine_up, self.enlarge(self.unhalve(x)) + fine, mark)
        drawn: Tensor = self.leave(x)
        return drawn


def _through(blocks: nn.ModuleList, x: Tensor, mark: Tensor) -> Tensor:
    for block in blocks:
        x = block(x, mark)
    return x
