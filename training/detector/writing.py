"""Columns of characters written onto a sheet, with the box of each.

Holds: ``Sheet``, ink in the making, ``Setting``, how one page is written, and
:func:`write_column`: sizes that vary, axes that drift, neighbours that touch or are joined,
double-column notes (雙行夾注) and readings beside a character.

Keeps out: which columns a page has (``training.detector.pages``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from training.detector import marks
from training.detector.glyphs import EM_PX, Hand, Ink
from training.detector.marks import Area


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How one page is written: sizes in pixels at twice the working size."""

    size: float
    across: float
    is_grid: bool
    pitch: float
    gap: float
    rhythm: float
    narrow: float
    kana_share: float
    joined: float
    drift: float
    slant: float
    readings: float
    tails: float
    notes: float
    stroke: int


class Sheet:
    """A page in the making."""

    def __init__(self, height: int, width: int) -> None:
        self.ink = np.zeros((height, width), np.uint8)
        self.boxes: list[Area] = []
        self.unsure: list[Area] = []

    def put(self, picture: Ink, x: float, y: float, *, counts: bool = True) -> Area:
        """Add a picture with its left upper corner at (x, y); returns its box."""
        height, width = picture.shape
        left, top = round(x), round(y)
        box = (left, top, left + width, top + height)
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(self.ink.shape[1], box[2]), min(self.ink.shape[0], box[3])
        if x1 > x0 and y1 > y0:
            view = self.ink[y0:y1, x0:x1]
            np.maximum(view, picture[y0 - top : y1 - top, x0 - left : x1 - left], out=view)
            seen = (x1 - x0) * (y1 - y0) / (width * height)
            if counts and seen > 0.7:
                self.boxes.append((x0, y0, x1, y1))
            elif counts:
                self.unsure.append((x0, y0, x1, y1))
        return box


def setting_of(hand: Hand, size: float, rng: np.random.Generator) -> Setting:
    """A way to write a page in a hand, in characters of about ``size`` pixels."""
    has_kana = bool(hand.kana) and rng.random() < 0.75
    joins = rng.random() < (max(hand.connects, 0.6) if has_kana else hand.connects)
    return Setting(
        size=size,
        across=float(rng.choice([rng.uniform(1.0, 1.35), rng.uniform(1.2, 2.2)])),
        is_grid=rng.random() < (0.15 if joins else 0.5),
        pitch=float(rng.uniform(0.92, 1.5)),
        gap=float(rng.uniform(-0.12, 0.16 if joins else 0.35)),
        rhythm=float(rng.choice([0.05, 0.15, 0.28])),
        narrow=float(rng.uniform(0.65, 1.25)),
        kana_share=float(rng.uniform(0.3, 1.0)) if has_kana else 0.0,
        joined=float(rng.uniform(0.25, 0.95)) if joins else 0.0,
        drift=float(rng.choice([0.02, 0.1, 0.18])),
        slant=float(rng.normal(0, 0.012)),
        readings=float(rng.uniform(0.3, 0.9)) if has_kana and rng.random() < 0.45 else 0.0,
        tails=float(rng.uniform(0.02, 0.1)) if joins else 0.0,
        notes=float(rng.uniform(0.03, 0.12)) if size > 36 and rng.random() < 0.3 else 0.0,
        stroke=int(np.clip(np.rint(size * rng.uniform(-0.015, 0.05)), -1, 5)),
    )


def write_column(
    sheet: Sheet,
    x: float,
    top: float,
    bottom: float,
    setting: Setting,
    hand: Hand,
    rng: np.random.Generator,
) -> None:
    """One column of characters around the axis ``x``."""
    y, last = top, None
    phase, wave = rng.uniform(0, 2 * np.pi), rng.uniform(3, 12) * setting.size
    while True:
        if setting.notes and rng.random() < setting.notes:
            y = _note(sheet, x, y, bottom, setting, hand, rng)
            last = None
            continue
        is_kana = bool(hand.kana) and (not hand.han or rng.random() < setting.kana_share)
        picture = draw_glyph(hand, is_kana, setting, rng)
        height, width = picture.shape
        if y + max(height, 0.6 * setting.size) > bottom:
            return
        axis = (
            x
            + setting.slant * (y - top)
            + setting.drift
            * setting.size
            * float(np.sin(phase + y / wave * 2 * np.pi) + 0.3 * rng.normal())
        )
        at = y + (setting.size - height) / 2 if setting.is_grid else y
        box = sheet.put(picture, axis - width / 2, at)
        if last is not None and rng.random() < setting.joined:
            marks.join(sheet.ink, last, box, setting.size, rng)
        if setting.readings and not is_kana and rng.random() < setting.readings:
            _reading(sheet, box, setting, hand, rng)
        if rng.random() < 0.02:
            radius = max(2, round(setting.size * rng.uniform(0.05, 0.14)))
            at_dot = (round(box[2] + radius), round(box[3] + radius / 2))
            cv2.circle(sheet.ink, at_dot, radius, 255, int(rng.choice([-1, 2])))
        last = box
        gap = setting.gap * setting.size * rng.uniform(0.4, 1.6)
        if rng.random() < 0.03:
            gap, last = gap + setting.size * rng.uniform(0.5, 2.5), None
        y = y + setting.pitch * setting.size if setting.is_grid else box[3] + gap
        if not setting.is_grid:
            y = max(y, box[1] + 0.22 * setting.size)


