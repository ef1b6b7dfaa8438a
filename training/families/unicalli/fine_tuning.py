"""The next reader: a released model learns from what people approved.

Holds: ``fine_tune``. Batches come in part from approved samples and in part from the hands the
model was trained on before, as far as their fonts are at hand, so that it learns the new hand
without forgetting the old ones. Columns that nobody approved may have a share of their own.

Keeps out: which samples there are (``training.samples``) and when to train (the graph).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from training.columns import (
    Columns,
    LabelledInk,
    columns_from_bank,
    columns_from_samples,
    mixed,
)
from training.families.unicalli.library import ReferenceLibrary
from training.families.unicalli.recipe import FineTuneRecipe
from training.families.unicalli.stages import train_columns
from training.families.unicalli.weights import Bundle
from training.glyph_bank import GlyphBank
from training.loop import Fitted
from training.lora import adapt, merge
from training.slices import ahead


def fine_tune(
    bundle: Bundle,
    samples: Sequence[LabelledInk],
    library: ReferenceLibrary,
    recipe: FineTuneRecipe,
    *,
    replay: GlyphBank | None,
    prompts: Mapping[str, str],
    log: Path | None,
    beside: Sequence[tuple[float, Sequence[LabelledInk]]] = (),
    device: torch.device | None = None,
) -> Fitted:
    """Train the network of ``bundle`` on ``samples``, in place.

    Args:
        bundle: The released model.
        samples: Approved columns of the train split; at least one.
        library: References of the standard font.
        recipe: How long, how fast, how much replay.
        replay: Hands the model knows already, or None: then samples alone.
        prompts: Style prompts of the replayed hands.
        log: Where losses go.
        beside: What nobody approved, each with its share of the columns: weak labels, synthetic
            columns. A cell without a label is only learned to be written.
        device: Where the networks are trained, if not where they are; they come back.
    """
    dims = bundle.dims

    def batches(is_aged: bool, seed: int) -> Columns:
        def windows_of(columns: Sequence[LabelledInk], seed: int) -> Columns:
            return columns_from_samples(
                columns,
                size=recipe.columns_at_once,
                cells=dims.cells,
                cell_px=dims.cell_px,
                is_aged=is_aged,
                seed=seed,
            )

        sources = [(recipe.sample_share, windows_of(samples, seed))]
        for place, (share, columns) in enumerate(beside):
            sources.append((share, windows_of(columns, seed + 2 + place)))
        if replay is not None:
            bank = columns_from_bank(
                replay,
                prompts,
                size=recipe.columns_at_once,
                cells=dims.cells,
                cell_px=dims.cell_px,
                is_aged=is_aged,
                seed=seed + 1,
            )
            sources.append((1 - sum(share for share, _ in sources), bank))
        return ahead(mixed(sources, seed))

    before = bundle.model.log_temperature.device
    for network in (bundle.model, bundle.autoencoder):
        network.to(device or before)
    if recipe.lora is None:
        bundle.model.requires_grad_(True)
    else:
        adapt(bundle.model, recipe.lora, _is_adapted)
    fitted = train_columns(
        bundle.model,
        batches(is_aged=True, seed=recipe.seed),
        batches(is_aged=False, seed=recipe.seed + 10),
        bundle.autoencoder,
        bundle.vocabulary,
        library,
        recipe.objective,
        recipe.loop,
        recipe.seed,
        log,
    )
    merge(bundle.model)
    for network in (bundle.model, bundle.autoencoder):
        network.to(before)
    bundle.model.requires_grad_(True)
    return fitted


def _is_adapted(name: str) -> bool:
    """The linear layers of the transformer and the content's way out of it."""
    return name.startswith(("blocks.", "content_out"))
