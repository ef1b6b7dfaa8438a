"""What the verbs do that learn something, or say what it costs.

Holds: ``train``, ``profile``, ``ablate`` and ``context``: one function a verb, from parsed
arguments to a report.

Keeps out: the work itself, and the verbs that use what was learned (``training.commands``).
"""

from __future__ import annotations

import argparse
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any, TypeVar

import torch

from pipelines.errors import ModelError
from pipelines.glyphs.registry import Font, load_fonts
from pipelines.texts import exclude_shared, load_texts
from training import other_families
from training.context import pairs_of_texts
from training.families.unicalli import ablation, profiling
from training.families.unicalli.flux.training import FluxRecipe, train_on_flux
from training.families.unicalli.flux.weights import save_flux_bundle
from training.families.unicalli.from_nothing import train_from_nothing
from training.families.unicalli.model import UniCalli
from training.families.unicalli.recipe import PretrainRecipe
from training.families.unicalli.weights import save_bundle
from training.finders import train_detector, train_orienter, train_to_locate
from training.glyph_bank import GlyphBank
from training.hands import bank_of_hands, content_face, fetched_hands, prompts_of
from training.learning_from_samples import train_on_samples
from training.loop import compile_repeated
from training.metrics.recognition import Share
from training.opening import begin, cache, fonts_of, opened, require_gpu
from training.other_scripts import train_ancient
from training.recipes import detector as detector_recipes
from training.recipes import unicalli as recipes
from training.slices import Team, device_of_process
from training.vocabulary import Vocabulary, build_vocabulary

logger = logging.getLogger(__name__)

FROM_NOTHING = {
    "unicalli.tiny": recipes.tiny,
    "unicalli.small": recipes.small,
    "unicalli.base": recipes.base,
    "unicalli.debug": recipes.debug,
}
ON_FLUX = {"unicalli.flux": recipes.flux, "unicalli.flux_debug": recipes.flux_debug}
FINE_TUNINGS = {
    "unicalli.fine_tune": recipes.fine_tune,
    "unicalli.lora": recipes.lora,
    "unicalli.weak": recipes.weak,
    "unicalli.augmented": recipes.augmented,
    "unicalli.balanced": recipes.balanced,
}
LOCATORS = {"unicalli.locate": recipes.locate}
DETECTORS = {"detector.tiny": detector_recipes.tiny, "detector.debug": detector_recipes.debug}
ANCIENT = {
    "unicalli.oracle_bone": recipes.oracle_bone,
    "unicalli.hieroglyphs": recipes.hieroglyphs,
}
ORIENTERS = {
    "orientation.tiny": detector_recipes.orientation,
    "orientation.debug": detector_recipes.orientation_debug,
}
SHARED_RUN = 6
"""Characters in a row that a held-out text may not share with what is learned."""


def train(arguments: argparse.Namespace) -> dict[str, Any]:
    """The next model: from approved samples or from nothing."""
    begin(arguments)
    if arguments.recipe not in TRAINERS:
        raise ModelError(
            f"There is no recipe {arguments.recipe!r}. Known recipes: {', '.join(TRAINERS)}."
        )
    return TRAINERS[arguments.recipe](arguments)


def _train_from_nothing(arguments: argparse.Namespace, recipe: PretrainRecipe) -> dict[str, Any]:
    if recipe.needs_gpu:
        require_gpu(recipe.name)
    fonts = fonts_of(arguments)
    vocabulary, bank, hands = _material(arguments, recipe.vocabulary_size)
    working = arguments.out.with_name(f".{arguments.out.name}.stages")
    bundle = train_from_nothing(
        recipe,
        bank,
        prompts_of(hands, others=bank.hand_names[len(hands) :]),
        vocabulary,
        content_face(fonts, recipe.content_font),
        working,
        device=device_of_process(),
    )
    card = (
        f"# UniCalli, trained from nothing by {recipe.name}\n\n"
        f"{len(bank)} pictures of {len(vocabulary)} characters in {len(bank.hand_names)} hands: "
        f"{', '.join(bank.hand_names)}. Not judged yet: `python -m training evaluate`.\n"
    )
    if Team.gathered().is_first:
        save_bundle(bundle, arguments.out, card)
        shutil.copy(working / "curve.jsonl", arguments.out / "curve.jsonl")
    return {"checkpoint": str(arguments.out), **bundle.recipe}


