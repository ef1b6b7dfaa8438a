"""What the verbs do that ask whose hand it is, or write in it, and how that model is trained.

Holds: ``train_to_know_hands``, and ``attribute``, ``hands`` and ``imitate``: from parsed
arguments to a report.

Keeps out: the work itself (``training.families.scriptvit``), all other verbs
(``training.commands``, ``training.learning``).
"""

from __future__ import annotations

import argparse
import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from pipelines.errors import ModelError
from pipelines.hand_styles import Hand, SalientStroke
from pipelines.imaging.codec import decode_png
from pipelines.records import Column, Work
from pipelines.store import Store
from pipelines.tables import Tables
from training.families.scriptvit.attribution import (
    Attribution,
    AttributionParams,
    Enrolled,
    enrol,
    require_one_hand,
    spread,
    style_vectors,
)
from training.families.scriptvit.attribution import attribute as attributed
from training.families.scriptvit.conditioning import (
    Ink,
    Material,
    material_of_characters,
    material_of_words,
    reference_set,
)
from training.families.scriptvit.page_strokes import Standing, strokes_of_page
from training.families.scriptvit.pictures import (
    Pictured,
    box_in_picture,
    pictures_by_hand,
    references_of,
)
from training.families.scriptvit.recipe import ScriptViTRecipe
from training.families.scriptvit.saliency import salient_regions
from training.families.scriptvit.stages import train_scriptvit
from training.families.scriptvit.weights import Bundle, load_bundle, save_bundle
from training.families.scriptvit.works import hands_of_works
from training.families.scriptvit.writing import ScriptViTWriter
from training.hands import bank_of_hands, content_face, fetched_hands
from training.opening import begin, cache, fonts_of, require_gpu
from training.recipes.scriptvit import KNOWN_HANDS
from training.sheets import save_sheet
from training.slices import device_of_process
from training.vocabulary import Vocabulary, build_vocabulary

logger = logging.getLogger(__name__)

SHOWN_HANDS = 5
"""Enrolled hands that a report names."""


def train_to_know_hands(arguments: argparse.Namespace, recipe: ScriptViTRecipe) -> dict[str, Any]:
    """A ScriptViT from fonts, or from a file of words by writer."""
    if recipe.needs_gpu:
        require_gpu(recipe.name)
    if arguments.out.exists():
        raise ModelError(
            f"There is already something at {arguments.out}; a checkpoint is never overwritten. "
            f"Choose another folder or delete that one."
        )
    if arguments.seconds:
        recipe = _within(recipe, arguments.seconds)
    material = _material(arguments, recipe)
    working = arguments.out.with_name(f".{arguments.out.name}.stages")
    bundle = train_scriptvit(recipe, material, working, device_of_process())
    card = (
        f"# ScriptViT, trained by {recipe.name}\n\n"
        f"{len(material)} pictures of {len(material.texts)} texts in {len(material.hand_names)} "
        f"hands: {', '.join(material.hand_names)}. Every fifth text was kept from training and "
        f"gave the thresholds. Not judged yet: `python -m tests.benchmarks hands`.\n"
    )
    save_bundle(bundle, arguments.out, card)
    if (working / "curve.jsonl").is_file():  # a run of a few seconds logs nothing
        shutil.copy(working / "curve.jsonl", arguments.out / "curve.jsonl")
    return {"checkpoint": str(arguments.out), **bundle.recipe}


def attribute(arguments: argparse.Namespace) -> dict[str, Any]:
    """Whose hand each picture is, and all of them together; which strokes told."""
    begin(arguments)
    bundle = load_bundle(arguments.checkpoint)
    enrolled = _enrolled(arguments, bundle)
    shown = [references_of(path, is_of_words=bundle.is_of_words) for path in arguments.images]
    report: dict[str, Any] = {
        "checkpoint": str(arguments.checkpoint),
        "model_fingerprint": bundle.fingerprint,
        "images": [{"file": one.file} | _told([one], bundle, enrolled) for one in shown],
    }
    if len(shown) > 1:
        report["together"] = _told(shown, bundle, enrolled)
    return report


