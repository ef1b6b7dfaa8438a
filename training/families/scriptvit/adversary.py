"""What the generator and its judges learn from, batch by batch.

As in the paper, recogniser and writer classifier learn from real pictures only, and so does the
discriminator but for the written ones that it must tell from them. The generator pays for being
found out, for being misread and for being taken for another hand, balanced and sent back once.

Ours: where the true picture of a text in a hand exists, as in fonts, being far from it costs too
(``shape_share``); and the style encoder may stay as the telling of hands made it.

Holds: ``AdversaryParams`` and ``Adversary``, whose methods leave gradients in one network each.

Keeps out: the order of updates (``staggered``), balancing (``training.processes.adversarial``).

Legend: B pictures, N references, K tokens of the style memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.families.scriptvit.conditioning import Ink, Material
from training.families.scriptvit.generator import Generator
from training.families.scriptvit.judges import Discriminator, Letters, Reader, reading_loss
from training.families.scriptvit.style_encoder import StyleEncoder
from training.hand_classifier import HandClassifier
from training.processes.adversarial import (
    balanced_gradient,
    hinge_fooled,
    hinge_real_and_fake,
)
from training.slices import Slice


@dataclass(frozen=True, kw_only=True)
class AdversaryParams:
    """Batches, and what each loss of the generator weighs.

    Attributes:
        pictures_at_once: Targets in a batch, each with references of its hand.
        set_sizes: Numbers of references, in turn from batch to batch.
        reading_share: Of the gradient of being misread, beside the adversarial one (HWT: 0.7).
        hand_share: Of the gradient of being taken for another hand.
        shape_share: Of the gradient of the distance to the true picture; 0 leaves it out.
        soft_px: Side of the mean over which the distance is measured once more: a stroke that is
            a little beside its place is not wholly wrong.
        encoder_learns: Whether the style encoder is the generator's, as in the paper.
    """

    pictures_at_once: int = 16
    set_sizes: tuple[int, ...] = (1, 3, 5)
    reading_share: float = 0.7
    hand_share: float = 0.7
    shape_share: float = 1.0
    soft_px: int = 4
    encoder_learns: bool = False


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Targets with what leads to them.

    Attributes:
        real: (B, 1, height, width) in [0, 1].
        contents: The same texts in the content font.
        references: (B, N, 1, height, width) by the same hands, of other texts.
        hands: (B,).
        texts: B of them.
    """

    real: Tensor
    contents: Tensor
    references: Tensor
    hands: Tensor
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Networks:
    """All who play."""

    encoder: StyleEncoder
    generator: Generator
    discriminator: Discriminator
    reader: Reader
    writers: HandClassifier

    @property
    def device(self) -> torch.device:
        """Where they compute."""
        return next(self.generator.parameters()).device


