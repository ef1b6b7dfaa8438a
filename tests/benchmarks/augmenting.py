"""What synthetic columns of each kind teach: a hand never learned, approved columns few.

One work of the hand is approved, as people would have done; then the bundled reader learns from
it for the same number of steps, alone and with a fifth of the columns from what a model wrote for
the hand, from a corpus as it was drawn, and from the same corpus restyled after real scans. The
same frozen works are read by each: all characters, those that stand nowhere among what was
approved, and those that are rare in classical texts.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from assets.demo_material import TEXTS, content_face
from assets.families import family_checkpoint
from assets.resources import Project
from pipelines.augmentations import AugmentationParams, lacks
from pipelines.corpus_samples import samples_from_pages
from pipelines.corrections import compare_corrections
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import load_fonts
from pipelines.ids import derive_id
from pipelines.imaging.codec import encode_png
from pipelines.records import (
    ILLEGIBLE,
    Origin,
    Polarity,
    Sample,
    SampleCharacter,
    Script,
    Split,
    Work,
)
from pipelines.scripts import canonical
from pipelines.store import Store
from pipelines.tables import Tables
from pipelines.texts import load_texts
from pipelines.truth import CorpusPage
from tests.benchmarks.measure import table
from tests.benchmarks.reading import SEED, columns_of_texts
from tests.benchmarks.rounds import A_WORK, FROZEN, ROUNDS, Drawn, approved_ink
from training.augmenting import Readers, write_lacking
from training.columns import LabelledInk
from training.families.calliffusion.recipe import AdaptRecipe
from training.families.unicalli.fine_tuning import fine_tune
from training.families.unicalli.library import cached_library
from training.families.unicalli.reading import UniCalliReader
from training.families.unicalli.weights import load_bundle
from training.glyph_bank import GlyphBank
from training.hands import bank_of_hands, fetched_hands, prompts_of
from training.opening import cache
from training.pens import pen_of
from training.recipes import unicalli as recipes
from training.roles import Recogniser
from training.samples import labelled_inks
from training.second_reader import RapidOcrReader

HANDS = (("zhi-mang-xing", Script.RUNNING), ("aoyagi-soseki", Script.RUNNING))
STEPS = 60
APPROVED = ROUNDS[0]
COMMON = 1000
"""Of the reader's characters, in order of their frequency; the others count as rare."""
CORPORA = (("a corpus", "bench"), ("the corpus restyled", "bench-restyled"))
"""Drawn by ``beitie corpus bench`` and made from it by the asset ``restyled_corpora``; what is not
there is left out."""


@dataclass(frozen=True)
class Setting:
    """What stays the same for all kinds."""

    project: Project
    replay: GlyphBank
    prompts: dict[str, str]
    approved: Drawn
    frozen: Drawn


def bench_augmentations(project: Project) -> None:
    """Corrections per 100 characters with each kind, and their paired difference to none."""
    fonts = load_fonts(None, project.home / "fonts")
    bodies = {text.title: text.body for text in load_texts(project.home / "texts" / TEXTS)}
    recipe = load_bundle(project.settings.checkpoint).recipe
    for name, script in HANDS:
        if not fonts[name].is_fetched:
            sys.stdout.write(f"\n{name} is not fetched and is left out\n")
            continue
        face = FontFace(fonts[name].files)
        approved, frozen = (
            columns_of_texts([bodies[t] for t in titles], face, is_aged=True, a_work=A_WORK)
            for titles in (APPROVED, FROZEN)
        )
        known = fetched_hands(project.home / "fonts", recipe["hands"])
        vocabulary = load_bundle(project.settings.checkpoint).vocabulary
        setting = Setting(
            project=project,
            replay=bank_of_hands(known, vocabulary, cache()),
            prompts=prompts_of(known),
            approved=approved,
            frozen=frozen,
        )
        _bench_hand(setting, fonts[name].name, script)


def _bench_hand(setting: Setting, name: str, script: Script) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kinds = _kinds(setting, Store(folder), name, script)
    texts = {kind: _read_after(setting, columns) for kind, columns in kinds.items()}
    seen = set("".join(setting.approved[1]))
    vocabulary = load_bundle(setting.project.settings.checkpoint).vocabulary.characters
    judged = set("".join(setting.frozen[1]))
    groups = {
        "": judged,
        "not among the approved": judged - seen,
        f"beyond the {COMMON} commonest": judged - set(vocabulary[:COMMON]),
    }
    rows = []
    for kind, read in texts.items():
        characters = sum(len(column.classes) for column in kinds[kind])
        row = [kind, str(characters)]
        for asked in groups.values():
            row += _compared(texts["none"], read, setting.frozen[1], asked)
        rows.append(row)
    learned = sum(map(len, setting.approved[1]))
    header = ["beside what was approved", "characters"]
    for label, asked in groups.items():
        count = sum(c in asked for text in setting.frozen[1] for c in text)
        header += [f"corrections per 100 of {count} {label}".rstrip(), "more than alone"]
    table(f"{name}, {learned} characters approved, {STEPS} steps", header, rows)