def hands(arguments: argparse.Namespace) -> dict[str, Any]:
    """A style vector for each work of a batch and what it is like, and the strokes that told it.

    Writes the tables ``salient_strokes`` and, last, ``hands``.
    """
    begin(arguments)
    bundle = load_bundle(arguments.checkpoint)
    if bundle.is_of_words:
        raise ModelError(
            f"{arguments.checkpoint} knows words of letters, and columns hold characters. Use a "
            f"model of characters, such as scriptvit.tiny."
        )
    tables, store = Tables(arguments.tables), Store(arguments.store)
    works: dict[str, tuple[Work, list[Ink]]] = {}
    pages: dict[str, list[Standing]] = {}
    for column in tables.read("columns", arguments.batch, Column):
        _, inks = works.setdefault(column.work.work_id, (column.work, []))
        standing = _characters(column, store) if column.characters else []
        inks += [character.ink for character in standing]
        pages.setdefault(column.page_id, []).extend(standing)
    found, rejected = hands_of_works(
        works, bundle, tables.read_all("hands", Hand), code_version=arguments.code_version
    )
    strokes = [
        stroke
        for page_id, standing in pages.items()
        for stroke in strokes_of_page(
            page_id, standing, bundle, code_version=arguments.code_version
        )
    ]
    tables.write(
        "salient_strokes", arguments.batch, SalientStroke, strokes, inputs=arguments.inputs
    )
    tables.write("hands", arguments.batch, Hand, found, rejected, inputs=arguments.inputs)
    return {
        "batch": arguments.batch,
        "works": len(works),
        "accepted": len(found),
        "rejected": len(rejected),
        "of_no_known_hand": sum(hand.is_rejected for hand in found),
        "of_several_hands": sum(not hand.is_one_hand for hand in found),
        "salient_strokes": len(strokes),
        "model_fingerprint": bundle.fingerprint,
    }


def imitate(arguments: argparse.Namespace) -> dict[str, Any]:
    """Columns, or words below one another, in the hand of reference pictures: PNG or SVG.

    They are read back by the family itself, but for characters that its recogniser never learned.
    """
    begin(arguments)
    bundle = load_bundle(arguments.checkpoint)
    shown = [references_of(path, is_of_words=bundle.is_of_words) for path in arguments.references]
    inks, named = _joined(shown)
    references = reference_set(inks, bundle.dims)
    apart = spread(bundle.encoder, references)
    if arguments.one_hand:
        require_one_hand(bundle.encoder, references, bundle.enrolled, named)
    elif apart > bundle.enrolled.spread_limit:
        logger.warning("The references look like several hands; what is written mixes them.")
    face = content_face(fonts_of(arguments), bundle.recipe["content_font"])
    writer = ScriptViTWriter(bundle, face, references)
    words = arguments.text.split()
    lines: list[Sequence[str]] = [words] if bundle.is_of_words else list(words)
    columns = [writer.write_column(line) for line in lines]
    known = set(bundle.letters.characters)
    wrong = [
        text
        for column, line in zip(columns, lines, strict=True)
        for text, said in zip(line, writer.read_back(_cells(column.ink, len(line))), strict=True)
        if text != said and set(text) <= known
    ]
    said = {
        "text": arguments.text,
        "is_synthetic": "true",
        "model": f"{bundle.recipe['name']} {bundle.fingerprint}",
        "references": str(len(references)),
    }
    save_sheet(arguments.out, columns, said)
    return {
        "file": str(arguments.out),
        "characters": sum(map(len, words)),
        "read_back_otherwise": wrong,
        "not_read_back": sorted({letter for word in words for letter in word} - known),
        "references": len(references),
        "spread": round(apart, 4),
        "looks_like_one_hand": apart <= bundle.enrolled.spread_limit,
        "is_synthetic": True,
    }


def _within(recipe: ScriptViTRecipe, seconds: float) -> ScriptViTRecipe:
    """The stages share the seconds as those of the recipe do."""
    shaping, writing = recipe.shaping, recipe.writing
    stages = (recipe.hands, recipe.readers, shaping, writing)
    share = seconds / sum(stage.seconds for stage in stages if stage is not None)
    return replace(
        recipe,
        hands=replace(recipe.hands, seconds=share * recipe.hands.seconds),
        readers=replace(recipe.readers, seconds=share * recipe.readers.seconds),
        shaping=shaping and replace(shaping, seconds=share * shaping.seconds),
        writing=writing and replace(writing, seconds=share * writing.seconds),
    )


