"""Columns 列: the characters of a page, cut out column by column in reading order.

Holds: the stage ``make_columns``. Characters are found, ordered, and every column is cut into
the store with its ink; ink of neighbouring columns that reaches into the cut is left out.

Keeps out: where characters stand (``pipelines.characters``), in which order they are read
(``pipelines.order``), and what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from pipelines.characters import CharacterParams, FoundCharacter, find_characters
from pipelines.finding.orientation import OrientationParams, orientation_of
from pipelines.geometry import Box, union
from pipelines.ids import box_id
from pipelines.imaging.codec import decode_picture, decode_png, encode_jpeg, encode_png
from pipelines.imaging.ink import Ink
from pipelines.order.intake import RefusedBox, sift
from pipelines.order.params import OrderParams
from pipelines.order.reading import order_columns
from pipelines.records import Character, Column, Page, Rejection
from pipelines.store import Store
from pipelines.workers import Workers, map_in_order

STAGE = "columns"

CROP_QUALITY = 92
"""Of the JPEG of a column, which is for people; the page it was cut from is kept without loss."""

_ONE = Workers()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnParams:
    """How a page is cut into columns.

    Attributes:
        crop_padding: Blank kept around the characters of a column, in character sizes.
        characters: How characters are found.
        order: How they are ordered.
        orientation: When a page is said to lie on its side, upside down or mirrored.
    """

    crop_padding: float = 0.15
    characters: CharacterParams = field(default_factory=CharacterParams)
    order: OrderParams = field(default_factory=OrderParams)
    orientation: OrientationParams = field(default_factory=OrientationParams)


def make_columns(
    page: Page, store: Store, params: ColumnParams, code_version: str
) -> Iterator[Column | Rejection]:
    """The columns of a page, from right to left, each cut out of the page and of its ink.

    Args:
        page: A page whose picture and ink are in the store.
        store: Gives the page, receives the columns as PNG.
        params: How characters are found and ordered.
        code_version: Written into each record.

    Yields:
        Columns numbered from 0 and a Rejection for each found box that cannot be ordered, or one
        Rejection ``no_characters`` if nothing on the page is one. Rejections name the page. The
        columns of a page that lies on its side, upside down or mirrored are all uncertain, and
        say how to turn it.

    Raises:
        StoreError: If the page's picture or ink is not in the store.
    """
    image, ink = decode_picture(store.get(page.image_key)), decode_png(store.get(page.ink_key))
    found = find_characters(ink, params.characters)
    if not found:
        yield _without_characters(page)
        return
    edges = [(c.box.left, c.box.top, c.box.right, c.box.bottom) for c in found]
    sifted = sift(edges, page.width, page.height)
    for refused in sifted.refused:
        yield _refused(page, refused)
    boxes = sifted.boxes
    size = float(np.median([max(box.width, box.height) for box in boxes]))
    padding = round(params.crop_padding * size)
    orders = order_columns(boxes, params.order)
    orientation = orientation_of(ink, boxes, params.orientation)
    places = np.array([(b.left, b.top, b.right, b.bottom) for b in boxes])
    for index, order in enumerate(orders):
        around = union(boxes[i] for i in order.indices).padded(padding, padding)
        box = around.clipped(page.width, page.height) or around
        crop = (slice(box.top, box.bottom), slice(box.left, box.right))
        own = [boxes[i] for i in order.indices]
        reaches_in = np.all(
            (places[:, :2] < (box.right, box.bottom)) & (places[:, 2:] > (box.left, box.top)),
            axis=1,
        )
        others = [boxes[i] for i in np.setdiff1d(np.flatnonzero(reaches_in), order.indices)]
        yield Column(
            column_id=box_id(page.page_id, box),
            page_id=page.page_id,
            work=page.work,
            column_index=index,
            box=box,
            characters=tuple(
                _character(page.page_id, found[sifted.indices[i]], boxes[i]) for i in order.indices
            ),
            image_key=store.put(encode_jpeg(image[crop], quality=CROP_QUALITY), ".jpg"),
            ink_key=store.put(encode_png(ink_of_column(ink, box, own, others)), ".png"),
            order_confidence=order.confidence,
            is_order_uncertain=order.is_uncertain or not orientation.is_upright,
            link_confidences=order.link_confidences,
            # Of a page that lies wrongly no other doubt is worth telling.
            order_doubt=orientation.explanation or order.explanation,
            code_version=code_version,
        )


def process_columns(
    pages: Iterable[Page],
    store: Store,
    params: ColumnParams,
    code_version: str,
    *,
    workers: Workers = _ONE,
) -> Iterator[Column | Rejection]:
    """The columns of many pages, in the pages' order.

    Raises:
        ServiceError: If a worker is killed from outside.
    """
    return map_in_order(partial(_columns_of, store, params, code_version), pages, workers)


def ink_of_column(ink: Ink, box: Box, own: Sequence[Box], others: Sequence[Box]) -> Ink:
    """The ink of one column, without what stands in the boxes of its neighbours.

    A slanted or curved column does not fill its upright box, and its neighbours reach into it.
    Where the boxes of two columns overlap the ink stays: nobody knows whose it is.

    Args:
        ink: (H, W) ink of the page; not modified.
        box: The part of the page that is cut out.
        own: The characters of the column, in pixels of the page.
        others: The characters of the other columns.

    Returns:
        (box.height, box.width), a copy.
    """
    cut = ink[box.top : box.bottom, box.left : box.right].copy()
    inside = [
        moved
        for other in others
        if (moved := other.moved(-box.left, -box.top).clipped(box.width, box.height)) is not None
    ]
    if not inside:
        return cut
    is_foreign = np.zeros(cut.shape, bool)
    for other in inside:
        is_foreign[other.top : other.bottom, other.left : other.right] = True
    for member in own:
        mine = member.moved(-box.left, -box.top)
        is_foreign[mine.top : mine.bottom, mine.left : mine.right] = False
    cut[is_foreign] = 0
    return cut


def _columns_of(
    store: Store, params: ColumnParams, code_version: str, page: Page
) -> list[Column | Rejection]:
    return list(make_columns(page, store, params, code_version))


def _character(page_id: str, found: FoundCharacter, box: Box) -> Character:
    return Character(character_id=box_id(page_id, box), box=box, confidence=found.confidence)


def _refused(page: Page, refused: RefusedBox) -> Rejection:
    return Rejection(
        item_id=page.page_id,
        stage=STAGE,
        reason=refused.reason,
        detail=f"Page {page.page_index + 1} of {page.work.title!r}: {refused.detail}",
    )


def _without_characters(page: Page) -> Rejection:
    return Rejection(
        item_id=page.page_id,
        stage=STAGE,
        reason="no_characters",
        detail=(
            f"Page {page.page_index + 1} of {page.work.title!r} has ink "
            f"({page.ink_fraction:.2%} of it), but nothing that stands like a character. "
            f"Look at its ink; a page without writing can be left out."
        ),
    )
