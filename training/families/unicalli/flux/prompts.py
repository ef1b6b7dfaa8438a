"""What the frozen text encoders of a FLUX folder make of a prompt.

Holds: ``FolderPrompts``: T5's tokens and CLIP's summary. Prompts are few, so what they give is
kept. A prompt travels as the ids of both tokenizers in one row, so that the rest of the family
needs to know of no tokenizer; a row of zeros is no prompt, and is read as the empty one.

Keeps out: the wording of prompts (``pipelines.prompts``).

Legend: B batch, T tokens of T5, J width of T5.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipelines.errors import ModelError

KEPT_PROMPTS = 1024
"""With 128 tokens of T5-XXL in bfloat16, one takes a mebibyte."""


class FolderPrompts:
    """T5 and CLIP with their tokenizers.

    Args:
        t5: A ``T5EncoderModel``.
        t5_tokenizer: Its tokenizer.
        clip: A ``CLIPTextModel``.
        clip_tokenizer: Its tokenizer.
        tokens: T: how many tokens of T5 a prompt has, cut or filled up.
    """

    def __init__(
        self, t5: Any, t5_tokenizer: Any, clip: Any, clip_tokenizer: Any, tokens: int
    ) -> None:
        self._t5, self._clip = (encoder.eval().requires_grad_(False) for encoder in (t5, clip))
        self._t5_tokenizer, self._clip_tokenizer = t5_tokenizer, clip_tokenizer
        self._tokens = tokens
        self._clip_tokens = int(clip.config.max_position_embeddings)
        self._kept: dict[tuple[int, ...], tuple[Tensor, Tensor]] = {}
        self._empty = self.ids([""])[0]

    def ids(self, prompts: Sequence[str]) -> Tensor:
        """(B, T + CLIP's tokens)."""
        both = [
            tokenizer(
                list(prompts), padding="max_length", max_length=length, truncation=True,
                return_tensors="pt",
            ).input_ids
            for tokenizer, length in (
                (self._t5_tokenizer, self._tokens), (self._clip_tokenizer, self._clip_tokens)
            )
        ]  # fmt: skip
        return torch.cat(both, dim=1)

    def encode(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, J) tokens and (B, pooled) summary, on the device of the ids."""
        rows = [row if row.any() else self._empty for row in ids.cpu()]
        found = [self._encoded(row, ids.device) for row in rows]
        tokens, pooled = zip(*found, strict=True)
        return torch.stack(tokens).to(ids.device), torch.stack(pooled).to(ids.device)

    @torch.no_grad()
    def _encoded(self, row: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        key = tuple(row.tolist())
        if key not in self._kept:
            if len(self._kept) >= KEPT_PROMPTS:
                self._kept.clear()
            at = row[None].to(device)
            t5_row, clip_row = at[:, : self._tokens], at[:, self._tokens :]
            tokens = self._t5.to(device)(t5_row).last_hidden_state[0]
            self._kept[key] = tokens, self._clip.to(device)(clip_row).pooler_output[0]
        return self._kept[key]


def open_prompts(folder: Path, tokens: int, dtype: torch.dtype) -> FolderPrompts:
    """The text encoders of a FLUX folder in diffusers' layout, from its files alone.

    Raises:
        ModelError: If one of them is missing or cannot be loaded.
    """
    from transformers import AutoTokenizer, CLIPTextModel, T5EncoderModel

    parts = ("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2")
    missing = [part for part in parts if not (folder / part).is_dir()]
    if missing:
        raise ModelError(
            f"{folder} has no {', '.join(missing)}: prompts by T5 and CLIP need all of "
            f"{', '.join(parts)}. Fetch them, or set `prompts_by_folder` to False in the recipe."
        )
    given: dict[str, Any] = {"local_files_only": True, "use_safetensors": True, "dtype": dtype}
    try:
        return FolderPrompts(
            T5EncoderModel.from_pretrained(folder / "text_encoder_2", **given),
            AutoTokenizer.from_pretrained(folder / "tokenizer_2", local_files_only=True),
            CLIPTextModel.from_pretrained(folder / "text_encoder", **given),
            AutoTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True),
            tokens,
        )
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The text encoders of {folder} cannot be opened ({error}). Weights must be "
            f"safetensors; pickles are refused."
        ) from error
