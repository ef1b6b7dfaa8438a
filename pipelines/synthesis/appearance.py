"""Appearance: everything that is decided about a page before it is drawn.

Holds: ``Medium``, ``AppearanceParams``, ``choose_page_params``, which draws them to suit a hand,
and ``age_params``, which draws what happens to a given layout.

Keeps out: drawing (``pages``); what each number means (``layouts``, ``stone``, ``sheet``,
``scanning``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipelines.glyphs.registry import FontRole
from pipelines.records import Script
from pipelines.synthesis.hands import Hand
from pipelines.synthesis.layouts import Layout, LayoutParams, choose_layout_params
from pipelines.synthesis.scanning import ScanParams, choose_scan_params
from pipelines.synthesis.sheet import SheetParams, choose_sheet_params
from pipelines.synthesis.stone import StoneParams, choose_stone_params


class Medium(StrEnum):
    """What carries the ink.

    A rubbing and gold on indigo paper (紺紙金泥) are light on dark, the others dark on light.
    """

    RUBBING = "rubbing"
    PAPER = "paper"
    SILK = "silk"
    INDIGO = "indigo"

    @property
    def is_light_on_dark(self) -> bool:
        """Whether characters are lighter than their ground."""
        return self in (Medium.RUBBING, Medium.INDIGO)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppearanceParams:
    """Everything that is decided about a page before it is drawn."""

    layout: LayoutParams
    medium: Medium
    wear: float
    stone: StoneParams
    sheet: SheetParams
    scan: ScanParams


RUBBED = (Layout.STELE, Layout.ALBUM)


def choose_page_params(
    rng: np.random.Generator, hand: Hand, *, layout: Layout | None = None, wear: float | None = None
) -> AppearanceParams:
    """Parameters of a page that suits the hand.

    Args:
        rng: All randomness.
        hand: A printed face fills books, a brush anything.
        layout: The kind of page; drawn if not given.
        wear: 0 fresh, 0.5 plainly aged yet legible, 1 some text lost; drawn if not given.
    """
    if layout is None:
        layout = _suited(hand, rng)
    worn = float(rng.beta(1.6, 1.9)) if wear is None else wear
    chosen = choose_layout_params(layout, hand, rng)
    medium = Medium.PAPER
    if layout in RUBBED:
        medium = Medium.RUBBING
    elif layout in (Layout.LETTER, Layout.HANDSCROLL) and rng.random() < 0.35:
        medium = Medium.SILK
    elif layout in (Layout.BOOK, Layout.HANDSCROLL) and rng.random() < 0.08:
        medium = Medium.INDIGO
    return age_params(rng, hand, chosen, medium, worn)


def age_params(
    rng: np.random.Generator, hand: Hand, layout: LayoutParams, medium: Medium, wear: float
) -> AppearanceParams:
    """Parameters of what happens to a leaf of that layout, varied from page to page.

    Args:
        rng: All randomness.
        hand: A brush that writes dries; print does not.
        layout: What is on the leaf.
        medium: What carries it.
        wear: 0 fresh, 0.5 plainly aged yet legible, 1 some text lost.
    """
    em = layout.height_px / layout.rows
    shape = (layout.height_px, layout.width_px)
    is_book = layout.layout in (Layout.BOOK, Layout.NOTES)
    is_written = hand.font.role is FontRole.HAND and not is_book
    is_bound = layout.layout is Layout.SPREAD and not layout.has_fold
    gutter = layout.width_px // 2 if is_bound else -1
    return AppearanceParams(
        layout=layout,
        medium=medium,
        wear=wear,
        stone=choose_stone_params(wear, em, rng),
        sheet=choose_sheet_params(
            wear,
            is_silk=medium is Medium.SILK,
            is_indigo=medium is Medium.INDIGO,
            is_written=is_written,
            rng=rng,
        ),
        scan=choose_scan_params(wear, shape, medium is not Medium.RUBBING, gutter, rng),
    )


def _suited(hand: Hand, rng: np.random.Generator) -> Layout:
    books = [Layout.BOOK, Layout.NOTES, Layout.SPREAD]
    if hand.font.role is FontRole.PRINT:
        return books[int(rng.integers(0, 3))]
    kinds = [*books, Layout.STELE, Layout.ALBUM, Layout.LETTER, Layout.HANDSCROLL, Layout.TITLE]
    weights = np.array([1.0, 0.8, 0.8, 1.6, 1.8, 1.3, 1.0, 0.25])
    if hand.font.script in (Script.CLERICAL, Script.SEAL):
        weights[3:5] *= 2
    return kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
