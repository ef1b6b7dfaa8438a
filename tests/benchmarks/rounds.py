"""Four rounds of the loop on a hand never learned: draft, correct, learn, draft the next.

Works of the demonstration drawn in the hand, aged and cut out perfectly. Each round drafts the
next work, what people would have approved is learned together with all before, and the same frozen
works are read anew. Whole fine-tuning and low rank side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assets.demo_material import TEXTS, DemoParams, content_face
from assets.resources import Project
from pipelines.corrections import CorrectionRate, corrections_per_100
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import load_fonts, require_font
from pipelines.records import ILLEGIBLE
from pipelines.scripts import canonical
from pipelines.texts import load_texts
from tests.benchmarks.measure import table
from tests.benchmarks.reading import SEED, columns_of_texts
from training.columns import LabelledInk
from training.families.unicalli.fine_tuning import fine_tune
from training.families.unicalli.library import ReferenceLibrary, cached_library
from training.families.unicalli.reading import UniCalliReader
from training.families.unicalli.recipe import FineTuneRecipe
from training.families.unicalli.weights import Bundle, load_bundle
from training.glyph_bank import GlyphBank
from training.hands import bank_of_hands, fetched_hands, prompts_of
from training.opening import cache
from training.recipes import unicalli as recipes
from training.roles import ColumnInk, Recogniser
from training.second_reader import HeedingReader, RapidOcrReader

ROUNDS = (("前出師表",), ("陳情表",), ("蘭亭集序", "桃花源記"), ("師說",))
FROZEN = ("醉翁亭記", "黃岡竹樓記", "後赤壁賦")
A_WORK = 320
"""Characters of each work."""

Drawn = tuple[list[ColumnInk], list[str]]


@dataclass(frozen=True)
class Setting:
    """What stays the same in all rounds."""

    library: ReferenceLibrary
    replay: GlyphBank
    prompts: dict[str, str]
    rounds: list[Drawn]
    frozen: Drawn
    second: RapidOcrReader


def bench_rounds(project: Project) -> None:
    """Corrections per 100 characters, round by round."""
    bundle = load_bundle(project.settings.checkpoint)
    setting = _setting(project, bundle)
    for recipe in (recipes.fine_tune(), recipes.lora()):
        rows = _rounds(load_bundle(project.settings.checkpoint), setting, recipe)
        header = (
            "round", "approved before", "seconds", "next work", "heeding RapidOCR", "RapidOCR",
            "frozen works", "heeding RapidOCR ",
        )  # fmt: skip
        table(f"Corrections per 100 characters, {recipe.name}", header, rows)


def _setting(project: Project, bundle: Bundle) -> Setting:
    fonts = load_fonts(None, project.home / "fonts")
    hand = FontFace(require_font(fonts, DemoParams().hand).files)
    bodies = {t.title: t.body for t in load_texts(project.home / "texts" / TEXTS)}

    def drawn(titles: tuple[str, ...]) -> Drawn:
        return columns_of_texts([bodies[t] for t in titles], hand, is_aged=True, a_work=A_WORK)

    known = fetched_hands(project.home / "fonts", [h for h in bundle.recipe["hands"] if h in fonts])
    return Setting(
        library=cached_library(
            bundle.vocabulary,
            content_face(project),
            bundle.autoencoder,
            bundle.dims.cell_px,
            project.home / "cache",
        ),
        replay=bank_of_hands(known, bundle.vocabulary, cache()),
        prompts=prompts_of(known),
        rounds=[drawn(titles) for titles in ROUNDS],
        frozen=drawn(FROZEN),
        second=RapidOcrReader(),
    )


def _rounds(bundle: Bundle, setting: Setting, recipe: FineTuneRecipe) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    approved: list[LabelledInk] = []
    seconds = 0.0
    for number in range(len(setting.rounds) + 1):
        reader = UniCalliReader(bundle, setting.library)
        both = HeedingReader(reader, setting.second)
        batch = setting.rounds[number] if number < len(setting.rounds) else None
        drafts = (
            ("", "", "")
            if batch is None
            else tuple(said(rate_of(one, batch)) for one in (reader, both, setting.second))
        )
        learned = sum(len(column.classes) for column in approved)
        rows.append((
            str(number + 1), f"{learned} characters", f"{seconds:.0f}", *drafts,
            said(rate_of(reader, setting.frozen)), said(rate_of(both, setting.frozen)),
        ))  # fmt: skip
        if batch is not None:
            approved += approved_ink(batch, bundle)
            seconds = fine_tune(
                bundle, approved, setting.library, recipe,
                replay=setting.replay, prompts=setting.prompts, log=None,
            ).seconds  # fmt: skip
    return rows


def approved_ink(batch: Drawn, bundle: Bundle) -> list[LabelledInk]:
    """Columns as people would have approved them."""
    return [
        LabelledInk(
            ink=column.ink,
            boxes=column.boxes,
            classes=tuple(
                -1 if (place := bundle.vocabulary.id_of(c)) is None else place for c in text
            ),
            prompt="",
        )
        for column, text in zip(*batch, strict=True)
    ]


def rate_of(reader: Recogniser, drawn: Drawn) -> CorrectionRate:
    """What a reader's drafts of these columns would need."""
    columns, truth = drawn
    texts = [
        ("".join(canonical(p.text) or ILLEGIBLE for p in proposals), text)
        for proposals, text in zip(reader.read_columns(columns), truth, strict=True)
    ]
    return corrections_per_100(texts, rng=np.random.default_rng(SEED))


def said(rate: CorrectionRate) -> str:
    """A rate with its interval."""
    return f"{rate.per_100:.1f} ({rate.low:.1f} to {rate.high:.1f})"