def _material(arguments: argparse.Namespace, recipe: ScriptViTRecipe) -> Material:
    fonts = fonts_of(arguments)
    face = content_face(fonts, recipe.content_font)
    if recipe.is_of_words:
        if arguments.words is None:
            raise ModelError(
                f"{recipe.name} learns from words: give --words FILE, a Parquet file with the "
                f"columns image, text and writer."
            )
        words = material_of_words(arguments.words, face, recipe.dims, recipe.most_letters)
        return words.of_hands(words.hand_names[: -recipe.apart])
    vocabulary = (
        Vocabulary.load(arguments.vocabulary)
        if arguments.vocabulary
        else build_vocabulary([], recipe.vocabulary_size)
    )
    found = fetched_hands(fonts, arguments.hands or KNOWN_HANDS)
    bank = bank_of_hands(found, vocabulary, cache())
    return material_of_characters(bank, vocabulary, face, recipe.dims)


def _enrolled(arguments: argparse.Namespace, bundle: Bundle) -> Enrolled:
    """The hands of the checkpoint, or those of the user with the checkpoint's thresholds."""
    if arguments.enrolled is None:
        return bundle.enrolled
    given = pictures_by_hand(arguments.enrolled, is_of_words=bundle.is_of_words)
    pictures = {
        name: np.concatenate([reference_set([ink], bundle.dims) for ink in inks])
        for name, inks in given.items()
    }
    own = enrol(bundle.encoder, pictures, AttributionParams())
    return replace(
        own, thresholds=bundle.enrolled.thresholds, spread_limit=bundle.enrolled.spread_limit
    )


def _joined(shown: Sequence[Pictured]) -> tuple[list[Ink], list[str]]:
    """All references of some files, with a name each."""
    inks = [ink for one in shown for ink in one.inks]
    named = [
        one.file if len(one.inks) == 1 else f"character {place} of {one.file}"
        for one in shown
        for place in range(1, len(one.inks) + 1)
    ]
    return inks, named


def _told(shown: Sequence[Pictured], bundle: Bundle, enrolled: Enrolled) -> dict[str, Any]:
    inks, _ = _joined(shown)
    places = [(one, place) for one in shown for place in range(len(one.inks))]
    if len(inks) > bundle.dims.max_references:
        # Evenly along the column: its beginning says no more than its end.
        taken = np.linspace(0, len(inks) - 1, bundle.dims.max_references).round().astype(int)
        inks, places = [inks[k] for k in taken], [places[k] for k in taken]
    references = reference_set(inks, bundle.dims)
    (vector,) = style_vectors(bundle.encoder, references[None])
    said: Attribution = attributed(vector, len(references), enrolled)
    apart = spread(bundle.encoder, references)
    return {
        "hand": said.hand,
        "is_rejected": said.is_rejected,
        "nearest": [[name, round(far, 4)] for name, far in said.nearest[:SHOWN_HANDS]],
        "threshold": round(said.threshold, 4),
        "references": len(references),
        "spread": round(apart, 4),
        "looks_like_one_hand": apart <= enrolled.spread_limit,
        "salient": _salient(references, inks, places, bundle),
    }


@torch.inference_mode()
def _salient(
    references: Ink, inks: Sequence[Ink], places: Sequence[tuple[Pictured, int]], bundle: Bundle
) -> list[dict[str, Any]]:
    """Strokes that counted most, as boxes in pixels of their files."""
    memory = bundle.encoder(torch.from_numpy(references)[None, :, None].float() / 255)
    regions = []
    for region in salient_regions(memory.weights[0].numpy(), references, bundle.dims):
        pictured, place = places[region.reference]
        box = box_in_picture(region.box, inks[region.reference], pictured.boxes[place], bundle.dims)
        edges = [box.left, box.top, box.right, box.bottom]
        regions.append({"file": pictured.file, "box": edges, "weight": round(region.weight, 4)})
    return regions


def _characters(column: Column, store: Store) -> list[Standing]:
    """The characters of a column with their ink; one that lies outside has a blank pixel."""
    ink = decode_png(store.get(column.ink_key))
    found = []
    for character in column.characters:
        box = character.box.moved(-column.box.left, -column.box.top)
        inside = box.clipped(ink.shape[1], ink.shape[0])
        cut = (
            np.zeros((1, 1), np.uint8)
            if inside is None
            else ink[inside.top : inside.bottom, inside.left : inside.right]
        )
        place = (inside or box).moved(column.box.left, column.box.top)
        found.append(
            Standing(column_id=column.column_id, work_id=column.work.work_id, box=place, ink=cut)
        )
    return found


def _cells(ink: Ink, count: int) -> Ink:
    return np.stack(np.split(ink, count))
