"""Other scripts: the eye and the brush of a released model learn to see and draw their signs.

Holds: ``learn_script``. What comes out is a model like any other, only without attention: signs
are learned one at a time, so its transformer has no blocks, and a column is as many single signs
below one another. Box maps are not learned.

Keeps out: the material (``training.ancient``), columns of Chinese (``from_nothing``).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pipelines.glyphs.fonts import FontFace
from training.ancient import AncientMaterial
from training.families.unicalli.conditioning import library_rows
from training.families.unicalli.library import ReferenceLibrary, build_library
from training.families.unicalli.pretraining import SingleReader, SingleWriter
from training.families.unicalli.recipe import AncientRecipe
from training.families.unicalli.stages import (
    single_reader,
    single_writer,
    start_from_singles,
    train_brush,
    train_eye,
)
from training.families.unicalli.stem import ModulatedBlock
from training.families.unicalli.weights import Bundle


def learn_script(
    parent: Bundle,
    material: AncientMaterial,
    recipe: AncientRecipe,
    face: FontFace,
    prompt: str,
    log: Path | None,
) -> tuple[Bundle, ReferenceLibrary]:
    """A model of another script, and its references.

    Args:
        parent: Its eye, brush and autoencoder are where learning starts; not modified.
        material: What is learned.
        recipe: How long and how fast.
        face: The content font.
        prompt: Of the script; every sign is written under it.
        log: Where losses go.
    """
    torch.manual_seed(recipe.seed)
    dims = replace(parent.dims, depth=0)
    autoencoder = parent.autoencoder
    library = build_library(material.vocabulary, face, autoencoder, dims.cell_px)
    rows = library_rows(material.vocabulary, library)
    reader, writer = eye_of(parent), brush_of(parent)
    seen = train_eye(
        reader, material.read, autoencoder, library, rows, dims.cell_px,
        recipe.characters_at_once, recipe.eye, recipe.seed, log, recipe.damage,
    )  # fmt: skip
    prompts = dict.fromkeys(material.written.hand_names, prompt)
    drawn = train_brush(
        writer, material.written, prompts, autoencoder, library, rows,
        recipe.characters_at_once, recipe.objective, recipe.brush, recipe.seed, log,
    )  # fmt: skip
    model = start_from_singles(dims, len(material.vocabulary), reader, writer).eval()
    facts: dict[str, Any] = {
        "name": recipe.name,
        "script": recipe.script.value,
        "content_font": recipe.content_font,
        "hands": [],
        "eye_steps": seen.steps,
        "brush_steps": drawn.steps,
        "train_seconds": round(seen.seconds + drawn.seconds),
    }
    whole = Bundle(
        model=model, autoencoder=autoencoder, vocabulary=material.vocabulary, recipe=facts
    )
    return whole, library


def eye_of(parent: Bundle) -> SingleReader:
    """The eye of a model with its read-out, as a network of its own."""
    reader = single_reader(parent.dims)
    reader.stem.load_state_dict(parent.model.eye.state_dict())
    reader.read_out.load_state_dict(parent.model.content_out.state_dict())
    # The single reader has no time: what a model's eye made of it would come back untrained.
    for block in reader.stem.modules():
        if isinstance(block, ModulatedBlock):
            nn.init.zeros_(block.modulation.weight)
    with torch.no_grad():
        reader.log_temperature.copy_(parent.model.log_temperature)
    return reader


def brush_of(parent: Bundle) -> SingleWriter:
    """The brush of a model with what it is told, as a network of its own."""
    writer = single_writer(parent.dims)
    for name in ("brush", "style_table", "style_in", "time_in"):
        getattr(writer, name).load_state_dict(getattr(parent.model, name).state_dict())
    # No token of a transformer reaches a single sign.
    nn.init.zeros_(writer.brush.told.weight)
    nn.init.zeros_(writer.brush.told.bias)
    return writer