def _train_on_flux(arguments: argparse.Namespace, recipe: FluxRecipe) -> dict[str, Any]:
    if arguments.flux is None:
        raise ModelError(
            f"{recipe.name} needs --flux FOLDER as well: a FLUX.1 checkpoint in diffusers' layout."
        )
    if recipe.needs_gpu:
        require_gpu(recipe.name)
    if arguments.seconds:
        recipe = replace(recipe, columns=replace(recipe.columns, seconds=arguments.seconds))
    fonts = fonts_of(arguments)
    vocabulary, bank, hands = _material(arguments, recipe.vocabulary_size)
    working = arguments.out.with_name(f".{arguments.out.name}.stages")
    bundle = train_on_flux(
        recipe,
        arguments.flux,
        bank,
        prompts_of(hands, others=bank.hand_names[len(hands) :]),
        vocabulary,
        content_face(fonts, recipe.content_font),
        working,
        device_of_process(),
    )
    card = (
        f"# UniCalli on {arguments.flux.name}, trained by {recipe.name}\n\n"
        f"{len(bank)} pictures of {len(vocabulary)} characters in {len(bank.hand_names)} hands: "
        f"{', '.join(bank.hand_names)}. Not judged yet. The licence of the FLUX checkpoint holds "
        f"for what was learned on it.\n"
    )
    if Team.gathered().is_first:
        save_flux_bundle(bundle, arguments.flux, arguments.out, card)
        shutil.copy(working / "curve.jsonl", arguments.out / "curve.jsonl")
    return {"checkpoint": str(arguments.out), **bundle.recipe}


def _material(
    arguments: argparse.Namespace, vocabulary_size: int
) -> tuple[Vocabulary, GlyphBank, dict[str, Font]]:
    """What a model from nothing learns from: characters, their pictures, and fetched hands."""
    fonts = fonts_of(arguments)
    if arguments.vocabulary:
        vocabulary = Vocabulary.load(arguments.vocabulary)
    else:
        texts = [text.body for text in load_texts(arguments.texts)] if arguments.texts else []
        vocabulary = build_vocabulary(texts, vocabulary_size)
    hands = fetched_hands(fonts, arguments.hands or recipes.NPM_HANDS)
    return vocabulary, bank_of_hands(hands, vocabulary, cache(), arguments.real_characters), hands


def profile(arguments: argparse.Namespace) -> dict[str, Any]:
    """What a recipe's network costs, how fast it is here, and what share of a GPU that is."""
    begin(arguments)
    if arguments.recipe not in FROM_NOTHING:
        raise ModelError(
            f"There is no network to profile in {arguments.recipe!r}. Recipes with one: "
            f"{', '.join(FROM_NOTHING)}."
        )
    recipe = FROM_NOTHING[arguments.recipe]()
    with torch.device("meta"):
        model = UniCalli(recipe.dims, recipe.vocabulary_size)
    flops = profiling.count_flops(model)
    device = device_of_process()
    # Random weights take as long as learned ones.
    model = UniCalli(recipe.dims, recipe.vocabulary_size).to(device)
    if recipe.columns.compiles and device.type == "cuda":
        compile_repeated(model)
    speed = profiling.measure(model, columns=arguments.columns, precision=recipe.columns.precision)
    peak = profiling.peak_flops(device)
    return {
        "recipe": recipe.name,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "train_flops_per_column": flops.train,
        "read_flops_per_column": flops.read,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "columns_at_once": arguments.columns,
        "precision": recipe.columns.precision,
        "trained_columns_per_second": round(speed.trained, 2),
        "read_columns_per_second": round(speed.read, 2),
        "train_utilisation": round(speed.trained * flops.train / peak, 4) if peak else None,
        "read_utilisation": round(speed.read * flops.read / peak, 4) if peak else None,
        "utilisation_note": "of dense bfloat16" if peak else "not measured: no peak is known here",
    }


