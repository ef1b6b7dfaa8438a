"""Layouts: which kinds of pages there are, and how pages of one kind differ.

Holds: ``Layout``, ``LayoutParams``, and ``choose_layout_params``, which draws parameters.

Keeps out: writing a leaf (``arrangement``), how a hand moves (``setting``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipelines.glyphs.registry import FontRole
from pipelines.records import Script
from pipelines.synthesis.hands import Hand
from pipelines.synthesis.setting import Brush


class Layout(StrEnum):
    """Kinds of pages.

    ``BOOK`` a dense framed page; ``NOTES`` the same with double-line notes; ``SPREAD`` two facing
    pages or one woodblock sheet with its fold (版心); ``STELE`` a sheet rubbed from a whole
    inscription; ``ALBUM`` strips of a rubbing in few large columns; ``LETTER`` ragged columns
    with raised heads (抬頭); ``HANDSCROLL`` a wide picture with a colophon; ``TITLE`` a title slip.
    """

    BOOK = "book"
    NOTES = "notes"
    SPREAD = "spread"
    STELE = "stele"
    ALBUM = "album"
    LETTER = "letter"
    HANDSCROLL = "handscroll"
    TITLE = "title"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutParams:
    """What a leaf looks like before it ages.

    Attributes:
        layout: Its kind.
        width_px: Of the page.
        height_px: Of the page.
        columns: Columns of a page (of each half of a spread).
        rows: Characters a full column has room for.
        pitch_share: From one column's axis to the next, in ems.
        margin_share: Blank around the writing, as a share of the page's shorter side.
        has_frame: A frame around the writing.
        frame_share: Thickness of the frame, in ems.
        is_frame_double: A thin line inside the thick one (文武邊).
        has_fold: A spread is one woodblock sheet with its fold, not two facing pages.
        has_rules: Lines between the columns (烏絲欄).
        mount_share: Share of the width, at the left, that is the bare mount of a rubbing and
            carries a colophon in ink; 0 without.
        note_share: Chance, at each character, that a note begins.
        raised_share: Chance that a column begins higher than its neighbours.
        short_share: Chance that a column ends early.
        signature_characters: Length of the signature; 0 without.
        seals: Red seals.
        skew_deg: Turn of the leaf on the picture.
        bow_px: Bend of the columns.
        sag_px: Bend of the rows.
        brush: How the hand moves.
    """

    layout: Layout = Layout.BOOK
    width_px: int = 1200
    height_px: int = 1800
    columns: int = 8
    rows: int = 18
    pitch_share: float = 1.4
    margin_share: float = 0.06
    has_frame: bool = True
    frame_share: float = 0.06
    is_frame_double: bool = True
    has_rules: bool = True
    has_fold: bool = False
    mount_share: float = 0.0
    note_share: float = 0.0
    raised_share: float = 0.0
    short_share: float = 0.0
    signature_characters: int = 0
    seals: int = 0
    skew_deg: float = 0.0
    bow_px: float = 0.0
    sag_px: float = 0.0
    brush: Brush = Brush()

    def __post_init__(self) -> None:
        if min(self.width_px, self.height_px) < 64 or self.columns < 1 or self.rows < 1:
            raise ValueError(
                f"A leaf needs at least 64 x 64 pixels, one column and one row; got "
                f"{self.width_px} x {self.height_px}, {self.columns} and {self.rows}."
            )


def choose_brush(
    hand: Hand, *, is_grid: bool, rng: np.random.Generator, is_printed: bool = False
) -> Brush:
    """How a hand of this script moves, varied from page to page; a printed page has one ink."""
    load = 0 if is_printed else int(rng.integers(5, 16))
    if is_grid:
        return Brush(
            is_grid=True,
            gap_share=float(rng.uniform(0.04, 0.3)),
            size_variation=float(rng.uniform(0.02, 0.06)),
            size_rhythm=0.0,
            axis_drift=0.01,
            turn_deg=float(rng.uniform(0.3, 1.0)),
        )
    if not hand.is_joined:
        return Brush(
            gap_share=float(rng.uniform(0.06, 0.3)),
            load_characters=load,
            touching_share=float(rng.uniform(0, 0.08)),
            size_variation=float(rng.uniform(0.03, 0.07)),
        )
    is_cursive = hand.font.script is Script.CURSIVE
    return Brush(
        gap_share=float(rng.uniform(0.02, 0.16)),
        gap_variation=0.06,
        touching_share=float(rng.uniform(0.05, 0.35 if is_cursive else 0.2)),
        joined_share=float(rng.uniform(0.1, 0.6) if is_cursive else rng.uniform(0, 0.3)),
        size_variation=float(rng.uniform(0.06, 0.16)),
        size_rhythm=float(rng.uniform(0.06, 0.2)),
        axis_drift=float(rng.uniform(0.03, 0.1)),
        turn_deg=float(rng.uniform(1, 3)),
        stretch_variation=0.08,
        grand_share=float(rng.uniform(0, 0.06)) if is_cursive else float(rng.uniform(0, 0.02)),
        load_characters=load,
        flat_share=0.3,
    )


def choose_layout_params(layout: Layout, hand: Hand, rng: np.random.Generator) -> LayoutParams:
    """Parameters of a page of that kind, varied from page to page."""
    tall = int(rng.integers(1500, 2000))
    skew = float(rng.normal(0, 0.6))
    frame = float(rng.uniform(0.04, 0.1))
    is_double = bool(rng.random() < 0.6)
    bow, sag = float(rng.normal(0, 4)), float(rng.normal(0, 4))
    is_printed = hand.font.role is FontRole.PRINT or bool(
        layout in (Layout.BOOK, Layout.NOTES, Layout.SPREAD) and rng.random() < 0.5
    )
    flow = choose_brush(hand, is_grid=False, rng=rng, is_printed=is_printed)
    if layout in (Layout.BOOK, Layout.NOTES):
        columns = int(rng.integers(7, 13))
        return LayoutParams(
            layout=layout,
            width_px=round(tall * rng.uniform(0.58, 0.75)),
            height_px=tall,
            columns=columns,
            rows=int(rng.integers(15, 25)),
            pitch_share=float(rng.uniform(1.2, 1.6)),
            margin_share=float(rng.uniform(0.05, 0.12)),
            has_frame=bool(rng.random() < 0.85),
            has_rules=bool(rng.random() < 0.7),
            frame_share=frame,
            is_frame_double=is_double,
            note_share=float(rng.uniform(0.04, 0.12)) if layout is Layout.NOTES else 0.0,
            short_share=0.06,
            raised_share=0.03,
            seals=int(rng.random() < 0.3),
            skew_deg=skew,
            brush=choose_brush(
                hand, is_grid=bool(rng.random() < 0.35), rng=rng, is_printed=is_printed
            ),
            bow_px=bow,
            sag_px=sag,
        )
    if layout is Layout.SPREAD:
        tall = int(rng.integers(1000, 1300))
        return LayoutParams(
            layout=layout,
            width_px=round(tall * rng.uniform(1.25, 1.5)),
            height_px=tall,
            columns=int(rng.integers(7, 11)),
            rows=int(rng.integers(16, 23)),
            pitch_share=float(rng.uniform(1.2, 1.5)),
            margin_share=float(rng.uniform(0.05, 0.1)),
            has_fold=bool(rng.random() < 0.5),
            has_rules=bool(rng.random() < 0.7),
            frame_share=frame,
            is_frame_double=is_double,
            note_share=float(rng.choice([0.0, 0.04])),
            short_share=0.06,
            skew_deg=skew,
            brush=flow,
            bow_px=bow,
            sag_px=sag,
        )
    if layout is Layout.STELE:
        columns, rows = int(rng.integers(7, 14)), int(rng.integers(12, 24))
        return LayoutParams(
            layout=layout,
            width_px=round(tall * rng.uniform(0.55, 0.8)),
            height_px=tall,
            columns=columns,
            rows=rows,
            pitch_share=float(rng.uniform(1.08, 1.4)),
            margin_share=float(rng.uniform(0.02, 0.06)),
            has_frame=bool(rng.random() < 0.2),
            has_rules=bool(rng.random() < 0.25),
            short_share=0.04,
            skew_deg=skew,
            brush=choose_brush(hand, is_grid=bool(rng.random() < 0.6), rng=rng),
        )
    if layout is Layout.ALBUM:
        columns = int(rng.integers(2, 8))
        rows = round(columns * rng.uniform(1.6, 2.2))
        mount = float(rng.uniform(0.16, 0.3)) if rng.random() < 0.15 else 0.0
        return LayoutParams(
            layout=layout,
            width_px=round(tall * rng.uniform(0.5, 0.6)),
            height_px=tall,
            columns=columns,
            rows=rows,
            pitch_share=float(rng.uniform(1.05, 1.35)),
            margin_share=float(rng.uniform(0.01, 0.045)),
            mount_share=mount,
            signature_characters=int(rng.integers(6, 40)) if mount else 0,
            seals=int(rng.integers(0, 4)) if mount else 0,
            has_frame=False,
            has_rules=False,
            short_share=0.08,
            skew_deg=skew / 2,
            brush=choose_brush(hand, is_grid=bool(rng.random() < 0.4), rng=rng),
        )
    if layout is Layout.LETTER:
        columns = int(rng.integers(4, 9))
        return LayoutParams(
            layout=layout,
            width_px=round(tall * rng.uniform(0.6, 1.0)),
            height_px=tall,
            columns=columns,
            rows=int(rng.integers(9, 16)),
            pitch_share=float(rng.uniform(1.4, 2.1)),
            margin_share=float(rng.uniform(0.06, 0.14)),
            has_frame=False,
            has_rules=bool(rng.random() < 0.2),
            raised_share=0.3,
            short_share=0.3,
            signature_characters=int(rng.integers(0, 9)),
            seals=int(rng.integers(0, 4)),
            skew_deg=skew,
            brush=flow,
            bow_px=bow,
            sag_px=sag,
        )
    if layout is Layout.HANDSCROLL:
        tall = int(rng.integers(700, 1000))
        return LayoutParams(
            layout=layout,
            width_px=round(tall * rng.uniform(2.0, 3.2)),
            height_px=tall,
            columns=int(rng.integers(12, 24)),
            rows=int(rng.integers(6, 13)),
            pitch_share=float(rng.uniform(1.25, 1.8)),
            margin_share=float(rng.uniform(0.05, 0.12)),
            has_frame=False,
            has_rules=bool(rng.random() < 0.2),
            raised_share=0.05,
            short_share=0.1,
            signature_characters=int(rng.integers(4, 14)),
            seals=int(rng.integers(1, 7)),
            skew_deg=skew / 3,
            brush=flow,
        )
    return LayoutParams(
        layout=layout,
        width_px=round(tall * rng.uniform(0.6, 0.72)),
        height_px=tall,
        columns=1,
        rows=int(rng.integers(4, 9)),
        pitch_share=1.5,
        seals=int(rng.random() < 0.4),
        skew_deg=skew,
        brush=choose_brush(hand, is_grid=False, rng=rng),
    )
