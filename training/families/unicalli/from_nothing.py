"""A model from nothing: the recipe's four stages one after the other, each kept when done.

Holds: ``train_from_nothing``. A stage that is finished leaves its weights in the working folder,
and the columns' stage, the longest, its progress, so that a run that was stopped goes on.

Keeps out: the stages themselves (``stages``), fonts and files of the user (``training.hands``).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pipelines.glyphs.fonts import FontFace
from training.families.unicalli.autoencoder import Autoencoder
from training.families.unicalli.conditioning import library_rows
from training.families.unicalli.library import ReferenceLibrary, build_library
from training.families.unicalli.pretraining import SingleReader, SingleWriter
from training.families.unicalli.recipe import PretrainRecipe
from training.families.unicalli.stages import (
    columns_of_hands,
    single_reader,
    single_writer,
    start_from_singles,
    train_autoencoder,
    train_brush,
    train_columns,
    train_eye,
)
from training.families.unicalli.weights import Bundle
from training.glyph_bank import GlyphBank
from training.slices import Team
from training.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

CPU = torch.device("cpu")


def train_from_nothing(
    recipe: PretrainRecipe,
    bank: GlyphBank,
    prompts: Mapping[str, str],
    vocabulary: Vocabulary,
    content_face: FontFace,
    working_folder: Path,
    hand_weights: Mapping[str, float] | None = None,
    device: torch.device = CPU,
) -> Bundle:
    """All stages of ``recipe``.

    Args:
        recipe: Every number of the run.
        bank: Characters to learn from, classes as vocabulary ids.
        prompts: Style prompt of each hand in the bank.
        vocabulary: The character table.
        content_face: The standard font.
        working_folder: Keeps finished stages and the log ``curve.jsonl``.
        hand_weights: How often each hand writes a column, 1 where nothing is said.
        device: Where networks are trained; the bundle comes back on the CPU.
    """
    working_folder.mkdir(parents=True, exist_ok=True)
    log = working_folder / "curve.jsonl"
    started = time.monotonic()
    dims, seed = recipe.dims, recipe.seed

    autoencoder = Autoencoder().to(device)
    kept = working_folder / "autoencoder.safetensors"
    if not _restore(autoencoder, kept):
        logger.info("stage 1 of 4: autoencoder")
        size = recipe.characters_at_once // 3 or 1
        autoencoder = train_autoencoder(
            bank, dims.cell_px, size, recipe.autoencoder, seed, log, device
        )
        _keep(autoencoder, kept)
    autoencoder.eval().requires_grad_(False)

    library = build_library(vocabulary, content_face, autoencoder, dims.cell_px)
    rows = library_rows(vocabulary, library)
    singles = _Singles(recipe, bank, autoencoder, library, rows, working_folder)
    model = start_from_singles(dims, len(vocabulary), singles.eye(), singles.brush(prompts))
    model.to(device)
    logger.info("stage 4 of 4: columns")
    for trained in (model.eye, model.content_out):
        trained.requires_grad_(False)
    size = recipe.columns_at_once
    reading, writing = columns_of_hands(bank, prompts, dims, size, seed, hand_weights)
    fitted = train_columns(
        model, reading, writing, autoencoder, vocabulary, library,
        recipe.objective, recipe.columns, seed, log, kept=working_folder / "columns.progress",
    )  # fmt: skip
    facts: dict[str, Any] = {
        "name": recipe.name,
        "content_font": recipe.content_font,
        "hands": list(bank.hand_names),
        "column_steps": fitted.steps,
        "train_seconds": round(time.monotonic() - started),
    }
    return Bundle(
        model=model.cpu(), autoencoder=autoencoder.cpu(), vocabulary=vocabulary, recipe=facts
    )


@dataclass(frozen=True)
class _Singles:
    """The two stages on single characters."""

    recipe: PretrainRecipe
    bank: GlyphBank
    autoencoder: Autoencoder
    library: ReferenceLibrary
    rows: Tensor
    working_folder: Path

    def eye(self) -> SingleReader:
        recipe = self.recipe
        torch.manual_seed(recipe.seed)
        reader = single_reader(recipe.dims).to(self.library.latents.device)
        kept = self.working_folder / "eye.safetensors"
        if not _restore(reader, kept):
            logger.info("stage 2 of 4: the eye")
            train_eye(
                reader, self.bank, self.autoencoder, self.library, self.rows,
                recipe.dims.cell_px, recipe.characters_at_once, recipe.eye, recipe.seed,
                self.working_folder / "curve.jsonl",
            )  # fmt: skip
            _keep(reader, kept)
        return reader

    def brush(self, prompts: Mapping[str, str]) -> SingleWriter:
        recipe = self.recipe
        torch.manual_seed(recipe.seed + 1)
        writer = single_writer(recipe.dims).to(self.library.latents.device)
        kept = self.working_folder / "brush.safetensors"
        if not _restore(writer, kept):
            logger.info("stage 3 of 4: the brush")
            train_brush(
                writer, self.bank, prompts, self.autoencoder, self.library, self.rows,
                recipe.characters_at_once, recipe.objective, recipe.brush, recipe.seed,
                self.working_folder / "curve.jsonl",
            )  # fmt: skip
            _keep(writer, kept)
        return writer


def _keep(network: nn.Module, path: Path) -> None:
    if not Team.gathered().is_first:
        return
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, path)


def _restore(network: nn.Module, path: Path) -> bool:
    if not path.is_file():
        return False
    network.load_state_dict(load_file(path))
    return True
