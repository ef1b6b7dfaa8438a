"""What the verb ``augment`` does: a model writes what each rare hand lacks.

Holds: ``augment``. Each hand is shown by a few of its approved characters, columns of
characters that it lacks are written, and every character is read back: what reads as something
else is written again, and what never reads right stays unnamed. A column of which nothing can be
read is refused.

Keeps out: what a hand lacks and what a written column is called (``pipelines.augmentations``),
and writing in a hand (``training.pens``).
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.augmentations import STAGE, AugmentationParams, Lack, lacks, written_sample
from pipelines.glyphs.fonts import FontFace
from pipelines.ids import derive_id
from pipelines.imaging.codec import decode_png, encode_png
from pipelines.records import ILLEGIBLE, Rejection, Sample
from pipelines.store import Store
from pipelines.tables import Tables
from training.families.calliffusion.recipe import AdaptRecipe
from training.families.unicalli.reading import UniCalliReader
from training.gate import Checked, written_right
from training.opening import begin, fonts_of, opened
from training.pens import Pen, pen_of
from training.roles import Recogniser
from training.second_reader import RapidOcrReader

logger = logging.getLogger(__name__)

Ink = npt.NDArray[np.uint8]

SHOWN = 12
"""Characters that show a hand, at most: the papers take about five."""
TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Readers:
    """Who must be able to read what is written: our reader decides, the second one advises."""

    ours: Recogniser
    second: Recogniser | None


def augment(arguments: argparse.Namespace) -> dict[str, Any]:
    """The table ``augmentations``: columns written for rare hands, read back."""
    begin(arguments)
    bundle, library = opened(arguments, arguments.reader_checkpoint)
    readers = Readers(
        ours=UniCalliReader(bundle, library), second=RapidOcrReader(arguments.threads)
    )
    tables, store = Tables(arguments.tables), Store(arguments.store)
    params = AugmentationParams(budget=arguments.budget)
    wanted = lacks(tables.read_all("samples", Sample), bundle.vocabulary.characters, params)
    recipe = AdaptRecipe(seed=arguments.seed)
    recipe = replace(recipe, loop=replace(recipe.loop, seconds=arguments.seconds))
    pen = pen_of(arguments.checkpoint, fonts_of(arguments), readers.ours, recipe)
    characters = read = 0
    with tables.writer("augmentations", arguments.batch, Sample, inputs=arguments.inputs) as out:
        for lack in wanted:
            written = write_lacking(
                lack, pen, readers, store, seed=arguments.seed, code_version=arguments.code_version
            )
            for outcome in written:
                if isinstance(outcome, Rejection):
                    out.reject(outcome)
                    continue
                out.accept(outcome)
                characters += len(outcome.characters)
                read += sum(c.canonical != ILLEGIBLE for c in outcome.characters)
    return {
        "batch": arguments.batch,
        "hands": [f"{lack.calligrapher} ({lack.script.value})" for lack in wanted],
        "columns": out.accepted,
        "rejected": out.rejected,
        "characters": characters,
        "read_back": read,
    }


def write_lacking(
    lack: Lack,
    pen: Pen,
    readers: Readers,
    store: Store,
    *,
    seed: int = 0,
    code_version: str = "training",
) -> Iterator[Sample | Rejection]:
    """Write what one hand lacks, column by column.

    Args:
        lack: The hand, and what is to be written.
        pen: Writes; characters that its font has not are left out.
        readers: Read back what was written.
        store: Holds the samples' ink, and gets what was written.
        seed: Of the writing.
        code_version: Goes into the samples.

    Yields:
        Rejections carry the reasons ``too_few`` (fewer than two clean characters) and
        ``unreadable``.
    """
    name = f"{lack.calligrapher} ({lack.script.value})"
    face = pen.face
    pictures = shown_characters(lack.samples, store, face)
    if len(pictures) < 2:
        for text in lack.texts:
            detail = f"{name} shows {len(pictures)} undamaged characters; two are needed"
            yield _reject(text, name, "too_few", detail)
        return
    writer, prompt = pen.in_hand(name, pictures)
    learned_from = derive_id(*(sample.sample_id for sample in lack.samples))
    logger.info("%s: shown by %d characters", name, len(pictures))
    for text in lack.texts:
        said = "".join(character for character in text if face.covers(character))
        if not said:
            yield _reject(text, name, "unreadable", "the standard font has none of it")
            continue
        checked = written_right(
            writer,
            readers.ours,
            said,
            prompt,
            second=readers.second,
            seed=seed,
            tries=TRIES,
        )
        if len(checked.wrong) == len(said):
            yield _reject(text, name, "unreadable", "none of it reads back as what was asked")
            continue
        model = f"{pen.fingerprint}-{learned_from}"
        yield _sample(lack, said, checked, store, model, code_version)


def shown_characters(
    samples: Sequence[Sample], store: Store, face: FontFace
) -> list[tuple[str, Ink]]:
    """Up to ``SHOWN`` different undamaged characters with their ink, as they come."""
    found: dict[str, Ink] = {}
    for sample in samples:
        ink = decode_png(store.get(sample.ink_key))
        for character in sample.characters:
            name, box = character.canonical, character.box
            is_usable = name != ILLEGIBLE and not character.is_damaged and face.covers(name)
            cut = ink[max(0, box.top) : box.bottom, max(0, box.left) : box.right]
            if is_usable and name not in found and (cut > 127).any():
                found[name] = cut
            if len(found) == SHOWN:
                return list(found.items())
    return list(found.items())


def _sample(
    lack: Lack, text: str, checked: Checked, store: Store, model: str, code_version: str
) -> Sample:
    column = checked.column
    return written_sample(
        lack,
        text,
        column.boxes,
        store.put(encode_png(column.ink), ".png"),
        unreadable=checked.wrong,
        model=model,
        code_version=code_version,
    )


def _reject(text: str, name: str, reason: str, detail: str) -> Rejection:
    return Rejection(
        item_id=derive_id(name, text),
        stage=STAGE,
        reason=reason,
        detail=f"{text!r} in the hand of {name} is not written: {detail}.",
    )
