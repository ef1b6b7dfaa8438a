"""A UniCalli on FLUX, on disk: what was learned, and which FLUX folder the rest comes from.

Holds: ``FluxBundle`` and its folder:

    learned.safetensors  new weights, and of FLUX's those that were trained: all, or corrections
    recipe.json          sizes, corrections, and the fingerprint of the FLUX folder
    vocabulary.txt       the character table
    card.md              on what, how long, how good

Twelve thousand million weights that did not change are not written again. Loading is strict:
every learned key must be there and no other, and the FLUX folder must be the one it was.

Keeps out: reading a FLUX folder (``folder``), training (``training``).
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from pipelines.errors import ModelError
from training.checkpoints import new_checkpoint, read_recipe, read_tensors, require_fit
from training.context import PairModel
from training.families.unicalli.autoencoder import DOWNSAMPLING, LATENT_CHANNELS, Autoencoder
from training.families.unicalli.flux.folder import (
    FluxAutoencoder,
    fingerprint,
    open_autoencoder,
    open_in_four_bits,
    open_transformer,
)
from training.families.unicalli.flux.network import FLUX_BLOCKS, FluxDims, UniCalliFlux
from training.families.unicalli.flux.prompts import open_prompts
from training.lora import LoraParams, adapt
from training.vocabulary import Vocabulary

FAMILY = "unicalli.flux"
FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class FluxChoice:
    """Which parts of a FLUX folder are used, and what of them is trained.

    Attributes:
        latents_by_folder: Its autoencoder codes the ink; else one of our own.
        prompts_by_folder: Its T5 and CLIP read prompts; else a table of our own.
        lora: Corrections of low rank to its blocks; None trains all of it.
    """

    latents_by_folder: bool = True
    prompts_by_folder: bool = True
    lora: LoraParams | None = LoraParams(rank=128, alpha=128.0)


@dataclass(frozen=True, kw_only=True)
class FluxBundle:
    """A model ready to use; see ``weights.Bundle`` of our own form."""

    model: UniCalliFlux
    autoencoder: FluxAutoencoder | Autoencoder
    vocabulary: Vocabulary
    choice: FluxChoice
    recipe: dict[str, Any]
    context: PairModel | None = None

    @property
    def locates(self) -> bool:
        """Whether the model has learned to locate characters in raw columns."""
        return bool(self.recipe.get("locates", False))


def built(
    folder: Path,
    dims: FluxDims,
    vocabulary_size: int,
    choice: FluxChoice,
    dtype: torch.dtype,
    *,
    in_four_bits: bool = False,
) -> UniCalliFlux:
    """The network of a FLUX folder, with what is new in float32 and ready to be trained."""
    transformer = open_in_four_bits(folder) if in_four_bits else open_transformer(folder, dtype)
    encoders = open_prompts(folder, dims.style_tokens, dtype) if choice.prompts_by_folder else None
    model = UniCalliFlux(transformer, dims, vocabulary_size, encoders)
    if choice.lora is not None:
        new = model.new_names()
        adapt(model, choice.lora, is_adapted)
        for name, parameter in model.named_parameters():
            if name in new:
                parameter.requires_grad_(True)
    return model


def is_adapted(name: str) -> bool:
    """The linear layers of FLUX's blocks; modulations stay as they are."""
    return name.startswith(FLUX_BLOCKS) and ".norm" not in name


def coder_of(folder: Path, choice: FluxChoice) -> FluxAutoencoder | Autoencoder:
    """The folder's autoencoder, or an empty one of our own."""
    if choice.latents_by_folder:
        return open_autoencoder(folder)
    return Autoencoder().eval().requires_grad_(False)


def sized(dims: FluxDims, coder: FluxAutoencoder | Autoencoder) -> FluxDims:
    """``dims`` with latents as the coder makes them; ours fill FLUX's tokens in patches of 4."""
    if isinstance(coder, FluxAutoencoder):
        channels, downsampling, patch = coder.latent_channels, coder.downsampling, dims.patch
    else:
        channels, downsampling, patch = LATENT_CHANNELS, DOWNSAMPLING, 4
    return dataclasses.replace(
        dims, latent_channels=channels, downsampling=downsampling, patch=patch
    )


def save_flux_bundle(bundle: FluxBundle, flux: Path, folder: Path, card: str) -> None:
    """Write the folder; it appears whole under its name or not at all.

    Raises:
        ModelError: If the folder exists: a checkpoint is never overwritten.
    """
    recipe = {
        **bundle.recipe,
        "format_version": FORMAT_VERSION,
        "family": FAMILY,
        "dims": dataclasses.asdict(bundle.model.dims),
        "choice": dataclasses.asdict(bundle.choice),
        "flux": fingerprint(flux),
        "vocabulary_fingerprint": bundle.vocabulary.fingerprint,
    }
    with new_checkpoint(folder) as staging:
        learned = {k: v.detach().contiguous() for k, v in _learned(bundle).items()}
        save_file(learned, staging / "learned.safetensors")
        text = json.dumps(recipe, ensure_ascii=False, indent=1)
        (staging / "recipe.json").write_text(text + "\n", encoding="utf-8")
        bundle.vocabulary.save(staging / "vocabulary.txt")
        (staging / "card.md").write_text(card, encoding="utf-8")


def load_flux_bundle(
    folder: Path,
    flux: Path,
    *,
    dtype: torch.dtype = torch.float32,
    in_four_bits: bool = False,
) -> FluxBundle:
    """Read a checkpoint folder onto the FLUX folder that it was trained from.

    Raises:
        ModelError: If either is not what it should be, key by key.
    """
    recipe = read_recipe(folder, FAMILY, FORMAT_VERSION)
    if fingerprint(flux) != recipe["flux"]:
        raise ModelError(
            f"{folder} was trained from another FLUX checkpoint than {flux} (fingerprint "
            f"{recipe['flux']}, found {fingerprint(flux)}). Give that one."
        )
    vocabulary = Vocabulary.load(folder / "vocabulary.txt")
    lora = recipe["choice"]["lora"]
    choice = FluxChoice(
        **{**recipe["choice"], "lora": None if lora is None else LoraParams(**lora)}
    )
    if in_four_bits and lora is None:
        raise ModelError(
            f"{folder} holds all of FLUX's weights, trained; only corrections (LoRA) can be laid "
            f"on FLUX in 4 bits. Load it in bfloat16."
        )
    model = built(
        flux, FluxDims(**recipe["dims"]), len(vocabulary), choice, dtype, in_four_bits=in_four_bits
    )
    bundle = FluxBundle(
        model=model,
        autoencoder=coder_of(flux, choice),
        vocabulary=vocabulary,
        choice=choice,
        recipe={k: v for k, v in recipe.items() if k not in ("dims", "choice", "flux")},
    )
    wanted, found = _learned(bundle), read_tensors(folder / "learned.safetensors")
    require_fit(wanted, found, folder / "learned.safetensors")
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(found[name])
    model.eval()
    return bundle


def _learned(bundle: FluxBundle) -> dict[str, Tensor]:
    """What a FLUX folder does not have: what was trained, and an autoencoder of our own."""
    new = set(bundle.model.new_names())
    learned: dict[str, Tensor] = {
        f"model.{name}": parameter
        for name, parameter in bundle.model.named_parameters()
        if parameter.requires_grad or name in new
    }
    if not bundle.choice.latents_by_folder:
        state = bundle.autoencoder.state_dict()
        learned |= {f"autoencoder.{name}": tensor for name, tensor in state.items()}
    return learned
