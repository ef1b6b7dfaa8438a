"""What the verbs do for scripts other than the reader's own: learn one, and name single signs.

Holds: ``train_ancient`` behind ``train --recipe unicalli.oracle_bone`` or ``unicalli.hieroglyphs``,
``identify``, and the signs of English words for ``write --english``.

Keeps out: the work itself (``training.ancient``, the families), all other verbs
(``training.learning``, ``training.commands``).
"""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.drawings import drawing_ink, read_drawings
from pipelines.errors import ModelError, UnreadableImage
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.gardiner import code_of
from pipelines.imaging.codec import decode_pages
from pipelines.lexicon import load_lexicon
from pipelines.records import Rejection, Script
from pipelines.windows import fit_cell
from training.ancient import (
    AncientMaterial,
    alone,
    as_table,
    judge,
    material_of_drawings,
    material_of_fonts,
)
from training.families.unicalli.ancient_scripts import learn_script
from training.families.unicalli.reading import ReadingParams, UniCalliReader
from training.families.unicalli.recipe import AncientRecipe
from training.families.unicalli.weights import Bundle, load_bundle, save_bundle
from training.glyph_bank import BANK_CELL_PX
from training.hands import content_face, fetched_hands, script_prompt
from training.nearest_glyph import NearestGlyphReader
from training.opening import begin, fonts_of, opened
from training.roles import Recogniser

logger = logging.getLogger(__name__)

BY_LOOK = ReadingParams(context_weight=0)
LEARNED_ALONE = (Script.ORACLE_BONE, Script.HIEROGLYPHS)
"""Scripts that no model writes beside others."""


def train_ancient(arguments: argparse.Namespace, recipe: AncientRecipe) -> dict[str, Any]:
    """A model of another script, judged on what was held out of it."""
    if arguments.parent is None:
        raise ModelError(
            f"{recipe.name} needs --parent, a checkpoint whose eye and brush it starts from, such "
            f"as training/families/unicalli/checkpoints/tiny."
        )
    if arguments.out.exists():
        raise ModelError(
            f"There is already something at {arguments.out}; a checkpoint is never overwritten. "
            f"Choose another folder or delete that one."
        )
    if arguments.seconds:
        half = {"seconds": arguments.seconds / 2}
        recipe = replace(
            recipe, eye=replace(recipe.eye, **half), brush=replace(recipe.brush, **half)
        )
    parent = load_bundle(arguments.parent)
    face = content_face(fonts_of(arguments), recipe.content_font)
    material, refused = _material(arguments, recipe, face)
    log = arguments.out.with_name(f".{arguments.out.name}.curve.jsonl")
    log.parent.mkdir(parents=True, exist_ok=True)
    bundle, library = learn_script(
        parent, material, recipe, face, script_prompt(recipe.script), log
    )
    bundle = replace(bundle, recipe={**bundle.recipe, "parent": arguments.parent.name})
    learned = zip(material.read.pictures, material.read.classes, strict=True)
    readers: dict[str, Recogniser] = {
        "UniCalli": UniCalliReader(bundle, library, BY_LOOK),
        "nearest standard glyph": NearestGlyphReader(material.vocabulary, face),
        "nearest learned picture": NearestGlyphReader.of_drawings(
            (picture, material.vocabulary.characters[place]) for picture, place in learned
        ),
    }
    judged = judge(material, readers)
    save_bundle(bundle, arguments.out, _card(bundle, material, refused, as_table(judged)))
    if log.is_file():  # a run of a few seconds logs nothing
        log.replace(arguments.out / "curve.jsonl")
    return {
        "checkpoint": str(arguments.out),
        "classes": len(material.vocabulary),
        "pictures": len(material.read),
        "refused": Counter(rejection.reason for rejection in refused),
        "without_reference": "".join(material.unreferenced),
        "steps": [bundle.recipe["eye_steps"], bundle.recipe["brush_steps"]],
        "figures": {
            f"{row.part}: {row.reader}": [round(row.first.value, 4), round(row.among_five.value, 4)]
            for row in judged
        },
    }


