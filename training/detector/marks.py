"""What stands on a page beside characters: strokes between them, rules, frames, pictures, wear.

Holds: functions that draw one kind each onto ink in place, and :func:`worn`, what time and a
threshold make of the whole. None of it carries a box.

Keeps out: characters (``training.detector.pages``), damage as a camera sees it
(``pipelines.synthesis``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from pipelines.synthesis.fields import Field, clouds
from training.detector.glyphs import Ink

Area = tuple[float, float, float, float]


def join(ink: Ink, above: Area, below: Area, size: float, rng: np.random.Generator) -> None:
    """The stroke of a brush that was not lifted between two characters."""
    height, width = ink.shape

    def end(box: Area, rows: slice, is_last: bool) -> tuple[float, float] | None:
        left, right = max(0, int(box[0])), min(width, int(box[2]))
        view = ink[rows, left:right]
        places = np.argwhere(view > 127)
        if not len(places):
            return None
        y, x = places[-1] if is_last else places[0]
        return float(x + left), float(y + rows.start)

    def rows_of(box: Area) -> slice:
        return slice(max(0, int(box[1])), max(0, min(height, int(box[3]))))

    start = end(above, rows_of(above), True)
    stop = end(below, rows_of(below), False)
    if start is None or stop is None or stop[1] - start[1] > 1.2 * size:
        return
    bend = rng.normal(0, 0.12) * size
    t = np.linspace(0, 1, 10)[:, None]
    middle = (np.add(start, stop) / 2) + (bend, 0)
    curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * np.array(stop)
    thickness = max(1, round(size * float(rng.uniform(0.03, 0.12))))
    cv2.polylines(ink, [curve.round().astype(np.int32)], False, 255, thickness)


def tailed(glyph: Ink, size: float, rng: np.random.Generator) -> Ink:
    """A character whose last stroke is drawn far down, as those of shi, 十 and 事 may be."""
    rows = glyph[max(0, glyph.shape[0] - 3) :]
    places = np.flatnonzero(rows.max(axis=0) > 127)
    if not places.size:
        return glyph
    length = int(size * rng.uniform(0.4, 2.2))
    x = float(places[int(rng.integers(len(places)))])
    sway = np.cumsum(rng.normal(0, 0.03, 6)) * size
    points = np.stack([x + sway - sway[0], np.linspace(0, length, 6) + glyph.shape[0] - 2], 1)
    left, right = max(0.0, -points[:, 0].min()), max(0.0, points[:, 0].max() - glyph.shape[1])
    pad = 4
    grown = cv2.copyMakeBorder(
        glyph, 0, length, round(left) + pad, round(right) + pad, cv2.BORDER_CONSTANT, value=0
    )
    points[:, 0] += round(left) + pad
    thickness = max(1, round(size * float(rng.uniform(0.05, 0.13))))
    cv2.polylines(grown, [points.round().astype(np.int32)], False, 255, thickness)
    x0, y0, w, h = cv2.boundingRect((grown >= 100).astype(np.uint8))
    return np.asarray(grown[y0 : y0 + h, x0 : x0 + w], np.uint8)


def rules(
    ink: Ink, places: Sequence[float], span: tuple[float, float], rng: np.random.Generator
) -> None:
    """Lines between columns, here and there broken off."""
    thickness = int(rng.integers(1, 5))
    top, bottom = round(span[0]), round(span[1])
    broken = rng.random() * 0.8
    for x in places:
        for y in range(top, bottom, 60):
            if rng.random() > broken:
                lean = round(rng.normal(0, 0.6))
                end = (round(x) + lean, min(y + 60, bottom))
                cv2.line(ink, (round(x) + lean, y), end, 255, thickness)


def surround(ink: Ink, area: Area, rng: np.random.Generator) -> None:
    """Frames, tables and what a scan shows around the sheet."""
    height, width = ink.shape
    left, top, right, bottom = (round(v) for v in area)
    out = int(rng.integers(2, 30))
    corner, opposite = (left - out, top - out), (right + out, bottom + out)
    if rng.random() < 0.35:
        cv2.rectangle(ink, corner, opposite, 255, int(rng.integers(1, 8)))
        if rng.random() < 0.4:
            inner = int(rng.integers(6, 14))
            cv2.rectangle(
                ink,
                (corner[0] - inner, corner[1] - inner),
                (opposite[0] + inner, opposite[1] + inner),
                255,
                int(rng.integers(1, 5)),
            )
    if rng.random() < 0.12:
        for y in np.sort(rng.uniform(top, bottom, int(rng.integers(1, 5)))):
            cv2.line(ink, (left, round(y)), (right, round(y)), 255, int(rng.integers(1, 5)))
    if rng.random() < 0.3:  # slivers that the removal of rules has left
        for _ in range(int(rng.integers(2, 14))):
            x, y = int(rng.integers(width)), int(rng.integers(height))
            length, thickness = int(rng.integers(8, 160)), int(rng.integers(1, 6))
            across = rng.random() < 0.5
            end = (x + length, y) if across else (x, y + length)
            cv2.line(ink, (x, y), end, 255, thickness)
    if rng.random() < 0.35:  # what is left of a frame in the margins
        for _ in range(int(rng.integers(1, 4))):
            at_side = float(rng.uniform(0.2, 0.9)) * left
            x = round(at_side if rng.random() < 0.5 else width - (width - right) * at_side / left)
            start, thickness = top, int(rng.integers(2, 16))
            while start < bottom:
                length = int(rng.integers(4, 160))
                if rng.random() < 0.5:
                    cv2.line(ink, (x, start), (x, min(bottom, start + length)), 255, thickness)
                start += length + thickness
    if rng.random() < 0.3:  # scanner bed, the other sheets' edges, the fold
        for _ in range(int(rng.integers(1, 4))):
            depth = int(rng.integers(4, 70))
            side, first = int(rng.integers(4)), float(rng.uniform(0, 0.8))
            stop = first + float(rng.uniform(0.1, 1.0))
            wave = np.clip(depth * (1 + 0.4 * rng.normal(size=8)), 0, None).cumsum() / 3
            along = np.linspace(first, stop, 8)
            edge = np.minimum(wave, depth)
            if side < 2:
                points = np.stack([along * width, edge if side else height - edge], 1)
                base = [
                    [stop * width, 0 if side else height],
                    [first * width, 0 if side else height],
                ]
            else:
                points = np.stack([edge if side == 2 else width - edge, along * height], 1)
                x = 0 if side == 2 else width
                base = [[x, stop * height], [x, first * height]]
            outline = np.concatenate([points, base]).round().astype(np.int32)
            cv2.fillPoly(ink, [outline], 255)


def facing_page(ink: Ink, area: Area, glyph: Callable[[], Ink], rng: np.random.Generator) -> None:
    """Pieces of characters from the page beside this one, cut off by the picture's edge."""
    height, width = ink.shape
    at_left = rng.random() < 0.7
    room = area[0] if at_left else width - area[2]
    y = area[1]
    shown = rng.uniform(0.15, 0.65)
    has_rule = rng.random() < 0.8
    while y < area[3]:
        picture = glyph()
        h, w = picture.shape
        part = picture[:, -max(1, int(w * shown)) :] if at_left else picture[:, : int(w * shown)]
        part = part[:, : max(1, int(room))]
        y0 = int(y)
        if part.shape[1] and y0 + h < height:
            view = ink[y0 : y0 + h]
            view = view[:, : part.shape[1]] if at_left else view[:, width - part.shape[1] :]
            np.maximum(view, part, out=view)
        y += h * rng.uniform(0.95, 1.3)
    if has_rule:
        x = round(area[0] * 0.7 if at_left else width - 0.7 * room)
        cv2.line(ink, (x, round(area[1])), (x, round(area[3])), 255, int(rng.integers(1, 6)))


