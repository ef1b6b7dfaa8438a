"""Characters read right in hands that the bundled reader never learned, beside its peers.

The works of the demonstration, ten characters to a column, drawn in a font and cut out perfectly,
whole and aged as training ages them. All readers see the same crops in one process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np
import torch

from assets.demo_material import TEXTS, DemoParams, content_face
from assets.resources import Project
from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import load_fonts
from pipelines.scripts import canonical
from pipelines.texts import load_texts
from pipelines.windows import fit_cell
from tests.benchmarks.measure import table
from training.augment import AugmentParams, augment
from training.families.unicalli.library import ReferenceLibrary, cached_library
from training.families.unicalli.reading import ReadingParams, UniCalliReader
from training.families.unicalli.weights import Bundle, load_bundle
from training.metrics.calibration import expected_calibration_error
from training.metrics.recognition import accuracy
from training.nearest_glyph import NearestGlyphReader
from training.roles import ColumnInk, Recogniser
from training.second_reader import HeedingReader, RapidOcrReader

UNSEEN = ("zhi-mang-xing", "aoyagi-soseki")
CELL_PX, IN_COLUMN, A_WORK = 64, 10, 130
STEPS, SEEDS = (1, 2, 4), (1, 2, 4)
CURVE_EVERY = 4
"""Of the columns, one in so many is read for the curve of steps and noises."""
SEED = 3

Drawn = dict[str, tuple[list[ColumnInk], list[str]]]


def bench_reading(project: Project) -> None:
    """Accuracy with intervals, top five, calibration and speed; then steps and noises."""
    bundle = load_bundle(project.settings.checkpoint)
    face = content_face(project)
    cache = project.home / "cache"
    library = cached_library(
        bundle.vocabulary, face, bundle.autoencoder, bundle.dims.cell_px, cache
    )
    alone = UniCalliReader(bundle, library)
    second = RapidOcrReader()
    readers: dict[str, Recogniser] = {
        "UniCalli, by look": UniCalliReader(bundle, library, ReadingParams(context_weight=0)),
        "UniCalli, in context": alone,
        "RapidOCR": second,
        "UniCalli heeding RapidOCR": HeedingReader(alone, second),
        "nearest glyph": NearestGlyphReader(bundle.vocabulary, face),
    }
    drawn = dict(conditions(project))
    for name, (columns, truth) in drawn.items():
        rows = [_row(label, reader, columns, truth) for label, reader in readers.items()]
        header = ("reader", "read right", "95 % interval", "top 5", "calibration", "a second")
        table(f"{name}: {sum(map(len, truth))} characters", header, rows)
    _curve(bundle, library, drawn)


def _curve(bundle: Bundle, library: ReferenceLibrary, drawn: Drawn) -> None:
    """What more steps and more starting noises are worth, by look: accuracy / calibration."""
    few = {
        name: (columns[::CURVE_EVERY], truth[::CURVE_EVERY])
        for name, (columns, truth) in drawn.items()
    }
    rows = []
    for steps in STEPS:
        for seeds in SEEDS:
            params = ReadingParams(steps=steps, seeds=seeds, context_weight=0)
            reader = UniCalliReader(bundle, library, params)
            found = [_row("", reader, columns, truth) for columns, truth in few.values()]
            cells = [f"{row[1]} / {row[4]}" for row in found]
            rows.append((str(steps), str(seeds), *cells, found[0][5]))
    count = sum(map(len, next(iter(few.values()))[1])) if few else 0
    table(
        f"Steps and starting noises, by look, {count} characters each: read right / calibration",
        ("steps", "noises", *few, "a second"),
        rows,
    )


def conditions(project: Project) -> Iterator[tuple[str, tuple[list[ColumnInk], list[str]]]]:
    """Columns and their texts, by hand, whole and aged."""
    params = DemoParams()
    titles = {*params.first, *params.frozen, *params.second}
    bodies = [t.body for t in load_texts(project.home / "texts" / TEXTS) if t.title in titles]
    fonts = load_fonts(None, project.home / "fonts")
    for name in UNSEEN:
        if not fonts[name].is_fetched:
            sys.stdout.write(
                f"\n{fonts[name].name} is not fetched and is left out: python -m "
                f"pipelines.glyphs.fetch --into {project.home / 'fonts'} {name}\n"
            )
            continue
        face = FontFace(fonts[name].files)
        for is_aged in (False, True):
            yield (
                f"{fonts[name].name}{', aged' if is_aged else ''}",
                columns_of_texts(bodies, face, is_aged=is_aged, a_work=A_WORK),
            )


def columns_of_texts(
    bodies: list[str], face: FontFace, *, is_aged: bool, a_work: int
) -> tuple[list[ColumnInk], list[str]]:
    """Columns of ten characters in a hand, up to ``a_work`` characters of each text."""
    generator = torch.Generator().manual_seed(SEED)
    boxes = tuple(Box(0, CELL_PX * k, CELL_PX, CELL_PX * (k + 1)) for k in range(IN_COLUMN))
    columns, truth = [], []
    for body in bodies:
        covered = (c for c in body if face.covers(c) and face.covers(canonical(c)))
        line = [canonical(c) for c in covered][:a_work]
        for start in range(0, len(line) - IN_COLUMN + 1, IN_COLUMN):
            text = "".join(line[start : start + IN_COLUMN])
            cells = [fit_cell(face.draw(c, CELL_PX), CELL_PX) for c in text]
            ink = np.stack(cells)
            if is_aged:
                whole = torch.from_numpy(ink)[:, None].float() / 255
                aged = augment(whole, CELL_PX, AugmentParams(), generator)
                ink = (aged[:, 0] * 255).byte().numpy()
            columns.append(ColumnInk(ink.reshape(-1, CELL_PX), boxes))
            truth.append(text)
    return columns, truth


def _row(
    label: str, reader: Recogniser, columns: list[ColumnInk], truth: list[str]
) -> tuple[str, ...]:
    started = time.perf_counter()
    proposals = reader.read_columns(columns)
    seconds = time.perf_counter() - started
    pairs = [
        (proposal, wanted, str(number))
        for number, (column, text) in enumerate(zip(proposals, truth, strict=True))
        for proposal, wanted in zip(column, text, strict=True)
    ]
    is_right = [canonical(proposal.text) == wanted for proposal, wanted, _ in pairs]
    share = accuracy(is_right, [column for *_, column in pairs], np.random.default_rng(SEED))
    top = np.mean(
        [wanted in {canonical(c) for c, _ in proposal.candidates} for proposal, wanted, _ in pairs]
    )
    error = expected_calibration_error([proposal.score for proposal, *_ in pairs], is_right)
    return (
        label,
        f"{share.value:.1%}",
        f"{share.low:.1%} to {share.high:.1%}",
        f"{top:.1%}",
        f"{error:.2f}",
        f"{len(pairs) / seconds:.0f}",
    )
