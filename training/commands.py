"""What each verb of ``python -m training`` does.

Holds: one function a verb, from parsed arguments to a report. It opens tables, fonts and
checkpoints, and calls what does the work.

Keeps out: the work itself.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import torch

from pipelines.errors import ModelError
from pipelines.imaging.codec import encode_png
from pipelines.records import Evaluation, Reader, Sample, Script, Split
from pipelines.store import Store
from pipelines.tables import Tables
from pipelines.texts import exclude_shared, load_texts
from training.context import pairs_of_texts
from training.detector.checkpoint import make_checkpoint
from training.detector.orientation import OrientationRecipe, save_orienter, train_orienter
from training.detector.recipe import CONNECTS, DetectorRecipe
from training.evaluation import evaluate_samples
from training.families.unicalli.fine_tuning import fine_tune
from training.families.unicalli.from_nothing import train_from_nothing
from training.families.unicalli.library import ReferenceLibrary, cached_library
from training.families.unicalli.reading import ReadingParams, UniCalliReader
from training.families.unicalli.recipe import PretrainRecipe
from training.families.unicalli.weights import Bundle, load_bundle, save_bundle
from training.families.unicalli.writing import WritingParams, write_column
from training.hands import bank_of_hands, content_face, fetched_hands, prompts_of, writing_prompt
from training.nearest_glyph import NearestGlyphReader
from training.readings import read_batch
from training.recipes import detector as detector_recipes
from training.recipes import unicalli as recipes
from training.roles import Recogniser
from training.samples import labelled_inks
from training.second_reader import RapidOcrReader
from training.vocabulary import Vocabulary, build_vocabulary

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[1]
DETECTORS = {"detector.tiny": detector_recipes.tiny, "detector.debug": detector_recipes.debug}
ORIENTERS = {
    "orientation.tiny": detector_recipes.orientation,
    "orientation.debug": detector_recipes.orientation_debug,
}
SHARED_RUN = 6
"""Characters in a row that a held-out text may not share with what is learned."""
HELD_OUT = frozenset({Split.VALIDATION, Split.TEST})


def _home() -> Path:
    return Path(os.environ.get("BEITIE_HOME") or ROOT / ".beitie").resolve()


def _fonts(arguments: argparse.Namespace) -> Path:
    folder: Path = arguments.fonts or _home() / "fonts"
    return folder


def _cache() -> Path:
    return _home() / "cache"


def _begin(arguments: argparse.Namespace) -> None:
    if arguments.threads:
        torch.set_num_threads(arguments.threads)


def _open(arguments: argparse.Namespace, folder: Path) -> tuple[Bundle, ReferenceLibrary]:
    bundle = load_bundle(folder)
    face = content_face(_fonts(arguments), bundle.recipe["content_font"])
    library = cached_library(
        bundle.vocabulary, face, bundle.autoencoder, bundle.dims.cell_px, _cache()
    )
    return bundle, library


def _reading(arguments: argparse.Namespace) -> ReadingParams:
    weight = arguments.context_weight
    return ReadingParams() if weight is None else ReadingParams(context_weight=weight)


def read(arguments: argparse.Namespace) -> dict[str, Any]:
    """Columns of a batch to ``readings`` or ``second_readings``."""
    _begin(arguments)
    recogniser: Recogniser
    if arguments.reader is Reader.RAPIDOCR:
        recogniser, release = RapidOcrReader(arguments.threads), "rapidocr"
    elif arguments.reader is Reader.UNICALLI:
        if arguments.checkpoint is None:
            raise ModelError("Reading with UniCalli needs --checkpoint FOLDER; none was given.")
        opened = _open(arguments, arguments.checkpoint)
        recogniser = UniCalliReader(*opened, _reading(arguments))
        release = arguments.checkpoint.name
    else:
        raise ModelError(
            f"The reader {arguments.reader.value} is a baseline for `evaluate` and writes no "
            f"readings. Use unicalli or rapidocr."
        )
    report = read_batch(
        Tables(arguments.tables),
        Store(arguments.store),
        arguments.batch,
        arguments.reader,
        recogniser,
        arguments.release_id or release,
        lambda columns: logger.info("read %d columns", columns),
    )
    return asdict(report)


def train(arguments: argparse.Namespace) -> dict[str, Any]:
    """The next model: from approved samples or from nothing."""
    _begin(arguments)
    if arguments.recipe == "unicalli.fine_tune":
        return _train_on_samples(arguments)
    if arguments.recipe in DETECTORS:
        return _train_detector(arguments, DETECTORS[arguments.recipe]())
    if arguments.recipe in ORIENTERS:
        return _train_orienter(arguments, ORIENTERS[arguments.recipe]())
    makers = {"unicalli.tiny": recipes.tiny, "unicalli.debug": recipes.debug}
    if arguments.recipe not in makers:
        raise ModelError(
            f"There is no recipe {arguments.recipe!r}. Known recipes: "
            f"{', '.join(['unicalli.fine_tune', *makers, *DETECTORS, *ORIENTERS])}."
        )
    return _train_from_nothing(arguments, makers[arguments.recipe]())


def _train_detector(arguments: argparse.Namespace, recipe: DetectorRecipe) -> dict[str, Any]:
    if arguments.seconds:
        recipe = replace(recipe, loop=replace(recipe.loop, seconds=arguments.seconds))
    is_mixed = arguments.tables is not None and arguments.store is not None
    return make_checkpoint(
        recipe,
        arguments.out,
        _fonts(arguments),
        arguments.real_characters,
        Tables(arguments.tables).read_all("samples", Sample) if is_mixed else (),
        Store(arguments.store) if is_mixed else None,
        text_folder=arguments.texts,
        codh_wheel=arguments.codh,
        parent=arguments.parent,
    )


def _train_orienter(arguments: argparse.Namespace, recipe: OrientationRecipe) -> dict[str, Any]:
    fonts = _fonts(arguments)
    if arguments.seconds:
        recipe = replace(recipe, loop=replace(recipe.loop, seconds=arguments.seconds))
    vocabulary = build_vocabulary([], recipe.vocabulary_size)
    hands = fetched_hands(fonts, list(CONNECTS))
    bank = bank_of_hands(hands, vocabulary, _cache(), arguments.real_characters)
    judged = fetched_hands(fonts, recipe.held_out)
    # Without the fonts it is judged in, the curve shows at least that it learns.
    held_out = bank_of_hands(judged, vocabulary, _cache()) if judged else bank
    log = arguments.out.with_name(f".{arguments.out.name}.curve.jsonl")
    log.parent.mkdir(parents=True, exist_ok=True)
    model, fitted = train_orienter(recipe, bank, held_out, log)
    card = (
        f"# An eye for orientation, trained by {recipe.name}\n\n"
        f"{len(bank)} characters in {len(bank.hand_names)} hands: {', '.join(bank.hand_names)}. "
        f"{fitted.steps} steps in {fitted.seconds:.0f} s. Single aged characters of "
        f"{', '.join(judged) or 'the same hands'} laid right: {fitted.parts['accuracy']:.1%}.\n"
    )
    save_orienter(model, arguments.out, card, log)
    log.unlink()
    return {"checkpoint": str(arguments.out), "steps": fitted.steps, **fitted.parts}


def _train_on_samples(arguments: argparse.Namespace) -> dict[str, Any]:
    missing = [n for n in ("tables", "store", "parent") if getattr(arguments, n) is None]
    if missing:
        raise ModelError(
            f"unicalli.fine_tune needs {', '.join('--' + name for name in missing)} as well."
        )
    recipe = recipes.fine_tune()
    if arguments.seconds:
        recipe = replace(recipe, loop=replace(recipe.loop, seconds=arguments.seconds))
    bundle, library = _open(arguments, arguments.parent)
    stored = Tables(arguments.tables).read_all("samples", Sample)
    samples = [sample for sample in stored if sample.split is Split.TRAIN]
    columns, unknown = labelled_inks(samples, Store(arguments.store), bundle.vocabulary)
    if not columns:
        raise ModelError(
            f"There is nothing to train on: {len(stored)} samples, none of a work of the train "
            f"split. Approve columns first."
        )
    hands = fetched_hands(_fonts(arguments), bundle.recipe["hands"])
    replay = bank_of_hands(hands, bundle.vocabulary, _cache()) if hands else None
    logger.info("%d columns to learn, %d hands to keep", len(columns), len(hands))
    fitted = fine_tune(
        bundle, columns, library, recipe, replay=replay, prompts=prompts_of(hands), log=None
    )
    history = [*bundle.recipe.get("history", []), arguments.parent.name]
    facts = {**bundle.recipe, "name": recipe.name, "history": history}
    characters = sum(len(column.classes) for column in columns)
    card = (
        f"# UniCalli, learned further from approved columns\n\n"
        f"Parent: {arguments.parent.name}. Learned from {len(columns)} approved columns with "
        f"{characters} characters, replaying {len(hands)} hands, in {fitted.steps} steps and "
        f"{fitted.seconds:.0f} s. Characters it has no name for: {sum(unknown.values())}.\n"
    )
    save_bundle(replace(bundle, recipe=facts), arguments.out, card)
    return {
        "checkpoint": str(arguments.out),
        "samples": len(columns),
        "characters": characters,
        "unknown_characters": sum(unknown.values()),
        "replayed_hands": sorted(hands),
        "steps": fitted.steps,
        "seconds": round(fitted.seconds, 1),
        "losses": fitted.parts,
    }


def _train_from_nothing(arguments: argparse.Namespace, recipe: PretrainRecipe) -> dict[str, Any]:
    fonts = _fonts(arguments)
    if arguments.vocabulary:
        vocabulary = Vocabulary.load(arguments.vocabulary)
    else:
        texts = [text.body for text in load_texts(arguments.texts)] if arguments.texts else []
        vocabulary = build_vocabulary(texts, recipe.vocabulary_size)
    hands = fetched_hands(fonts, arguments.hands or recipes.NPM_HANDS)
    bank = bank_of_hands(hands, vocabulary, _cache(), arguments.real_characters)
    working = arguments.out.with_name(f".{arguments.out.name}.stages")
    bundle = train_from_nothing(
        recipe,
        bank,
        prompts_of(hands, others=bank.hand_names[len(hands) :]),
        vocabulary,
        content_face(fonts, recipe.content_font),
        working,
    )
    card = (
        f"# UniCalli, trained from nothing by {recipe.name}\n\n"
        f"{len(bank)} pictures of {len(vocabulary)} characters in {len(bank.hand_names)} hands: "
        f"{', '.join(bank.hand_names)}. Not judged yet: `python -m training evaluate`.\n"
    )
    save_bundle(bundle, arguments.out, card)
    shutil.copy(working / "curve.jsonl", arguments.out / "curve.jsonl")
    return {"checkpoint": str(arguments.out), **bundle.recipe}


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


def evaluate(arguments: argparse.Namespace) -> dict[str, Any]:
    """UniCalli, RapidOCR and the nearest glyph on the same held-out crops."""
    _begin(arguments)
    tables = Tables(arguments.tables)
    samples = [s for s in tables.read_all("samples", Sample) if s.split in HELD_OUT]
    if not samples:
        raise ModelError(
            "There is nothing to judge on: no sample belongs to a held-out work. Approve columns "
            "of a work of the validation or test split."
        )
    bundle, library = _open(arguments, arguments.checkpoint)
    face = content_face(_fonts(arguments), bundle.recipe["content_font"])
    readers: dict[Reader, Recogniser] = {
        Reader.UNICALLI: UniCalliReader(bundle, library, _reading(arguments)),
        Reader.RAPIDOCR: RapidOcrReader(arguments.threads),
        Reader.NEAREST_GLYPH: NearestGlyphReader(bundle.vocabulary, face),
    }
    store = Store(arguments.store)
    rows = list(evaluate_samples(samples, store, readers, arguments.model_id))
    tables.write("evaluations", arguments.batch, Evaluation, rows)
    return {
        "columns": len(samples),
        "figures": {f"{row.reader.value}.{row.metric}": round(row.value, 4) for row in rows},
    }


def write(arguments: argparse.Namespace) -> dict[str, Any]:
    """A column of ink as PNG, black on white, marked as synthetic."""
    _begin(arguments)
    bundle, library = _open(arguments, arguments.checkpoint)
    prompt = writing_prompt(arguments.calligrapher, Script(arguments.script))
    params = WritingParams(steps=arguments.steps, seed=arguments.seed)
    ink, _ = write_column(arguments.text, prompt, bundle, library, params)
    enlarged = cv2.resize(ink, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(encode_png((255 - enlarged).astype("uint8")))
    return {"file": str(arguments.out), "characters": len(arguments.text), "is_synthetic": True}


VERBS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "read": read,
    "train": train,
    "context": context,
    "evaluate": evaluate,
    "write": write,
}