def ablate(arguments: argparse.Namespace) -> dict[str, Any]:
    """What each part of the recipe is worth: short trainings without it, side by side."""
    begin(arguments)
    bundle, library = opened(arguments, arguments.checkpoint)
    known = load_fonts(None, fonts_of(arguments))
    learned = fetched_hands(fonts_of(arguments), [h for h in bundle.recipe["hands"] if h in known])
    unseen = fetched_hands(fonts_of(arguments), [arguments.unseen])
    params = ablation.AblationParams()
    if arguments.steps:
        params = replace(params, loop=replace(params.loop, steps=arguments.steps))
    rows = []
    for row in ablation.ablate(
        bundle,
        library,
        bank_of_hands(learned, bundle.vocabulary, cache()),
        prompts_of(learned),
        bank_of_hands(unseen, bundle.vocabulary, cache()),
        params,
    ):
        logger.info(
            "%-34s %5d steps %6.0f s  reads %s  writes %s",
            row.variant, row.steps, row.seconds, _percent(row.read_right),
            _percent(row.written_right),
        )  # fmt: skip
        rows.append(asdict(row))
    return {"unseen_hand": arguments.unseen, "steps_each": params.loop.steps, "rows": rows}


def _percent(share: Share) -> str:
    return f"{100 * share.value:5.1f} % ({100 * share.low:.1f} to {100 * share.high:.1f})"


def context(arguments: argparse.Namespace) -> dict[str, Any]:
    """What follows what in texts, for the character table of a checkpoint."""
    if arguments.out.exists():
        raise ModelError(f"There is already something at {arguments.out}. Choose another file.")
    vocabulary = Vocabulary.load(arguments.checkpoint / "vocabulary.txt")
    texts = load_texts(arguments.texts)
    titles = set(arguments.leave_out)
    unknown = titles - {text.title for text in texts}
    if unknown:
        raise ModelError(
            f"No text is called {', '.join(sorted(unknown))}; nothing was left out. Titles are "
            f"those of {arguments.texts}."
        )
    held_out = [text.body for text in texts if text.title in titles]
    others = [text for text in texts if text.title not in titles]
    learned, exclusion = exclude_shared(others, held_out, SHARED_RUN)
    model = pairs_of_texts(learned, vocabulary)
    model.save(arguments.out)
    return {
        "context": str(arguments.out),
        "pairs": len(model.pairs),
        "texts": len(learned),
        "characters": sum(len(text.body) for text in learned),
        "left_out": sorted(titles),
        "shared_characters_cut": exclusion.characters,
    }


Trainer = Callable[[argparse.Namespace], dict[str, Any]]
Recipe = TypeVar("Recipe")


def trainers_of(
    do: Callable[[argparse.Namespace, Recipe], dict[str, Any]],
    recipes: Mapping[str, Callable[[], Recipe]],
) -> dict[str, Trainer]:
    """One trainer a recipe: it makes the recipe and does what is said there."""
    return {name: partial(_trained, do, make) for name, make in recipes.items()}


def _trained(
    do: Callable[[argparse.Namespace, Recipe], dict[str, Any]],
    make: Callable[[], Recipe],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    return do(arguments, make())


TRAINERS: dict[str, Trainer] = {
    **trainers_of(train_on_samples, FINE_TUNINGS),
    **trainers_of(train_to_locate, LOCATORS),
    **trainers_of(train_ancient, ANCIENT),
    **trainers_of(_train_from_nothing, FROM_NOTHING),
    **trainers_of(_train_on_flux, ON_FLUX),
    **trainers_of(train_detector, DETECTORS),
    **trainers_of(train_orienter, ORIENTERS),
    **dict.fromkeys(other_families.CALLIFFUSION, other_families.train_calliffusion),
    **dict.fromkeys(other_families.SCRIPTVIT, other_families.train_scriptvit),
    **dict.fromkeys(other_families.CREATIVESYNTH, other_families.train_creativesynth),
}
"""What ``train --recipe`` knows, by name."""
