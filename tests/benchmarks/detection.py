"""Characters found on pages with true boxes: ours beside RapidOCR and projection profiles.

Every method sees the same pages in the same process. RapidOCR's detector gives lines; its lines
are scored as they are and parted into characters by the projection of their ink, the fairest that
can be done for it. The projection-profile method parts the page into columns and the columns
into characters where the sums of ink fall to nearly nothing.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rapidocr import RapidOCR

from assets.resources import Project
from pipelines import codh
from pipelines.characters import CharacterParams, Method, find_characters
from pipelines.geometry import Box, union
from pipelines.imaging.codec import decode_pages
from pipelines.imaging.ink import Ink, normalize_ink
from pipelines.imaging.pixels import Picture
from pipelines.synthesis.hands import load_hands
from pipelines.synthesis.pages import sample_pages
from pipelines.texts import load_texts
from tests.benchmarks.measure import table
from training.detector.recipe import CHOSEN_BOOKS
from training.metrics.detection import Found, compare

SEED = 20260401


@dataclass(frozen=True, kw_only=True)
class TruePicture:
    """A picture, its ink as the pipeline finds it, and the boxes of its characters.

    Found boxes with their middle outside ``area`` are not counted, if there is one.
    """

    name: str
    image: Picture
    ink: Ink
    boxes: tuple[Box, ...]
    area: Box | None = None


Finder = Callable[[TruePicture], Sequence[Box]]


def codh_pages(wheel: Path, folder: Path, books: Iterable[str] | None = None) -> list[TruePicture]:
    """The CODH pages, or those of some books, extracted into ``folder``."""
    wanted = None if books is None else set(books)
    pages = []
    for truth, file in zip(codh.read_truth(wheel), codh.extract(wheel, folder), strict=True):
        if wanted is None or truth.book in wanted:
            image = next(decode_pages(file.read_bytes(), file.name))
            boxes = tuple(character.box for character in truth.characters)
            pages.append(true_picture(truth.book, image, boxes))
    return pages


def true_picture(name: str, image: Picture, boxes: Iterable[Box]) -> TruePicture:
    """A picture with its ink."""
    return TruePicture(name=name, image=image, ink=normalize_ink(image).ink, boxes=tuple(boxes))


def synthetic_pages(project: Project, count: int = 14) -> list[TruePicture]:
    """Aged pages of all layouts from a seed that nothing was trained or tuned on."""
    hands, texts = load_hands(project.home / "fonts"), load_texts(project.home / "texts")
    return [
        true_picture(page.layout, page.image, (c.box for c in page.characters))
        for page in sample_pages(seed=SEED, count=count, hands=hands, texts=texts)
    ]


def bench_detection(project: Project) -> None:
    """Precision, recall and F1 at an overlap of half, and the time beside ours."""
    with tempfile.TemporaryDirectory() as folder:
        real = codh_pages(codh.fetch_wheel(project.home / "codh"), Path(folder))
    rapidocr = RapidOcrDetector()
    finders: dict[str, Finder] = {
        "Beitie": ours,
        "rhythm alone": rhythm,
        "projection profiles": projection,
        "RapidOCR, lines parted": rapidocr.characters,
    }
    chosen = [page for page in real if page.name not in CHOSEN_BOOKS]
    own = [replace(page, area=text_area(page.boxes)) for page in chosen]
    sets = {
        f"the {len(chosen)} CODH pages that nothing was trained or chosen on": chosen,
        "the same, boxes beyond the outermost true ones left out (facing pages, page numbers)": own,
        f"all {len(real)} CODH pages, five of them trained on": real,
        "synthetic aged pages": synthetic_pages(project),
    }
    for title, pages in sets.items():
        rows, first = [], 0.0
        for name, finder in finders.items():
            counts, seconds = scored(finder, pages)
            first = first or seconds
            shares = (counts.precision, counts.recall, counts.f1)
            rows.append([name, *(f"{share:.3f}" for share in shares), f"{seconds / first:.1f} x"])
        table(
            f"characters found, {title}; goal: F1 0.85 on CODH, 0.95 on synthetic",
            ("", "precision", "recall", "F1", "time"),
            rows,
        )


def scored(
    finder: Finder, pages: Iterable[TruePicture], overlap: float = 0.5
) -> tuple[Found, float]:
    """Counts over pages, and the seconds that finding took."""
    counts, seconds = Found(), 0.0
    for page in pages:
        started = time.perf_counter()
        boxes = [box for box in finder(page) if page.area is None or _has(page.area, box)]
        seconds += time.perf_counter() - started
        counts += compare([_corners(b) for b in boxes], [_corners(b) for b in page.boxes], overlap)
    return counts, seconds


def text_area(boxes: Sequence[Box]) -> Box:
    """The rectangle around all boxes, with half a character to spare."""
    spare = round(float(np.median([max(box.width, box.height) for box in boxes])) / 2)
    return union(boxes).padded(spare, spare)


def _has(area: Box, box: Box) -> bool:
    x, y = box.center
    return area.left <= x <= area.right and area.top <= y <= area.bottom


def ours(page: TruePicture) -> Sequence[Box]:
    """The learned eye and the ink's evidence, as the pipeline uses them."""
    return [found.box for found in find_characters(page.ink)]


