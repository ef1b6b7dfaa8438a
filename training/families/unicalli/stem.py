"""The eye of the model: a convolutional stem that turns a cell of latents into tokens.

Holds: ``Stem``. It looks at each cell by itself, exactly as it was trained on single characters
(``pretraining``), and gives one token for every 16 by 16 pixels of ink. Measured on two cores:
a transformer whose tokens are linear patches learns nothing in a quarter of an hour, one on
these tokens reads from its first minutes.

Keeps out: attention between cells (``model``).

Legend: N cells, D model width, Z latent channels, S side of a cell in latents, P side in tokens.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from training.families.unicalli.autoencoder import LATENT_CHANNELS


class ModulatedBlock(nn.Module):
    """Residual block whose normalization is shifted and scaled by the stream's time."""

    def __init__(self, width: int, time_width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.modulation = nn.Linear(time_width, 2 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """(N, width, h, w) with (N, time_width) to the same."""
        scale, shift = self.modulation(time)[:, :, None, None].chunk(2, dim=1)
        normal = F.rms_norm(x.permute(0, 2, 3, 1), (x.shape[1],)).permute(0, 3, 1, 2)
        y = self.first(F.silu(normal * (1 + scale) + shift))
        return torch.add(x, self.second(F.silu(y)))


class Stem(nn.Module):
    """Cells of latents to tokens, three levels deep."""

    def __init__(self, width: int, time_width: int, levels: tuple[int, int] = (48, 96)) -> None:
        super().__init__()
        low, middle = levels
        self.enter = nn.Conv2d(LATENT_CHANNELS, low, 3, padding=1)
        self.fine = nn.ModuleList([ModulatedBlock(low, time_width) for _ in range(2)])
        self.halve = nn.Conv2d(low, middle, 2, stride=2)
        self.medium = nn.ModuleList([ModulatedBlock(middle, time_width) for _ in range(2)])
        self.quarter = nn.Conv2d(middle, width, 2, stride=2)
        self.coarse = nn.ModuleList([ModulatedBlock(width, time_width) for _ in range(2)])

    def forward(self, latents: Tensor, time: Tensor) -> Tensor:
        """Tokens of each cell in rows from the top.

        Args:
            latents: (N, Z, S, S), one cell each.
            time: (N, time_width) embedding of the stream's timestep.

        Returns:
            (N, P * P, D) with P = S / 4.
        """
        coarse = self.levels(latents, time)[-1]
        tokens: Tensor = rearrange(coarse, "N D h w -> N (h w) D")
        return tokens

    def levels(self, latents: Tensor, time: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What is seen, fine to coarse: (N, channels, h, w) with h = w = S, S / 2 and S / 4."""
        x = self.enter(latents.contiguous(memory_format=torch.channels_last))
        seen = []
        for narrow, blocks in (
            (None, self.fine),
            (self.halve, self.medium),
            (self.quarter, self.coarse),
        ):
            x = x if narrow is None else narrow(x)
            for block in blocks:
                x = block(x, time)
            seen.append(x)
        fine, medium, coarse = seen
        return fine, medium, coarse