def identify(arguments: argparse.Namespace) -> dict[str, Any]:
    """The likeliest names of single characters or signs, beside the most similar glyphs."""
    begin(arguments)
    bundle, library = opened(arguments, arguments.checkpoint)
    face = content_face(fonts_of(arguments), bundle.recipe["content_font"])
    inks = [_ink_of(path) for path in arguments.pictures]
    columns = [alone(ink) for ink in inks]
    params = replace(BY_LOOK, candidates=arguments.top, looked_at=max(20, 2 * arguments.top))
    readers: dict[str, Recogniser] = {
        "candidates": UniCalliReader(bundle, library, params),
        "nearest_glyphs": NearestGlyphReader(bundle.vocabulary, face),
    }
    named = {name: reader.read_columns(columns) for name, reader in readers.items()}
    return {
        "pictures": [
            {"file": str(path)}
            | {
                name: [
                    [character, round(score, 4), code_of(character)]
                    for character, score in found[place][0].candidates[: arguments.top]
                ]
                for name, found in named.items()
            }
            for place, path in enumerate(arguments.pictures)
        ]
    }


def in_hieroglyphs(
    text: str, bundle: Bundle, lexicon: Path | None
) -> tuple[list[str], list[dict[str, str]]]:
    """Columns of signs for English words, and how each word came to its sign.

    Raises:
        ModelError: If the model writes something else than hieroglyphs.
        MaterialError: If the lexicon lacks a word or cannot be read.
    """
    script = bundle.recipe.get("script", "Chinese characters")
    if script != Script.HIEROGLYPHS.value:
        raise ModelError(
            f"English words are written in hieroglyphs, and this model writes {script}. Train one "
            f"with `python -m training train --recipe unicalli.hieroglyphs` and name its folder "
            f"with --checkpoint."
        )
    columns = load_lexicon(lexicon).columns(text)
    steps = [
        {"english": e.english, "chinese": e.chinese, "code": e.code, "sign": e.sign}
        for column in columns
        for e in column
    ]
    return ["".join(entry.sign for entry in column) for column in columns], steps


def script_of(bundle: Bundle, asked: Script) -> Script:
    """The script a model writes: its own if it learned a single one, else what is asked for.

    Raises:
        ModelError: If one of those is asked of a model that never learned it.
    """
    own = Script(bundle.recipe.get("script", asked.value))
    if asked in LEARNED_ALONE and bundle.recipe.get("script") != asked.value:
        raise ModelError(
            f"{bundle.recipe['name']} has not learned {asked.value}. Train a model of it with "
            f"`python -m training train --recipe unicalli.{asked.value}` and name its folder with "
            f"--checkpoint."
        )
    return own


def _material(
    arguments: argparse.Namespace, recipe: AncientRecipe, face: FontFace
) -> tuple[AncientMaterial, list[Rejection]]:
    name = recipe.script.value
    if recipe.script is not Script.HIEROGLYPHS:
        if arguments.real_characters is None:
            raise ModelError(
                f"{recipe.name} learns from drawings: give --real-characters FILE, a Parquet file "
                f"with the columns image and character."
            )
        drawings, refused = read_drawings(arguments.real_characters, recipe.script)
        for rejection in refused:
            logger.info(rejection.detail)
        return material_of_drawings(drawings, face, name), refused
    others = fetched_hands(fonts_of(arguments), [recipe.written_font, *recipe.judged_fonts])
    faces = {font_id: FontFace(font.files) for font_id, font in others.items()}
    written = faces.get(recipe.written_font, face)
    judged = {font_id: faces[font_id] for font_id in recipe.judged_fonts if font_id in faces}
    return material_of_fonts(face, written, judged, name, recipe.seed), []


def _card(bundle: Bundle, material: AncientMaterial, refused: list[Rejection], figures: str) -> str:
    said = bundle.recipe
    missing = "".join(material.unreferenced)
    reasons = Counter(rejection.reason for rejection in refused)
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return (
        f"# UniCalli for another script: {said['script']}\n\n"
        f"Parent: {said['parent']}. {len(material.vocabulary)} classes; the eye learned from "
        f"{len(material.read)} pictures in {said['eye_steps']} steps, the brush from "
        f"{len(material.written)} in {said['brush_steps']}, {said['train_seconds']} s in all. "
        f"Single signs only: a column is as many of them below one another. Rows refused: "
        f"{counts or 'none'}. Left out, since the font {said['content_font']} lacks them: "
        f"{missing or 'none'}.\n\n"
        f"*Held out, named right at first and among five, with 95 % intervals over classes*\n\n"
        f"{figures}\n"
    )


def _ink_of(path: Path) -> npt.NDArray[np.uint8]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableImage(
            f"{path} cannot be read ({error.strerror}). Give a picture of one character.",
            reason="unreadable",
        ) from error
    return fit_cell(drawing_ink(next(decode_pages(data, path.name)), str(path)), BANK_CELL_PX)
