"""The eye for orientation: which of eight ways a single character lies.

Holds: ``Orienter``, a small convolutional network, and :func:`train_orienter`. Aged characters of
all hands are laid each of the eight ways; nothing has to be labelled.

Keeps out: what the answers mean for a page (``pipelines.finding.orientation``).

Legend: N characters, S side of a cell in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipelines.finding.orientation import CELL_PX, WAYS, WEIGHTS_FILE
from training.augment import AugmentParams, augment
from training.detector.files import write_folder
from training.detector.network import Block
from training.glyph_bank import GlyphBank
from training.loop import Fitted, LoopParams, fit
from training.slices import Slice


@dataclass(frozen=True, kw_only=True)
class OrientationRecipe:
    """Every number of a training.

    Attributes:
        widths: Channels at strides 2, 4, 8 and 16.
        vocabulary_size: Characters drawn of each hand, at most, commonest first.
        held_out: Hands that it is judged on.
        characters_at_once: A multiple of the eight ways.
        judged: Characters of the held-out hands on which the curve's accuracy is measured.
    """

    name: str
    widths: tuple[int, int, int, int] = (16, 32, 64, 96)
    loop: LoopParams = LoopParams(
        seconds=600, learning_rate=3e-3, weight_decay=1e-3, log_every_s=60.0
    )
    vocabulary_size: int = 2500
    held_out: tuple[str, ...] = ("zhi-mang-xing",)
    characters_at_once: int = 256
    judged: int = 2048
    seed: int = 0


class Orienter(nn.Module):
    """See the module."""

    def __init__(self, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        a, b, c, d = widths
        self.down2 = Block(1, a, 2)
        self.down4 = nn.Sequential(Block(a, b, 2), Block(b, b))
        self.down8 = nn.Sequential(Block(b, c, 2), Block(c, c))
        self.down16 = Block(c, d, 2)
        self.answer = nn.Conv2d(d, WAYS, 1)

    def forward(self, ink: Tensor) -> Tensor:
        """(N, 1, S, S) in [0, 1] to (N, 8) logits."""
        deep = self.down16(self.down8(self.down4(self.down2(ink))))
        logits: Tensor = self.answer(deep).mean(dim=(2, 3))
        return logits


def laid(characters: Tensor, way: int) -> Tensor:
    """Upright characters (N, 1, S, S) as they look when laid one of the eight ways."""
    seen = characters.flip(3) if way >= WAYS // 2 else characters
    return torch.rot90(seen, way % 4, (2, 3))


def train_orienter(
    recipe: OrientationRecipe, bank: GlyphBank, held_out: GlyphBank, log: Path
) -> tuple[Orienter, Fitted]:
    """Train from nothing.

    Args:
        recipe: Every number of the run.
        bank: Characters to learn from; each hand counts the same.
        held_out: Characters in hands that are not among them, to measure on.
        log: Receives one JSON line now and then.
    """
    torch.manual_seed(recipe.seed)
    model = Orienter(recipe.widths).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    rng = np.random.default_rng(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)

    def batch(source: GlyphBank, size: int) -> tuple[Tensor, Tensor]:
        share = 1 / np.bincount(source.hands)[source.hands]
        chosen = rng.choice(len(source), size, p=share / share.sum())
        upright = torch.from_numpy(source.pictures[chosen])[:, None].float() / 255
        aged = augment(upright, CELL_PX, AugmentParams(), generator)
        each = size // WAYS
        seen = [laid(aged[each * way : each * (way + 1)], way) for way in range(WAYS)]
        return torch.cat(seen), torch.arange(WAYS).repeat_interleave(each)

    judged, truth = batch(held_out, recipe.judged)

    def step(_: Slice) -> tuple[Tensor, dict[str, float]]:
        seen, ways = batch(bank, recipe.characters_at_once)
        loss = F.cross_entropy(model(seen), ways)
        return loss, {"loss": loss.item()}

    def judge() -> dict[str, float]:
        model.eval()
        with torch.no_grad():
            right = (model(judged).argmax(dim=1) == truth).float().mean().item()
        model.train()
        return {"accuracy": round(right, 4)}

    fitted = fit(model.train(), step, recipe.loop, log=log, judge=judge)
    with torch.no_grad():  # the averaged weights never ran on the statistics kept so far
        for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
            norm.reset_running_stats()
            norm.momentum = None
        for _ in range(20):
            model(batch(bank, recipe.characters_at_once)[0])
    return model.eval(), Fitted(
        steps=fitted.steps, seconds=fitted.seconds, parts={**fitted.parts, **judge()}
    )


def save_orienter(model: Orienter, folder: Path, card: str, curve: Path) -> None:
    """Write the folder, as :func:`training.detector.files.write_folder` does.

    Raises:
        ModelError: If the folder exists.
    """
    tensors = {name: value.detach() for name, value in model.state_dict().items()}
    write_folder(folder, WEIGHTS_FILE, tensors, {}, card, curve)
