"""A Calliffusion on disk: everything that writing needs but the standard font.

Holds: ``Bundle`` and its folder:

    model.safetensors   weights, half precision
    recipe.json         dimensions, how it was trained, the hands it knows with their prompts
    vocabulary.txt      the index table's characters
    card.md             on what, how long, how good

and ``Adapter``, a hand learned later, in a folder of its own:

    adapter.safetensors corrections of low rank and the hand's vector
    recipe.json         the hand, its prompt, and the base it belongs to, with its fingerprint

Loading is strict: every tensor must be there and no other; an adapter of another base is refused.

Keeps out: training (``learning``, ``adapting``).
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor, nn

from pipelines.errors import ModelError
from training.checkpoints import (
    RECIPE_FILE,
    new_checkpoint,
    read_recipe,
    read_tensors,
    require_fit,
)
from training.families.calliffusion.conditioning import Prompts, WordPrompts
from training.families.calliffusion.network import Calliffusion, CalliffusionDims
from training.lora import LoraParams, adapt, adapted
from training.vocabulary import Vocabulary

FAMILY, FORMAT_VERSION = "calliffusion", 1
ADAPTER_FAMILY = "calliffusion.adapter"
WEIGHTS_FILE, ADAPTER_FILE = "model.safetensors", "adapter.safetensors"
TABLE_FILE = "vocabulary.txt"
HAND = "hand"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A model ready to use.

    Attributes:
        model: The network.
        characters: The index table's characters.
        prompts: Encodes prompts for the network.
        recipe: What ``recipe.json`` says beside dimensions: hands with prompts, content font.
        fingerprint: Of the weights' file; empty for a model that was never saved.
    """

    model: Calliffusion
    characters: tuple[str, ...]
    prompts: Prompts
    recipe: dict[str, Any]
    fingerprint: str = ""

    @property
    def dims(self) -> CalliffusionDims:
        """Sizes of the network."""
        return self.model.dims

    def prompt_of(self, hand: str) -> str:
        """The prompt of a hand the model knows.

        Raises:
            ModelError: If it does not know the hand.
        """
        known: dict[str, str] = self.recipe["hands"]
        if hand not in known:
            raise ModelError(
                f"{self.recipe['name']} has not learned the hand {hand!r}. It knows "
                f"{', '.join(known)}. Learn another from about five characters with "
                f"python -m training adapt."
            )
        return known[hand]


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """A hand that a model learned later.

    Attributes:
        hand: Its name.
        prompt: The prompt under which it was learned.
        lora: Rank and alpha.
        tensors: ``hand`` and, for each adapted layer, ``NAME.down`` and ``NAME.up``.
        base: Name of the base's folder.
        fingerprint: Of the base's weights.
        facts: How it was learned.
    """

    hand: str
    prompt: str
    lora: LoraParams
    tensors: dict[str, Tensor]
    base: str
    fingerprint: str
    facts: dict[str, Any]


def save_bundle(bundle: Bundle, folder: Path, card: str) -> None:
    """Write the folder; it appears whole under its name or not at all.

    Raises:
        ModelError: If the folder exists.
    """
    recipe = {
        **bundle.recipe,
        "format_version": FORMAT_VERSION,
        "family": FAMILY,
        "dims": dataclasses.asdict(bundle.dims),
    }
    halves = {k: v.detach().half().contiguous() for k, v in bundle.model.state_dict().items()}
    with new_checkpoint(folder) as staging:
        save_file(halves, staging / WEIGHTS_FILE)
        _write_json(staging / RECIPE_FILE, recipe)
        Vocabulary(bundle.characters).save(staging / TABLE_FILE)
        (staging / "card.md").write_text(card, encoding="utf-8")


def load_bundle(
    folder: Path, prompts_of: Callable[[CalliffusionDims, dict[str, Any]], Prompts] | None = None
) -> Bundle:
    """Open a checkpoint.

    Args:
        folder: Of :func:`save_bundle`.
        prompts_of: Makes the prompts' encoder from dimensions and recipe, for a model that is
            told by a language model; words need none.

    Raises:
        ModelError: If it is incomplete, of another family or version, or not all there.
    """
    recipe = read_recipe(folder, FAMILY, FORMAT_VERSION)
    sizes: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in recipe.pop("dims").items()
    }
    dims = CalliffusionDims(**sizes)
    if dims.bert_width and prompts_of is None:
        raise ModelError(
            f"{folder} reads prompts by a language model. Name its folder with --bert."
        )
    characters = Vocabulary.load(folder / TABLE_FILE).characters
    model = Calliffusion(dims)
    tensors = read_tensors(folder / WEIGHTS_FILE)
    require_fit(model.state_dict(), tensors, folder / WEIGHTS_FILE)
    model.load_state_dict({k: v.float() for k, v in tensors.items()})
    return Bundle(
        model=model.eval(),
        characters=characters,
        prompts=prompts_of(dims, recipe) if prompts_of else WordPrompts(dims),
        recipe=recipe,
        fingerprint=fingerprint_of(folder / WEIGHTS_FILE),
    )


