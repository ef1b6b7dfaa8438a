"""The pictures of a report: pages with ink and boxes, columns with every reader's glyphs.

A column is shown from left to right, one character a place: as it stands on the page, then what
each reader saw, drawn in the standard font, then what was approved. What a reader saw otherwise
than the approved text stands on red; a place it refused is empty.

Keeps out: which pages and columns are shown (``assets.demo``) and HTML (``assets.report``).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from assets.report import Picture
from pipelines.errors import MissingGlyph
from pipelines.geometry import Box
from pipelines.glyphs.content import content_cell
from pipelines.glyphs.fonts import FontFace
from pipelines.imaging.codec import decode_picture, decode_png, encode_jpeg
from pipelines.imaging.drawing import draw_boxes
from pipelines.records import Column, Page, Reading, Review
from pipelines.store import Store

Picture8 = npt.NDArray[np.uint8]

CELL_PX = 64
LABEL_PX = 92
PAGE_SIDE_PX = 900
SMALL_SIDE_PX = 560

DAMAGE_COLOUR, SEAL_COLOUR = (240, 140, 20), (200, 30, 30)

_WRONG = (255, 208, 200)
_PLAIN = (255, 255, 255)


def page_pictures(store: Store, name: str, page: Page, columns: Sequence[Column]) -> list[Picture]:
    """A page four times: as it came, its ink, its damage and seals, and boxes in their order."""
    image = decode_picture(store.get(page.image_key))
    ink = decode_png(store.get(page.ink_key))
    return [
        _picture(image, f"{name}: as it came"),
        _picture(ink, f"ink, {page.polarity.value.replace('_', ' ')} in the original"),
        _picture(
            with_damage(store, page, ink),
            f"damage on {page.damage_fraction:.1%}, {len(page.seals)} seals",
        ),
        _picture(_with_boxes(image, columns, PAGE_SIDE_PX), _counts(columns)),
    ]


def with_damage(store: Store, page: Page, ink: Picture8) -> Picture8:
    """The ink in grey with damage over it in orange and seals in red: (H, W, 3)."""
    picture = np.repeat((ink // 3 * 2)[:, :, None], 3, axis=2)
    picture[decode_png(store.get(page.damage_key)) > 0] = DAMAGE_COLOUR
    if page.seal_key is not None:
        picture[decode_png(store.get(page.seal_key)) > 0] = SEAL_COLOUR
    return picture


def boxes_picture(store: Store, name: str, page: Page, columns: Sequence[Column]) -> Picture:
    """A page with its boxes alone, small: one of many on a sheet."""
    image = decode_picture(store.get(page.image_key))
    caption = f"{name}: {_counts(columns)}"
    return _picture(_with_boxes(image, columns, SMALL_SIDE_PX), caption, side_px=SMALL_SIDE_PX)


def column_picture(
    store: Store,
    page: Page,
    readings: Mapping[str, Reading],
    face: FontFace,
    review: Review | None = None,
) -> Picture:
    """One column with its readers' glyphs; the first reading decides which boxes are shown."""
    image = _rgb(decode_picture(store.get(page.image_key)))
    approved = {c.character_id: c.canonical for c in review.characters} if review else {}
    first = next(iter(readings.values()))
    rows = [("page", [_crop(image, character.box) for character in first.characters])]
    for name, reading in readings.items():
        texts = {character.character_id: character.text for character in reading.characters}
        cells = [
            _glyph(texts.get(c.character_id, ""), approved.get(c.character_id), face)
            for c in first.characters
        ]
        rows.append((name, cells))
    if review:
        texts_approved = [approved.get(c.character_id, "") for c in first.characters]
        rows.append(("approved", [_glyph(text, None, face) for text in texts_approved]))
    strip = np.concatenate([_row(name, cells) for name, cells in rows])
    text = f"{page.work.title}: " + "; ".join(f"{n} {r.text}" for n, r in readings.items())
    return Picture(
        data=encode_jpeg(strip, quality=88),
        caption=text + (f"; approved {review.text}" if review else ""),
        alternative=text,
    )


def side_by_side(pictures: Sequence[bytes], height_px: int) -> bytes:
    """JPEGs beside each other in one, of one height, none enlarged."""
    images = [_rgb(np.asarray(Image.open(io.BytesIO(data)))) for data in pictures]
    height = min(height_px, *(image.shape[0] for image in images))
    scaled = [
        cv2.resize(
            image,
            (round(image.shape[1] * height / image.shape[0]), height),
            interpolation=cv2.INTER_AREA,
        )
        for image in images
    ]
    gap = np.full((height, 8, 3), 255, np.uint8)
    parts = [part for image in scaled for part in (image, gap)][:-1]
    return encode_jpeg(np.concatenate(parts, axis=1).astype(np.uint8), quality=80)


def _with_boxes(image: Picture8, columns: Sequence[Column], side_px: int) -> Picture8:
    """Boxes whose lines are still seen when the picture is shrunk to ``side_px``."""
    return draw_boxes(image, columns, line_px=max(1, round(2 * max(image.shape[:2]) / side_px)))


def _counts(columns: Sequence[Column]) -> str:
    count = sum(len(column.characters) for column in columns)
    uncertain = sum(column.is_order_uncertain for column in columns)
    said = f"{len(columns)} columns, {count} characters"
    return said + (f", order uncertain in {uncertain}" if uncertain else "")


def _picture(image: Picture8, caption: str, side_px: int = PAGE_SIDE_PX) -> Picture:
    data = encode_jpeg(image, quality=80, max_side_px=side_px)
    return Picture(data=data, caption=caption, alternative=caption)


def _row(name: str, cells: Sequence[Picture8]) -> Picture8:
    label = np.full((CELL_PX, LABEL_PX, 3), 255, np.uint8)
    cv2.putText(
        label,
        name,
        (4, CELL_PX // 2 + 5),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.45,
        (90, 84, 74),
        1,
        cv2.LINE_AA,
    )
    return np.concatenate([label, *cells], axis=1)


def _crop(image: Picture8, box: Box) -> Picture8:
    """The character in a square cell, with a little of what surrounds it."""
    margin = max(1, max(box.width, box.height) // 12)
    inside = box.padded(margin, margin).clipped(image.shape[1], image.shape[0])
    if inside is None:
        return np.full((CELL_PX, CELL_PX, 3), 255, np.uint8)
    cut = image[inside.top : inside.bottom, inside.left : inside.right]
    scale = (CELL_PX - 4) / max(cut.shape[:2])
    size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
    small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    cell = np.full((CELL_PX, CELL_PX, 3), 255, np.uint8)
    top, left = (CELL_PX - size[1]) // 2, (CELL_PX - size[0]) // 2
    cell[top : top + size[1], left : left + size[0]] = small
    return cell


def _glyph(text: str, approved: str | None, face: FontFace) -> Picture8:
    is_wrong = approved is not None and text != approved
    try:
        gray = content_cell(text, face, CELL_PX)
    except MissingGlyph:  # a reading outside the standard font is shown as an empty place
        gray = np.full((CELL_PX, CELL_PX), 255, np.uint8)
    ground = np.array(_WRONG if is_wrong else _PLAIN, np.uint16)
    return (gray[:, :, None] * ground // 255).astype(np.uint8)


def _rgb(image: Picture8) -> Picture8:
    return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
