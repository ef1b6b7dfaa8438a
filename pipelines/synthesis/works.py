"""Synthetic works: pages in a brush hand, aged and damaged, as files that anybody might bring.

Holds: ``synthesize_works``, which writes pages and ``work.toml``, and the truth apart from them;
with it the demonstration brings material whose every character is known.

    INTO/works/<slug>/page-001.png ... work.toml     material, marked is_synthetic
    INTO/truth/<slug>.json                           never read by a stage; for the simulated
                                                     annotator and for evaluation
    INTO/works.json                                  seed, fonts with licence and coverage,
                                                     texts, code points, what was left out

The same plan, fonts and seed give the same bytes.

Keeps out: drawing (``pages``), corpora that are kept as tables (``corpora``).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.errors import MaterialError
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import Font
from pipelines.ids import derive_id
from pipelines.imaging.codec import encode_png
from pipelines.metadata import FOLDER_SIDECAR
from pipelines.synthesis.appearance import Medium, age_params
from pipelines.synthesis.hands import Hand
from pipelines.synthesis.layouts import Layout, LayoutParams
from pipelines.synthesis.pages import SyntheticPage, synthetic_page
from pipelines.synthesis.setting import Brush
from pipelines.texts import Text
from pipelines.truth import TRUTH_FORMAT, TruePage, read_truth, write_truth

STRIPS = LayoutParams(
    layout=Layout.ALBUM,
    width_px=800,
    height_px=1210,
    columns=6,
    rows=12,
    pitch_share=1.4,
    margin_share=0.05,
    has_frame=False,
    has_rules=False,
    brush=Brush(),
)
"""Strips of a rubbing in an album: six columns of about twelve characters, 88 pixels each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkParams:
    """How the pages of a work look.

    Attributes:
        layout: Columns, frames and how the hand moves.
        medium: What carries the ink.
        wear: 0 nearly fresh, 0.5 plainly aged yet legible, 1 some characters lost.
    """

    layout: LayoutParams = STRIPS
    medium: Medium = Medium.RUBBING
    wear: float = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPlan:
    """A work to be made: ``pages`` at most, fewer if the text ends."""

    title: str
    text: Text
    font: Font
    pages: int
    params: WorkParams = field(default_factory=WorkParams)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticWork:
    """What became of a plan."""

    title: str
    folder: Path
    truth_file: Path
    pages: int
    characters: int
    damaged: int
    consumed: int
    missing: dict[str, int]


def synthesize_works(
    plans: Sequence[WorkPlan],
    into: Path,
    seed: int,
    *,
    faces: Mapping[str, FontFace] | None = None,
) -> list[SyntheticWork]:
    """Write works and ``works.json``.

    Each work has its own random stream: a plan can change without changing its neighbours.

    Args:
        plans: The works; titles must differ.
        into: The folder; files of the same names are replaced.
        seed: All randomness.
        faces: Faces by font id that are open already.

    Raises:
        MaterialError: If two plans share a title, or a font draws nothing of its text.
    """
    slugs = [slug_of(plan.title) for plan in plans]
    if len(set(slugs)) < len(slugs):
        twice = sorted(title for title, count in Counter(slugs).items() if count > 1)
        raise MaterialError(
            f"Two works share the name {', '.join(twice)}. Give each its own title.",
            reason="title_twice",
        )
    opened = dict(faces or {})
    works: list[SyntheticWork] = []
    for plan in plans:
        key = plan.font.font_id
        if key not in opened:
            opened[key] = FontFace(plan.font.files)
        rng = np.random.default_rng(int(derive_id("work", seed, plan.title), 16))
        works.append(_synthesize(plan, Hand(plan.font, opened[key]), into, rng))
    report = _report(plans, works, seed)
    text = json.dumps(report, ensure_ascii=False, indent=1)
    (into / "works.json").write_text(text + "\n", encoding="utf-8")
    return works


def draw_page(text: str, hand: Hand, params: WorkParams, rng: np.random.Generator) -> SyntheticPage:
    """One page of a work, filled until it is full or the text ends.

    Raises:
        MaterialError: If the hand has none of the characters.
    """
    aged = age_params(rng, hand, params.layout, params.medium, params.wear)
    return synthetic_page(rng, hand, text, aged)