def rhythm(page: TruePicture) -> Sequence[Box]:
    """This project's classical method alone."""
    return [found.box for found in find_characters(page.ink, CharacterParams(method=Method.RHYTHM))]


def projection(page: TruePicture) -> Sequence[Box]:
    """Columns, then characters, between the valleys of projection profiles."""
    return [
        box
        for left, right in _runs(page.ink.sum(axis=0, dtype=np.float64), 0.04)
        for box in _characters(page.ink, Box(left, 0, right, page.ink.shape[0]))
    ]


class RapidOcrDetector:
    """RapidOCR's text detector with the models inside its wheel."""

    def __init__(self) -> None:
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        options = {
            "Global.log_level": "error",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        }
        self._engine: Any = RapidOCR(params=options)

    def lines(self, page: TruePicture) -> Sequence[Box]:
        """The lines it finds."""
        image = page.image
        if image.ndim == 2:
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)
        found = self._engine(image[..., ::-1], use_det=True, use_cls=False, use_rec=False).boxes
        height, width = page.ink.shape
        boxes = []
        for corners in found if found is not None else ():
            left, top = np.floor(corners.min(axis=0)).astype(int)
            right, bottom = np.ceil(corners.max(axis=0)).astype(int)
            box = Box(int(left), int(top), int(right) + 1, int(bottom) + 1).clipped(width, height)
            if box is not None:
                boxes.append(box)
        return boxes

    def characters(self, page: TruePicture) -> Sequence[Box]:
        """Its lines parted into characters by projection."""
        return [box for line in self.lines(page) for box in _characters(page.ink, line)]


def _characters(ink: Ink, column: Box) -> list[Box]:
    """The runs of inked rows in a column; flat ones are joined while no higher than it is wide."""
    view = ink[column.top : column.bottom, column.left : column.right]
    if not view.any():
        return []
    joined: list[tuple[int, int]] = []
    for start, end in _runs(view.sum(axis=1, dtype=np.float64), 0.04):
        if joined and end - joined[-1][0] <= column.width:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    boxes = []
    for start, end in joined:
        columns = np.flatnonzero(view[start:end].any(axis=0))
        if columns.size:
            boxes.append(
                Box(
                    column.left + int(columns[0]),
                    column.top + start,
                    column.left + int(columns[-1]) + 1,
                    column.top + end,
                )
            )
    return boxes


def _runs(profile: np.ndarray[Any, np.dtype[np.float64]], share: float) -> list[tuple[int, int]]:
    """Stretches over ``share`` of the 95th percentile of a profile."""
    over = profile > share * np.quantile(profile, 0.95)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], over.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _corners(box: Box) -> tuple[int, int, int, int]:
    return box.left, box.top, box.right, box.bottom
