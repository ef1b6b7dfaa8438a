"""Raw columns, found by the detector and located by the reader's own network, beside each other.

The same columns as in ``raw_columns``, and the same ink of them. What differs is who finds the
characters; both sets of boxes are then read by the same reader, and what the network read while it
located is judged too.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from assets.demo_material import content_face
from assets.resources import Project
from pipelines.characters import find_characters
from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import load_fonts
from pipelines.imaging.ink import normalize_ink
from tests.benchmarks.measure import table
from tests.benchmarks.raw_columns import raw_columns, share_right
from tests.benchmarks.reading import UNSEEN
from training.families.unicalli.library import cached_library
from training.families.unicalli.reading import UniCalliReader
from training.families.unicalli.weights import load_bundle
from training.metrics.detection import Found, compare
from training.roles import ColumnInk

Answer = tuple[Sequence[Box], str]
"""Boxes from top to bottom, and what was read in them."""


def bench_located(project: Project) -> None:
    """Box F1 at an overlap of half, and share of characters right, a hand."""
    bundle = load_bundle(project.settings.checkpoint)
    if not bundle.locates:
        sys.stdout.write(
            f"\n{project.settings.checkpoint} has not learned to locate: "
            f"python -m training train --recipe unicalli.locate\n"
        )
        return
    library = cached_library(
        bundle.vocabulary, content_face(project), bundle.autoencoder, bundle.dims.cell_px,
        project.home / "cache",
    )  # fmt: skip
    reader = UniCalliReader(bundle, library)
    ways: dict[str, Callable[[np.ndarray], Answer]] = {
        "detector, then read": lambda ink: _detected(reader, ink),
        "located, then read": lambda ink: _located(reader, ink, is_one_pass=False),
        "located and read at once": lambda ink: _located(reader, ink, is_one_pass=True),
    }
    fonts = load_fonts(None, project.home / "fonts")
    for name in UNSEEN:
        if not fonts[name].is_fetched:
            continue
        columns = list(raw_columns(project, FontFace(fonts[name].files)))
        inks = [normalize_ink(picture).ink for picture, *_ in columns]
        rows = [(label, *_judged(way, inks, columns)) for label, way in ways.items()]
        header = ("way", "box F1", "found", "true", "characters right", "columns a second")
        table(f"Raw columns, {fonts[name].name}", header, rows)


def _judged(
    way: Callable[[np.ndarray], Answer],
    inks: Sequence[np.ndarray],
    columns: Sequence[tuple[np.ndarray, str, tuple[Box, ...]]],
) -> tuple[str, ...]:
    started = time.perf_counter()
    answers = [way(ink) for ink in inks]
    seconds = time.perf_counter() - started
    total = Found()
    for (boxes, _), (_, _, true) in zip(answers, columns, strict=True):
        total += compare([_edges(box) for box in boxes], [_edges(box) for box in true])
    share = share_right([said for _, said in answers], [text for _, text, _ in columns])
    return (
        f"{total.f1:.3f}",
        str(total.found),
        str(total.true),
        f"{share:.1%}",
        f"{len(inks) / seconds:.1f}",
    )


def _detected(reader: UniCalliReader, ink: np.ndarray) -> Answer:
    boxes = tuple(
        sorted((one.box for one in find_characters(ink)), key=lambda box: box.top + box.bottom)
    )
    (said,) = reader.read_columns([ColumnInk(ink, boxes)])
    return boxes, "".join(one.text for one in said)


def _located(reader: UniCalliReader, ink: np.ndarray, *, is_one_pass: bool) -> Answer:
    (found,) = reader.locate([ink], is_one_pass=is_one_pass)
    return found.boxes, "".join(one.text for one in found.proposals)


def _edges(box: Box) -> tuple[int, int, int, int]:
    return box.left, box.top, box.right, box.bottom
