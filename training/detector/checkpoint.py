"""A detector's whole run: hands and reviewed pages in, a checkpoint folder out.

Holds: :func:`make_checkpoint` and the card it writes.

Keeps out: the command line (``training.commands``), the folder's files
(``training.detector.files``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipelines.records import Sample, Split
from pipelines.store import Store
from pipelines.synthesis.hands import load_hands
from pipelines.texts import load_texts
from training.detector.files import load_detector, save_detector
from training.detector.fitting import train_detector
from training.detector.glyphs import training_hands
from training.detector.recipe import CONNECTS, JUDGED, DetectorRecipe
from training.detector.reviewed import pages_from_samples
from training.detector.scanned import pages_from_codh, pages_from_synthesis
from training.hands import fetched_hands
from training.slices import Team

logger = logging.getLogger(__name__)


def make_checkpoint(
    recipe: DetectorRecipe,
    out: Path,
    font_folder: Path,
    real_characters: Path | None = None,
    samples: Iterable[Sample] = (),
    store: Store | None = None,
    *,
    text_folder: Path | None = None,
    codh_wheel: Path | None = None,
    parent: Path | None = None,
) -> dict[str, Any]:
    """Train a detector and write its folder; a stopped run of the same ``out`` goes on.

    Args:
        recipe: Every number.
        out: The checkpoint folder; must not exist yet.
        font_folder: Where fonts were fetched to.
        real_characters: Parquet file of single characters, or None.
        samples: Approved columns; those of the train split are mixed in.
        store: Holds their ink; needed if there are samples.
        text_folder: Texts for aged pages; without it none are mixed in.
        codh_wheel: Real pages with true boxes; without it none are mixed in.
        parent: Checkpoint to begin from.
    """
    hands = training_hands(font_folder, CONNECTS, recipe.characters, real_characters)
    judged = {name: share for name, share in JUDGED.items() if fetched_hands(font_folder, [name])}
    # Without the fonts it is judged in, the curve shows at least that it learns.
    known = training_hands(font_folder, judged, recipe.characters) if judged else hands
    approved = [sample for sample in samples if sample.split is Split.TRAIN]
    given = [] if store is None else [list(pages_from_samples(approved, store))]
    if text_folder is not None:
        # A font of kana alone draws nothing of these texts.
        writers = [
            hand
            for hand in load_hands(font_folder)
            if hand.font.font_id not in JUDGED and hand.form_of("之") is not None
        ]
        texts = load_texts(text_folder)
        given.append(list(pages_from_synthesis(recipe.seed, recipe.aged_pages, writers, texts)))
    if codh_wheel is not None:
        given.append(list(pages_from_codh(codh_wheel, recipe.books)))
    given = [kind for kind in given if kind]
    logger.info("%d hands; given pages: %s", len(hands), [len(kind) for kind in given])
    working = out.with_name(f".{out.name}.stages")
    model, fitted = train_detector(
        recipe,
        hands,
        known,
        given,
        working,
        parent=None if parent is None else load_detector(parent),
    )
    names = ", ".join(hand.name for hand in hands)
    card = (
        f"# A detector of characters, trained by {recipe.name}\n\n"
        f"Pages drawn in {len(hands)} hands ({names}), {len(approved)} approved columns and "
        f"{sum(map(len, given))} pages of given boxes, "
        f"{'from ' + parent.name if parent else 'from nothing'}, "
        f"{fitted.steps} steps in {fitted.seconds:.0f} s. Not judged on real pages yet: "
        f"`python -m tests.benchmarks boxes`.\n"
    )
    if Team.gathered().is_first:
        save_detector(model, out, card, working / "curve.jsonl")
    return {
        "checkpoint": str(out),
        "hands": [hand.name for hand in hands],
        "samples": len(approved),
        "steps": fitted.steps,
        "seconds": round(fitted.seconds, 1),
        "losses": fitted.parts,
    }
