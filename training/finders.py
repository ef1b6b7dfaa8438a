"""What the verb ``train`` does for whatever says where characters stand, and which way up.

Holds: ``train_detector``, ``train_orienter`` and ``train_to_locate``, from parsed arguments to a
report.

Keeps out: the work itself (``training.detector``, the families), all other verbs
(``training.learning``, ``training.commands``).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from pipelines.errors import ModelError
from pipelines.records import Sample
from pipelines.store import Store
from pipelines.tables import Tables
from training.detector import orientation
from training.detector.checkpoint import make_checkpoint
from training.detector.recipe import CONNECTS, DetectorRecipe
from training.families.unicalli.learning_to_locate import learn_to_locate
from training.families.unicalli.recipe import LocateRecipe
from training.families.unicalli.weights import save_bundle
from training.hands import bank_of_hands, fetched_hands, prompts_of
from training.opening import cache, fonts_of, opened
from training.slices import Team, device_of_process
from training.vocabulary import build_vocabulary


def train_detector(arguments: argparse.Namespace, recipe: DetectorRecipe) -> dict[str, Any]:
    """The eye that finds characters on pages, further from ``--parent`` where one is given."""
    if arguments.seconds:
        recipe = replace(recipe, loop=replace(recipe.loop, seconds=arguments.seconds))
    is_mixed = arguments.tables is not None and arguments.store is not None
    return make_checkpoint(
        recipe,
        arguments.out,
        fonts_of(arguments),
        arguments.real_characters,
        Tables(arguments.tables).read_all("samples", Sample) if is_mixed else (),
        Store(arguments.store) if is_mixed else None,
        text_folder=arguments.texts,
        codh_wheel=arguments.codh,
        parent=arguments.parent,
    )


def train_orienter(
    arguments: argparse.Namespace, recipe: orientation.OrientationRecipe
) -> dict[str, Any]:
    """The eye that says which way up characters stand."""
    fonts = fonts_of(arguments)
    if arguments.seconds:
        recipe = replace(recipe, loop=replace(recipe.loop, seconds=arguments.seconds))
    vocabulary = build_vocabulary([], recipe.vocabulary_size)
    hands = fetched_hands(fonts, list(CONNECTS))
    bank = bank_of_hands(hands, vocabulary, cache(), arguments.real_characters)
    judged = fetched_hands(fonts, recipe.held_out)
    # Without the fonts it is judged in, the curve shows at least that it learns.
    held_out = bank_of_hands(judged, vocabulary, cache()) if judged else bank
    log = arguments.out.with_name(f".{arguments.out.name}.curve.jsonl")
    log.parent.mkdir(parents=True, exist_ok=True)
    model, fitted = orientation.train_orienter(recipe, bank, held_out, log)
    card = (
        f"# An eye for orientation, trained by {recipe.name}\n\n"
        f"{len(bank)} characters in {len(bank.hand_names)} hands: {', '.join(bank.hand_names)}. "
        f"{fitted.steps} steps in {fitted.seconds:.0f} s. Single aged characters of "
        f"{', '.join(judged) or 'the same hands'} laid right: {fitted.parts['accuracy']:.1%}.\n"
    )
    if Team.gathered().is_first:
        orientation.save_orienter(model, arguments.out, card, log)
        log.unlink()
    return {"checkpoint": str(arguments.out), "steps": fitted.steps, **fitted.parts}


def train_to_locate(arguments: argparse.Namespace, recipe: LocateRecipe) -> dict[str, Any]:
    """A model that reads and writes learns to locate as well."""
    if arguments.parent is None:
        raise ModelError(f"{recipe.name} needs --parent: the model that is to locate as well.")
    if arguments.seconds:
        recipe = replace(recipe, loop=replace(recipe.loop, seconds=arguments.seconds))
    bundle, library = opened(arguments, arguments.parent)
    hands = fetched_hands(fonts_of(arguments), arguments.hands or bundle.recipe["hands"])
    bank = bank_of_hands(hands, bundle.vocabulary, cache(), arguments.real_characters)
    prompts = prompts_of(hands, others=bank.hand_names[len(hands) :])
    working = arguments.out.with_name(f".{arguments.out.name}.stages")
    working.mkdir(parents=True, exist_ok=True)
    bundle, fitted = learn_to_locate(
        bundle,
        bank,
        prompts,
        library,
        recipe,
        log=working / "curve.jsonl",
        kept=working / "locate.progress",
        device=device_of_process(),
    )
    history = [*bundle.recipe.get("history", []), arguments.parent.name]
    facts = {**bundle.recipe, "name": recipe.name, "history": history}
    card = (
        f"# UniCalli, which locates too\n\nParent: {arguments.parent.name}. Raw columns in "
        f"{len(bank.hand_names)} hands, {fitted.steps} steps in {fitted.seconds:.0f} s. "
        f"What learned: {', '.join(recipe.learning)}.\n"
    )
    if Team.gathered().is_first:
        save_bundle(replace(bundle, recipe=facts), arguments.out, card)
    return {"checkpoint": str(arguments.out), "steps": fitted.steps, "losses": fitted.parts}
