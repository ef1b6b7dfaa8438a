"""Weak labels on pages of unlearned hands: how many are right, and what training on them is worth.

Pages of the demonstration's works go the whole way, from drawn scans over found boxes to both
readers. Agreement is counted against what really stands there. Then the reader learns from one
approved work, without and with the weak labels of four others, and reads three it has never seen.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from assets.demo_material import TEXTS, DemoParams, content_face
from assets.resources import Project
from pipelines.columns import ColumnParams, make_columns
from pipelines.corrections import compare_corrections
from pipelines.geometry import intersection_over_union
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import load_fonts
from pipelines.imaging.codec import decode_png
from pipelines.pages import PageParams, process_pages
from pipelines.prompts import style_prompt
from pipelines.records import ILLEGIBLE, Column, Page, Polarity, Reader, Reading, Scan
from pipelines.scans import find_inputs, ingest
from pipelines.scripts import canonical
from pipelines.store import Store
from pipelines.synthesis.works import WorkPlan, synthesize_works
from pipelines.tables import Tables
from pipelines.texts import load_texts
from pipelines.truth import read_truth
from pipelines.weak_labels import WeakLabelParams, agreed_characters
from tests.benchmarks.measure import table
from tests.benchmarks.reading import UNSEEN
from training.columns import UNKNOWN_CELL, LabelledInk
from training.families.unicalli.fine_tuning import fine_tune
from training.families.unicalli.library import cached_library
from training.families.unicalli.reading import UniCalliReader
from training.families.unicalli.weights import Bundle, load_bundle
from training.hands import bank_of_hands, fetched_hands, prompts_of
from training.readings import read_batch
from training.recipes import unicalli as recipes
from training.roles import ColumnInk
from training.second_reader import RapidOcrReader

LEAST = ((0.0, 0.0), (0.2, 0.5), (0.35, 0.7), (0.5, 0.8), (0.7, 0.9))
"""Scores of the first and of the second reader from which agreement may count."""
APPROVED = ("前出師表",)
JUDGED = ("醉翁亭記", "黃岡竹樓記", "後赤壁賦")
MIN_OVERLAP = 0.3
"""Of a found box with a true one, for the two to be the same character."""
STEPS = 120
SEED = 7


@dataclass(frozen=True)
class _Read:
    """A column as both readers read it; ``truth`` is empty in a box on nothing."""

    column: Column
    first: Reading
    second: Reading
    truth: tuple[str, ...]


def bench_weak_labels(project: Project) -> None:
    """Precision and coverage by hand; then a fine-tuning without and with them."""
    bundle = load_bundle(project.settings.checkpoint)
    fonts = load_fonts(None, project.home / "fonts")
    for number, name in enumerate(name for name in UNSEEN if fonts[name].is_fetched):
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder) / "store")
            columns = _columns(project, bundle, name, Path(folder), store)
            _count(fonts[name].name, columns)
            if number == 0:
                _train(project, fonts[name].name, columns, store)


def _columns(
    project: Project, bundle: Bundle, hand: str, folder: Path, store: Store
) -> list[_Read]:
    params = DemoParams()
    font = load_fonts(None, project.home / "fonts")[hand]
    texts = {t.title: t for t in load_texts(project.home / "texts" / TEXTS)}
    plans = [
        WorkPlan(title=title, text=texts[title], font=font, pages=3, params=params.look)
        for title in (*params.first, *params.frozen, *params.second)
    ]
    drawn = folder / "drawn"
    synthesize_works(plans, drawn, SEED, faces={hand: FontFace(font.files)})
    truth = {
        (json.loads(file.read_text(encoding="utf-8"))["title"], Path(page.file).name): page
        for file in sorted((drawn / "truth").glob("*.json"))
        for page in read_truth(file)
    }
    taken = ingest(find_inputs([drawn / "works"]), {}, store, "bench")
    scans = {s.scan_id: s for s in taken if isinstance(s, Scan)}
    made = process_pages(scans.values(), store, PageParams(), "bench")
    pages = {page.page_id: page for page in made if isinstance(page, Page)}
    outcomes = [o for page in pages.values() for o in make_columns(page, store, ColumnParams(), "")]
    columns = [outcome for outcome in outcomes if isinstance(outcome, Column)]
    tables = Tables(folder / "tables")
    tables.write("columns", hand, Column, columns)
    cache = project.home / "cache"
    library = cached_library(
        bundle.vocabulary, content_face(project), bundle.autoencoder, bundle.dims.cell_px, cache
    )
    _read(tables, store, hand, Reader.RAPIDOCR, RapidOcrReader())
    seconds = {r.column_id: r for r in tables.read("second_readings", hand, Reading)}
    _read(tables, store, hand, Reader.UNICALLI, UniCalliReader(bundle, library), seconds)
    firsts = {r.column_id: r for r in tables.read("readings", hand, Reading)}
    found = []
    for column in columns:
        scan = scans[pages[column.page_id].scan_id]
        page = truth[scan.work.title, Path(scan.file_name).name]
        stands = []
        for character in column.characters:
            best = max(
                page.characters, key=lambda t, c=character: intersection_over_union(t.box, c.box)
            )
            is_there = intersection_over_union(best.box, character.box) >= MIN_OVERLAP
            stands.append(best.canonical if is_there else "")
        first, second = firsts[column.column_id], seconds[column.column_id]
        found.append(_Read(column, first, second, tuple(stands)))
    return found


def _read(tables, store, batch, reader, recogniser, second=None) -> None:
    read_batch(tables, store, batch, reader, recogniser, "bench", lambda _: None, second)


def _count(name: str, columns: Sequence[_Read]) -> None:
    total = sum(len(read.truth) for read in columns)
    rows = []
    for least, least_second in LEAST:
        params = WeakLabelParams(least_score=least, least_second_score=least_second)
        labels = [pair for read in columns for pair in _labels(read, params) if pair[0]]
        right = sum(label == truth for label, truth in labels)
        share, coverage = f"{right / max(1, len(labels)):.1%}", f"{len(labels) / total:.1%}"
        rows.append((f"{least:g} and {least_second:g}", share, coverage))
    header = ("least scores", "labels right", "characters labelled")
    table(f"{name}, pages with found boxes: {total} characters", header, rows)


def _labels(read: _Read, params: WeakLabelParams) -> list[tuple[str, str]]:
    """For each character the weak label, empty if it has none, and what stands there."""
    agreed = agreed_characters(read.first, read.second, params)
    ids = [character.character_id for character in read.column.characters]
    return [(agreed.get(i, ""), stands) for i, stands in zip(ids, read.truth, strict=True)]


def _train(project: Project, name: str, columns: Sequence[_Read], store: Store) -> None:
    bundle = load_bundle(project.settings.checkpoint)
    weak, approved, judged = [], [], []
    for read in columns:
        title = read.column.work.title
        if title in JUDGED:
            judged.append(read)
        elif title in APPROVED:
            approved.append(_ink(read, read.truth, bundle, store))
        else:
            labels = [label for label, _ in _labels(read, WeakLabelParams())]
            if sum(map(bool, labels)) >= WeakLabelParams().fewest_characters:
                weak.append(_ink(read, labels, bundle, store))
    hands = fetched_hands(project.home / "fonts", bundle.recipe["hands"])
    cache = project.home / "cache"
    bank = bank_of_hands(hands, bundle.vocabulary, cache)
    inks = [_column_ink(read, store) for read in judged]
    texts: dict[float, list[str]] = {}
    for share in (0.0, recipes.weak().weak_share):
        learner = load_bundle(project.settings.checkpoint)
        library = cached_library(
            learner.vocabulary, content_face(project), learner.autoencoder, learner.dims.cell_px,
            cache,
        )  # fmt: skip
        recipe = recipes.fine_tune()
        loop = replace(recipe.loop, seconds=float("inf"), steps=STEPS)
        fine_tune(
            learner, approved, library, replace(recipe, loop=loop),
            replay=bank, prompts=prompts_of(hands), log=None,
            beside=[(share, weak)] if share else [],
        )  # fmt: skip
        proposals = UniCalliReader(learner, library).read_columns(inks)
        texts[share] = ["".join(canonical(p.text) or ILLEGIBLE for p in one) for one in proposals]
    change = compare_corrections(
        *texts.values(),
        ["".join(read.truth) for read in judged],
        np.random.default_rng(SEED),
        groups=[read.column.page_id for read in judged],
    )
    sys.stdout.write(
        f"\n{name}: {len(approved)} approved columns, {len(weak)} with weak labels, {STEPS} steps\n"
        f"corrections per 100 characters without weak labels {change.before.per_100:.1f}, with "
        f"them {change.after.per_100:.1f}: {change.difference:+.1f} (95 % interval by page "
        f"{change.low:+.1f} to {change.high:+.1f})\n"
    )


def _ink(read: _Read, labels: Sequence[str], bundle: Bundle, store: Store) -> LabelledInk:
    ids = [bundle.vocabulary.id_of(label) if label else None for label in labels]
    drawn = _column_ink(read, store)
    return LabelledInk(
        ink=drawn.ink,
        boxes=drawn.boxes,
        classes=tuple(UNKNOWN_CELL if place is None else place for place in ids),
        prompt=style_prompt(read.column.work, Polarity.LIGHT_ON_DARK),
    )


def _column_ink(read: _Read, store: Store) -> ColumnInk:
    box = read.column.box
    boxes = tuple(c.box.moved(-box.left, -box.top) for c in read.column.characters)
    return ColumnInk(decode_png(store.get(read.column.ink_key)), boxes)
