"""Prompts told by a language model, such as a Chinese BERT in a local folder.

Holds: ``BertPrompts``, frozen and never part of a checkpoint (its weights are named by a
fingerprint instead), and the prompts it gets, worded as in version 1: script and hand in Chinese.

Keeps out: what is made of its states (``encoders.StateEncoder``). Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from pipelines.errors import ModelError
from pipelines.glyphs.registry import Font
from pipelines.records import Script

SCRIPTS: Mapping[Script, str] = {
    Script.SEAL: "篆书",
    Script.CLERICAL: "隶书",
    Script.REGULAR: "楷书",
    Script.RUNNING: "行书",
    Script.CURSIVE: "草书",
}
LONGEST = 32
"""Tokens of a prompt that count."""


@dataclass(frozen=True)
class BertPrompts:
    """Prompts as the last states of a frozen language model."""

    model: Any
    tokenizer: Any
    fingerprint: str

    @classmethod
    def opened(cls, folder: Path) -> BertPrompts:
        """A folder as ``save_pretrained`` writes it, with safetensors.

        Raises:
            ModelError: If it holds no model, tokenizer or safetensors file.
        """
        weights = sorted(folder.glob("*.safetensors"))
        if not (folder / "config.json").is_file() or not weights:
            raise ModelError(
                f"There is no language model at {folder}: expected config.json, a tokenizer and "
                f"safetensors, as save_pretrained writes them. Pickled weights are refused."
            )
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        digest = hashlib.sha256()
        for file in weights:
            digest.update(file.read_bytes())
        return cls(model.eval().requires_grad_(False), tokenizer, digest.hexdigest()[:16])

    @property
    def width(self) -> int:
        """Of its states."""
        return int(self.model.config.hidden_size)

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> Tensor:
        """(N, LONGEST, width) states, zeros beyond the end of a prompt and for an empty one."""
        told = self.tokenizer(
            list(prompts), padding="max_length", truncation=True, max_length=LONGEST,
            return_tensors="pt",
        )  # fmt: skip
        states: Tensor = self.model(**told).last_hidden_state
        is_said = torch.tensor([bool(prompt.strip()) for prompt in prompts])
        kept = told["attention_mask"].bool() & is_said[:, None]
        told_states: Tensor = states * kept[:, :, None]
        return told_states

    def require(self, fingerprint: str) -> None:
        """Refuse to tell a checkpoint that learned with another language model.

        Raises:
            ModelError: If the fingerprint is another one.
        """
        if fingerprint != self.fingerprint:
            raise ModelError(
                f"The checkpoint learned with a language model of fingerprint "
                f"{fingerprint or 'none'}; this one has {self.fingerprint}. Name that one with "
                f"--bert, or leave --bert away if there is none."
            )


def chinese_prompts(fonts: Mapping[str, Font]) -> dict[str, str]:
    """Script and hand of each font, parted by a semicolon as all prompts are."""
    return {name: f"{SCRIPTS.get(font.script, '')}; {font.name}" for name, font in fonts.items()}
