"""章法: a leaf being written: characters one by one down a column, with their exact places.

Holds: ``Leaf`` (the ink so far, rules, truth), ``Warp`` (skew and curl that everything on the
leaf follows), ``Feed`` (the text and where the hand is in it), ``Brush`` (how the hand moves) and
``write_column``: sizes that swell and fade, an axis that drifts, neighbours that touch, overlap
or are joined by a trace of the brush.

Keeps out: which columns a page has (``layouts``), age (``stone``, ``sheet``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from pipelines.scripts import canonical
from pipelines.synthesis.hands import Hand
from pipelines.truth import Role

Ink = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brush:
    """How a hand moves down a column. Shares are shares of the em.

    Attributes:
        gap_share: Usual distance from one character's ink to the next.
        gap_variation: Deviation of that distance.
        touching_share: Share of neighbours whose ink touches or overlaps.
        joined_share: Share of neighbours joined by a trace of the brush.
        flat_share: Least height that a flat character takes.
        size_variation: Deviation of the size from one character to the next, relative.
        size_rhythm: Deviation of the size that swells and fades over a column, relative.
        axis_drift: How far the axis wanders.
        turn_deg: Deviation of each character's own turn.
        stretch_variation: Deviation of height over width, relative.
        grand_share: Share of characters that the hand writes half again to twice as large.
        load_characters: How many characters the brush writes before it is dipped again; 0 as in
            print, where every character has the same ink.
        is_grid: Characters stand in equal cells instead of following one another.
    """

    gap_share: float = 0.16
    gap_variation: float = 0.05
    touching_share: float = 0.03
    joined_share: float = 0.0
    flat_share: float = 0.42
    size_variation: float = 0.05
    size_rhythm: float = 0.05
    axis_drift: float = 0.04
    turn_deg: float = 1.0
    stretch_variation: float = 0.03
    grand_share: float = 0.0
    load_characters: int = 0
    is_grid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCharacter:
    """One character as it was set; ``strand`` 1 and 2 are the halves of an interlinear note.

    ``wetness`` is what was left on the brush: 1 freshly dipped, 0 dry.
    """

    box: Box
    written: str
    canonical: str
    column: int
    role: Role
    strand: int
    wetness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp:
    """Skew and curl of a leaf: where a place of the flat leaf lies on the page.

    Attributes:
        width: Of the page.
        height: Of the page.
        skew_deg: The leaf lies turned to the left by so much.
        bow_px: The middle of each column lies so far to the right of its ends.
        sag_px: The middle of each row lies so far below its ends.
    """

    width: int
    height: int
    skew_deg: float = 0.0
    bow_px: float = 0.0
    sag_px: float = 0.0

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A place of the flat leaf on the page, both in pixels."""
        turn = np.deg2rad(self.skew_deg)
        u, v = x - self.width / 2, y - self.height / 2
        bent_x = u + self.bow_px * np.cos(np.pi * v / self.height)
        bent_y = v + self.sag_px * np.cos(np.pi * u / self.width)
        return (
            float(self.width / 2 + bent_x * np.cos(turn) + bent_y * np.sin(turn)),
            float(self.height / 2 - bent_x * np.sin(turn) + bent_y * np.cos(turn)),
        )

    def line(self, start: tuple[float, float], end: tuple[float, float]) -> npt.NDArray[np.int32]:
        """A straight line of the flat leaf as points of the page, in sixteenths of a pixel."""
        steps = np.linspace(0, 1, 25)
        points = [
            self.place(start[0] + (end[0] - start[0]) * s, start[1] + (end[1] - start[1]) * s)
            for s in steps
        ]
        return np.round(np.array(points) * 16).astype(np.int32)


