"""The guide 對照: beside each character's ink, what the readers take it for, in a standard font.

An annotator compares two shapes faster than he reads a list. So the picture of a task is the
column's crop with a strip to its right: at the height of each character's box the draft, large,
and in a row beside it, smaller, the other candidates with the keys that pick them. What the second
reader read is underlined; a bar stands where the readers differ. Ink and guide are one picture,
so they zoom and scroll together.

Holds: where everything stands, in pixels of the page, and the drawing of it. The places depend on
the boxes alone: another draft is drawn at the same places, so percent of the picture stay valid.

Keeps out: which candidates there are (``annotation.candidates``), files (``annotation.images``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
import numpy.typing as npt

from annotation.candidates import MAX_CANDIDATES, Candidates
from pipelines.errors import MissingGlyph
from pipelines.geometry import Box, vertical_overlap
from pipelines.glyphs.content import content_cell
from pipelines.glyphs.fonts import FontFace

Picture = npt.NDArray[np.uint8]

PAPER = (250, 249, 244)
INK = (25, 25, 25)
FAINT = (150, 146, 138)
SECOND = (20, 90, 180)
DISPUTED = (214, 96, 18)
KEY = (0, 122, 112)

_OTHERS = MAX_CANDIDATES - 1

GUIDE_VERSION = 1
"""Goes into the names of pictures: another way of drawing is another picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideParams:
    """How large the guide is; shares are of an ordinary character's side.

    ``min_character_px`` is what an ordinary character has at least in the picture: a smaller scan
    is enlarged, at most ``max_enlargement`` times, because glyphs drawn smaller cannot be read.
    """

    margin_share: float = 0.36
    candidate_share: float = 0.84
    key_share: float = 0.2
    min_character_px: int = 80
    max_enlargement: float = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideRow:
    """Where one character's proposals stand; ``number`` is that of its region.

    ``left`` and ``middle`` of the row and the ``side`` of its draft are pixels of the page.
    """

    number: int
    left: int
    middle: int
    side: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideLayout:
    """The whole picture in pixels of the page (crop and guide), and the rows of the guide."""

    crop: Box
    frame: Box
    side: int
    rows: tuple[GuideRow, ...]


