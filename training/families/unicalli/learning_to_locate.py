"""A model that reads and writes learns to locate: raw columns of the hands it knows.

Holds: ``learn_to_locate``, and ``with_finder``, which gives a model the part that learns it. As the
recipe stands that part alone learns, and reading and writing stay what they were to the bit.

Keeps out: the columns themselves (``training.raw_columns``), files (``weights``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from training.families.unicalli.library import ReferenceLibrary
from training.families.unicalli.model import UniCalli
from training.families.unicalli.recipe import LocateRecipe
from training.families.unicalli.stages import columns_of_hands, train_columns
from training.families.unicalli.weights import Bundle
from training.glyph_bank import GlyphBank
from training.loop import Fitted
from training.raw_columns import raw_columns_from_bank
from training.slices import ahead


def learn_to_locate(
    bundle: Bundle,
    bank: GlyphBank,
    prompts: Mapping[str, str],
    library: ReferenceLibrary,
    recipe: LocateRecipe,
    *,
    log: Path | None,
    kept: Path | None = None,
    device: torch.device | None = None,
) -> tuple[Bundle, Fitted]:
    """The same model with a finder, trained; ``bundle`` itself is not changed.

    Args:
        bundle: A model that reads and writes; one that locates already goes on from there.
        bank: Characters of the hands it knows.
        prompts: Style prompt of each hand.
        library: References of the standard font.
        recipe: How long, how fast, what learns.
        log: Where losses go.
        kept: Where progress is kept, so that a run that was stopped goes on.
        device: Where the networks are trained, if not where they are; they come back.
    """
    bundle = with_finder(bundle, recipe.finder_width, recipe.seed)
    dims, seed, size = bundle.dims, recipe.seed, recipe.columns_at_once
    reading, writing = columns_of_hands(bank, prompts, dims, size, seed)
    raw = raw_columns_from_bank(
        bank, prompts, size=size, cells=dims.cells, cell_px=dims.cell_px, seed=seed + 2
    )
    before = bundle.model.log_temperature.device
    for network in (bundle.model, bundle.autoencoder):
        network.to(device or before)
    for name, parameter in bundle.model.named_parameters():
        parameter.requires_grad_(name.startswith(recipe.learning))
    fitted = train_columns(
        bundle.model, reading, writing, bundle.autoencoder, bundle.vocabulary, library,
        recipe.objective, recipe.loop, seed, log, kept=kept, locating=ahead(raw),
    )  # fmt: skip
    for network in (bundle.model, bundle.autoencoder):
        network.to(before)
    bundle.model.requires_grad_(True)
    return bundle, fitted


def with_finder(bundle: Bundle, width: int, seed: int) -> Bundle:
    """A copy of the bundle whose network has a finder: its own, or an untrained one."""
    dims = bundle.dims if bundle.locates else replace(bundle.dims, finder_width=width)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = UniCalli(dims, len(bundle.vocabulary))
    model.load_state_dict({**model.state_dict(), **bundle.model.state_dict()})
    model.eval()
    return replace(bundle, model=model)
