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
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from pipelines.errors import ModelError
from training.checkpoints import new_checkpoint
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
        return bool(self.recipe.get("locates", False))


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
    recipe = read_recipe(folder)
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
    expected = {f"model.{k}": v.shape for k, v in model.state_dict().items()}
    expected |= {f"autoencoder.{k}": v.shape for k, v in autoencoder.state_dict().items()}
    wrong = sorted(
        set(expected) ^ set(tensors)
        | {k for k in set(expected) & set(tensors) if expected[k] != tensors[k].shape}
    )
    if wrong:
        raise ModelError(
            f"{folder}/model.safetensors does not fit its recipe: {len(wrong)} tensors are "
            f"missing, extra or of another shape ({', '.join(wrong[:3])}...). It belongs to "
            f"another version; train again or restore the folder."
        )
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


def read_recipe(
    folder: Path, family: str = FAMILY, version: int = FORMAT_VERSION
) -> dict[str, Any]:
    """``recipe.json`` of a checkpoint.

    Raises:
        ModelError: If there is none, or it is of another family or version.
    """
    path = folder / "recipe.json"
    if not path.is_file():
        raise ModelError(
            f"There is no checkpoint at {folder}: recipe.json is missing. Give the folder that "
            f"holds model.safetensors, recipe.json and vocabulary.txt."
        )
    try:
        recipe: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ModelError(f"{path} is not JSON ({error}). Restore it.") from error
    found = recipe.get("family"), recipe.get("format_version")
    if found != (family, version):
        raise ModelError(
            f"{folder} holds family {found[0]!r} in format {found[1]!r}; expected "
            f"{family!r} in format {version}. Use the version that wrote it, or the command for "
            f"that family."
        )
    return recipe


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """All tensors of a safetensors file.

    Raises:
        ModelError: If it is missing, broken or something else.
    """
    if not path.is_file():
        raise ModelError(f"There are no weights at {path}; expected a safetensors file.")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ModelError(
            f"{path} is no whole safetensors file ({error}); pickled or truncated weights are "
            f"refused. Restore the file."
        ) from error
