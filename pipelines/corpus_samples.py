"""Columns of synthetic pages as samples, their ink as the pipeline finds it.

What is learned from a page that was drawn, aged or set into the surface of a scan is what a
reader will meet: its picture goes through the same normalization as a scan, and only then are its
columns cut out, by the true boxes.

Holds: :func:`samples_from_pages`.

Keeps out: drawing pages (``pipelines.synthesis``), approved columns (``pipelines.samples``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box, union
from pipelines.ids import derive_id
from pipelines.imaging.codec import decode_png, encode_png
from pipelines.imaging.ink import normalize_ink
from pipelines.prompts import style_prompt
from pipelines.records import (
    ILLEGIBLE,
    Origin,
    Sample,
    SampleCharacter,
    Script,
    Split,
    Work,
)
from pipelines.store import Store
from pipelines.truth import CorpusPage, Role, TrueCharacter

Ink = npt.NDArray[np.uint8]

STAGE = "corpus_samples"
LEAST_FOUND = 0.35
"""Share of a character's ink that must be found; with less there is nothing to learn from."""


def samples_from_pages(
    pages: Iterable[CorpusPage], store: Store, *, code_version: str
) -> Iterator[Sample]:
    """One sample for every column of every page, interlinear notes left out.

    A character that damage has taken, or that normalization does not find, stays in its place
    as □: nobody can learn what is gone.

    Args:
        pages: Of a corpus.
        store: Holds their pictures; the ink of each column is put into it.
        code_version: Goes into every sample.
    """
    for page in pages:
        found = normalize_ink(decode_png(store.get(page.image_key)))
        drawn = decode_png(store.get(page.ink_key))
        work = _work(page)
        for place, characters in sorted(_columns(page).items()):
            box = union([character.box for character in characters])
            cut = found.ink[box.top : box.bottom, box.left : box.right]
            column_id = derive_id(page.page_id, place)
            yield Sample(
                sample_id=derive_id(column_id, STAGE, code_version),
                column_id=column_id,
                page_id=page.page_id,
                work=work,
                split=Split.TRAIN,
                origin=Origin.SYNTHETIC,
                ink_key=store.put(encode_png(cut), ".png"),
                polarity=found.polarity,
                characters=tuple(
                    _character(character, box, is_there=_is_there(character.box, found.ink, drawn))
                    for character in characters
                ),
                prompt=style_prompt(work, found.polarity),
                review_id="",
                code_version=code_version,
            )


def _columns(page: CorpusPage) -> dict[int, list[TrueCharacter]]:
    columns: dict[int, list[TrueCharacter]] = defaultdict(list)
    for character in page.characters:
        if character.role is not Role.NOTE and character.strand == 0:
            columns[character.column].append(character)
    return columns


def _character(character: TrueCharacter, column: Box, *, is_there: bool) -> SampleCharacter:
    is_legible = is_there and not character.is_damaged
    return SampleCharacter(
        box=character.box.moved(-column.left, -column.top),
        written=character.written if is_legible else ILLEGIBLE,
        canonical=character.canonical if is_legible else ILLEGIBLE,
        is_damaged=character.is_damaged,
    )


def _is_there(box: Box, found: Ink, drawn: Ink) -> bool:
    return _inked(found, box) >= LEAST_FOUND * max(1, _inked(drawn, box))


def _inked(ink: Ink, box: Box) -> int:
    return int(np.count_nonzero(ink[box.top : box.bottom, box.left : box.right] > 127))


def _work(page: CorpusPage) -> Work:
    return Work(
        work_id=derive_id(STAGE, page.corpus, page.font_id),
        title=f"corpus {page.corpus}, drawn with {page.font_id}",
        calligrapher=page.font_id,
        script=Script.UNKNOWN,
        rights=page.rights,
        source=f"synthetic: corpus {page.corpus}",
        is_synthetic=True,
    )
