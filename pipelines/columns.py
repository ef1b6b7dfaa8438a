"""Columns 列: the characters of a page, cut out column by column in reading order.

Holds: the stage ``make_columns``. Characters are found, ordered, and every column is cut into
the store with its ink; ink of neighbouring columns that reaches into the cut is left out.

Keeps out: where characters stand (``pipelines.characters``), in which order they are read
(``pipelines.order``), and what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from pipelines.characters import CharacterParams, FoundCharacter, find_characters
from pipelines.finding.orientation import Orientation, OrientationParams, orientation_of
from pipelines.geometry import Box, union
from pipelines.ids import box_id
from pipelines.imaging.codec import decode_picture, decode_png, encode_jpeg, encode_png
from pipelines.imaging.ink import Ink
from pipelines.layouts import Cut, Said, cut_by_layout, holds, in_doubt
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
    page: Page, store: Store, params: ColumnParams, code_version: str, said: Said | None = None
) -> Iterator[Column | Rejection]:
    """The columns of a page, from right to left, each cut out of the page and of its ink.

    Args:
        page: A page whose picture and ink are in the store.
        store: Gives the page, receives the columns as PNG.
        params: How characters are found and ordered.
        code_version: Written into each record.
        said: What people said of the page's layout: the columns are then theirs, in their order.

    Yields:
        Columns numbered from 0 and a Rejection for each found box that cannot be ordered or stands
        in no column that a person drew, or one Rejection ``no_characters`` if nothing on the page
        is one. Rejections name the page. The columns of a page that lies on its side, upside down
        or mirrored are all uncertain, and say how to turn it. A column in which nothing was found
        has no characters if a person drew it.

    Raises:
        StoreError: If the page's picture or ink is not in the store.
    """
    image, ink = decode_picture(store.get(page.image_key)), decode_png(store.get(page.ink_key))
    drawn = said.layout.columns if said is not None and said.layout.is_right else ()
    found = find_characters(ink, params.characters)
    found += _found_again(ink, drawn, found, params)
    if not found and not drawn:
        yield _without_characters(page)
        return
    edges = [(c.box.left, c.box.top, c.box.right, c.box.bottom) for c in found]
    sifted = sift(edges, page.width, page.height)
    for refused in sifted.refused:
        yield _refused(page, refused)
    boxes = sifted.boxes
    padding = _padding(boxes, params)
    frame = Box(0, 0, page.width, page.height)
    machine = []
    for order in order_columns(boxes, params.order):
        around = union(boxes[i] for i in order.indices).padded(padding, padding)
        machine.append(Cut(around.clipped(page.width, page.height) or around, order))
    columns: Sequence[Cut | Column] = machine
    if said is not None and said.layout.is_right:
        laid = cut_by_layout(boxes, machine, said, params.order, padding=padding, frame=frame)
        columns = laid.columns
        for place, reason in laid.dropped:
            yield _left_out(page, said, boxes[place], reason)
        if not columns and not laid.dropped:
            yield _without_characters(page)
    elif said is not None:
        columns = in_doubt(machine)
    layout_id = said.layout.layout_id if said is not None else ""
    # Whoever laid the page out has seen how it lies.
    is_seen = said is not None
    orientation = Orientation() if is_seen else orientation_of(ink, boxes, params.orientation)
    places = np.array([(b.left, b.top, b.right, b.bottom) for b in boxes]).reshape(-1, 4)
    for index, cut in enumerate(columns):
        if isinstance(cut, Column):
            yield replace(cut, column_index=index, layout_id=layout_id)
            continue
        box, order = cut.box, cut.order
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
            layout_id=layout_id,
            code_version=code_version,
        )


def process_columns(
    pages: Iterable[Page],
    store: Store,
    params: ColumnParams,
    code_version: str,
    *,
    said: Mapping[str, Said] | None = None,
    workers: Workers = _ONE,
) -> Iterator[Column | Rejection]:
    """The columns of many pages, in the pages' order; ``said`` by page id.

    Raises:
        ServiceError: If a worker is killed from outside.
    """
    known = said or {}
    jobs = ((page, known.get(page.page_id)) for page in pages)
    return map_in_order(partial(_columns_of, store, params, code_version), jobs, workers)


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
    store: Store, params: ColumnParams, code_version: str, job: tuple[Page, Said | None]
) -> list[Column | Rejection]:
    page, said = job
    return list(make_columns(page, store, params, code_version, said))


def _padding(boxes: Sequence[Box], params: ColumnParams) -> int:
    sizes = [max(box.width, box.height) for box in boxes]
    return round(params.crop_padding * float(np.median(sizes))) if sizes else 0


def _found_again(
    ink: Ink, drawn: Sequence[Box], found: Sequence[FoundCharacter], params: ColumnParams
) -> list[FoundCharacter]:
    """Characters of drawn columns in which nothing was found: there the ink is looked at alone."""
    more = []
    for column in drawn:
        if any(holds(column, c.box) for c in found):
            continue
        alone = np.ascontiguousarray(ink[column.top : column.bottom, column.left : column.right])
        more += [
            replace(c, box=c.box.moved(column.left, column.top))
            for c in find_characters(alone, params.characters)
        ]
    return more


def _character(page_id: str, found: FoundCharacter, box: Box) -> Character:
    return Character(character_id=box_id(page_id, box), box=box, confidence=found.confidence)


def _refused(page: Page, refused: RefusedBox) -> Rejection:
    return Rejection(
        item_id=page.page_id,
        stage=STAGE,
        reason=refused.reason,
        detail=f"Page {page.page_index + 1} of {page.work.title!r}: {refused.detail}",
    )


_WHERE = {
    "in_seal": "in what {who} marked as a seal",
    "not_writing": "in what {who} marked as no writing",
    "outside_layout": "in no column that {who} drew",
}


def _left_out(page: Page, said: Said, box: Box, reason: str) -> Rejection:
    where = _WHERE[reason].format(who=said.layout.annotator)
    return Rejection(
        item_id=page.page_id,
        stage=STAGE,
        reason=reason,
        detail=(
            f"Page {page.page_index + 1} of {page.work.title!r}: {box} stands {where}. If it "
            f"belongs to the text, draw its column in the page view."
        ),
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
