"""Style prompts as ids of words, without a table to keep: a word's id is its hash.

A calligrapher nobody trained on still has a fixed place, and no language model is needed.

Holds: ``style_ids`` and ``without_parts``.

Keeps out: the wording of prompts (``pipelines.prompts``), what a model makes of the ids.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import torch
from torch import Tensor


def style_ids(prompts: Sequence[str], words: int, length: int) -> Tensor:
    """(B, length) ids of the prompt's words in [1, words), 0 beyond its end."""
    ids = torch.zeros(len(prompts), length, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        for place, word in enumerate(prompt.lower().replace(",", " ").split()[:length]):
            ids[row, place] = 1 + zlib.crc32(word.strip(".:;").encode()) % (words - 1)
    return ids


def without_parts(prompt: str, share: float, generator: torch.Generator) -> str:
    """A prompt with each of its parts, which semicolons divide, left out by chance."""
    parts = prompt.split(";")
    kept = torch.rand((len(parts),), generator=generator) >= share
    return ";".join(part for part, is_kept in zip(parts, kept.tolist(), strict=True) if is_kept)
