"""A UniCalli on disk: everything that reading and writing needs but the standard font.

Holds: ``Bundle`` (network, autoencoder, character table, recipe) and its folder:

    model.safetensors   weights of both networks, half precision
    recipe.json         dimensions, how it was trained, the hands it has seen, the content font
    vocabulary.txt      the character table
    context.safetensors what follows what in classical texts; may be missing
    card.md             on what, how long, how good

Loading is strict: every key must be there and no other, pickles are refused, and a folder of
another format version is refused by name.

Keeps out: training (``recipes``), which checkpoint is in use (``training.releases``).
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from pipelines.errors import ModelError
from training.checkpoints import new_checkpoint, read_recipe, read_tensors, require_fit
from training.context import CONTEXT_FILE, PairModel
from training.families.unicalli.autoencoder import Autoencoder
from training.families.unicalli.model import UniCalli, UniCalliDims
from training.vocabulary import Vocabulary

FORMAT_VERSION = 2
FAMILY = "unicalli"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A model ready to use.

    Attributes:
        model: The transformer.
        autoencoder: Frozen.
        vocabulary: The character table.
        recipe: What ``recipe.json`` says beside dimensions: hands, content font, history.
        context: What follows what in texts, or None.
    """

    model: UniCalli
    autoencoder: Autoencoder
    vocabulary: Vocabulary
    recipe: dict[str, Any]
    context: PairModel | None = None

    @property
    def dims(self) -> UniCalliDims:
        """Sizes of the network."""
        return self.model.dims

    @property
    def locates(self) -> bool:
        """Whether the model has learned to locate characters in raw columns."""
        return self.model.finder is not None


def save_bundle(bundle: Bundle, folder: Path, card: str) -> None:
    """Write the folder; it appears whole under its name or not at all.

    Raises:
        ModelError: If the folder exists: a checkpoint is never overwritten.
    """
    tensors = {f"model.{k}": v for k, v in bundle.model.state_dict().items()}
    tensors |= {f"autoencoder.{k}": v for k, v in bundle.autoencoder.state_dict().items()}
    halves = {k: v.detach().to(torch.float16).contiguous() for k, v in tensors.items()}
    recipe = {
        **bundle.recipe,
        "format_version": FORMAT_VERSION,
        "family": FAMILY,
        "dims": dataclasses.asdict(bundle.dims),
        "vocabulary_fingerprint": bundle.vocabulary.fingerprint,
    }
    text = json.dumps(recipe, ensure_ascii=False, indent=1)
    with new_checkpoint(folder) as staging:
        save_file(halves, staging / "model.safetensors")
        (staging / "recipe.json").write_text(text + "\n", encoding="utf-8")
        bundle.vocabulary.save(staging / "vocabulary.txt")
        if bundle.context is not None:
            bundle.context.save(staging / CONTEXT_FILE)
        (staging / "card.md").write_text(card, encoding="utf-8")


def load_bundle(folder: Path) -> Bundle:
    """Read a checkpoint folder.

    Raises:
        ModelError: If a file is missing, truncated, pickled, of another version or family, or
            the weights do not fit the dimensions key by key.
    """
    recipe = read_recipe(folder, FAMILY, FORMAT_VERSION)
    vocabulary = Vocabulary.load(folder / "vocabulary.txt")
    if vocabulary.fingerprint != recipe["vocabulary_fingerprint"]:
        raise ModelError(
            f"{folder}/vocabulary.txt is not the character table the weights were trained with "
            f"({vocabulary.fingerprint}, expected {recipe['vocabulary_fingerprint']}). Restore it."
        )
    sizes: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in recipe["dims"].items()
    }
    model = UniCalli(UniCalliDims(**sizes), len(vocabulary))
    autoencoder = Autoencoder()
    tensors = read_tensors(folder / "model.safetensors")
    expected = {f"model.{k}": v for k, v in model.state_dict().items()}
    expected |= {f"autoencoder.{k}": v for k, v in autoencoder.state_dict().items()}
    require_fit(expected, tensors, folder / "model.safetensors")
    for prefix, module in (("model.", model), ("autoencoder.", autoencoder)):
        module.load_state_dict(
            {k.removeprefix(prefix): v.float() for k, v in tensors.items() if k.startswith(prefix)}
        )
    model.eval()
    autoencoder.eval().requires_grad_(False)
    lay_out_channels_last(model)
    lay_out_channels_last(autoencoder)
    kept = {k: v for k, v in recipe.items() if k not in ("dims", "vocabulary_fingerprint")}
    pairs = folder / CONTEXT_FILE
    return Bundle(
        model=model,
        autoencoder=autoencoder,
        vocabulary=vocabulary,
        recipe=kept,
        context=PairModel.load(pairs, vocabulary) if pairs.is_file() else None,
    )


def lay_out_channels_last(network: nn.Module) -> None:
    """Store convolution weights with channels last, which is twice as fast on a CPU."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            data = module.weight.data
            module.weight.data = data.contiguous(memory_format=torch.channels_last)
