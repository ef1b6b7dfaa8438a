"""Whole columns as somebody cuts them out of a page: no boxes, no order, no ink given.

Single columns of the demonstration's works in hands that were never learned, on paper and on
stone, with a rhythm of sizes, small gaps and a little grain. The whole way from the picture to its
text, beside RapidOCR on the same picture, as it stands and turned on its side.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from rapidocr import RapidOCR

from assets.demo_material import TEXTS, DemoParams
from assets.resources import Project
from assets.transcribe import Transcript, transcribe
from pipelines.corrections import edit_distance
from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import load_fonts
from pipelines.imaging.codec import encode_png
from pipelines.scripts import canonical, is_han
from pipelines.texts import load_texts
from pipelines.windows import ink_extent
from tests.benchmarks.measure import table
from tests.benchmarks.reading import UNSEEN

COLUMNS_A_HAND = 16
SEED = 11


def bench_raw_columns(project: Project) -> None:
    """Share of characters right: 1 - edit distance / length, over all columns of a hand."""
    fonts = load_fonts(None, project.home / "fonts")
    rows = []
    for name in UNSEEN:
        if not fonts[name].is_fetched:
            continue
        drawn = list(raw_columns(project, FontFace(fonts[name].files)))
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for number, (picture, *_) in enumerate(drawn):
                files.append(Path(folder) / f"{number:02}.png")
                files[-1].write_bytes(encode_png(picture))
            results = transcribe(
                project.settings, files, Path(folder) / "home",
                checkpoint=project.settings.checkpoint,
            )  # fmt: skip
        read = {Path(r.file).stem: r.text for r in results if isinstance(r, Transcript)}
        truth = [text for _, text, _ in drawn]
        ours = [read.get(f"{number:02}", "") for number in range(len(drawn))]
        engine = RapidOCR(params={"Global.log_level": "error"})
        upright = [_rapidocr(engine, picture) for picture, *_ in drawn]
        turned = [_rapidocr(engine, np.rot90(picture)) for picture, *_ in drawn]
        shares = [f"{share_right(said, truth):.1%}" for said in (ours, upright, turned)]
        rows.append((fonts[name].name, str(sum(map(len, truth))), *shares))
    header = ("hand", "characters", "Beitie", "RapidOCR", "RapidOCR, turned")
    table("Raw columns, characters right (1 - edit distance / length)", header, rows)


def share_right(said: Sequence[str], truth: Sequence[str]) -> float:
    """1 - edit distance / length over all columns, of canonical characters."""
    distance = sum(
        edit_distance("".join(canonical(c) for c in one if is_han(c)), "".join(map(canonical, two)))
        for one, two in zip(said, truth, strict=True)
    )
    return 1 - distance / sum(map(len, truth))


def _rapidocr(engine: RapidOCR, picture: np.ndarray) -> str:
    found = engine(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_GRAY2BGR))
    return "".join(found.txts or ())


def raw_columns(
    project: Project, face: FontFace
) -> Iterator[tuple[np.ndarray, str, tuple[Box, ...]]]:
    """Pictures of columns in one hand, with what stands in them and where."""
    params = DemoParams()
    titles = {*params.first, *params.frozen, *params.second}
    bodies = [t.body for t in load_texts(project.home / "texts" / TEXTS) if t.title in titles]
    rng = np.random.default_rng(SEED)
    for number in range(COLUMNS_A_HAND):
        line = [c for c in bodies[number % len(bodies)] if face.covers(c)]
        count = int(rng.integers(5, 13))
        start = int(rng.integers(0, len(line) - count))
        text = "".join(line[start : start + count])
        ink, boxes = _drawn(text, face, rng)
        yield _scan(ink, rng, is_dark_ink=bool(number % 2)), text, boxes


def _drawn(
    text: str, face: FontFace, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[Box, ...]]:
    size, margin = int(rng.integers(60, 130)), int(rng.integers(4, 30))
    gap = float(rng.uniform(0.0, 0.25))
    column = np.zeros((2 * margin + int(1.6 * size * len(text)), size + 2 * margin), np.uint8)
    y, boxes = margin, []
    for character in text:
        glyph = face.draw(character, int(size * rng.uniform(0.75, 1.0)))
        extent = ink_extent(glyph)
        if extent is None:
            continue
        ink = glyph[extent.top : extent.bottom, extent.left : extent.right]
        ink = ink[:, : column.shape[1] - 2]
        spare = column.shape[1] - ink.shape[1]
        x = int(np.clip(spare / 2 + rng.normal(0, 0.04 * size), 0, spare))
        part = column[y : y + ink.shape[0], x : x + ink.shape[1]]
        np.maximum(part, ink, out=part)
        boxes.append(Box(x, y, x + ink.shape[1], y + ink.shape[0]))
        y += ink.shape[0] + int(size * gap) + 2
    return column[: y + margin], tuple(boxes)


def _scan(ink: np.ndarray, rng: np.random.Generator, *, is_dark_ink: bool) -> np.ndarray:
    grey = 235 - 0.75 * ink if is_dark_ink else 35 + 0.75 * ink
    soft = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.7)
    return np.clip(soft + rng.normal(0, 8, soft.shape), 0, 255).astype(np.uint8)
