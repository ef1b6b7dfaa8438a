"""What ``train`` does with approved samples: the next reader, from all that may be learned from.

Approved columns come first. A recipe may give a share to what nobody approved: weak labels, on
which two readers agree (``pipelines.weak_labels``), and synthetic columns, which a model wrote
for rare hands (the table ``augmentations``) or which stand in corpora. None of them is ever
judged on, and the card counts each by itself.

Keeps out: the training itself (``training.families.unicalli.fine_tuning``).
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pipelines.corpus_samples import samples_from_pages
from pipelines.errors import ModelError
from pipelines.hand_styles import Hand
from pipelines.records import ILLEGIBLE, Origin, Sample, Split
from pipelines.store import Store
from pipelines.tables import Tables
from pipelines.truth import CorpusPage
from pipelines.weak_labels import weak_samples_in
from training.families.unicalli.fine_tuning import fine_tune
from training.families.unicalli.recipe import FineTuneRecipe
from training.families.unicalli.weights import save_bundle
from training.hands import bank_of_hands, fetched_hands, prompts_of
from training.opening import cache, fonts_of, opened
from training.samples import labelled_inks, look_weights
from training.slices import Team, device_of_process

logger = logging.getLogger(__name__)

CODE = "training"
"""Stands in the samples that are made for one training and never kept."""


def train_on_samples(arguments: argparse.Namespace, recipe: FineTuneRecipe) -> dict[str, Any]:
    """The parent, trained further on approved columns.

    Raises:
        ModelError: If an argument is missing, nothing is approved, or the recipe wants synthetic
            columns and there are none.
    """
    missing = [n for n in ("tables", "store", "parent") if getattr(arguments, n) is None]
    if missing:
        raise ModelError(
            f"{recipe.name} needs {', '.join('--' + name for name in missing)} as well."
        )
    if arguments.seconds:
        recipe = replace(recipe, loop=replace(recipe.loop, seconds=arguments.seconds))
    bundle, library = opened(arguments, arguments.parent)
    tables, store = Tables(arguments.tables), Store(arguments.store)
    stored = tables.read_all("samples", Sample)
    samples = [sample for sample in stored if sample.split is Split.TRAIN]
    weights = (
        look_weights(samples, tables.read_all("hands", Hand), recipe.look_balance)
        if recipe.look_balance
        else None
    )
    columns, unknown = labelled_inks(samples, store, bundle.vocabulary, weights)
    if not columns:
        raise ModelError(
            f"There is nothing to train on: {len(stored)} samples, none of a work of the train "
            f"split. Approve columns first."
        )
    weak = list(_weak_samples(tables)) if recipe.weak_share else []
    written = _synthetic_samples(tables, store, arguments.corpora) if recipe.synthetic_share else []
    beside = [
        (share, labelled_inks(others, store, bundle.vocabulary)[0])
        for share, others in ((recipe.weak_share, weak), (recipe.synthetic_share, written))
        if others
    ]
    hands = fetched_hands(fonts_of(arguments), bundle.recipe["hands"])
    replay = bank_of_hands(hands, bundle.vocabulary, cache()) if hands else None
    logger.info("%d columns to learn, %d hands to keep", len(columns), len(hands))
    fitted = fine_tune(
        bundle,
        columns,
        library,
        recipe,
        replay=replay,
        prompts=prompts_of(hands),
        log=None,
        beside=beside,
        device=device_of_process(),
    )
    history = [*bundle.recipe.get("history", []), arguments.parent.name]
    facts = {**bundle.recipe, "name": recipe.name, "history": history}
    characters = sum(len(column.classes) for column in columns)
    learned = sorted({f"{sample.work.calligrapher} ({sample.work.script})" for sample in samples})
    simulated = sum(sample.origin is Origin.SIMULATED_REVIEW for sample in samples)
    card = (
        f"# UniCalli, learned further from approved columns\n\n"
        f"Parent: {arguments.parent.name}. Learned by {recipe.name} from {len(columns)} approved "
        f"columns ({simulated} of them by a simulated annotator) with {characters} characters, "
        f"replaying {len(hands)} hands, in {fitted.steps} steps and {fitted.seconds:.0f} s. "
        f"Characters it has no name for: {sum(unknown.values())}.\n\n"
        f"Hands learned: {', '.join(learned)}. Hands replayed: {', '.join(hands) or 'none'}.\n"
    )
    if weak:
        card += (
            f"\nBeside them {_legible(weak)} characters in {len(weak)} columns that nobody "
            f"approved: two readers read them the same.\n"
        )
    if written:
        card += (
            f"\nBeside them {_legible(written)} characters in {len(written)} synthetic columns, "
            f"written by a model or drawn: nobody's hand.\n"
        )
    if Team.gathered().is_first:
        save_bundle(replace(bundle, recipe=facts), arguments.out, card)
    return {
        "checkpoint": str(arguments.out),
        "samples": len(columns),
        "weak_labels": _legible(weak),
        "synthetic_characters": _legible(written),
        "characters": characters,
        "unknown_characters": sum(unknown.values()),
        "replayed_hands": sorted(hands),
        "steps": fitted.steps,
        "seconds": round(fitted.seconds, 1),
        "losses": fitted.parts,
    }


def _weak_samples(tables: Tables) -> Iterator[Sample]:
    """What two readers agree on; no approved column is among it, nor any that is judged on."""
    found = weak_samples_in(tables, code_version=CODE)
    return (outcome for outcome in found if isinstance(outcome, Sample))


def _synthetic_samples(tables: Tables, store: Store, corpora: list[str]) -> list[Sample]:
    """What a model wrote for rare hands, and the columns of the corpora named."""
    written = tables.read_all("augmentations", Sample)
    for name in corpora:
        pages = tables.read("corpus_pages", name, CorpusPage)
        written += samples_from_pages(pages, store, code_version=CODE)
    if not written:
        raise ModelError(
            "There is nothing synthetic to train on. Materialize augmentations, or name corpora "
            "with --corpora."
        )
    return written


def _legible(samples: list[Sample]) -> int:
    return sum(c.canonical != ILLEGIBLE for sample in samples for c in sample.characters)
