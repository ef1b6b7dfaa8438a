"""Corpora: synthetic pages kept as a versioned table, with a manifest that says what they are.

    python -m pipelines.synthesis.corpora NAME --pages 200 --fonts DIR --texts DIR --into DIR

Holds: ``CorpusPlan``, ``make_corpus``, which writes pages with their truth to the tables
``corpus_pages`` and ``corpora`` and pictures to the store, and ``stored_pages``, which reads them
back. The same plan, fonts, texts and code give the same bytes.

Fonts and texts whose licences may not stand in one published set are refused, as in an export.
Text that held-out works share is left out before the first page is drawn.

Keeps out: drawing (``pages``); works as files for an inbox (``works``).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.checks import refuse_mixture
from pipelines.errors import BeitieError, MaterialError
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import Font
from pipelines.ids import derive_id
from pipelines.imaging.codec import decode_png, encode_png
from pipelines.records import Rejection, Script, Work
from pipelines.scripts import is_han
from pipelines.store import Store
from pipelines.synthesis.appearance import AppearanceParams
from pipelines.synthesis.hands import Hand, load_hands
from pipelines.synthesis.layouts import Layout
from pipelines.synthesis.pages import SyntheticPage, plan_pages, synthetic_page
from pipelines.tables import Tables
from pipelines.texts import Text, exclude_shared, load_collections, load_texts
from pipelines.truth import CodePoint, Corpus, CorpusPage, FontUse
from pipelines.workers import Workers, map_in_order

Picture = npt.NDArray[np.uint8]

_ONE = Workers()


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusPlan:
    """What a corpus consists of.

    Attributes:
        name: Its name, and the batch of its rows.
        seed: All randomness.
        pages: How many are drawn.
        layouts: Kinds of pages, in turn; all that suit each hand if empty.
        wear: 0 fresh to 1 some text lost, the same on every page; drawn for each if None.
        run_length: Runs of so many characters that held-out works share are left out.
    """

    name: str
    seed: int
    pages: int
    layouts: tuple[Layout, ...] = ()
    wear: float | None = None
    run_length: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPage:
    """A page of a corpus with its pictures: RGB, and masks as in ``SyntheticPage``."""

    record: CorpusPage
    image: Picture
    ink: Picture
    rules: Picture
    seals: Picture
    damage: Picture


def make_corpus(
    plan: CorpusPlan,
    hands: Sequence[Hand],
    texts: Sequence[Text],
    *,
    store: Store,
    tables: Tables,
    code_version: str,
    held_out: Iterable[str] = (),
    inputs: str = "",
    workers: Workers = _ONE,
) -> Corpus:
    """Draw a corpus and write it whole; an error leaves an older one of the name as it was.

    Args:
        plan: What to draw.
        hands: Which may write.
        texts: What is written.
        store: Takes the pictures.
        tables: Take ``corpus_pages`` and ``corpora``, batch ``plan.name``.
        code_version: Of this program; part of every record.
        held_out: Bodies of the works that models will be judged on.
        inputs: Fingerprint of all that decides the corpus, kept with it; by default its plan.
        workers: Where pages are drawn; the result is the same everywhere.

    Raises:
        RightsError: If the licences of fonts and texts may not stand in one set.
        MaterialError: If there is no hand, or nothing is left to draw.
    """
    if not hands:
        raise MaterialError(
            "A corpus needs at least one fetched brush font, found none. Fetch fonts into the "
            "folder first (python -m pipelines.glyphs.fetch).",
            reason="no_fonts",
        )
    refuse_mixture(_licensed(hands, texts))
    left, exclusion = exclude_shared(texts, held_out, plan.run_length)
    if not left:
        raise MaterialError(
            f"Held-out works share all {exclusion.all_characters} characters of the texts. Give "
            f"other texts.",
            reason="texts_held_out",
        )
    plans = plan_pages(plan.seed, plan.pages, hands, left, layouts=plan.layouts, wear=plan.wear)
    jobs = (_Job(p.index, p.hand.font, p.seal_hand.font, p.text, p.params, p.rng) for p in plans)
    # Opened faces cannot be sent to another process: there, each opens a font once.
    opened = {hand.font: hand for hand in hands}
    hand_of = opened.__getitem__ if workers.is_one else _opened
    task = partial(_drawn, plan, store, code_version, hand_of)
    histogram: Counter[str] = Counter()
    pages: Counter[str] = Counter()
    drawn: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    damaged = 0
    keys = hashlib.sha256()
    with tables.writer(
        "corpus_pages", plan.name, CorpusPage, inputs=inputs or _plain(plan)
    ) as writer:
        for record in map_in_order(task, jobs, workers):
            if isinstance(record, Rejection):
                writer.reject(record)
                continue
            writer.accept(record)
            keys.update("".join([record.image_key, record.ink_key, record.damage_key]).encode())
            histogram.update(c.canonical for c in record.characters)
            pages[record.font_id] += 1
            drawn[record.font_id] += len(record.characters)
            missing[record.font_id] += record.missing
            damaged += sum(c.is_damaged for c in record.characters)
    corpus = Corpus(
        corpus=plan.name,
        seed=plan.seed,
        pages=writer.accepted,
        rejected=writer.rejected,
        characters=sum(histogram.values()),
        damaged=damaged,
        rights=tuple(sorted({work.rights for work in _licensed(hands, texts)})),
        fonts=tuple(
            _font_use(hand, pages[key], drawn[key], missing[key])
            for hand in hands
            if pages[key := hand.font.font_id]
        ),
        text_files=tuple(sorted({text.file for text in left})),
        code_points=tuple(
            CodePoint(character=character, count=count)
            for character, count in sorted(histogram.items(), key=lambda c: (-c[1], c[0]))
        ),
        exclusion=exclusion,
        plan=_plain(plan),
        content_hash=keys.hexdigest(),
        code_version=code_version,
    )
    tables.write("corpora", plan.name, Corpus, [corpus], inputs=inputs or _plain(plan))
    return corpus


def stored_pages(name: str, store: Store, tables: Tables) -> Iterator[StoredPage]:
    """The pages of a corpus in their order, one in memory at a time.

    Raises:
        TableError: If there is no corpus of the name.
        StoreError: If a picture is gone.
    """
    for group in tables.iterate("corpus_pages", name, CorpusPage):
        for record in group:
            yield StoredPage(
                record=record,
                image=decode_png(store.get(record.image_key)),
                ink=decode_png(store.get(record.ink_key)),
                rules=decode_png(store.get(record.rules_key)),
                seals=decode_png(store.get(record.seals_key)),
                damage=decode_png(store.get(record.damage_key)),
            )


@dataclass(frozen=True, slots=True)
class _Job:
    """A page to be drawn, as it is sent to another process."""

    index: int
    font: Font
    seal_font: Font
    text: str
    params: AppearanceParams
    rng: np.random.Generator


@cache
def _opened(font: Font) -> Hand:
    return Hand(font, FontFace(font.files))


def _drawn(
    plan: CorpusPlan,
    store: Store,
    code_version: str,
    hand_of: Callable[[Font], Hand],
    job: _Job,
) -> list[CorpusPage | Rejection]:
    """Draw one page and store its pictures."""
    hand, cutter = hand_of(job.font), hand_of(job.seal_font)
    try:
        page = synthetic_page(job.rng, hand, job.text, job.params, seal_hand=cutter)
    except MaterialError as error:
        return [
            Rejection(
                item_id=derive_id(plan.name, plan.seed, job.index),
                stage="corpus_pages",
                reason=error.reason,
                detail=str(error),
            )
        ]
    return [_record(plan, job.index, page, store, code_version)]


def _record(
    plan: CorpusPlan, index: int, page: SyntheticPage, store: Store, code_version: str
) -> CorpusPage:
    height, width = page.ink.shape
    return CorpusPage(
        page_id=derive_id(plan.name, plan.seed, index),
        corpus=plan.name,
        page_index=index,
        width=width,
        height=height,
        image_key=store.put(encode_png(page.image), ".png"),
        ink_key=store.put(encode_png(page.ink), ".png"),
        rules_key=store.put(encode_png(page.rules), ".png"),
        seals_key=store.put(encode_png(page.seals), ".png"),
        damage_key=store.put(encode_png(page.damage), ".png"),
        layout=page.layout,
        medium=page.medium,
        wear=page.params.wear,
        font_id=page.hand_id,
        rights=page.licence,
        text=page.text,
        missing=sum(page.missing.values()),
        characters=page.characters,
        seal_boxes=page.seal_boxes,
        params=json.dumps(asdict(page.params), ensure_ascii=False),
        code_version=code_version,
    )


def _plain(plan: CorpusPlan) -> str:
    return json.dumps(asdict(plan), ensure_ascii=False, sort_keys=True)


def _font_use(hand: Hand, pages: int, drawn: int, missing: int) -> FontUse:
    coverage = hand.face.coverage(filter(is_han, hand.face.characters()))
    return FontUse(
        font_id=hand.font.font_id,
        name=hand.font.name,
        script=hand.font.script,
        rights=hand.font.licence,
        source=hand.font.source,
        sha256=hand.font.sha256,
        mapped=coverage.mapped,
        outlined=coverage.outlined,
        pages=pages,
        drawn=drawn,
        missing=missing,
    )


def _licensed(hands: Sequence[Hand], texts: Sequence[Text]) -> list[Work]:
    """Fonts, and the collections that texts come from, as works with rights.

    A text that no collection of the list brought is its owner's own; it counts as unrestricted.
    """
    works = [
        _work(
            hand.font.font_id, hand.font.name, hand.font.script, hand.font.licence, hand.font.source
        )
        for hand in hands
    ]
    collections = load_collections()
    for key in sorted({text.file.split("/")[0] for text in texts} & set(collections)):
        item = collections[key]
        works.append(_work(key, item.name, Script.UNKNOWN, item.licence, item.source))
    return works


def _work(work_id: str, title: str, script: Script, rights: str, source: str) -> Work:
    return Work(
        work_id=work_id,
        title=title,
        calligrapher="",
        script=script,
        rights=rights,
        source=source,
        is_synthetic=True,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; the exit status is 1 if the corpus was not made."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.synthesis.corpora")
    parser.add_argument("name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--layout", action="append", type=Layout, default=[], choices=list(Layout))
    parser.add_argument("--wear", type=float, help="0 to 1; default: drawn for each page")
    parser.add_argument("--fonts", type=Path, required=True, metavar="DIR")
    parser.add_argument("--registry", type=Path, help="a list of fonts of your own")
    parser.add_argument("--texts", type=Path, required=True, metavar="DIR")
    parser.add_argument("--held-out", type=Path, nargs="*", default=[], metavar="FILE")
    parser.add_argument("--workers", type=int, default=1, help="processes; 0: one a core")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR")
    given = parser.parse_args(arguments)
    plan = CorpusPlan(
        name=given.name,
        seed=given.seed,
        pages=given.pages,
        layouts=tuple(given.layout),
        wear=given.wear,
    )
    try:
        corpus = make_corpus(
            plan,
            load_hands(given.fonts, registry=given.registry),
            load_texts(given.texts),
            store=Store(given.into / "store"),
            tables=Tables(given.into / "tables"),
            code_version=_own_version(),
            held_out=[file.read_text(encoding="utf-8") for file in given.held_out],
            workers=Workers(count=given.workers),
        )
    except (BeitieError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(
        f"{corpus.corpus}: {corpus.pages} pages, {corpus.characters} characters "
        f"({len(corpus.code_points)} different, {corpus.damaged} damaged), {len(corpus.fonts)} "
        f"fonts, {corpus.rejected} pages rejected; {corpus.exclusion.characters} of "
        f"{corpus.exclusion.all_characters} characters left out as held-out works share them; "
        f"content {corpus.content_hash[:12]}\n"
    )
    return 0


def _own_version() -> str:
    """A fingerprint of the code that draws."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


if __name__ == "__main__":
    sys.exit(main())
