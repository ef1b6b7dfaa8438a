"""A synthetic corpus set into real scans: the same record type, the same truth, other pictures.

Text, boxes, order, clean ink and rules stay as they are. What depends on the picture is told anew:
the damage mask, how much of each character is lost, and seals, which are left out where dark ground
would hide them.

Holds: ``restyle_pages``, and ``Source``, a scan with its rights.

Keeps out: the restyling itself (``training.families.creativesynth``), arguments and files
(``training.restyling``).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipelines.checks import refuse_mixture
from pipelines.errors import MaterialError
from pipelines.geometry import Box
from pipelines.ids import derive_id
from pipelines.imaging.codec import encode_png
from pipelines.imaging.scaling import cropped
from pipelines.records import Polarity, Rejection, Script, Work
from pipelines.scripts import canonical
from pipelines.store import Store
from pipelines.synthesis.corpora import StoredPage, stored_pages
from pipelines.tables import Tables
from pipelines.truth import CodePoint, Corpus, CorpusPage, TrueCharacter
from training.families.creativesynth.legibility import (
    Legibility,
    LegibilityParams,
    judge_ink,
    require_legible,
)
from training.families.creativesynth.restyle import PageInk, Restyled, Restyler
from training.families.creativesynth.surface import Scan
from training.roles import ColumnInk, Recogniser

Ink = npt.NDArray[np.uint8]

MEDIA = {Polarity.LIGHT_ON_DARK: "rubbing", Polarity.DARK_ON_LIGHT: "paper"}
"""What a restyled page is said to be written on; from the scan's polarity, which is all that is
known of it."""


@dataclass(frozen=True)
class Source:
    """A measured scan, what it is called, and the work it is of."""

    scan: Scan
    name: str
    work: Work


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured over the kept pages.

    Attributes:
        ink_iou: Of each kept page.
        accuracies: Share of characters read right before and after, page by page; empty without a
            reader.
        refused: Reasons of pages that were not kept, by code.
    """

    ink_iou: tuple[float, ...]
    accuracies: tuple[tuple[float, float], ...]
    refused: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class CorpusJob:
    """Which corpus becomes which, how.

    Attributes:
        corpus: Name of the corpus that is there.
        out: Name of the new one.
        strength: In [0, 1].
        seed: Of page k it is ``(seed, k)``.
        code_version: Part of every record.
        inputs: Fingerprint that the manifests keep; empty: of the corpus, the scans and how.
    """

    corpus: str
    out: str
    strength: float = 1.0
    seed: int = 0
    code_version: str = "training"
    inputs: str = ""
    legibility: LegibilityParams = LegibilityParams()