@dataclass(slots=True)
class Feed:
    """A text, where the hand is in it, how wet the brush is, and what it had no form of."""

    text: str
    hand: Hand
    position: int = 0
    wetness: float = 1.0
    missing: Counter[str] = field(default_factory=Counter)

    @property
    def is_empty(self) -> bool:
        """Whether the text has come to its end."""
        return self.position >= len(self.text)

    def next(self) -> tuple[str, str] | None:
        """The next character that the hand can write, with its form; None at the end."""
        while not self.is_empty:
            character = self.text[self.position]
            self.position += 1
            written = self.hand.form_of(character)
            if written is not None:
                return character, written
            self.missing[character] += 1
        return None

    def back(self) -> None:
        """Take the last character back: there was no room for it."""
        self.position -= 1


@dataclass(slots=True)
class Leaf:
    """What is on a leaf so far.

    Attributes:
        warp: What everything on it follows.
        ink: (H, W) of characters and the traces between them, white on black.
        rules: (H, W) of frames, rules and ornaments.
        characters: In reading order.
        column: The column being written, 0 the rightmost.
    """

    warp: Warp
    ink: Ink
    rules: Ink
    characters: list[SetCharacter] = field(default_factory=list)
    column: int = -1

    @classmethod
    def blank(cls, warp: Warp) -> Leaf:
        """A leaf with nothing on it."""
        shape = (warp.height, warp.width)
        return cls(warp=warp, ink=np.zeros(shape, np.uint8), rules=np.zeros(shape, np.uint8))

    def stamp(
        self,
        glyph: Ink,
        x: float,
        y: float,
        character: str,
        written: str,
        role: Role,
        strand: int,
        wetness: float,
    ) -> SetCharacter | None:
        """Ink a glyph around a place of the flat leaf; None if it falls off the page."""
        height, width = glyph.shape
        across, down = self.warp.place(x, y)
        left, top = round(across - width / 2), round(down - height / 2)
        box = Box(left, top, left + width, top + height).clipped(self.warp.width, self.warp.height)
        if box is None or box.area < 0.6 * width * height:
            return None
        window = self.ink[box.top : box.bottom, box.left : box.right]
        part = glyph[box.top - top : box.bottom - top, box.left - left : box.right - left]
        np.maximum(window, part, out=window)
        placed = SetCharacter(
            box=box,
            written=written,
            canonical=canonical(character),
            column=self.column,
            role=role,
            strand=strand,
            wetness=wetness,
        )
        self.characters.append(placed)
        return placed

    def rule(self, start: tuple[float, float], end: tuple[float, float], width_px: float) -> None:
        """Draw a line of the flat leaf among the rules."""
        points = self.warp.line(start, end)
        thickness = max(1, round(width_px))
        cv2.polylines(self.rules, [points], False, 255, thickness, cv2.LINE_AA, shift=4)