def seal(
    ink: Ink,
    size: float,
    glyph: Callable[[], Ink],
    taken: Sequence[Area],
    rng: np.random.Generator,
) -> None:
    """A seal where no character stands: small crowded writing in a frame, white or red."""
    height, width = ink.shape
    side = int(size * rng.uniform(0.9, 3.0))
    for _ in range(20):
        x, y = int(rng.integers(max(1, width - side))), int(rng.integers(max(1, height - side)))
        if all(b[2] < x or b[0] > x + side or b[3] < y or b[1] > y + side for b in taken):
            break
    else:
        return
    stamp = np.zeros((side, side), np.uint8)
    rows = int(rng.integers(1, 4))
    cell = max(4, (side - 6) // rows)
    for row in range(rows):
        for column in range(rows):
            picture = cv2.resize(glyph(), (cell, cell), interpolation=cv2.INTER_AREA)
            top, left = 3 + row * cell, 3 + column * cell
            view = stamp[top : top + cell, left : left + cell]
            np.maximum(view, picture[: view.shape[0], : view.shape[1]], out=view)
    frame = max(2, side // 20)
    if rng.random() < 0.5:
        stamp = 255 - stamp
    else:
        cv2.rectangle(stamp, (0, 0), (side - 1, side - 1), 255, frame)
    if rng.random() < 0.2:
        mask = np.zeros_like(stamp)
        cv2.ellipse(mask, ((side / 2, side / 2), (side, side), 0), 255, -1)
        stamp &= mask
    view = ink[y : y + side, x : x + side]
    np.maximum(view, stamp[: view.shape[0], : view.shape[1]], out=view)


def picture(ink: Ink, area: Area, rng: np.random.Generator) -> None:
    """A drawing: long curves, outlines, hatching, a few dark areas."""
    left, top, right, bottom = area
    span = np.array([right - left, bottom - top])
    if min(span) < 20:
        return
    for _ in range(int(rng.integers(4, 40))):
        points = np.cumsum(rng.normal(0, 0.12, (int(rng.integers(3, 9)), 2)), axis=0)
        points = points + rng.random(2)
        spread = np.linspace(0, 1, 24)
        smooth = np.stack(
            [np.interp(spread, np.linspace(0, 1, len(points)), points[:, i]) for i in (0, 1)], 1
        )
        shape = ((left, top) + np.clip(smooth, 0, 1) * span).round().astype(np.int32)
        closed = bool(rng.random() < 0.3)
        cv2.polylines(ink, [shape], closed, 255, int(rng.integers(1, 6)))
    for _ in range(int(rng.integers(0, 6))):
        middle = ((left, top) + rng.random(2) * span).round().astype(int)
        axes = (rng.uniform(0.02, 0.2, 2) * min(span)).round().astype(int) + 1
        turn = float(rng.uniform(0, 180))
        thick = int(rng.choice([-1, 2, 3, 5]))
        place, reach = (int(middle[0]), int(middle[1])), (int(axes[0]), int(axes[1]))
        cv2.ellipse(ink, place, reach, turn, 0, 360, 255, thick)
    for _ in range(int(rng.integers(0, 5))):
        start = (left, top) + rng.random(2) * span
        length, step, count = rng.uniform(10, 60), rng.uniform(4, 12), int(rng.integers(4, 20))
        angle = rng.uniform(0, np.pi)
        along = length * np.array([np.cos(angle), np.sin(angle)])
        aside = step * np.array([-np.sin(angle), np.cos(angle)])
        for k in range(count):
            a, b = (start + k * aside).round(), (start + k * aside + along).round()
            cv2.line(ink, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 255, 2)


def show_through(ink: Ink, rng: np.random.Generator) -> Ink:
    """The ink with what the back of the sheet lets through: mirrored, in broken patches."""
    shape = (ink.shape[0], ink.shape[1])
    back = np.roll(ink[:, ::-1], tuple(int(v) for v in rng.integers(-60, 60, 2)), axis=(0, 1))
    soaked = clouds(shape, float(rng.uniform(80, 250)), rng) > rng.uniform(0.2, 1.4)
    speckled = clouds(shape, float(rng.uniform(2.0, 5.0)), rng) > rng.uniform(-0.3, 0.8)
    return np.asarray(np.where(soaked & speckled, np.maximum(ink, back), ink), np.uint8)


def worn(ink: Ink, rng: np.random.Generator) -> Ink:
    """What wear and a threshold leave: frayed, thinned, pitted, cracked; 0 or 255."""
    shape = (ink.shape[0], ink.shape[1])
    wear = float(rng.choice([0.0, 0.3, 0.6, 1.0], p=[0.35, 0.3, 0.2, 0.15]))
    blurred = cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.6, 1.4)))
    soft: Field = np.divide(blurred, 255, dtype=np.float32)
    level = float(rng.uniform(0.26, 0.52))
    if wear:
        cloudy = clouds(shape, float(rng.uniform(60, 300)), rng)
        fine = clouds(shape, float(rng.uniform(2.0, 5.0)), rng)
        # Where the page is worn most, strokes fade and the ground is pitted.
        soft -= np.float32(0.13 * wear) * np.clip(cloudy + 0.2, 0, None)
        soft += np.float32(0.1 * wear) * fine
        if rng.random() < 0.6:
            pits = clouds(shape, float(rng.uniform(1.6, 3.5)), rng)
            bound = 3.1 - 1.5 * wear * np.clip(cloudy, 0, 1.1) * float(rng.uniform(0.3, 1))
            soft[pits > bound] = 1.0
        for _ in range(int(rng.poisson(2.5 * wear))):
            _patch(soft, float(rng.random() < 0.7), rng)
        for _ in range(int(rng.poisson(1.0 * wear))):
            _crack(soft, rng)
    return np.asarray((soft > level).astype(np.uint8) * 255)


def _patch(soft: Field, value: float, rng: np.random.Generator) -> None:
    """A ragged area flaked off, or ink gone."""
    height, width = soft.shape
    middle = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    radius = float(np.exp(rng.uniform(np.log(6), np.log(70))))
    angles = np.sort(rng.uniform(0, 2 * np.pi, 14))
    reach = radius * np.exp(0.4 * rng.normal(size=14))
    shape = middle + np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None]
    cv2.fillPoly(soft, [shape.round().astype(np.int32)], value)


def _crack(soft: Field, rng: np.random.Generator) -> None:
    height, width = soft.shape
    start = np.array([rng.uniform(0, width), rng.uniform(0, height)])
    angle = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.25, 40))
    points = start + np.cumsum(18 * np.stack([np.cos(angle), np.sin(angle)], 1), axis=0)
    cv2.polylines(soft, [points.round().astype(np.int32)], False, 1.0, int(rng.integers(1, 7)))