class Adversary:
    """One method a player: it computes a loss on a batch and leaves gradients in that player."""

    def __init__(
        self,
        networks: Networks,
        material: Material,
        letters: Letters,
        params: AdversaryParams,
        seed: int,
    ) -> None:
        self.networks, self.material, self.letters = networks, material, letters
        self.params, self.seed = params, seed
        self.places = [np.flatnonzero(material.hands == h) for h in range(len(material.hand_names))]
        self._last: tuple[Slice, Batch] | None = None

    def batch(self, part: Slice) -> Batch:
        """The batch of this number: all players of an iteration see the same."""
        if self._last is None or self._last[0] != part:
            self._last = (part, self._drawn(part))
        return self._last[1]

    def discriminator(self, part: Slice) -> dict[str, float]:
        """Real above written."""
        batch = self.batch(part)
        with torch.no_grad():
            written = self._written(batch)
        judge = self.networks.discriminator
        loss = hinge_real_and_fake(judge(batch.real), judge(written))
        _backward(loss)
        return {"discriminator": float(loss.detach())}

    def reader(self, part: Slice) -> dict[str, float]:
        """Real pictures read."""
        batch = self.batch(part)
        loss = reading_loss(self.networks.reader, batch.real, batch.texts, self.letters)
        _backward(loss)
        return {"reader": float(loss.detach())}

    def writers(self, part: Slice) -> dict[str, float]:
        """Real pictures told apart by hand."""
        batch = self.batch(part)
        loss = F.cross_entropy(self.networks.writers(batch.real), batch.hands)
        _backward(loss)
        return {"writers": float(loss.detach())}

    def generator(self, part: Slice) -> dict[str, float]:
        """Written pictures that pass, read and fit their hand; one way back for all of it."""
        batch, networks = self.batch(part), self.networks
        written = self._written(batch)
        auxiliary = {
            "misread": reading_loss(networks.reader, written, batch.texts, self.letters),
            "mistaken": F.cross_entropy(networks.writers(written), batch.hands),
        }
        shares = {"misread": self.params.reading_share, "mistaken": self.params.hand_share}
        if self.params.shape_share:
            auxiliary["shape"] = shape_distance(written, batch.real, self.params.soft_px)
            shares["shape"] = self.params.shape_share
        found_out = hinge_fooled(networks.discriminator(written))
        gradient, _ = balanced_gradient(written, found_out, auxiliary, shares)
        written.backward(gradient)  # type: ignore[no-untyped-call]
        losses: Mapping[str, Tensor] = {"found_out": found_out, **auxiliary}
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def shape(self, part: Slice) -> tuple[Tensor, dict[str, float]]:
        """The distance to true pictures alone, for :func:`training.loop.fit`."""
        batch = self.batch(part)
        loss = shape_distance(self._written(batch), batch.real, self.params.soft_px)
        return loss, {"shape": float(loss.detach())}

    def generator_parameters(self) -> list[nn.Parameter]:
        """What the generator's loss moves."""
        own = list(self.networks.generator.parameters())
        return own + list(self.networks.encoder.parameters()) if self._encoder_learns else own

    @property
    def _encoder_learns(self) -> bool:
        return self.params.encoder_learns

    def _written(self, batch: Batch) -> Tensor:
        if self._encoder_learns:
            memory = self.networks.encoder(batch.references).tokens
        else:
            with torch.no_grad():
                memory = self.networks.encoder(batch.references).tokens
        written: Tensor = self.networks.generator(batch.contents, memory)
        return written

    def _drawn(self, part: Slice) -> Batch:
        params, material = self.params, self.material
        rng = part.numpy_seeded(self.seed)
        count = params.set_sizes[part.number % len(params.set_sizes)]
        hands = rng.integers(0, len(self.places), part.size(params.pictures_at_once))
        targets = np.asarray([rng.choice(self.places[hand]) for hand in hands])
        text_ids = material.text_ids[targets]
        others = [
            self.places[hand][material.text_ids[self.places[hand]] != text]
            for hand, text in zip(hands, text_ids, strict=True)
        ]
        shown = np.stack([rng.choice(places, count, replace=False) for places in others])
        return Batch(
            real=self._tensor(material.written[targets])[:, None],
            contents=self._tensor(material.contents[text_ids])[:, None],
            references=self._tensor(material.pictures[shown])[:, :, None],
            hands=torch.from_numpy(hands).to(self.networks.device),
            texts=tuple(material.texts[place] for place in text_ids),
        )

    def _tensor(self, pictures: Ink) -> Tensor:
        return torch.from_numpy(pictures).to(self.networks.device).float() / 255


def shape_distance(written: Tensor, real: Tensor, soft_px: int) -> Tensor:
    """Mean difference of ink, pixel by pixel and over small squares."""
    near = F.avg_pool2d(written, soft_px) - F.avg_pool2d(real, soft_px)
    return (written - real).abs().mean() + 2 * near.abs().mean()


def _backward(loss: Tensor) -> None:
    loss.backward()  # type: ignore[no-untyped-call]
