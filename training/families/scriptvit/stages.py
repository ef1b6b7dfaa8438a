"""The stages of training: tell hands apart, read, draw, write; then enrol the hands and save.

Holds: ``train_scriptvit``. A stage leaves what it learned in the working folder, and a run that
was stopped goes on from the last finished stage (within all but the last, from where it was).

Keeps out: what each stage learns from (``objective``, ``adversary``), fonts and files of the user
(``training.whose_hand``).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from training.families.scriptvit.adversary import Adversary, Networks
from training.families.scriptvit.attribution import (
    AttributionParams,
    Enrolled,
    calibrated,
    enrol,
)
from training.families.scriptvit.conditioning import Material
from training.families.scriptvit.generator import Generator
from training.families.scriptvit.judges import (
    Discriminator,
    Letters,
    Reader,
    reader_for,
    reading_loss,
)
from training.families.scriptvit.objective import HandObjective, HandParams, Variation, varied
from training.families.scriptvit.recipe import ScriptViTRecipe
from training.families.scriptvit.staggered import Player, StaggeredParams, play
from training.families.scriptvit.style_encoder import HandHead, StyleEncoder
from training.families.scriptvit.weights import Bundle
from training.hand_classifier import HandClassifier
from training.loop import Fitted, fit
from training.slices import Slice, ahead

logger = logging.getLogger(__name__)

CPU = torch.device("cpu")
READ_AT_ONCE = 64
"""Pictures in a batch of the second stage."""
_AS_IT_IS = HandParams(variations=(Variation(),))


def train_scriptvit(
    recipe: ScriptViTRecipe, material: Material, working_folder: Path, device: torch.device = CPU
) -> Bundle:
    """All stages of ``recipe``.

    Args:
        recipe: Every number.
        material: Pictures by known hands; every fifth text is kept from all stages, and the
            thresholds are calibrated on it.
        working_folder: Where stages are kept, and the log, ``curve.jsonl``.
        device: Where networks are trained; the bundle comes back on the CPU.
    """
    working_folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    learned, held_out = material.part(~material.is_held_out), material.part(material.is_held_out)
    letters = Letters.of_texts(material.texts)
    stages = _Stages(recipe, learned, letters, working_folder, device)
    encoder, told = stages.hands()
    steps, losses = {"hands": told.steps}, dict(told.parts)
    reader: Reader | None = None
    generator: Generator | None = None
    if recipe.writing is not None:
        reader, writers, read = stages.readers()
        generator, written = stages.writing(encoder, reader, writers, recipe.writing)
        generator.to(CPU).eval()
        reader.to(CPU).eval()
        steps |= {"readers": read.steps, "writing": written.steps}
        losses |= read.parts | written.parts
    encoder.to(CPU).eval()
    facts: dict[str, Any] = {
        "name": recipe.name,
        "content_font": recipe.content_font,
        "is_of_words": recipe.is_of_words,
        "hands": list(material.hand_names),
        "vocabulary_size": recipe.vocabulary_size,
        "steps": steps,
        "last_losses": losses,
        "train_seconds": round(time.monotonic() - started),
    }
    return Bundle(
        dims=recipe.dims,
        encoder=encoder,
        generator=generator,
        reader=reader,
        letters=letters,
        enrolled=enrolled_of(encoder, learned, held_out),
        recipe=facts,
    )


def enrolled_of(encoder: StyleEncoder, learned: Material, held_out: Material) -> Enrolled:
    """The hands of the material, with thresholds from what was held out."""
    params = AttributionParams()
    pictures = {
        name: learned.pictures[learned.hands == hand]
        for hand, name in enumerate(learned.hand_names)
    }
    return calibrated(encoder, enrol(encoder, pictures, params), held_out, params)


@dataclass(frozen=True)
class _Stages:
    recipe: ScriptViTRecipe
    material: Material
    letters: Letters
    folder: Path
    device: torch.device

    @property
    def log(self) -> Path:
        return self.folder / "curve.jsonl"

    def hands(self) -> tuple[StyleEncoder, Fitted]:
        recipe, names = self.recipe, self.material.hand_names
        torch.manual_seed(recipe.seed)
        encoder = StyleEncoder(recipe.dims)
        head = HandHead(recipe.dims.style_width, len(names) * len(recipe.hand_params.variations))
        both = nn.ModuleDict({"encoder": encoder, "head": head}).to(self.device)
        logger.info("stage 1 of 4: telling %d hands apart", len(names))
        objective = HandObjective(encoder, head, self.material, recipe.hand_params, recipe.seed)
        kept = self.folder / "hands.progress"
        fitted = fit(both, objective, recipe.hands, log=self.log, kept=kept)
        encoder.eval()
        if not recipe.adversary.encoder_learns:
            encoder.requires_grad_(False)
        return encoder, fitted

    def readers(self) -> tuple[Reader, HandClassifier, Fitted]:
        recipe = self.recipe
        torch.manual_seed(recipe.seed + 1)
        reader = reader_for(recipe.dims, self.letters, is_of_words=recipe.is_of_words)
        writers = HandClassifier(len(self.material.hand_names), recipe.dims.writer_widths)
        both = nn.ModuleDict({"reader": reader, "writers": writers}).to(self.device)
        logger.info("stage 2 of 4: reading")
        seed, material, letters = recipe.seed + 1, self.material, self.letters

        @ahead
        def drawn(part: Slice) -> tuple[Tensor, list[int], list[int]]:
            rng = part.numpy_seeded(seed)
            taken = rng.integers(0, len(material), part.size(READ_AT_ONCE))
            pictures = torch.from_numpy(material.written[taken]).float()[:, None] / 255
            kinds = torch.zeros(len(taken), dtype=torch.long)
            pictures = varied(pictures, kinds, _AS_IT_IS, part.torch_seeded(seed))
            return pictures, material.text_ids[taken].tolist(), material.hands[taken].tolist()

        def step(part: Slice) -> tuple[Tensor, dict[str, float]]:
            pictures, texts, hands = drawn(part)
            pictures = pictures.to(self.device)
            said = [material.texts[text] for text in texts]
            misread = reading_loss(reader, pictures, said, letters)
            labels = torch.tensor(hands, device=self.device)
            mistaken = F.cross_entropy(writers(pictures), labels)
            parts = {"reader": float(misread.detach()), "writers": float(mistaken.detach())}
            return misread + mistaken, parts

        kept = self.folder / "readers.progress"
        fitted = fit(both, step, recipe.readers, log=self.log, kept=kept)
        return reader, writers, fitted

    def writing(
        self,
        encoder: StyleEncoder,
        reader: Reader,
        writers: HandClassifier,
        params: StaggeredParams,
    ) -> tuple[Generator, Fitted]:
        recipe = self.recipe
        torch.manual_seed(recipe.seed + 2)
        generator = Generator(recipe.dims).to(self.device)
        discriminator = Discriminator(recipe.dims).to(self.device)
        kept = self.folder / "generator.safetensors"
        networks = Networks(encoder, generator, discriminator, reader, writers)
        adversary = Adversary(
            networks, self.material, self.letters, recipe.adversary, recipe.seed + 2
        )
        if recipe.shaping is not None and not kept.is_file():
            logger.info("stage 3 of 4: drawing after true pictures")
            shaped = self.folder / "shaping.progress"
            fit(generator, adversary.shape, recipe.shaping, log=self.log, kept=shaped)
        if kept.is_file():
            logger.info("the generator goes on from %s", kept)
            generator.load_state_dict(load_file(kept))
        logger.info("stage 4 of 4: writing")
        fitted = play(
            players_of(adversary, params),
            params,
            log=self.log,
            keep=lambda: _keep(generator.state_dict(), kept),
        )
        _keep(generator.state_dict(), kept)
        return generator, fitted


def players_of(adversary: Adversary, params: StaggeredParams) -> list[Player]:
    """The judges in every iteration, the generator after them in every second one."""
    judges = {
        "discriminator": (adversary.networks.discriminator, adversary.discriminator),
        "reader": (adversary.networks.reader, adversary.reader),
        "writers": (adversary.networks.writers, adversary.writers),
    }
    players = [
        Player(
            name=name,
            parameters=list(network.parameters()),
            update=update,
            every=1,
            learning_rate=params.learning_rate,
        )
        for name, (network, update) in judges.items()
    ]
    generator = Player(
        name="generator",
        parameters=adversary.generator_parameters(),
        update=adversary.generator,
        every=params.generator_every,
        learning_rate=params.generator_rate,
        is_averaged=True,
    )
    return [*players, generator]


def _keep(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Replace the file whole."""
    temporary = path.with_name(f".{path.name}.partial")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary)
    temporary.replace(path)