def _note(
    sheet: Sheet,
    x: float,
    top: float,
    bottom: float,
    setting: Setting,
    hand: Hand,
    rng: np.random.Generator,
) -> float:
    """Two half-width columns in the place of one; returns where the text goes on."""
    size = setting.size * rng.uniform(0.42, 0.58)
    small = replace(
        setting, size=size, notes=0.0, readings=0.0, drift=0.03, joined=0.5 * setting.joined
    )
    end = min(bottom, top + size * rng.uniform(2, 14))
    apart = size * rng.uniform(0.95, 1.15) / 2
    write_column(sheet, x + apart, top, end, small, hand, rng)
    write_column(sheet, x - apart, top, end - rng.choice([0, size]), small, hand, rng)
    return float(end + 0.3 * size)


def _reading(
    sheet: Sheet,
    box: Area,
    setting: Setting,
    hand: Hand,
    rng: np.random.Generator,
) -> None:
    """Kana that say how the character beside them is read: no part of the text."""
    small = replace(setting, size=setting.size * rng.uniform(0.24, 0.42), narrow=1.0)
    y = box[1] - 0.1 * setting.size * rng.random()
    x = box[2] + rng.uniform(-0.02, 0.1) * setting.size
    for _ in range(int(rng.integers(1, 5))):
        placed = sheet.put(draw_glyph(hand, True, small, rng), x, y, counts=False)
        y = placed[3] + rng.uniform(-0.05, 0.1) * small.size
        if y > box[3] + 0.2 * setting.size:
            return


def draw_glyph(hand: Hand, is_kana: bool, setting: Setting, rng: np.random.Generator) -> Ink:
    """A picture in the size and width of the page, a little different each time."""
    pictures = hand.kana if is_kana and hand.kana else hand.han or hand.kana
    picture = pictures[int(rng.integers(len(pictures)))]
    scale = setting.size / EM_PX * float(np.exp(setting.rhythm * rng.normal()))
    scale_x = scale * setting.narrow * float(np.exp(0.08 * rng.normal()))
    scale_y = scale * float(np.exp(0.08 * rng.normal()))
    if is_kana:
        if rng.random() < 0.15:  # brush kana run long: shi, ku, ri
            scale_y *= float(rng.uniform(1.3, 3.0))
            scale_x *= float(rng.uniform(0.5, 1.0))
        scale_x, scale_y = 1.1 * scale_x, 1.1 * scale_y
    matrix = np.array([[scale_x, 0, 0], [0, scale_y, 0]])
    lean = float(rng.normal(0, 0.07))
    matrix[0, 1] = lean * scale_y
    if lean < 0:
        matrix[0, 2] = -lean * scale_y * picture.shape[0]
    turn = float(rng.normal(0, 0.04))
    matrix[1, 0] = turn * scale_x
    if turn < 0:
        matrix[1, 2] = -turn * scale_x * picture.shape[1]
    width = int(np.ceil(picture.shape[1] * scale_x + abs(lean) * scale_y * picture.shape[0])) + 2
    height = int(np.ceil(picture.shape[0] * scale_y + abs(turn) * scale_x * picture.shape[1])) + 2
    if scale < 0.5:
        # Linear sampling of every third pixel would break strokes.
        picture = np.asarray(cv2.blur(picture, (round(0.7 / scale),) * 2), np.uint8)
    drawn = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR)
    if setting.stroke:
        side = abs(setting.stroke)
        drawn = cv2.copyMakeBorder(drawn, side, side, side, side, cv2.BORDER_CONSTANT, value=0)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side + 1, side + 1))
        drawn = (cv2.dilate if setting.stroke > 0 else cv2.erode)(drawn, kernel)
    left, top, w, h = cv2.boundingRect((drawn >= 100).astype(np.uint8))
    if not w or not h:
        return np.full((2, 2), 255, np.uint8)
    tight = np.asarray(drawn[top : top + h, left : left + w], np.uint8)
    return marks.tailed(tight, setting.size, rng) if rng.random() < setting.tails else tight


def any_glyph(hand: Hand, setting: Setting, rng: np.random.Generator) -> Ink:
    """A picture of the page's own mixture, for what is no text."""
    return draw_glyph(hand, rng.random() < setting.kana_share, setting, rng)
