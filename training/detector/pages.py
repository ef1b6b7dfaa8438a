"""Training pages for the detector: columns of characters with every box known.

Holds: :func:`draw_page`. A page is set in columns at its working size: dense books and rubbings
of a few large characters, single columns and single characters, titles beside small writing,
double-column notes (雙行夾注), kana between Chinese characters, readings beside them, neighbours
that touch, overlap and are joined, axes that drift. What is no character on it comes from
``training.detector.marks``.

Readings beside a character (furigana), punctuation, seals, pictures and what the picture's edge
cuts off carry no box: a page is to be parted into the characters of its text.

Drawn at twice the working size, thresholded and shrunk, as ink off a scan is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from training.detector import marks
from training.detector.glyphs import Hand, Ink
from training.detector.marks import Area
from training.detector.writing import (
    Setting,
    Sheet,
    any_glyph,
    draw_glyph,
    setting_of,
    write_column,
)

Boxes = npt.NDArray[np.float32]
"""(N, 4) left, top, right, bottom in pixels."""

OVERSAMPLED = 2


@dataclass(frozen=True, kw_only=True)
class TrainingPage:
    """Ink of a page at the detector's working size, (H, W) uint8 grey, and its true boxes.

    ``unsure`` are boxes of what may count or not: nothing is learned there.
    """

    ink: Ink
    boxes: Boxes
    unsure: Boxes


def draw_page(hands: Sequence[Hand], rng: np.random.Generator) -> TrainingPage:
    """One page; everything about it is drawn from ``rng``."""
    kind = rng.choice(
        ["book", "large", "mixed", "column", "single", "none"],
        p=[0.57, 0.14, 0.16, 0.07, 0.02, 0.04],
    )
    hand = _chosen(hands, rng)
    if kind == "column":
        sheet = _column_sheet(hand, rng)
    elif kind == "single":
        sheet = _single_sheet(hand, rng)
    else:
        sheet = _page_sheet(str(kind), hand, hands, rng)
    ink = marks.show_through(sheet.ink, rng) if rng.random() < 0.12 else sheet.ink
    ink = marks.worn(ink, rng)
    return _finished(ink, sheet)


def _chosen(hands: Sequence[Hand], rng: np.random.Generator) -> Hand:
    """The hand of a page: those that connect more often, and at times two of them as one.

    No font has all the forms that one brush has; two cursive ones together come nearer.
    """
    weights = np.array([0.5 + 1.6 * hand.connects for hand in hands])
    first, second = rng.choice(len(hands), 2, p=weights / weights.sum())
    hand, other = hands[int(first)], hands[int(second)]
    if hand.connects < 0.35 or other.connects < 0.35 or rng.random() < 0.5:
        return hand
    return replace(
        hand,
        han=hand.han + other.han,
        kana=hand.kana + other.kana,
        connects=max(hand.connects, other.connects),
    )


def _page_sheet(kind: str, hand: Hand, hands: Sequence[Hand], rng: np.random.Generator) -> Sheet:
    long_side = OVERSAMPLED * int(rng.integers(640, 1060))
    short_side = int(long_side * rng.uniform(0.52, 0.82))
    is_wide = rng.random() < 0.12
    height, width = (short_side, long_side) if is_wide else (long_side, short_side)
    sheet = Sheet(height, width)
    edge = float(rng.uniform(0.02, 0.12))
    area = (
        width * edge * rng.uniform(0.5, 2.0),
        height * edge * rng.uniform(0.5, 2.0),
        width * (1 - edge * rng.uniform(0.5, 2.0)),
        height * (1 - edge * rng.uniform(0.5, 2.0)),
    )
    if kind == "none":
        for _ in range(int(rng.integers(0, 4))):
            marks.picture(sheet.ink, _part(area, rng), rng)
        marks.surround(sheet.ink, area, rng)
        return sheet
    low, high = {"book": (15, 42), "large": (38, 84), "mixed": (17, 46)}[kind]
    setting = setting_of(
        hand, OVERSAMPLED * float(np.exp(rng.uniform(np.log(low), np.log(high)))), rng
    )
    right, left = area[2], area[0]
    if rng.random() < 0.12 and width > 6 * setting.size:
        cut = left + (right - left) * rng.uniform(0.25, 0.6)
        hole = (left, area[1], cut, area[3])
        if rng.random() < 0.5:
            hole = (right - (cut - left), area[1], right, area[3])
            right -= cut - left
        else:
            left = cut
        marks.picture(sheet.ink, hole, rng)
    area_of_text = (left, area[1], right, area[3])
    rules = _columns(sheet, area_of_text, setting, kind, hand, hands, rng)
    if rng.random() < 0.3:
        marks.rules(sheet.ink, rules, (area[1], area[3]), rng)
    marks.surround(sheet.ink, area, rng)
    if rng.random() < 0.25:
        marks.facing_page(sheet.ink, area, lambda: any_glyph(hand, setting, rng), rng)
    if rng.random() < 0.2:
        for _ in range(int(rng.integers(1, 4))):
            marks.seal(
                sheet.ink, setting.size, lambda: any_glyph(hand, setting, rng), sheet.boxes, rng
            )
    return sheet


def _columns(
    sheet: Sheet,
    area: Area,
    setting: Setting,
    kind: str,
    hand: Hand,
    hands: Sequence[Hand],
    rng: np.random.Generator,
) -> list[float]:
    """Set the columns from the right; returns the places between them."""
    left, top, right, bottom = area
    x, between = right, [right]
    blank_share = float(rng.choice([0.0, 0.05, 0.25]))
    ragged = float(rng.choice([0.0, 0.2, 0.8]))
    while True:
        this, writer = setting, hand
        if kind == "mixed" and rng.random() < 0.45:
            scale = float(np.exp(rng.uniform(np.log(0.45), np.log(2.6))))
            this = replace(setting, size=max(24.0, setting.size * scale))
        elif rng.random() < 0.04:
            this = replace(setting, size=setting.size * float(rng.uniform(1.3, 2.2)))
        if rng.random() < 0.05:
            writer = _chosen(hands, rng)
        room = this.size * this.across
        if x - room < left:
            break
        x -= room
        between.append(x)
        if rng.random() < blank_share:
            continue
        start = top + (rng.uniform(0, 0.5) * (bottom - top) * ragged if rng.random() < 0.5 else 0)
        end = bottom - (rng.uniform(0, 0.6) * (bottom - top) * ragged if rng.random() < 0.5 else 0)
        write_column(sheet, x + room / 2, start, end, this, writer, rng)
        if rng.random() < 0.12:  # a break in the column, as in a list
            write_column(sheet, x + room / 2, end + 2 * this.size, bottom, this, writer, rng)
    return between


def _column_sheet(hand: Hand, rng: np.random.Generator) -> Sheet:
    """A crop of one column, as annotators and readers cut it."""
    size = OVERSAMPLED * float(rng.uniform(24, 84))
    setting = replace(setting_of(hand, size, rng), notes=0.0, readings=0.0)
    width = round(size * rng.uniform(1.15, 2.0))
    height = round(size * rng.uniform(2, 9))
    sheet = Sheet(height, width)
    write_column(sheet, width / 2, rng.uniform(0, 0.3) * size, height, setting, hand, rng)
    return sheet


def _single_sheet(hand: Hand, rng: np.random.Generator) -> Sheet:
    size = OVERSAMPLED * float(rng.uniform(30, 84))
    picture = draw_glyph(hand, False, setting_of(hand, size, rng), rng)
    room = rng.uniform(0.02, 0.6, 4) * size
    sheet = Sheet(
        round(picture.shape[0] + room[0] + room[1]), round(picture.shape[1] + room[2] + room[3])
    )
    sheet.put(picture, room[2], room[0])
    return sheet


def _part(area: Area, rng: np.random.Generator) -> Area:
    left, top, right, bottom = area
    x = np.sort(rng.uniform(left, right, 2))
    y = np.sort(rng.uniform(top, bottom, 2))
    return float(x[0]), float(y[0]), float(x[1]) + 20, float(y[1]) + 20


def _finished(ink: Ink, sheet: Sheet) -> TrainingPage:
    """Shrunk to the working size; what wear has taken away counts no more."""
    height, width = -(-ink.shape[0] // OVERSAMPLED), -(-ink.shape[1] // OVERSAMPLED)
    small = np.asarray(cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    boxes: list[Area] = []
    unsure: list[Area] = list(sheet.unsure)
    for box in sheet.boxes:
        left, top, right, bottom = (int(v) for v in box)
        before = cv2.countNonZero(sheet.ink[top:bottom, left:right] & np.uint8(128))
        kept = cv2.countNonZero(
            ink[top:bottom, left:right] & sheet.ink[top:bottom, left:right] & np.uint8(128)
        )
        after = cv2.countNonZero(ink[top:bottom, left:right])
        is_buried = after > 2.5 * before and after > 0.7 * (right - left) * (bottom - top)
        (boxes if kept > 0.35 * before and not is_buried else unsure).append(box)
    return TrainingPage(
        ink=small,
        boxes=_at_working_size(boxes),
        unsure=_at_working_size(unsure),
    )


def _at_working_size(areas: Sequence[Area]) -> Boxes:
    return np.divide(np.asarray(areas, np.float32).reshape(-1, 4), OVERSAMPLED, dtype=np.float32)
