"""The second opinion: RapidOCR (PP-OCR) on the same characters.

Holds: ``RapidOcrReader``, and ``HeedingReader``, which asks it first. Its recognizer is made for
lines; a single character, dark on light with a margin, is the fairest it can be given (whole
vertical columns it reads sideways). Cut from the picture it reads better than from the ink, which
has lost its thinnest strokes: 77 % instead of 74 of 421 characters of worn synthetic pages. It
names one character and no others, so ``candidates`` has one entry at most.

Keeps out: comparing the two readers (``training.evaluation``, ``annotation.triage``) and weighing
them against each other (``training.second_opinion``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from rapidocr import RapidOCR

from pipelines.geometry import Box
from pipelines.scripts import canonical, is_han
from pipelines.windows import fit_cell
from training.roles import NOTHING, ColumnInk, Proposal, Recogniser

CROP_PX = 48
CROPS_AT_ONCE = 16
PICTURE_MARGIN = 0.12
"""Around a character cut from the picture, in its longer side; 0.03 and 0.18 read worse."""


class RapidOcrReader:
    """RapidOCR with the models inside its wheel, on the CPU.

    Args:
        threads: For ONNX Runtime; 0 leaves the choice to it.
    """

    def __init__(self, threads: int = 0) -> None:
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        options: dict[str, object] = {
            "Global.log_level": "error",
            "Rec.rec_batch_num": CROPS_AT_ONCE,
        }
        if threads:
            options["EngineConfig.onnxruntime.intra_op_num_threads"] = threads
        self._engine: Any = RapidOCR(params=options)

    def read_columns(self, columns: Sequence[ColumnInk]) -> list[list[Proposal]]:
        """One proposal a box; empty where nothing Han was recognized."""
        crops = [crop for column in columns for crop in _crops(column)]
        proposals = iter(self.read_crops(crops))
        return [[next(proposals) for _ in column.boxes] for column in columns]

    def read_crops(self, crops: Sequence[npt.NDArray[np.uint8]]) -> list[Proposal]:
        """Read prepared crops, (48, 48, 3) each, black on white."""
        if not crops:
            return []
        output = self._engine.recognize_txt(list(crops))
        return [
            _proposal(text, score)
            for text, score in zip(output.txts or (), output.scores or (), strict=True)
        ]


def _crops(column: ColumnInk) -> Iterator[npt.NDArray[np.uint8]]:
    if column.picture is None or column.picture.shape[:2] != column.ink.shape:
        yield from (prepare_crop(column.ink, box) for box in column.boxes)
        return
    grey = dark_on_light(column.picture, column.ink)
    ground = int(np.median(grey[column.ink == 0])) if (column.ink == 0).any() else 255
    for box in column.boxes:
        yield picture_crop(grey, box, ground)


def dark_on_light(
    picture: npt.NDArray[np.uint8], ink: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """The picture as grey, turned over where its ink is lighter than its ground."""
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    is_ink = ink > 0
    if is_ink.any() and not is_ink.all() and grey[is_ink].mean() > grey[~is_ink].mean():
        grey = 255 - grey
    return np.asarray(grey, np.uint8)


def picture_crop(grey: npt.NDArray[np.uint8], box: Box, ground: int) -> npt.NDArray[np.uint8]:
    """A character with what is around it, on a square of its ground: (48, 48, 3)."""
    margin = round(PICTURE_MARGIN * max(box.width, box.height))
    around = box.padded(margin, margin).clipped(grey.shape[1], grey.shape[0])
    if around is None:
        return np.full((CROP_PX, CROP_PX, 3), 255, np.uint8)
    side = max(around.width, around.height)
    square = np.full((side, side), ground, np.uint8)
    top, left = (side - around.height) // 2, (side - around.width) // 2
    square[top : top + around.height, left : left + around.width] = grey[
        around.top : around.bottom, around.left : around.right
    ]
    method = cv2.INTER_AREA if side > CROP_PX else cv2.INTER_CUBIC
    cell = cv2.resize(square, (CROP_PX, CROP_PX), interpolation=method)
    return cv2.cvtColor(cell, cv2.COLOR_GRAY2BGR).astype(np.uint8)


def prepare_crop(ink: npt.NDArray[np.uint8], box: Box) -> npt.NDArray[np.uint8]:
    """A character as PP-OCR likes it: (48, 48, 3), black on white, with a margin."""
    inside = box.clipped(ink.shape[1], ink.shape[0])
    if inside is None:
        return np.full((CROP_PX, CROP_PX, 3), 255, np.uint8)
    cell = fit_cell(ink[inside.top : inside.bottom, inside.left : inside.right], CROP_PX)
    return cv2.cvtColor(255 - cell, cv2.COLOR_GRAY2BGR).astype(np.uint8)


def _proposal(text: str, score: float) -> Proposal:
    named = [canonical(character) for character in text if is_han(character)]
    if not named:
        return NOTHING
    return Proposal(
        text=named[0],
        score=float(score),
        margin=float(score),
        candidates=((named[0], float(score)),),
    )


class HeedingReader:
    """A reader that is told what the second one read: how pages are read for people.

    Args:
        first: Heeds ``ColumnInk.second``.
        second: Is asked before.
    """

    def __init__(self, first: Recogniser, second: Recogniser) -> None:
        self._first, self._second = first, second

    def read_columns(self, columns: Sequence[ColumnInk]) -> list[list[Proposal]]:
        """One proposal a box, of the first reader."""
        said = self._second.read_columns(columns)
        told = [
            replace(column, second=tuple(proposals))
            for column, proposals in zip(columns, said, strict=True)
        ]
        return self._first.read_columns(told)