def slug_of(title: str) -> str:
    """A file name that keeps letters and Han characters and joins the rest with hyphens."""
    folded = unicodedata.normalize("NFKC", title).strip().casefold()
    return re.sub(r"[^\w]+", "-", folded).strip("-") or "untitled"


def _synthesize(plan: WorkPlan, hand: Hand, into: Path, rng: np.random.Generator) -> SyntheticWork:
    """One work: pages and sidecar under ``into/works``, truth under ``into/truth``."""
    slug = slug_of(plan.title)
    folder = into / "works" / slug
    folder.mkdir(parents=True, exist_ok=True)
    rest = plan.text.body
    truth: list[TruePage] = []
    missing: Counter[str] = Counter()
    for index in range(plan.pages):
        if not rest:
            break
        page = draw_page(rest, hand, plan.params, rng)
        file = folder / f"page-{index + 1:03}.png"
        file.write_bytes(encode_png(page.image))
        truth.append(
            TruePage(
                file=f"works/{slug}/{file.name}",
                width=page.image.shape[1],
                height=page.image.shape[0],
                characters=page.characters,
            )
        )
        missing.update(page.missing)
        rest = rest[len(page.text) :]
    (folder / FOLDER_SIDECAR).write_text(_sidecar(plan), encoding="utf-8")
    truth_file = into / "truth" / f"{slug}.json"
    write_truth(truth_file, plan.title, truth)
    characters = [c for page in truth for c in page.characters]
    return SyntheticWork(
        title=plan.title,
        folder=folder,
        truth_file=truth_file,
        pages=len(truth),
        characters=len(characters),
        damaged=sum(c.is_damaged for c in characters),
        consumed=len(plan.text.body) - len(rest),
        missing=dict(sorted(missing.items())),
    )


def _sidecar(plan: WorkPlan) -> str:
    """``work.toml`` of a synthetic work. The hand is the font's, and its licence the rights."""
    source = (
        f"Synthetic: {plan.text.title} set in the font {plan.font.name} ({plan.font.source}, "
        f"{plan.font.licence}) and aged by Beitie."
    )
    values: dict[str, Any] = {
        "title": plan.title,
        "calligrapher": plan.font.name,
        "script": plan.font.script.value,
        "rights": plan.font.licence,
        "source": source,
        "is_synthetic": True,
    }
    # JSON strings and booleans are TOML strings and booleans.
    return "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()
    )


def _report(plans: Sequence[WorkPlan], works: Sequence[SyntheticWork], seed: int) -> dict[str, Any]:
    """Everything needed to make the corpus again, and to judge what it can teach."""
    histogram: Counter[str] = Counter()
    for work in works:
        for page in read_truth(work.truth_file):
            histogram.update(character.canonical for character in page.characters)
    fonts: dict[str, Any] = {}
    for plan, work in zip(plans, works, strict=True):
        entry = fonts.setdefault(
            plan.font.font_id,
            {
                "name": plan.font.name,
                "licence": plan.font.licence,
                "source": plan.font.source,
                "sha256": list(plan.font.sha256),
                "drawn": 0,
                "missing": 0,
            },
        )
        entry["drawn"] += work.characters
        entry["missing"] += sum(work.missing.values())
    for entry in fonts.values():
        entry["coverage"] = round(entry["drawn"] / max(1, entry["drawn"] + entry["missing"]), 4)
    return {
        "format": TRUTH_FORMAT,
        "seed": seed,
        "licences": sorted({plan.font.licence for plan in plans}),
        "fonts": fonts,
        "works": [
            {
                "title": plan.title,
                "font": plan.font.font_id,
                "text": {"title": plan.text.title, "file": plan.text.file},
                "pages": work.pages,
                "characters": work.characters,
                "damaged": work.damaged,
                "missing": work.missing,
                "params": asdict(plan.params),
            }
            for plan, work in zip(plans, works, strict=True)
        ],
        "code_points": {
            f"U+{ord(character):04X}": count
            for character, count in sorted(histogram.items(), key=lambda c: (-c[1], c[0]))
        },
    }
