"""Whose hand a character looks like: a small network that judges how faithful writing is.

It learns from the real ink of the hands in question and is judged on characters that it has not
seen in any of them; what it says of written characters means nothing without that ceiling beside
it. It knows nothing of the model that writes: it shares no weights with it.

Holds: ``HandClassifier`` and its training, about a minute on one core for eight hands.

Keeps out: which hands, and what is written (``training.fidelity``).

Legend: N characters, H hands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

Ink = npt.NDArray[np.uint8]
Ids = npt.NDArray[np.int64]

AT_ONCE = 256
"""Characters judged in one batch."""


@dataclass(frozen=True, kw_only=True)
class HandClassifierParams:
    """How it is trained.

    Attributes:
        shift_px: Characters are shifted by up to this much.
        smoothing: Share of the label that is spread over all hands.
    """

    steps: int = 500
    characters_at_once: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    widths: tuple[int, ...] = (24, 48, 96, 96)
    shift_px: int = 2
    smoothing: float = 0.05
    seed: int = 0


class HandClassifier(nn.Module):
    """Strided convolutions, then mean and maximum over all places, then one score a hand."""

    def __init__(self, hands: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        self.norms = nn.ModuleList()
        for number, (fed, width) in enumerate(zip((1, *widths), widths, strict=False)):
            stride = 2 if number < len(widths) - 1 else 1
            self.layers.append(nn.Conv2d(fed, width, 3, stride=stride, padding=1))
            self.norms.append(nn.GroupNorm(8, width))
        self.out = nn.Linear(2 * widths[-1], hands)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, cell, cell) in [0, 1] to (N, H)."""
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = F.silu(norm(layer(x)))
        scores: Tensor = self.out(torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1))
        return scores

    @torch.inference_mode()
    def named(self, cells: Ink) -> Ids:
        """The likeliest hand of each cell (N, cell, cell), white on black: (N,)."""
        parts = torch.split(torch.from_numpy(cells), AT_ONCE)
        scores = [self(part.float()[:, None] / 255) for part in parts]
        return np.asarray(torch.cat(scores).argmax(dim=1).numpy(), np.int64)


def train_hand_classifier(
    cells: Ink, hands: Ids, params: HandClassifierParams | None = None
) -> HandClassifier:
    """Learn to tell hands apart; every hand is drawn as often as any other.

    Args:
        cells: (N, cell, cell), white on black.
        hands: (N,) numbers from 0.
        params: How.
    """
    params = params or HandClassifierParams()
    generator = torch.Generator().manual_seed(params.seed)
    with torch.random.fork_rng():
        torch.manual_seed(params.seed)
        model = HandClassifier(int(hands.max()) + 1, params.widths)
    pictures, labels = torch.from_numpy(cells).float()[:, None] / 255, torch.from_numpy(hands)
    weights = (1 / torch.bincount(labels).float())[labels]
    optimiser = torch.optim.AdamW(
        model.parameters(), params.learning_rate, weight_decay=params.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, params.learning_rate, total_steps=params.steps
    )
    for _ in range(params.steps):
        drawn = torch.multinomial(weights, params.characters_at_once, True, generator=generator)
        varied = _varied(pictures[drawn], params.shift_px, generator)
        loss = F.cross_entropy(model(varied), labels[drawn], label_smoothing=params.smoothing)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return model.eval()


def _varied(pictures: Tensor, shift_px: int, generator: torch.Generator) -> Tensor:
    """Softened each by its own amount and shifted: a hand is not known by sharp edges."""
    soft = F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
    share = torch.rand(len(pictures), 1, 1, 1, generator=generator)
    down, right = torch.randint(-shift_px, shift_px + 1, (2,), generator=generator).tolist()
    return torch.roll(pictures * share + soft * (1 - share), (down, right), (2, 3))