def wander(count: int, deviation: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A slow random walk that stays within a few deviations of zero."""
    steps = rng.normal(0, 1, count)
    values = np.zeros(count)
    for index in range(1, count):
        values[index] = 0.85 * values[index - 1] + 0.53 * steps[index]
    return values * deviation


def write_column(
    leaf: Leaf,
    feed: Feed,
    *,
    x: float,
    top: float,
    bottom: float,
    em_px: float,
    brush: Brush,
    rng: np.random.Generator,
    limit: int = 1000,
    role: Role = Role.BODY,
    strand: int = 0,
) -> float:
    """Write from the top down until the room, the limit or the text ends; returns the y reached.

    Args:
        leaf: Written on.
        feed: The text; what is used up is taken from it.
        x: Axis on the flat leaf.
        top: Where the first character begins.
        bottom: What no character passes.
        em_px: The em.
        brush: How the hand moves.
        rng: All randomness.
        limit: Characters at most.
        role: What the characters are on the page.
        strand: 0, or 1 and 2 for the halves of a note.
    """
    room = round((bottom - top) / (0.5 * em_px)) + 4
    sizes = np.exp(wander(room, brush.size_rhythm, rng))
    axis = wander(room, brush.axis_drift * em_px, rng)
    cell = em_px * (0.94 + brush.gap_share)
    y, last, count = top, None, 0
    while count < min(limit, room):
        if brush.is_grid and top + (count + 1) * cell > bottom + 0.15 * cell:
            break
        taken = feed.next()
        if taken is None:
            break
        character, written = taken
        size = float(sizes[count] * np.exp(rng.normal(0, brush.size_variation)))
        if rng.random() < brush.grand_share:
            size *= float(rng.uniform(1.4, 2.0))
        stretch = float(np.exp(rng.normal(0, brush.stretch_variation)))
        turn = float(rng.normal(0, brush.turn_deg)) + leaf.warp.skew_deg
        glyph = feed.hand.draw(written, em_px * size, turn, stretch)
        height = glyph.shape[0]
        is_joined = last is not None and rng.random() < brush.joined_share
        if brush.is_grid:
            middle = top + (count + 0.5) * cell + float(rng.normal(0, 0.02)) * em_px
        else:
            if last is not None:
                gap = max(float(rng.normal(brush.gap_share, brush.gap_variation)), 0.03)
                if rng.random() < brush.touching_share:
                    gap = -float(rng.uniform(0, 0.1))
                y += em_px * gap
            takes = max(float(height), brush.flat_share * em_px)
            if y + takes > bottom:
                feed.back()
                break
            middle = y + takes / 2
            y += takes
        place = x + float(axis[count]) + float(rng.normal(0, 0.015)) * em_px
        if brush.load_characters:
            feed.wetness -= float(rng.uniform(0.5, 1.5)) / brush.load_characters
            if feed.wetness < float(rng.uniform(-0.1, 0.25)):
                feed.wetness = 1.0
        placed = leaf.stamp(
            glyph, place, middle, character, written, role, strand, max(0.0, feed.wetness)
        )
        if placed is not None and last is not None and is_joined:
            join(leaf, feed.hand, last, placed, em_px, rng)
        last = placed
        count += 1
    return top + count * cell if brush.is_grid else y


def join(
    leaf: Leaf,
    hand: Hand,
    upper: SetCharacter,
    lower: SetCharacter,
    em_px: float,
    rng: np.random.Generator,
) -> None:
    """A trace of the brush (牽絲) from the last stroke of one character to the next one's first."""
    _, (u, v) = hand.stroke_ends(upper.written)
    (s, t), _ = hand.stroke_ends(lower.written)
    start = np.array((upper.box.left + u * upper.box.width, upper.box.top + v * upper.box.height))
    end = np.array((lower.box.left + s * lower.box.width, lower.box.top + t * lower.box.height))
    if np.hypot(*(end - start)) > 0.85 * em_px:
        return  # A hand lifts the brush for so long a way.
    reach = np.hypot(*(end - start)) + 0.1 * em_px
    # The brush leaves downwards, swings round, and comes down into the next stroke.
    out = start + reach * np.array((rng.uniform(-0.1, 0.2), rng.uniform(0.1, 0.35)))
    into = end - reach * np.array((rng.uniform(-0.2, 0.2), rng.uniform(0.1, 0.35)))
    steps = np.linspace(0, 1, 24)[:, None]
    curve = (
        (1 - steps) ** 3 * start
        + 3 * (1 - steps) ** 2 * steps * out
        + 3 * (1 - steps) * steps**2 * into
        + steps**3 * end
    )
    thin, thick = rng.uniform(0.018, 0.032) * em_px, rng.uniform(0.045, 0.065) * em_px
    widths = thin + (thick - thin) * np.abs(1 - 2 * steps[:, 0]) ** 2.2
    for one, other, width in zip(curve[:-1], curve[1:], widths[1:], strict=True):
        cv2.line(
            leaf.ink,
            (round(one[0] * 16), round(one[1] * 16)),
            (round(other[0] * 16), round(other[1] * 16)),
            255,
            max(1, round(float(width))),
            cv2.LINE_AA,
            4,
        )
