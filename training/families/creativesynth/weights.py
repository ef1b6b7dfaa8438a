"""A trained surface autoencoder on disk.

Holds: ``save_surface`` and ``load_surface``, and the folder that they write and read:

    model.safetensors   weights, half precision
    recipe.json         family, format version, dimensions, how it was trained
    card.md             on what, how long, how good
    curve.jsonl         how it learned

Keeps out: training (``learning``).
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from pipelines.errors import ModelError
from training.checkpoints import new_checkpoint, read_recipe, read_tensors, require_fit
from training.families.creativesynth.autoencoder import SurfaceAutoencoder, SurfaceDims

FORMAT_VERSION = 1
FAMILY = "creativesynth"
WEIGHTS_FILE = "model.safetensors"
BUNDLED = Path(__file__).parent / "checkpoints" / "tiny"


def save_surface(
    model: SurfaceAutoencoder, said: dict[str, Any], folder: Path, card: str, curve: Path | None
) -> None:
    """Write the folder; it appears whole under its name or not at all.

    Raises:
        ModelError: If the folder exists, or a weight is no number.
    """
    halves = {k: v.detach().cpu().to(torch.float16) for k, v in model.state_dict().items()}
    broken = [name for name, value in halves.items() if not torch.isfinite(value).all()]
    if broken:
        raise ModelError(
            f"{broken[0]} holds values that are no numbers; the checkpoint is not written. Train "
            f"again with a lower learning rate."
        )
    recipe = {
        **said,
        "family": FAMILY,
        "format_version": FORMAT_VERSION,
        "dims": dataclasses.asdict(model.dims),
    }
    with new_checkpoint(folder) as staging:
        save_file(halves, staging / WEIGHTS_FILE)
        text = json.dumps(recipe, ensure_ascii=False, indent=1)
        (staging / "recipe.json").write_text(text + "\n", encoding="utf-8")
        (staging / "card.md").write_text(card, encoding="utf-8")
        if curve is not None and curve.is_file():
            (staging / "curve.jsonl").write_bytes(curve.read_bytes())


def load_surface(folder: Path = BUNDLED) -> SurfaceAutoencoder:
    """Read a folder, strictly.

    Raises:
        ModelError: If it is missing, of another family or version, or does not fit its recipe.
    """
    recipe = read_recipe(folder, FAMILY, FORMAT_VERSION)
    model = SurfaceAutoencoder(SurfaceDims(**recipe["dims"]))
    tensors = read_tensors(folder / WEIGHTS_FILE)
    require_fit(model.state_dict(), tensors, folder / WEIGHTS_FILE)
    model.load_state_dict({name: value.float() for name, value in tensors.items()})
    return model.eval().requires_grad_(False)
