"""Training on FLUX: the paper's way, from a FLUX folder and a bank of hands to a bundle.

Holds: ``FluxRecipe`` and ``train_on_flux``. Nothing is drawn character by character first, as our
own network needs it: FLUX knows how to see and to draw.

Keeps out: the recipes themselves (``training.recipes.unicalli``), the loop (``training.loop``).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from pipelines.glyphs.fonts import FontFace
from training.families.unicalli.flux.network import FluxDims
from training.families.unicalli.flux.weights import (
    FluxBundle,
    FluxChoice,
    built,
    coder_of,
    sized,
)
from training.families.unicalli.library import build_library
from training.families.unicalli.objective import PAPER, ObjectiveParams
from training.families.unicalli.recipe import CONTENT_FONT
from training.families.unicalli.stages import columns_of_hands, train_autoencoder, train_columns
from training.glyph_bank import GlyphBank
from training.loop import LoopParams
from training.vocabulary import Vocabulary

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FluxRecipe:
    """Columns on FLUX.

    Attributes:
        dims: Latents, their channels and patch follow from the autoencoder that is chosen.
        choice: Which parts of the folder are used and what of them is trained.
        columns: In bfloat16 the folder's weights are held in it where only corrections are
            learned; what is trained is always float32.
        recomputes: Whether activations are computed again on the way back, for less memory.
        autoencoder: Of one of our own, where the folder's is not used.
    """

    name: str
    needs_gpu: bool = True
    dims: FluxDims = field(default_factory=FluxDims)
    choice: FluxChoice = field(default_factory=FluxChoice)
    vocabulary_size: int = 7000
    content_font: str = CONTENT_FONT
    objective: ObjectiveParams = PAPER
    columns: LoopParams = LoopParams(steps=20_000, learning_rate=1e-4, precision="bfloat16")
    columns_at_once: int = 8
    recomputes: bool = True
    autoencoder: LoopParams = LoopParams(seconds=600, learning_rate=2e-3, weight_decay=0.0)
    seed: int = 0


def train_on_flux(
    recipe: FluxRecipe,
    flux: Path,
    bank: GlyphBank,
    prompts: Mapping[str, str],
    vocabulary: Vocabulary,
    content_face: FontFace,
    working_folder: Path,
    device: torch.device,
) -> FluxBundle:
    """All of ``recipe``.

    Args:
        recipe: Every number of the run.
        flux: A FLUX.1 folder in diffusers' layout.
        bank: Characters to learn from, classes as vocabulary ids.
        prompts: Style prompt of each hand in the bank.
        vocabulary: The character table.
        content_face: The standard font.
        working_folder: Keeps the progress and the log ``curve.jsonl``.
        device: Where networks are trained; the bundle comes back on the CPU.

    Raises:
        ModelError: If the FLUX folder is not what it should be.
    """
    working_folder.mkdir(parents=True, exist_ok=True)
    log = working_folder / "curve.jsonl"
    torch.manual_seed(recipe.seed)
    coder = coder_of(flux, recipe.choice)
    dims, seed = sized(recipe.dims, coder), recipe.seed
    if not recipe.choice.latents_by_folder:
        logger.info("an autoencoder of our own first")
        coder = train_autoencoder(bank, dims.cell_px, 64, recipe.autoencoder, seed, log, device)
    # Frozen weights may be halved; what an optimiser adds small steps to may not.
    halved = recipe.choice.lora is not None and recipe.columns.precision == "bfloat16"
    dtype = torch.bfloat16 if halved else torch.float32
    model = built(flux, dims, len(vocabulary), recipe.choice, dtype).to(device)
    model.recomputes = recipe.recomputes
    coder.to(device)
    learned = sum(p.numel() for p in model.parameters() if p.requires_grad)
    logger.info("%d million weights are learned", learned // 10**6)
    size = recipe.columns_at_once
    reading, writing = columns_of_hands(bank, prompts, dims, size, seed)
    library = build_library(vocabulary, content_face, coder, dims.cell_px)
    fitted = train_columns(
        model, reading, writing, coder, vocabulary, library,
        recipe.objective, recipe.columns, seed, log, kept=working_folder / "columns.progress",
    )  # fmt: skip
    return FluxBundle(
        model=model.cpu(),
        autoencoder=coder.cpu(),
        vocabulary=vocabulary,
        choice=recipe.choice,
        recipe={
            "name": recipe.name,
            "content_font": recipe.content_font,
            "hands": list(bank.hand_names),
            "column_steps": fitted.steps,
            "losses": fitted.parts,
        },
    )
