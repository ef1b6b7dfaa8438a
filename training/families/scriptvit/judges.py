"""Who judges what is written: is it real, what does it say, whose hand is it?

All three learn from real pictures; only the discriminator sees written ones beside them.

Holds: ``Discriminator``, ``CharacterReader`` (cross-entropy a cell) and ``LetterReader`` (CTC),
with :func:`reading_loss`, :func:`errors` and ``Letters``. The writer classifier is
``training.hand_classifier.HandClassifier``.

Keeps out: when each learns (``staggered``), losses between them (``training.processes``).

Legend: B pictures, T places along a word, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from pipelines.corrections import edit_distance
from training.families.scriptvit.dims import ScriptViTDims

BLANK = 0
"""The CTC class for no letter."""


@dataclass(frozen=True)
class Letters:
    """The classes of a recogniser: single characters of all texts, numbered from 1."""

    characters: tuple[str, ...]

    @classmethod
    def of_texts(cls, texts: Sequence[str]) -> Letters:
        """All that occur, sorted."""
        return cls(tuple(sorted({letter for text in texts for letter in text})))

    def __len__(self) -> int:
        return len(self.characters) + 1

    def numbers(self, text: str) -> list[int]:
        """The class of each letter.

        Raises:
            ValueError: If one is unknown.
        """
        return [self.characters.index(letter) + 1 for letter in text]

    def text(self, numbers: Sequence[int]) -> str:
        """The way back; blanks say nothing."""
        return "".join(self.characters[number - 1] for number in numbers if number != BLANK)


class Discriminator(nn.Module):
    """Real or written: convolutions of bounded slope (spectral norm), then one score."""

    def __init__(self, dims: ScriptViTDims) -> None:
        super().__init__()
        widths = dims.discriminator_widths
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(fed, width, 4, stride=2, padding=1))
            for fed, width in zip((1, *widths), widths, strict=False)
        )
        self.out = spectral_norm(nn.Linear(widths[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, height, width) in [0, 1] to (B,)."""
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
        score: Tensor = self.out(x.sum(dim=(2, 3)) / x[0, 0].numel() ** 0.5)
        return score[:, 0]


class CharacterReader(nn.Module):
    """One character a picture."""

    def __init__(self, dims: ScriptViTDims, classes: int) -> None:
        super().__init__()
        widths = dims.reader_widths
        self.layers = _strided(widths, [(2, 2)] * len(widths))
        rows, columns = dims.written_height_px, dims.written_width_px
        for _ in widths:
            rows, columns = (rows + 1) // 2, (columns + 1) // 2
        self.out = nn.Linear(widths[-1] * rows * columns, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, height, width) in [0, 1] to scores (B, C)."""
        scores: Tensor = self.out(self.layers(x).flatten(1))
        return scores


class LetterReader(nn.Module):
    """Letters along a word, for CTC: halved in height at each step, in width at the first two."""

    def __init__(self, dims: ScriptViTDims, classes: int) -> None:
        super().__init__()
        widths = dims.reader_widths
        strides = [(2, 2), (2, 2), *[(2, 1)] * (len(widths) - 2)]
        self.layers = _strided(widths, strides)
        self.along = nn.Conv1d(2 * widths[-1], widths[-1], 5, padding=2)
        self.out = nn.Conv1d(widths[-1], classes, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, height, width) in [0, 1] to scores (B, T, C)."""
        seen = self.layers(x)
        flat = torch.cat([seen.mean(dim=2), seen.amax(dim=2)], dim=1)
        scores: Tensor = self.out(F.silu(self.along(flat)))
        return scores.transpose(1, 2)


Reader = CharacterReader | LetterReader


def reader_for(dims: ScriptViTDims, letters: Letters, *, is_of_words: bool) -> Reader:
    """The recogniser for characters or for words."""
    kind = LetterReader if is_of_words else CharacterReader
    return kind(dims, len(letters))


def reading_loss(
    reader: Reader, pictures: Tensor, texts: Sequence[str], letters: Letters
) -> Tensor:
    """Cross-entropy for characters, CTC for words.

    A word with more letters than the reader has places has an infinite loss, which stops the run:
    counting it as nothing would hide a recipe that allows too long words.
    """
    scores = reader(pictures)
    if isinstance(reader, CharacterReader):
        wanted = torch.tensor([letters.numbers(text)[0] for text in texts], device=scores.device)
        return F.cross_entropy(scores, wanted)
    numbers = [letters.numbers(text) for text in texts]
    return F.ctc_loss(
        scores.log_softmax(dim=-1).transpose(0, 1),
        torch.tensor([n for one in numbers for n in one], device=scores.device),
        torch.full((len(texts),), scores.shape[1]),
        torch.tensor([len(one) for one in numbers]),
        blank=BLANK,
    )


@torch.inference_mode()
def read(reader: Reader, pictures: Tensor, letters: Letters) -> list[str]:
    """What each picture says, the likeliest at each place."""
    best = reader(pictures).argmax(dim=-1)
    if isinstance(reader, CharacterReader):
        return [letters.text([number]) for number in best.tolist()]
    return [letters.text(torch.unique_consecutive(row).tolist()) for row in best]


def errors(said: Sequence[str], wanted: Sequence[str]) -> float:
    """Character error rate: edits over letters wanted."""
    edits = sum(edit_distance(a, b) for a, b in zip(said, wanted, strict=True))
    return edits / max(1, sum(map(len, wanted)))


def _strided(widths: Sequence[int], strides: Sequence[tuple[int, int]]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fed, width, stride in zip((1, *widths), widths, strides, strict=False):
        layers += [
            nn.Conv2d(fed, width, 3, stride=stride, padding=1),
            nn.GroupNorm(8, width),
            nn.SiLU(),
        ]
    return nn.Sequential(*layers)
