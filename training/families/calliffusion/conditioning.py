"""What the network is fed: prompts as words or states, skeletons and indices as tensors.

Holds: ``Prompts``, which encodes a prompt for one set of dimensions, and the conditions of the two
modes (section 3.3): ``pro``, a skeleton, and ``base``, a blank picture and an index.

Keeps out: the wording of prompts (``pipelines.prompts``), encoders that learn (``encoders``),
a language model's folder (``bert``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.families.calliffusion.encoders import KINDS
from training.families.calliffusion.network import CalliffusionDims, Condition
from training.style_words import style_ids

Ink = npt.NDArray[np.uint8]

STANDARD, OWN = KINDS.index("standard"), KINDS.index("own")


class Prompts(Protocol):
    """Turns prompts into what the network's prompt encoder takes."""

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """(N, T) words or (N, T, W) states; zeros where a prompt is over."""
        ...


class WordPrompts:
    """Words by their hash in a table: a hand that nobody trained on still has a fixed place."""

    def __init__(self, dims: CalliffusionDims) -> None:
        self.dims = dims

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """(N, T) ids of words, 0 beyond the end of a prompt."""
        return style_ids(prompts, self.dims.words, self.dims.prompt_tokens)


def pro(skeletons: Tensor, kinds: Tensor, prompt: Tensor) -> Condition:
    """Skeletons (B, 1, S, S) in [0, 1] and what they are (B,): the mode for control."""
    return Condition(pictures=skeletons, kinds=kinds, index=torch.zeros_like(kinds), prompt=prompt)


def base(index: Tensor, fallback: Condition) -> Condition:
    """Blank pictures and indices (B,): the mode for those who have no picture.

    Where a character has no index (0) nothing could be said of it, and the picture of
    ``fallback`` stays. The prompt is that of ``fallback``.
    """
    is_known = index > 0
    return Condition(
        pictures=fallback.pictures * ~is_known[:, None, None, None],
        kinds=fallback.kinds * ~is_known,
        index=index,
        prompt=fallback.prompt,
    )


def as_pictures(inks: Ink) -> Tensor:
    """(N, S, S) of bytes to (N, 1, S, S) in [0, 1]."""
    return torch.from_numpy(inks).float()[:, None] / 255