def _kinds(
    setting: Setting, store: Store, name: str, script: Script
) -> dict[str, list[LabelledInk]]:
    """Columns of each kind; what cannot be had is told and left out."""
    project = setting.project
    bundle = load_bundle(project.settings.checkpoint)
    found: dict[str, list[LabelledInk]] = {"none": []}
    samples = _samples(setting.approved, store, name, script)
    wanted = lacks(samples, bundle.vocabulary.characters, AugmentationParams())
    readers = Readers(ours=_reader(setting), second=RapidOcrReader())
    for label, family in (("Calliffusion", "calliffusion"), ("ScriptViT", "scriptvit")):
        folder = family_checkpoint(project, family)
        pen = pen_of(folder, project.home / "fonts", readers.ours, AdaptRecipe())
        written = [
            outcome
            for lack in wanted
            for outcome in write_lacking(lack, pen, readers, store)
            if isinstance(outcome, Sample)
        ]
        found[f"written by {label}"] = labelled_inks(written, store, bundle.vocabulary)[0]
    tables = Tables(project.settings.tables_url)
    for label, corpus in CORPORA:
        if tables.manifest("corpus_pages", corpus) is None:
            sys.stdout.write(f"\nthere is no corpus {corpus!r}: {label} is left out\n")
            continue
        pages = tables.read("corpus_pages", corpus, CorpusPage)
        cut = samples_from_pages(pages, project.store, code_version="benchmark")
        found[label] = labelled_inks(cut, project.store, bundle.vocabulary)[0]
    return found


def _samples(drawn: Drawn, store: Store, name: str, script: Script) -> list[Sample]:
    """Drawn columns as the samples that approval makes of them."""
    work = Work(
        work_id="approved", title="approved", calligrapher=name, script=script,
        rights="CC0", source="a benchmark",
    )  # fmt: skip
    return [
        Sample(
            sample_id=derive_id(name, place), column_id=derive_id(name, place), page_id="",
            work=work, split=Split.TRAIN, origin=Origin.SIMULATED_REVIEW,
            ink_key=store.put(encode_png(column.ink), ".png"), polarity=Polarity.LIGHT_ON_DARK,
            characters=tuple(
                SampleCharacter(box=box, written=c, canonical=c, is_damaged=False)
                for box, c in zip(column.boxes, text, strict=True)
            ),
            prompt="", review_id="", code_version="benchmark",
        )
        for place, (column, text) in enumerate(zip(*drawn, strict=True))
    ]  # fmt: skip


def _reader(setting: Setting) -> Recogniser:
    project = setting.project
    bundle = load_bundle(project.settings.checkpoint)
    return UniCalliReader(
        bundle,
        cached_library(
            bundle.vocabulary, content_face(project), bundle.autoencoder, bundle.dims.cell_px,
            project.home / "cache",
        ),
    )  # fmt: skip


def _read_after(setting: Setting, columns: Sequence[LabelledInk]) -> list[str]:
    """The frozen works as the bundled reader reads them after learning."""
    project, recipe = setting.project, recipes.augmented()
    bundle = load_bundle(project.settings.checkpoint)
    library = cached_library(
        bundle.vocabulary, content_face(project), bundle.autoencoder, bundle.dims.cell_px,
        project.home / "cache",
    )  # fmt: skip
    loop = replace(recipe.loop, seconds=float("inf"), steps=STEPS)
    fine_tune(
        bundle, approved_ink(setting.approved, bundle), library, replace(recipe, loop=loop),
        replay=setting.replay, prompts=setting.prompts, log=None,
        beside=[(recipe.synthetic_share, columns)] if columns else [],
    )  # fmt: skip
    proposals = UniCalliReader(bundle, library).read_columns(setting.frozen[0])
    return ["".join(canonical(p.text) or ILLEGIBLE for p in column) for column in proposals]


def _compared(
    before: Sequence[str], after: Sequence[str], truth: Sequence[str], judged: set[str]
) -> tuple[str, str]:
    """Corrections of the judged characters with an interval, and the paired difference."""

    def asked(texts: Sequence[str]) -> list[str]:
        return [
            "".join(c for c, true in zip(text, own, strict=True) if true in judged)
            for text, own in zip(texts, truth, strict=True)
        ]

    change = compare_corrections(
        asked(before), asked(after), asked(truth), np.random.default_rng(SEED)
    )
    rate = change.after
    more = f"{change.difference:+.1f} ({change.low:+.1f} to {change.high:+.1f})"
    return f"{rate.per_100:.1f} ({rate.low:.1f} to {rate.high:.1f})", more