def restyle_pages(
    job: CorpusJob, sources: Sequence[Source], restyler: Restyler, tables: Tables, store: Store,
    reader: Recogniser | None, progress: Callable[[int], None],
) -> tuple[Corpus, Figures]:  # fmt: skip
    """Write the new corpus whole; an error leaves an older one of its name as it was.

    Args:
        job: What to do.
        sources: Scans; each page is set into one of them, by its seed.
        restyler: Sets pages in.
        tables: Have ``corpus_pages`` and ``corpora`` of the old name, get those of the new.
        store: Has the pictures and gets the new ones.
        reader: Reads before and after; pages that lose too much are refused. None: nobody is
            asked.
        progress: Told the number of pages done.

    Raises:
        RightsError: If the rights of fonts and scans may not stand in one set.
        MaterialError: If there is no scan, or no page could be kept.
    """
    if not sources:
        raise MaterialError("There is no scan to set pages into.", reason="no_scans")
    if job.out == job.corpus:
        raise MaterialError(
            f"The corpus {job.corpus!r} would be replaced by itself; give another --out-corpus.",
            reason="same_corpus",
        )
    (old,) = tables.read("corpora", job.corpus, Corpus)
    works = {source.work.work_id: source.work for source in sources}
    refuse_mixture([*_fonts(old), *works.values()])
    keys, kept, counts = hashlib.sha256(), list[CorpusPage](), Counter[str]()
    ious: list[float] = []
    accuracies: list[tuple[float, float]] = []
    made_from = [old.content_hash, job.strength, job.seed, *(source.name for source in sources)]
    inputs = job.inputs or json.dumps(made_from)
    with tables.writer("corpus_pages", job.out, CorpusPage, inputs=inputs) as writer:
        for number, page in enumerate(stored_pages(job.corpus, store, tables)):
            rng = np.random.default_rng((job.seed, page.record.page_index))
            source = sources[int(rng.integers(0, len(sources)))]
            seed = int(rng.integers(0, 2**31))
            try:
                made, found, read = _one(job, page, source, seed, restyler, reader)
            except MaterialError as error:
                counts[error.reason] += 1
                writer.reject(_rejection(job, page.record, error))
            else:
                record = _record(job, page, made, found, source, seed, store, restyler.name)
                writer.accept(record)
                keys.update("".join([record.image_key, record.ink_key]).encode())
                kept.append(record)
                ious.append(found.ink_iou)
                accuracies += read
            progress(number + 1)
        if not kept:
            raise MaterialError(
                f"No page of {job.corpus!r} could be kept: {dict(counts)}. Take less worn scans, "
                f"or a lower --strength.",
                reason="nothing_kept",
            )
    corpus = _manifest(job, old, kept, sources, writer.rejected, keys.hexdigest())
    tables.write("corpora", job.out, Corpus, [corpus], inputs=inputs)
    figures = Figures(
        ink_iou=tuple(ious), accuracies=tuple(accuracies), refused=dict(sorted(counts.items()))
    )
    return corpus, figures


def columns_of(page: CorpusPage, ink: Ink) -> Iterator[tuple[ColumnInk, str]]:
    """The columns of a page as a reader gets them, cut out of any ink of it, with their text."""
    by_column: dict[tuple[int, int], list[TrueCharacter]] = {}
    for character in page.characters:
        by_column.setdefault((character.column, character.strand), []).append(character)
    for characters in by_column.values():
        boxes = [character.box for character in characters]
        left, top = min(b.left for b in boxes), min(b.top for b in boxes)
        right, bottom = max(b.right for b in boxes), max(b.bottom for b in boxes)
        around = cropped(ink, Box(left, top, right, bottom)).copy()
        moved = tuple(box.moved(-left, -top) for box in boxes)
        yield ColumnInk(around, moved), "".join(c.canonical for c in characters)


def accuracy(reader: Recogniser, page: CorpusPage, ink: Ink) -> float:
    """Share of a page's characters that a reader names right in their true boxes."""
    columns = list(columns_of(page, ink))
    proposals = reader.read_columns([column for column, _ in columns])
    pairs = [
        (proposal.text, wanted)
        for one, (_, text) in zip(proposals, columns, strict=True)
        for proposal, wanted in zip(one, text, strict=True)
    ]
    return sum(canonical(said) == canonical(wanted) for said, wanted in pairs) / len(pairs)


def _one(
    job: CorpusJob, page: StoredPage, source: Source, seed: int, restyler: Restyler,
    reader: Recogniser | None,
) -> tuple[Restyled, Legibility, list[tuple[float, float]]]:  # fmt: skip
    name = f"Page {page.record.page_index} of {job.corpus!r} on {source.name}"
    clean = PageInk(page.ink, name, page.rules, page.seals)
    made = restyler.restyle(clean, source.scan, strength=job.strength, seed=seed)
    found = judge_ink(made.picture, page.ink)
    require_legible(found, source.scan.polarity, name, job.legibility)
    if reader is None:
        return made, found, []
    before = accuracy(reader, page.record, np.where(page.ink > 127, 255, 0).astype(np.uint8))
    after = accuracy(reader, page.record, found.ink)
    if before - after > job.legibility.max_accuracy_loss:
        raise MaterialError(
            f"{name} is read worse than before: {after:.0%} of the characters instead of "
            f"{before:.0%}, where {job.legibility.max_accuracy_loss:.0%} may be lost. Take a less "
            f"worn scan or a lower --strength.",
            reason="read_worse",
        )
    return made, found, [(before, after)]