def save_adapter(adapter: Adapter, folder: Path) -> None:
    """Write the folder of an adapter; it appears whole or not at all."""
    said = {
        **adapter.facts,
        "family": ADAPTER_FAMILY,
        "format_version": FORMAT_VERSION,
        "hand": adapter.hand,
        "prompt": adapter.prompt,
        "lora": dataclasses.asdict(adapter.lora),
        "base": adapter.base,
        "base_fingerprint": adapter.fingerprint,
    }
    with new_checkpoint(folder) as staging:
        save_file(
            {k: v.detach().contiguous() for k, v in adapter.tensors.items()}, staging / ADAPTER_FILE
        )
        _write_json(staging / RECIPE_FILE, said)


def load_adapter(folder: Path) -> Adapter:
    """Open an adapter.

    Raises:
        ModelError: If the folder holds none.
    """
    said = read_recipe(folder, ADAPTER_FAMILY, FORMAT_VERSION)
    taken = ("hand", "prompt", "lora", "base", "base_fingerprint", "family", "format_version")
    return Adapter(
        hand=said["hand"],
        prompt=said["prompt"],
        lora=LoraParams(**said["lora"]),
        tensors=read_tensors(folder / ADAPTER_FILE),
        base=said["base"],
        fingerprint=said["base_fingerprint"],
        facts={k: v for k, v in said.items() if k not in taken},
    )


def with_adapter(bundle: Bundle, adapter: Adapter, strength: float = 1.0) -> Bundle:
    """The model with the hand beside it; ``bundle`` itself stays as it is.

    Args:
        bundle: The base it was learned on.
        adapter: The hand.
        strength: 0 writes what the base writes, to the bit; 1 as learned.

    Raises:
        ModelError: If the adapter belongs to another base.
    """
    if adapter.fingerprint != bundle.fingerprint:
        raise ModelError(
            f"The hand {adapter.hand!r} was learned on {adapter.base} with fingerprint "
            f"{adapter.fingerprint}; this base has {bundle.fingerprint}. Name that base with "
            f"--checkpoint, or learn the hand again."
        )
    model = copy.deepcopy(bundle.model)
    layers = {k.rpartition(".")[0] for k in adapter.tensors if k.endswith(".down")}
    put_corrections(model, adapter.lora, lambda name: name in layers)
    require_fit(corrections_of(model), adapter.tensors, Path(ADAPTER_FILE))
    for name, layer in adapted(model).items():
        layer.scale = strength * adapter.lora.alpha / adapter.lora.rank
        layer.down.data.copy_(adapter.tensors[f"{name}.down"])
        layer.up.data.copy_(adapter.tensors[f"{name}.up"])
    assert model.hand is not None
    model.hand.data.copy_(strength * adapter.tensors[HAND])
    hands: Mapping[str, str] = bundle.recipe["hands"]
    facts = {**bundle.recipe, "hands": {**hands, adapter.hand: adapter.prompt}}
    return replace(bundle, model=model.eval(), recipe=facts)


def put_corrections(model: Calliffusion, params: LoraParams, wanted: Callable[[str], bool]) -> int:
    """Freeze the model; put corrections beside layers of the U-Net, and a hand that is nothing yet.

    Returns:
        How many numbers are left to learn.
    """
    count = adapt(model, params, lambda name: name.startswith("unet.") and wanted(name))
    model.hand = nn.Parameter(model.eye.places.new_zeros(model.dims.token_width))
    return count + model.hand.numel()


def corrections_of(model: Calliffusion) -> dict[str, Tensor]:
    """All that was learned beside the weights of the base."""
    assert model.hand is not None
    found: dict[str, Tensor] = {HAND: model.hand.data}
    for name, layer in adapted(model).items():
        found |= {f"{name}.down": layer.down.data, f"{name}.up": layer.up.data}
    return found


def fingerprint_of(path: Path) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _write_json(path: Path, said: dict[str, Any]) -> None:
    path.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