def lay_out(boxes: Sequence[Box], crop: Box, params: GuideParams = GuideParams()) -> GuideLayout:
    """Where the guide stands beside a crop.

    Characters that stand beside each other, as in notes of two lines, get lanes beside each
    other, the left character the left lane.

    Args:
        boxes: The characters in reading order, pixels of the page.
        crop: What is shown of the page.
        params: How large the guide is.
    """
    if not boxes:
        return GuideLayout(crop=crop, frame=crop, side=1, rows=())
    side = max(1, round(median(max(box.width, box.height) for box in boxes)))
    lanes = _lanes(boxes)
    width = round(side * (params.margin_share + 1 + _OTHERS * _candidate_width(params)))
    frame = Box(crop.left, crop.top, crop.right + (max(lanes) + 1) * width, crop.bottom)
    rows = []
    for number, (box, lane) in enumerate(zip(boxes, lanes, strict=True), 1):
        middle = round(box.center[1])
        room = [
            abs(other.center[1] - box.center[1])
            for other, own in zip(boxes, lanes, strict=True)
            if own == lane and other is not box
        ]
        own_side = max(1, round(min([side, *(r for r in room if r > 0)])))
        # A glyph at the very edge of the crop is moved into the picture.
        lowest = max(crop.top + own_side // 2, crop.bottom - own_side // 2 - 1)
        middle = min(max(middle, crop.top + own_side // 2), lowest)
        left = crop.right + lane * width
        rows.append(GuideRow(number=number, left=left, middle=middle, side=own_side))
    return GuideLayout(crop=crop, frame=frame, side=side, rows=tuple(rows))


def enlargement(
    layout: GuideLayout, max_side_px: int, params: GuideParams = GuideParams()
) -> float:
    """Picture pixels per page pixel: large enough to read, within ``max_side_px``."""
    wanted = min(params.max_enlargement, max(1.0, params.min_character_px / layout.side))
    return min(wanted, max_side_px / max(layout.frame.width, layout.frame.height))


def picture_size(layout: GuideLayout, scale: float) -> tuple[int, int]:
    """Width and height of the whole picture in its own pixels."""
    frame = layout.frame
    return max(1, round(frame.width * scale)), max(1, round(frame.height * scale))


def draw_guide(
    ink: Picture,
    layout: GuideLayout,
    candidates: Sequence[Candidates],
    face: FontFace,
    scale: float,
    params: GuideParams = GuideParams(),
) -> Picture:
    """The crop with its guide.

    Args:
        ink: The crop as it is on the page, (H, W) grey or (H, W, 3) RGB; not written to.
        layout: Where everything stands.
        candidates: What to draw, as many as there are rows.
        face: The standard font. A character it lacks is left empty, its key stays.
        scale: Picture pixels per page pixel.
        params: How large the guide is, as it was laid out.

    Returns:
        (H', W', 3) RGB, the whole frame times ``scale``.
    """
    crop, frame = layout.crop, layout.frame
    width, height = picture_size(layout, scale)
    ink_width = max(1, round(crop.width * scale))
    canvas = np.full((height, width, 3), PAPER, np.uint8)
    rgb = ink if ink.ndim == 3 else np.repeat(ink[:, :, None], 3, axis=2)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    canvas[:, :ink_width] = cv2.resize(rgb, (ink_width, height), interpolation=how)
    pen = _Pen(canvas, face)
    for row, proposed in zip(layout.rows, candidates, strict=True):
        left, middle = (row.left - frame.left) * scale, (row.middle - frame.top) * scale
        side = row.side * scale
        _draw_row(pen, proposed, row.number, left, middle, side, params)
    return canvas


def _draw_row(
    pen: _Pen,
    proposed: Candidates,
    number: int,
    left: float,
    middle: float,
    side: float,
    params: GuideParams,
) -> None:
    margin = params.margin_share * side
    if proposed.is_disputed:
        bar = max(2, round(side * 0.06))
        pen.fill(left + margin * 0.1, middle - side * 0.46, bar, side * 0.92, DISPUTED)
    pen.write(
        str(number), left + margin * 0.58, middle - side * 0.3, params.key_share * side, FAINT
    )
    x = left + margin
    if proposed.draft:
        pen.glyph(proposed.draft, x, middle - side / 2, side, INK)
    else:
        pen.write("?", x + side / 2, middle, side * 0.4, FAINT)
    small, step = params.candidate_share * side, _candidate_width(params) * side
    key_size = params.key_share * side
    x += side
    for key, text in enumerate(proposed.texts, 1):
        if text == proposed.draft:
            continue
        colour = SECOND if text == proposed.second else INK
        pen.write(str(key), x + key_size * 0.6, middle - side * 0.3, key_size, KEY)
        pen.glyph(text, x + key_size, middle - small / 2, small, colour)
        if text == proposed.second:
            under = middle + small * 0.5 - 1
            pen.fill(x + key_size, under, small, max(1, side * 0.03), SECOND)
        x += step


def _candidate_width(params: GuideParams) -> float:
    return params.key_share + params.candidate_share


class _Pen:
    """Draws on a canvas in place, all sizes in its pixels; what falls outside is cut off."""

    def __init__(self, canvas: Picture, face: FontFace) -> None:
        self.canvas, self.face = canvas, face

    def glyph(
        self, text: str, left: float, top: float, side: float, colour: tuple[int, int, int]
    ) -> None:
        try:
            cell = content_cell(text, self.face, max(4, round(side)))
        except MissingGlyph:
            return
        x, y = round(left), round(top)
        x0, y0 = max(0, x), max(0, y)
        x1 = min(self.canvas.shape[1], x + cell.shape[1])
        y1 = min(self.canvas.shape[0], y + cell.shape[0])
        if x0 >= x1 or y0 >= y1:
            return
        share = (255 - cell[y0 - y : y1 - y, x0 - x : x1 - x, None].astype(np.float32)) / 255
        under = self.canvas[y0:y1, x0:x1]
        under[...] = np.round(under * (1 - share) + np.array(colour, np.float32) * share)

    def fill(
        self, left: float, top: float, width: float, height: float, colour: tuple[int, int, int]
    ) -> None:
        x, y = max(0, round(left)), max(0, round(top))
        self.canvas[y : y + max(1, round(height)), x : x + max(1, round(width))] = colour

    def write(
        self, text: str, middle: float, baseline: float, height: float, colour: tuple[int, int, int]
    ) -> None:
        """A number, centred on ``middle``."""
        scale = height / 22  # a digit of this font is 22 pixels high at scale 1
        weight = max(1, round(height / 9))
        (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, weight)
        place = (round(middle - width / 2), round(baseline + height / 2))
        cv2.putText(
            self.canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, weight, cv2.LINE_AA
        )


def _lanes(boxes: Sequence[Box]) -> list[int]:
    """The lane of each character: 0, unless it stands beside another at the same height."""
    lanes = [0] * len(boxes)
    placed: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda i: boxes[i].center[0]):
        taken = {lanes[i] for i in placed if _beside(boxes[i], boxes[index])}
        lanes[index] = next(lane for lane in range(len(boxes)) if lane not in taken)
        placed.append(index)
    return lanes


def _beside(a: Box, b: Box) -> bool:
    return vertical_overlap(a, b) > 0.5
