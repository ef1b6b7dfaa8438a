"""Arrangement: a text written onto a leaf: its columns, frames and rules, notes and signature.

Holds: ``lay_out``. Every layout is read in one way: columns from right to left, each from the top
down; within a column a double-line note (雙行夾注) right half first, then left, then the text
goes on. A signature (落款) is a column of its own, the last one.

Keeps out: which kinds of pages there are (``layouts``), how a hand moves (``setting``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from pipelines.synthesis.layouts import Layout, LayoutParams
from pipelines.synthesis.setting import Feed, Leaf, Warp, write_column
from pipelines.truth import Role

Ink = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the flat leaf that holds columns: its edges, and the em that fits it."""

    left: float
    top: float
    right: float
    bottom: float
    em_px: float
    pitch_px: float


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A written leaf.

    Attributes:
        leaf: With its characters.
        seal_places: Where the writer's seal belongs: squares of the page.
        slip: (H, W) 255 on the slip of a cover; elsewhere None.
        mount: (H, W) 255 on the bare mount beside a rubbing; elsewhere None.
    """

    leaf: Leaf
    seal_places: tuple[Box, ...]
    slip: Ink | None = None
    mount: Ink | None = None


def lay_out(params: LayoutParams, feed: Feed, rng: np.random.Generator) -> Arrangement:
    """Write a text onto a leaf until it is full or the text ends.

    Args:
        params: What the leaf looks like.
        feed: The text and the hand; what is used up is taken from it.
        rng: All randomness.
    """
    leaf = Leaf.blank(
        Warp(
            width=params.width_px,
            height=params.height_px,
            skew_deg=params.skew_deg,
            bow_px=params.bow_px,
            sag_px=params.sag_px,
        )
    )
    margin = params.margin_share * min(params.width_px, params.height_px)
    # Room for skew and bend, so that nothing leaves the page.
    slack = abs(np.sin(np.deg2rad(params.skew_deg))) * max(params.width_px, params.height_px) / 2
    across = margin + slack + abs(params.bow_px)
    down = margin + slack + abs(params.sag_px)
    left, right = across, params.width_px - across
    top, bottom = down, params.height_px - down
    if params.layout is Layout.TITLE:
        return _title(leaf, feed, params, rng)
    if params.layout is Layout.SPREAD:
        fold = (0.045 if params.has_fold else 0.06) * (right - left)
        middle = (left + right) / 2
        _columns(leaf, feed, params, _fitted(middle + fold / 2, top, right, bottom, params), rng)
        other = _fitted(left, top, middle - fold / 2, bottom, params)
        if params.has_fold:
            _fold(
                leaf,
                feed,
                params,
                Block(
                    middle - fold / 2,
                    top,
                    middle + fold / 2,
                    bottom,
                    0.62 * min(fold, 1.2 * other.em_px),
                    fold,
                ),
                rng,
            )
        _columns(leaf, feed, params, other, rng)
        return Arrangement(leaf, ())
    if params.mount_share:
        return _mounted(leaf, feed, params, Box(*map(round, (left, top, right, bottom))), rng)
    block = _fitted(left, top, right, bottom, params)
    return Arrangement(leaf, (_columns(leaf, feed, params, block, rng),))


def _fitted(left: float, top: float, right: float, bottom: float, params: LayoutParams) -> Block:
    """Columns spread evenly over the width, the em as large as both directions allow."""
    advance = (0.94 if params.brush.is_grid else 0.88) + params.brush.gap_share
    pitch = (right - left) / params.columns
    em = min(pitch / params.pitch_share, (bottom - top) / (params.rows * advance))
    return Block(left, top, right, bottom, max(em, 8.0), pitch)


def _columns(
    leaf: Leaf, feed: Feed, params: LayoutParams, block: Block, rng: np.random.Generator
) -> Box:
    """Fill a block with columns; where its seal belongs."""
    em, pitch = block.em_px, block.pitch_px
    inset = 0.18 * em if params.has_frame else 0.0
    if params.has_frame:
        _frame(leaf, block, params)
    signature = 1 if params.signature_characters and params.columns > 2 else 0
    raised = em * (1.1 if params.raised_share and not params.has_frame else 0.0)
    for index in range(params.columns):
        axis = block.right - (index + 0.5) * pitch
        if params.has_rules and index:
            leaf.rule((axis + pitch / 2, block.top), (axis + pitch / 2, block.bottom), em * 0.025)
        if feed.is_empty or index >= params.columns - signature:
            continue
        top = block.top + inset + raised
        if params.raised_share and not params.has_frame and rng.random() < params.raised_share:
            top -= raised * float(rng.choice([0.5, 1.0]))
        elif params.has_frame and rng.random() < params.raised_share:
            top += em * float(rng.choice([1.0, 2.0]))
        bottom = block.bottom - inset
        if rng.random() < params.short_share:
            bottom -= float(rng.uniform(0.1, 0.8)) * (bottom - top)
        elif params.raised_share > 0.1:
            bottom -= float(rng.uniform(0, 1.2)) * em
        leaf.column += 1
        _column(leaf, feed, params, axis, top, bottom, em, rng)
    small = em * float(rng.uniform(0.45, 0.75))
    foot = Box(
        max(0, round(block.left)),
        max(0, round(block.bottom - 2.2 * em)),
        max(1, round(block.left + 1.1 * em)),
        round(block.bottom),
    )
    if signature and not feed.is_empty:
        axis = block.left + 0.5 * pitch
        top = block.top + float(rng.uniform(0.2, 0.5)) * (block.bottom - block.top)
        leaf.column += 1
        reached = write_column(
            leaf,
            feed,
            x=axis,
            top=top,
            bottom=block.bottom - 1.2 * em,
            em_px=small,
            brush=params.brush,
            rng=rng,
            limit=params.signature_characters,
            role=Role.SIGNATURE,
        )
        x, y = leaf.warp.place(axis, reached + 0.6 * em)
        side = max(8, round(0.7 * em))
        foot = Box(
            max(0, round(x - side / 2)),
            max(0, round(y - side / 2)),
            max(0, round(x - side / 2)) + side,
            max(0, round(y - side / 2)) + side,
        )
    return foot


def _column(
    leaf: Leaf,
    feed: Feed,
    params: LayoutParams,
    axis: float,
    top: float,
    bottom: float,
    em: float,
    rng: np.random.Generator,
) -> None:
    """One column: text, and in it double-line notes at half the size."""
    y = top
    while not feed.is_empty and y + 0.6 * em < bottom:
        until_note = int(rng.geometric(params.note_share)) if params.note_share else 1000
        before = len(leaf.characters)
        y = write_column(
            leaf,
            feed,
            x=axis,
            top=y,
            bottom=bottom,
            em_px=em,
            brush=params.brush,
            rng=rng,
            limit=until_note,
        )
        if len(leaf.characters) - before < until_note:
            return
        small = em * float(rng.uniform(0.46, 0.54))
        # The halves of a note fill the width between the rules.
        apart = float(np.clip(0.23 * params.pitch_share, 0.27, 0.36))
        y += 0.14 * em
        room = int((bottom - y) / (1.06 * small))
        half = min(room, int(rng.integers(2, 12)))
        if half < 1 or feed.is_empty:
            continue
        reached = y
        for strand, shift in ((1, apart), (2, -apart)):
            end = write_column(
                leaf,
                feed,
                x=axis + shift * em,
                top=y,
                bottom=min(bottom, y + 1.3 * half * small),
                em_px=small,
                brush=params.brush,
                rng=rng,
                limit=half,
                role=Role.NOTE,
                strand=strand,
            )
            reached = max(reached, end)
        y = reached + 0.14 * em


def _frame(leaf: Leaf, block: Block, params: LayoutParams) -> None:
    """A frame, single or double, around a block."""
    thick = max(2.0, block.em_px * params.frame_share)
    lines = ((2.2 * thick, thick), (0.0, thick / 3)) if params.is_frame_double else ((0.0, thick),)
    for outset, width in lines:
        left, right = block.left - outset, block.right + outset
        top, bottom = block.top - outset, block.bottom + outset
        for start, end in (
            ((left, top), (right, top)),
            ((right, top), (right, bottom)),
            ((right, bottom), (left, bottom)),
            ((left, bottom), (left, top)),
        ):
            leaf.rule(start, end, width)


def _fold(
    leaf: Leaf, feed: Feed, params: LayoutParams, block: Block, rng: np.random.Generator
) -> None:
    """The fold of a woodblock sheet (版心): fish tails (魚尾) and a short title between them."""
    height = block.bottom - block.top
    upper, lower = block.top + 0.22 * height, block.top + 0.8 * height
    for y, turned in ((upper, 1.0), (lower, -1.0)):
        leaf.rule((block.left, y), (block.right, y), 2)
        reach = 0.5 * block.pitch_px * turned
        middle = (block.left + block.right) / 2
        tail = [
            leaf.warp.place(*corner)
            for corner in (
                (block.left, y),
                (block.right, y),
                (block.right, y + reach),
                (middle, y + 0.35 * reach),
                (block.left, y + reach),
            )
        ]
        cv2.fillPoly(leaf.rules, [np.round(np.array(tail)).astype(np.int32)], 255, cv2.LINE_AA)
    for x in (block.left, block.right):
        leaf.rule((x, block.top), (x, block.bottom), 2)
    for y in (block.top, block.bottom):
        leaf.rule((block.left, y), (block.right, y), 3)
    if not feed.is_empty and rng.random() < 0.8:
        leaf.column += 1
        top = upper + 0.7 * block.pitch_px + 0.2 * block.em_px
        write_column(
            leaf,
            feed,
            x=(block.left + block.right) / 2,
            top=top,
            bottom=lower - block.pitch_px,
            em_px=block.em_px,
            brush=params.brush,
            rng=rng,
            limit=int(rng.integers(2, 6)),
            role=Role.TITLE,
        )


def _mounted(
    leaf: Leaf, feed: Feed, params: LayoutParams, inner: Box, rng: np.random.Generator
) -> Arrangement:
    """Strips of a rubbing, and a colophon (題跋) in ink on the mount at their left."""
    edge = params.width_px * params.mount_share
    block = _fitted(edge + inner.left, inner.top, inner.right, inner.bottom, params)
    unsigned = replace(params, signature_characters=0)
    _columns(leaf, feed, unsigned, block, rng)
    mount = np.zeros((params.height_px, params.width_px), np.uint8)
    corners = [(-99.0, -99.0), (edge, -99.0), (edge, leaf.warp.height + 99.0)]
    corners.append((-99.0, leaf.warp.height + 99.0))
    outline = np.round(np.array([leaf.warp.place(*corner) for corner in corners]))
    cv2.fillPoly(mount, [outline.astype(np.int32)], 255)
    em = min(0.6 * block.em_px, 0.4 * (edge - inner.left))
    count = max(1, int((edge - inner.left) / (1.5 * em)))
    top = inner.top + float(rng.uniform(0.02, 0.3)) * inner.height
    left = params.signature_characters
    reached = top
    for index in range(count):
        if left <= 0 or feed.is_empty:
            break
        leaf.column += 1
        before = len(leaf.characters)
        axis = inner.left + (count - index - 0.5) * (edge - inner.left) / count
        reached = write_column(
            leaf,
            feed,
            x=axis,
            top=top,
            bottom=inner.bottom - 1.2 * em,
            em_px=em,
            brush=replace(params.brush, is_grid=False),
            rng=rng,
            limit=left,
            role=Role.SIGNATURE,
        )
        left -= len(leaf.characters) - before
    x, y = leaf.warp.place(inner.left + 0.5 * em, min(reached + 0.3 * em, inner.bottom - em))
    place = Box(round(x), round(y), round(x + 0.9 * em), round(y + 0.9 * em))
    return Arrangement(leaf, (place,), mount=mount)


def _title(leaf: Leaf, feed: Feed, params: LayoutParams, rng: np.random.Generator) -> Arrangement:
    """A cover with a slip: one column in a double frame, upper left as on a bound book."""
    width, height = params.width_px, params.height_px
    slip_w, slip_h = width * float(rng.uniform(0.16, 0.24)), height * float(rng.uniform(0.55, 0.8))
    left, top = width * float(rng.uniform(0.05, 0.12)), height * float(rng.uniform(0.04, 0.1))
    block = Block(left, top, left + slip_w, top + slip_h, slip_w / 1.45, slip_w)
    _frame(leaf, block, params)
    leaf.column += 1
    write_column(
        leaf,
        feed,
        x=left + slip_w / 2,
        top=top + 0.3 * block.em_px,
        bottom=top + slip_h,
        em_px=block.em_px,
        brush=params.brush,
        rng=rng,
        limit=params.rows,
        role=Role.TITLE,
    )
    edge = 0.35 * block.em_px
    corners = [
        leaf.warp.place(x, y)
        for x, y in (
            (left - edge, top - edge),
            (left + slip_w + edge, top - edge),
            (left + slip_w + edge, top + slip_h + edge),
            (left - edge, top + slip_h + edge),
        )
    ]
    slip = np.zeros((height, width), np.uint8)
    cv2.fillPoly(slip, [np.round(np.array(corners)).astype(np.int32)], 255, cv2.LINE_AA)
    side = round(0.6 * block.em_px)
    x, y = leaf.warp.place(left + slip_w / 2, top + slip_h - 0.6 * block.em_px)
    place = Box(round(x - side / 2), round(y - side / 2), round(x + side / 2), round(y + side / 2))
    return Arrangement(leaf, (place,), slip)
