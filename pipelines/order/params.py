"""The numbers of reading order, each a ratio: no rule depends on the resolution of a scan.

Keeps out: what the numbers are used for, which each step says itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Rule = Literal["overlap", "50px"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderParams:
    """When two characters share a column. Lengths are in character sizes of the page.

    Attributes:
        rule: ``overlap``, ours; ``50px``, the released UniCalli's, for comparison.
        min_overlap: Share of the narrower box that must stand under or above its neighbour.
        max_row_overlap: Share of the lower box above which two boxes stand beside each other.
        max_link_gap: Blank between two boxes of a chain, at most; wider gaps are joined later.
        join_overlap: Share of the narrower end that lets two runs form one column.
        drift: Distance between the middles of two ends, in local widths, that a drifting column
            may have where its boxes hardly overlap.
        tangle_offset: Distance between the middle lines of two runs at the same height, in widths
            of the wider, up to which they are one.
        attach_offset: Distance of a stray box from a column's axis, in widths of the column, up
            to which it belongs to it.
        note_width: Width of a note's row relative to the characters above it, at most.
        note_centre: Distance of the middle between a note's rows from the column's axis, in
            widths of the column, at most.
        note_spread: Distance between the middles of the two rows, in widths of the column.
        gloss_width: Width of a gloss beside a column, relative to the column's characters.
        band_height: Height of the blank bands that part the tiers of a table.
        lone_band_height: The same where the band is the only one and columns continue below it.
        band_gaps: The band's height in usual gaps of the columns it crosses, at least.
        level_band: Band over the median gap of the columns it crosses from which it is as level
            as the caesura of verse, which is read down the column.
        gutter_width: Blank between two columns that parts a page, at least.
        gutter_gaps: The same in usual blanks between columns, at least.
        uncertain_below: Confidence under which a person should look at the order.
    """

    rule: Rule = "overlap"
    min_overlap: float = 0.3
    max_row_overlap: float = 0.6
    max_link_gap: float = 1.5
    join_overlap: float = 0.5
    drift: float = 0.65
    tangle_offset: float = 0.4
    attach_offset: float = 0.7
    note_width: float = 0.8
    note_centre: float = 0.35
    note_spread: float = 1.2
    gloss_width: float = 0.5
    band_height: float = 0.6
    lone_band_height: float = 2.0
    band_gaps: float = 2.2
    level_band: float = 0.75
    gutter_width: float = 0.7
    gutter_gaps: float = 2.2
    uncertain_below: float = 0.5