def _record(
    job: CorpusJob, page: StoredPage, made: Restyled, found: Legibility, source: Source, seed: int,
    store: Store, restyler: str,
) -> CorpusPage:  # fmt: skip
    old = page.record
    said = {
        "restyled": {
            "page_id": old.page_id,
            "corpus": old.corpus,
            "like": source.name,
            "family": "creativesynth",
            "by": restyler,
            "strength": job.strength,
            "seed": seed,
            "ink_iou": round(found.ink_iou, 4),
        },
        "drawn": json.loads(old.params),
    }
    no_seals = np.zeros_like(page.ink)
    return replace(
        old,
        page_id=derive_id(job.out, old.page_id),
        corpus=job.out,
        image_key=store.put(encode_png(made.picture), ".png"),
        damage_key=store.put(encode_png(made.lost), ".png"),
        seals_key=old.seals_key if made.has_seals else store.put(encode_png(no_seals), ".png"),
        seal_boxes=old.seal_boxes if made.has_seals else (),
        medium=MEDIA[made.polarity],
        rights=_joined(old.rights, source.work.rights),
        characters=tuple(
            replace(c, loss=_loss(cropped(page.ink, c.box), cropped(made.lost, c.box)))
            for c in old.characters
        ),
        params=json.dumps(said, ensure_ascii=False),
        code_version=job.code_version,
    )


def _loss(ink: Ink, lost: Ink) -> float:
    inked = int((ink > 127).sum())
    return round(int((lost > 127).sum()) / inked, 4) if inked else 0.0


def _joined(font: str, scan: str) -> str:
    return font if font == scan else f"{font} AND {scan}"


def _rejection(job: CorpusJob, old: CorpusPage, error: MaterialError) -> Rejection:
    return Rejection(
        item_id=derive_id(job.out, old.page_id),
        stage="corpus_pages",
        reason=error.reason,
        detail=str(error),
    )


def _fonts(old: Corpus) -> list[Work]:
    return [
        Work(
            work_id=font.font_id, title=font.name, calligrapher="", script=Script.UNKNOWN,
            rights=font.rights, source=font.source, is_synthetic=True,
        )
        for font in old.fonts
    ]  # fmt: skip


def _manifest(
    job: CorpusJob, old: Corpus, kept: Sequence[CorpusPage], sources: Sequence[Source],
    rejected: int, content_hash: str,
) -> Corpus:  # fmt: skip
    histogram = Counter(c.canonical for page in kept for c in page.characters)
    pages = Counter(page.font_id for page in kept)
    drawn = Counter[str]()
    for page in kept:
        drawn[page.font_id] += len(page.characters)
    plan = {
        "restyled_from": old.corpus, "content_hash": old.content_hash, "strength": job.strength,
        "seed": job.seed, "like": sorted({source.name for source in sources}),
        "plan": json.loads(old.plan),
    }  # fmt: skip
    return replace(
        old,
        corpus=job.out,
        seed=job.seed,
        pages=len(kept),
        rejected=rejected,
        characters=sum(histogram.values()),
        damaged=sum(c.is_damaged for page in kept for c in page.characters),
        rights=tuple(sorted({*old.rights, *(source.work.rights for source in sources)})),
        fonts=tuple(
            replace(font, pages=pages[font.font_id], drawn=drawn[font.font_id])
            for font in old.fonts
            if pages[font.font_id]
        ),
        code_points=tuple(
            CodePoint(character=character, count=count)
            for character, count in sorted(histogram.items(), key=lambda c: (-c[1], c[0]))
        ),
        plan=json.dumps(plan, ensure_ascii=False, sort_keys=True),
        content_hash=content_hash,
        code_version=job.code_version,
    )
