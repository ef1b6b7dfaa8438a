"""What the verbs do with single characters: learn to write them, learn a new hand, write.

Holds: ``train_single_characters`` behind ``train --recipe calliffusion.*``, ``adapt``, and
``write_characters`` behind ``write`` with a checkpoint of Calliffusion.

Keeps out: the work itself (``training.families.calliffusion``), all other verbs
(``training.learning``, ``training.commands``).
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.drawings import drawing_ink
from pipelines.errors import ModelError, UnreadableImage
from pipelines.glyphs.fonts import FontFace
from pipelines.imaging.codec import decode_pages
from pipelines.records import Script
from training.adapted_strength import trials_of, with_strength
from training.families.calliffusion.adapting import learn_hand, require_learnable
from training.families.calliffusion.bert import BertPrompts, chinese_prompts
from training.families.calliffusion.conditioning import Prompts, WordPrompts
from training.families.calliffusion.learning import learn_from_nothing
from training.families.calliffusion.material import material_of_hands, standard_skeletons
from training.families.calliffusion.recipe import AdaptRecipe, CalliffusionRecipe
from training.families.calliffusion.sampling import SamplingParams
from training.families.calliffusion.weights import (
    Bundle,
    load_adapter,
    load_bundle,
    save_adapter,
    save_bundle,
    with_adapter,
)
from training.families.calliffusion.writing import CalliffusionWriter, WritingParams
from training.families.scriptvit.weights import load_bundle as load_knowing
from training.families.unicalli.reading import ReadingParams, UniCalliReader
from training.gate import Checked, written_right
from training.hands import content_face, fetched_hands, prompts_of, script_prompt
from training.likest_hand import KNOWING, likest_hand
from training.opening import ROOT, begin, drawing_of, fonts_of, opened, require_gpu
from training.sheets import save_sheet
from training.slices import Team, device_of_process
from training.vocabulary import Vocabulary, build_vocabulary

logger = logging.getLogger(__name__)

Ink = npt.NDArray[np.uint8]

READER = ROOT / "training" / "families" / "unicalli" / "checkpoints" / "tiny"
"""Reads back what was written."""


def train_single_characters(
    arguments: argparse.Namespace, recipe: CalliffusionRecipe
) -> dict[str, Any]:
    """A model of many hands, from nothing."""
    if recipe.needs_gpu:
        require_gpu(recipe.name)
    if arguments.out.exists():
        raise ModelError(
            f"There is already something at {arguments.out}; a checkpoint is never overwritten. "
            f"Choose another folder or delete that one."
        )
    if arguments.seconds:
        recipe = replace(recipe, loop=replace(recipe.loop, seconds=arguments.seconds))
    fonts = fonts_of(arguments)
    hands = fetched_hands(fonts, arguments.hands or recipe.hands)
    prompts_in: Prompts = WordPrompts(recipe.dims)
    prompts = prompts_of(hands)
    if arguments.bert is not None:
        bert = BertPrompts.opened(arguments.bert)
        recipe = replace(recipe, dims=replace(recipe.dims, bert_width=bert.width))
        prompts_in, prompts = bert, chinese_prompts(hands)
    parent = _parent(arguments, recipe)
    characters = parent.characters if parent else _characters(arguments, recipe.dims.characters)
    face = content_face(fonts, recipe.content_font)
    faces = {name: FontFace(font.files) for name, font in hands.items()}
    side = recipe.dims.cell_px
    material = material_of_hands(faces, prompts, characters, face, side)
    logger.info("%d characters of %d hands", len(material), len(hands))
    working = arguments.out.with_name(f".{arguments.out.name}.stages")
    working.mkdir(parents=True, exist_ok=True)
    learned = learn_from_nothing(
        recipe,
        material,
        standard_skeletons(characters, face, side),
        prompts_in,
        log=working / "curve.jsonl",
        kept=working / "progress.safetensors",
        device=device_of_process(),
        parent=parent.model if parent else None,
    )
    fitted = learned.fitted
    facts: dict[str, Any] = {
        "name": recipe.name,
        "content_font": recipe.content_font,
        "hands": prompts,
        "steps": fitted.steps,
        "train_seconds": round(fitted.seconds),
    }
    if parent is not None:
        facts["went_on_from"] = {
            key: parent.recipe[key] for key in ("name", "steps", "train_seconds")
        } | {"fingerprint": parent.fingerprint}
    if isinstance(prompts_in, BertPrompts):
        facts["bert_fingerprint"] = prompts_in.fingerprint
    bundle = Bundle(model=learned.model, characters=characters, prompts=prompts_in, recipe=facts)
    if Team.gathered().is_first:
        save_bundle(bundle, arguments.out, _card(bundle, recipe, len(material)))
        if (working / "curve.jsonl").is_file():  # a run of a few seconds logs nothing
            (working / "curve.jsonl").replace(arguments.out / "curve.jsonl")
    return {"checkpoint": str(arguments.out), "steps": fitted.steps, "losses": fitted.parts}


def adapt(arguments: argparse.Namespace) -> dict[str, Any]:
    """A hand from a few pictures, kept in a folder of its own beside a base."""
    begin(arguments)
    if arguments.out.exists():
        raise ModelError(
            f"There is already something at {arguments.out}; a hand is never overwritten. Choose "
            f"another folder or delete that one."
        )
    bundle, face = _opened(arguments)
    recipe = AdaptRecipe()
    if arguments.steps:
        recipe = replace(recipe, loop=replace(recipe.loop, steps=arguments.steps))
    pictures = [(_character_of(path), _ink_of(path)) for path in arguments.pictures]
    reader = UniCalliReader(*opened(arguments, READER), ReadingParams(context_weight=0))
    require_learnable(bundle, arguments.hand, pictures)
    knowing = load_knowing(KNOWING)
    near, far = likest_hand(bundle, knowing, pictures, face)
    logger.info("likest known hand: %s (%.2f away)", near or "none", far)
    adapter = learn_hand(
        bundle, arguments.hand, pictures, face, recipe, base=arguments.checkpoint.name, near=near
    )
    adapter = with_strength(
        adapter, trials_of(bundle, adapter, knowing, reader, pictures, face, recipe.seed)
    )
    script = Script(arguments.script).value
    save_adapter(replace(adapter, facts={**adapter.facts, "script": script}), arguments.out)
    return {"adapter": str(arguments.out), "hand": adapter.hand, **adapter.facts}


def write_characters(arguments: argparse.Namespace) -> dict[str, Any]:
    """Columns of single characters as PNG or SVG, marked as synthetic within the file."""
    lines = arguments.text.split()
    if not lines:
        raise ModelError("There is nothing to write: the text is empty. Give characters.")
    bundle, face = _opened(arguments)
    hand = arguments.hand
    if arguments.adapter is not None:
        adapter = load_adapter(arguments.adapter)
        strength = arguments.strength
        if strength is None:  # as it was found best when it was learned
            strength = float(adapter.facts.get("strength", 1.0))
        bundle = with_adapter(bundle, adapter, strength)
        hand = hand or adapter.hand
    mix = {bundle.prompt_of(name): weight for name, weight in map(_weighed, arguments.mix or ())}
    pictures = [_ink_of(path) for path in arguments.skeleton or ()] or None
    sampling = replace(SamplingParams(), **drawing_of(arguments))
    writer = CalliffusionWriter(
        bundle,
        face,
        WritingParams(mode=arguments.mode, sampling=sampling),
        pictures=pictures,
        mix=mix,
    )
    reader_bundle, library = opened(arguments, arguments.reader or READER)
    reader = UniCalliReader(reader_bundle, library, ReadingParams(context_weight=0))
    prompt = bundle.prompt_of(hand) if hand else script_prompt(Script(arguments.script))
    checked, unread = [], []
    for place, line in enumerate(lines):
        seed = arguments.seed + 1000 * place  # seeds of one column's tries must not meet the next's
        if all(reader_bundle.vocabulary.id_of(character) is not None for character in line):
            checked.append(
                written_right(writer, reader, line, prompt, seed=seed, tries=arguments.tries)
            )
        else:
            unread.append(line)
            column = writer.write_column(line, prompt, seed)
            checked.append(Checked(column=column, wrong=(), tries=0))
    wrong = "".join(c.column.text[place] for c in checked for place in c.wrong)
    said = {
        "Title": "　".join(lines),
        "Description": "Synthetic calligraphy, written by a model; no historical work.",
        "Software": f"Beitie, Calliffusion {arguments.checkpoint.name}",
        "Prompt": " + ".join([prompt, *mix]),
        "Seed": str(arguments.seed),
        "Read back otherwise": wrong or "none",
        "Not read back": " ".join(unread) or "none",
    }
    columns = [c.column for c in checked]
    save_sheet(arguments.out, columns, said)
    return {
        "file": str(arguments.out),
        "characters": sum(map(len, lines)),
        "read_back_otherwise": wrong,
        "not_read_back": unread,
        "is_synthetic": True,
    }


def _opened(arguments: argparse.Namespace) -> tuple[Bundle, FontFace]:
    """The base and its standard font."""
    bert = arguments.bert

    def told(_: object, recipe: Mapping[str, Any]) -> Prompts:
        prompts = BertPrompts.opened(bert)
        prompts.require(recipe.get("bert_fingerprint", ""))
        return prompts

    bundle = load_bundle(arguments.checkpoint, told if bert is not None else None)
    return bundle, content_face(fonts_of(arguments), bundle.recipe["content_font"])


def _parent(arguments: argparse.Namespace, recipe: CalliffusionRecipe) -> Bundle | None:
    """The finished model that goes on learning, if one is named."""
    if arguments.parent is None:
        return None
    parent = load_bundle(arguments.parent)
    if parent.dims != recipe.dims:
        raise ModelError(
            f"{arguments.parent} has other dimensions than {recipe.name} and cannot go on with it. "
            f"Name the recipe it was trained by ({parent.recipe['name']}), or leave --parent out."
        )
    return parent


def _characters(arguments: argparse.Namespace, count: int) -> tuple[str, ...]:
    if arguments.vocabulary is not None:
        return Vocabulary.load(arguments.vocabulary).characters[:count]
    return build_vocabulary([], count).characters


def _weighed(said: str) -> tuple[str, float]:
    """``HAND=WEIGHT`` as both."""
    name, _, weight = said.rpartition("=")
    try:
        return name, float(weight)
    except ValueError as error:
        raise ModelError(
            f"--mix {said} names no weight. Write HAND=WEIGHT with a weight from 0 to 1, such as "
            f"yuji-boku=0.5."
        ) from error


def _character_of(path: Path) -> str:
    """The character that a file is named after: 永 of ``永.png`` and of ``永-2.png``."""
    character = path.stem.partition("-")[0]
    if len(character) != 1:
        raise ModelError(
            f"{path.name} does not say which character it shows. Name each file after its "
            f"character, such as 永.png or 永-2.png."
        )
    return character


def _ink_of(path: Path) -> Ink:
    """The ink of a picture of one character, whatever its polarity."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableImage(
            f"{path} cannot be read ({error.strerror}). Give a picture of one character.",
            reason="unreadable",
        ) from error
    return drawing_ink(next(decode_pages(data, path.name)), str(path))


def _card(bundle: Bundle, recipe: CalliffusionRecipe, count: int) -> str:
    said = bundle.recipe
    return (
        f"# Calliffusion, trained by {recipe.name}\n\n"
        f"{count} characters of {len(said['hands'])} hands ({', '.join(said['hands'])}), "
        f"{len(bundle.characters)} in the index table; {said['steps']} steps of "
        f"{recipe.characters_at_once} characters in both modes, {said['train_seconds']} s. How "
        f"good it is has not been measured: run python -m tests.benchmarks characters.\n"
    )
