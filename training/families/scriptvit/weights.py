"""A ScriptViT on disk: all that telling hands apart and writing need but the content font.

Holds: ``Bundle`` and its folder:

    model.safetensors   networks and prototypes, half precision
    recipe.json         dimensions, enrolled hands, thresholds, letters, content font
    card.md             on what, how long, how good
    curve.jsonl         how it learned

The discriminator and the writer classifier are of use in training alone and are not kept.

Keeps out: training (``stages``).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from pipelines.errors import ModelError
from training.checkpoints import new_checkpoint, read_recipe, read_tensors, require_fit
from training.families.scriptvit.attribution import Enrolled
from training.families.scriptvit.dims import ScriptViTDims
from training.families.scriptvit.generator import Generator
from training.families.scriptvit.judges import Letters, Reader, reader_for
from training.families.scriptvit.style_encoder import StyleEncoder

FORMAT_VERSION = 1
FAMILY = "scriptvit"
PROTOTYPES = "prototypes"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A model ready to use.

    Attributes:
        encoder: Tells hands.
        generator: Writes; None in a model that has not learned to.
        reader: The family's own recogniser, of ``letters`` alone; None where there is no
            generator, since nothing else is read by it.
        enrolled: Hands it knows.
        recipe: What ``recipe.json`` says beside dimensions: name, hands, content font.
        fingerprint: Hash of the weights' file; empty before there is one.
    """

    dims: ScriptViTDims
    encoder: StyleEncoder
    generator: Generator | None
    reader: Reader | None
    letters: Letters
    enrolled: Enrolled
    recipe: dict[str, Any]
    fingerprint: str = ""

    @property
    def is_of_words(self) -> bool:
        """Whether it knows words of letters instead of single characters."""
        return bool(self.recipe["is_of_words"])

    def require_writing(self) -> tuple[Generator, Reader]:
        """The generator, and the recogniser that reads what it wrote.

        Raises:
            ModelError: If the model has none.
        """
        if self.generator is None or self.reader is None:
            raise ModelError(
                f"{self.recipe['name']} tells hands apart and has not learned to write. Train a "
                f"recipe that writes, such as scriptvit.tiny."
            )
        return self.generator, self.reader


def save_bundle(bundle: Bundle, folder: Path, card: str) -> None:
    """Write the folder; it appears whole under its name or not at all.

    Raises:
        ModelError: If the folder exists: a checkpoint is never overwritten.
    """
    tensors = {
        f"{part}.{name}": tensor
        for part, network in _networks(bundle.encoder, bundle.generator, bundle.reader).items()
        for name, tensor in network.state_dict().items()
    } | {PROTOTYPES: torch.from_numpy(bundle.enrolled.prototypes)}
    recipe = {
        **bundle.recipe,
        "format_version": FORMAT_VERSION,
        "family": FAMILY,
        "dims": dataclasses.asdict(bundle.dims),
        "writes": bundle.generator is not None,
        "letters": "".join(bundle.letters.characters),
        "enrolled": list(bundle.enrolled.names),
        "thresholds": {str(k): v for k, v in bundle.enrolled.thresholds.items()},
        "spread_limit": bundle.enrolled.spread_limit,
    }
    with new_checkpoint(folder) as staging:
        halves = {k: v.detach().to(torch.float16).contiguous() for k, v in tensors.items()}
        save_file(halves, staging / "model.safetensors")
        text = json.dumps(recipe, ensure_ascii=False, indent=1)
        (staging / "recipe.json").write_text(text + "\n", encoding="utf-8")
        (staging / "card.md").write_text(card, encoding="utf-8")


def load_bundle(folder: Path) -> Bundle:
    """Read a checkpoint folder.

    Raises:
        ModelError: If a file is missing, truncated, pickled, of another version or family, or the
            weights do not fit the dimensions key by key.
    """
    recipe = read_recipe(folder, FAMILY, FORMAT_VERSION)
    sizes: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in recipe.pop("dims").items()
    }
    dims = ScriptViTDims(**sizes)
    letters = Letters(tuple(recipe.pop("letters")))
    names = tuple(recipe.pop("enrolled"))
    thresholds = {int(k): float(v) for k, v in recipe.pop("thresholds").items()}
    encoder = StyleEncoder(dims)
    generator: Generator | None = None
    reader: Reader | None = None
    if recipe.pop("writes"):
        generator = Generator(dims)
        reader = reader_for(dims, letters, is_of_words=recipe["is_of_words"])
    path = folder / "model.safetensors"
    tensors = read_tensors(path)
    networks = _networks(encoder, generator, reader)
    expected = {f"{p}.{k}": v for p, net in networks.items() for k, v in net.state_dict().items()}
    expected[PROTOTYPES] = torch.zeros(len(names), dims.style_width)
    require_fit(expected, tensors, path)
    for part, network in networks.items():
        own = {name: tensors[f"{part}.{name}"].float() for name in network.state_dict()}
        network.load_state_dict(own)
        network.eval().requires_grad_(False)
    prototypes = tensors[PROTOTYPES].float().numpy()
    return Bundle(
        dims=dims,
        encoder=encoder,
        generator=generator,
        reader=reader,
        letters=letters,
        enrolled=Enrolled(names, prototypes, thresholds, float(recipe.pop("spread_limit"))),
        recipe={k: v for k, v in recipe.items() if k not in ("family", "format_version")},
        fingerprint=hashlib.sha256(path.read_bytes()).hexdigest()[:16],
    )


def _networks(
    encoder: StyleEncoder, generator: Generator | None, reader: Reader | None
) -> dict[str, nn.Module]:
    found = {"encoder": encoder, "generator": generator, "reader": reader}
    return {name: network for name, network in found.items() if network is not None}
