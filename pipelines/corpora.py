"""Synthetic works: pages in a brush hand, aged and damaged, whose every character is known.

Holds: ``synthesize_column`` and ``synthesize_page`` (paper, appendix C.2: text and font sampled,
rendered, with exact truth), and ``synthesize_work`` and ``synthesize_corpus``, which write works
as files: pages and ``work.toml`` as anybody would bring them, and the truth apart.

    INTO/works/<slug>/page-001.png ... work.toml     material, marked is_synthetic
    INTO/truth/<slug>.json                           never read by a stage; for the simulated
                                                     annotator and for evaluation
    INTO/corpus.json                                 seed, fonts with licence and coverage,
                                                     texts, code points, what was left out

The same plan, fonts and seed give the same bytes.

Varied whole pages (books, steles, letters, handscrolls) with masks of ink, damage, rules and
seals come from ``pipelines.synthesis.pages``: ``sample_pages`` and ``synthetic_page``.

Keeps out: layout (``pipelines.composition``), damage (``pipelines.imaging.aging``).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.composition import (
    Composition,
    CompositionParams,
    SetCharacter,
    compose_column,
    compose_page,
)
from pipelines.errors import MaterialError
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import Font
from pipelines.imaging.aging import Aged, Medium, age, wear
from pipelines.imaging.codec import encode_png
from pipelines.metadata import FOLDER_SIDECAR
from pipelines.records import derive_id
from pipelines.texts import Text
from pipelines.truth import TRUTH_FORMAT, TrueCharacter, TruePage, read_truth, write_truth

Ink = npt.NDArray[np.uint8]
Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusParams:
    """How synthetic pages look.

    Attributes:
        composition: Layout of columns and pages.
        medium: Rubbing or paper.
        wear: 0 nearly fresh, 0.5 plainly aged yet legible, 1 some characters lost.
        has_seams: A rubbing is cut into strips and pasted, as in albums.
        frame_px: Bare paper around a rubbing; 0 as in an album, whose strips fill the leaf.
    """

    composition: CompositionParams = field(default_factory=CompositionParams)
    medium: Medium = Medium.RUBBING
    wear: float = 0.5
    has_seams: bool = True
    frame_px: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticPage:
    """A page, or a single column, with its truth.

    Attributes:
        image: (H, W, 3) RGB, as scanned.
        ink: (H, W) the ink before it aged, white on black.
        characters: In reading order.
        consumed: Characters of the text used up.
        missing: Characters left out because the font has no form of them.
    """

    image: Rgb
    ink: Ink
    characters: tuple[TrueCharacter, ...]
    consumed: int
    missing: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPlan:
    """A work to be made: ``pages`` at most, fewer if the text ends."""

    title: str
    text: Text
    font: Font
    pages: int
    params: CorpusParams = field(default_factory=CorpusParams)


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


def synthesize_column(
    text: str, face: FontFace, params: CorpusParams, rng: np.random.Generator
) -> SyntheticPage:
    """One aged column of at most ``params.composition.rows`` characters of the text.

    Raises:
        MaterialError: If the font has none of the characters.
    """
    composition = compose_column(text, face, params.composition, rng)
    return _aged(composition, replace(params, has_seams=False, frame_px=0), rng)


def synthesize_page(
    text: str, face: FontFace, params: CorpusParams, rng: np.random.Generator
) -> SyntheticPage:
    """One aged page, filled until it is full or the text ends.

    Raises:
        MaterialError: If the font has none of the characters.
    """
    return _aged(compose_page(text, face, params.composition, rng), params, rng)


def _aged(
    composition: Composition, params: CorpusParams, rng: np.random.Generator
) -> SyntheticPage:
    damage = wear(params.medium, params.wear, rng)
    if params.medium is Medium.RUBBING:
        pitch = params.composition.pitch_share * params.composition.character_px
        seams = [axis + round(pitch / 2) for axis in composition.axes] if params.has_seams else []
        inside = tuple(x for x in seams if 0 <= x < composition.ink.shape[1] - params.frame_px)
        damage = replace(damage, seams_x=inside, frame_px=params.frame_px)
    aged = age(composition.ink, damage, rng)
    return SyntheticPage(
        image=aged.image,
        ink=composition.ink,
        characters=tuple(_true(c, composition.ink, aged) for c in composition.characters),
        consumed=composition.consumed,
        missing=composition.missing,
    )


def _true(character: SetCharacter, ink: Ink, aged: Aged) -> TrueCharacter:
    box = character.box
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    inked = ink[rows, columns] > 127
    lost = aged.loss[rows, columns][inked]
    return TrueCharacter(
        box=box,
        written=character.written,
        canonical=character.canonical,
        column=character.column,
        loss=round(float(lost.mean()) / 255, 4) if lost.size else 0.0,
    )


def synthesize_work(
    plan: WorkPlan, face: FontFace, into: Path, rng: np.random.Generator
) -> SyntheticWork:
    """Write one work: pages and sidecar under ``into/works``, truth under ``into/truth``.

    Args:
        plan: What to make.
        face: The font of the plan, opened.
        into: The corpus folder.
        rng: All randomness.

    Raises:
        MaterialError: If the font draws nothing of the text.
    """
    slug = slug_of(plan.title)
    folder = into / "works" / slug
    folder.mkdir(parents=True, exist_ok=True)
    rest = plan.text.body
    truth: list[TruePage] = []
    missing: Counter[str] = Counter()
    for index in range(plan.pages):
        if not rest:
            break
        page = synthesize_page(rest, face, plan.params, rng)
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
        rest = rest[page.consumed :]
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


def synthesize_corpus(
    plans: Sequence[WorkPlan],
    into: Path,
    seed: int,
    *,
    faces: Mapping[str, FontFace] | None = None,
) -> list[SyntheticWork]:
    """Write works and ``corpus.json``.

    Each work has its own random stream: a plan can change without changing its neighbours.

    Args:
        plans: The works; titles must differ.
        into: The corpus folder; files of the same names are replaced.
        seed: All randomness.
        faces: Faces by font id that are open already.

    Raises:
        MaterialError: If two plans share a title, or a font draws nothing of its text.
    """
    slugs = [slug_of(plan.title) for plan in plans]
    if len(set(slugs)) < len(slugs):
        twice = sorted(title for title, count in Counter(slugs).items() if count > 1)
        raise MaterialError(
            f"Two works of the corpus share the name {', '.join(twice)}. Give each its own title.",
            reason="title_twice",
        )
    opened = dict(faces or {})
    works: list[SyntheticWork] = []
    for plan in plans:
        if plan.font.font_id not in opened:
            opened[plan.font.font_id] = FontFace(plan.font.files)
        stream = int(derive_id("work", seed, plan.title), 16)
        works.append(
            synthesize_work(plan, opened[plan.font.font_id], into, np.random.default_rng(stream))
        )
    report = _report(plans, works, seed)
    text = json.dumps(report, ensure_ascii=False, indent=1)
    (into / "corpus.json").write_text(text + "\n", encoding="utf-8")
    return works


def slug_of(title: str) -> str:
    """A file name that keeps letters and Han characters and joins the rest with hyphens."""
    folded = unicodedata.normalize("NFKC", title).strip().casefold()
    return re.sub(r"[^\w]+", "-", folded).strip("-") or "untitled"


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
