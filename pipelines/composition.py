"""章法: how characters sit in columns and columns on a page, drawn from fonts with exact truth.

Holds: ``compose_column`` and ``compose_page``, which set a text in a brush font the way a hand
does: sizes that swell and shrink, an axis that drifts, gaps that tighten until strokes touch, or
the ruled grid of a stele. Both return clean ink and one box per character. Nothing is left out
silently: a character for which the font has no form is counted.

Keeps out: age and damage (``pipelines.imaging.aging``), files (``pipelines.corpora``), the
standard font (``pipelines.glyphs.content``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.errors import MaterialError
from pipelines.geometry import Box, union
from pipelines.glyphs.fonts import FontFace
from pipelines.scripts import canonical, written_forms

Ink = npt.NDArray[np.uint8]

_VISIBLE = 64
"""Grey level from which an antialiased pixel counts as ink of its character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositionParams:
    """How a hand fills a page. Shares are shares of the em, the side of a character's square.

    Attributes:
        character_px: The em.
        columns: Columns on a page.
        rows: Characters a column has room for.
        is_grid: Characters stand in a ruled grid (a stele) instead of following one another.
        gap_share: Usual distance from one character's ink to the next.
        gap_variation: Deviation of that distance, as a share of the em.
        touching_share: Share of neighbours whose ink touches or overlaps.
        flat_share: Least height that a flat character (一) takes in its column.
        size_variation: Deviation of the size from one character to the next, relative.
        size_rhythm: Deviation of the size that swells and fades over a column, relative.
        axis_drift: How far the column's axis wanders.
        tilt: Lean of a column, sideways over down.
        rotation_deg: Deviation of each character's own rotation.
        pitch_share: From one column's axis to the next.
        margin_share: Blank around the writing.
    """

    character_px: int = 96
    columns: int = 6
    rows: int = 12
    is_grid: bool = False
    gap_share: float = 0.17
    gap_variation: float = 0.05
    touching_share: float = 0.02
    flat_share: float = 0.42
    size_variation: float = 0.05
    size_rhythm: float = 0.05
    axis_drift: float = 0.04
    tilt: float = 0.004
    rotation_deg: float = 1.0
    pitch_share: float = 1.4
    margin_share: float = 0.55

    def __post_init__(self) -> None:
        if self.character_px < 8 or self.columns < 1 or self.rows < 1:
            raise ValueError(
                f"A page needs at least one column, one row and 8 pixels a character; got "
                f"{self.columns}, {self.rows} and {self.character_px}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCharacter:
    """One character as it was set: ``written`` is the form drawn, ``canonical`` what it means.

    ``box`` holds its ink exactly; ``column`` 0 is the rightmost.
    """

    box: Box
    written: str
    canonical: str
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """Clean ink with its truth.

    Attributes:
        ink: (H, W), white on black.
        characters: In reading order.
        axes: The x of each column's axis, from right to left.
        consumed: How many characters of the text were used up, the missing ones included.
        missing: Characters for which the font has no form, and how often they were left out.
    """

    ink: Ink
    characters: tuple[SetCharacter, ...]
    axes: tuple[int, ...]
    consumed: int
    missing: dict[str, int]


@dataclass(slots=True)
class _Placed:
    """One glyph of a column, its place relative to the axis (x) and the column's top (y)."""

    glyph: Ink
    left: int
    top: int
    written: str
    source: str

    @property
    def box(self) -> Box:
        height, width = self.glyph.shape
        return Box(self.left, self.top, self.left + width, self.top + height)


def form_in(face: FontFace, character: str) -> str | None:
    """The form in which a font has a character: itself, else a variant, else None."""
    return next((form for form in written_forms(character) if face.covers(form)), None)


def compose_column(
    text: str, face: FontFace, params: CompositionParams, rng: np.random.Generator
) -> Composition:
    """One column, cut to its ink and a margin of a sixth of the em.

    Args:
        text: Han characters; ``rows`` of them at most are used.
        face: The hand.
        params: How it fills the column; ``columns`` is not used.
        rng: All randomness.

    Raises:
        MaterialError: If the font has none of the characters.
    """
    placed, consumed, missing = _set_column(text, face, params, rng, params.rows, None)
    if not placed:
        raise _nothing_drawn(text, face)
    margin = params.character_px // 6
    boxes = [
        Box(p.left, p.top, p.left + p.glyph.shape[1], p.top + p.glyph.shape[0]) for p in placed
    ]
    frame = union(boxes).padded(margin, margin)
    ink = np.zeros((frame.height, frame.width), np.uint8)
    characters = tuple(_draw(ink, item, -frame.left, -frame.top, 0) for item in placed)
    return Composition(
        ink=ink, characters=characters, axes=(-frame.left,), consumed=consumed, missing=missing
    )


def compose_page(
    text: str, face: FontFace, params: CompositionParams, rng: np.random.Generator
) -> Composition:
    """A page of columns from right to left, filled until it is full or the text ends.

    Args:
        text: Han characters.
        face: The hand.
        params: How it fills the page.
        rng: All randomness.

    Raises:
        MaterialError: If the font has none of the characters.
    """
    em = params.character_px
    margin, pitch = round(params.margin_share * em), round(params.pitch_share * em)
    room = round(params.rows * em * (1 + params.gap_share if params.is_grid else _usual(params)))
    width = 2 * margin + round(params.columns * pitch - (params.pitch_share - 1) * em)
    height = 2 * margin + room
    ink = np.zeros((height, width), np.uint8)
    characters: list[SetCharacter] = []
    axes: list[int] = []
    missing: Counter[str] = Counter()
    consumed = 0
    for column in range(params.columns):
        rest = text[consumed:]
        if not rest:
            break
        placed, used, left_out = _set_column(rest, face, params, rng, params.rows, room)
        axis = width - margin - em // 2 - column * pitch
        # A hand that drifts off the page is pushed back as a whole column.
        if placed:
            reach = union(item.box for item in placed)
            axis = min(max(axis, 2 - reach.left), width - 2 - reach.right)
        characters += [_draw(ink, item, axis, margin, column) for item in placed]
        axes.append(axis)
        missing.update(left_out)
        consumed += used
    if not characters:
        raise _nothing_drawn(text, face)
    return Composition(
        ink=ink,
        characters=tuple(characters),
        axes=tuple(axes),
        consumed=consumed,
        missing=dict(missing),
    )


def _usual(params: CompositionParams) -> float:
    """Usual advance in ems: a glyph's ink fills about nine tenths of its em."""
    return 0.88 + params.gap_share


def _nothing_drawn(text: str, face: FontFace) -> MaterialError:
    return MaterialError(
        f"{face.files[0].name} draws none of {text[:12]!r} in any form. Use another font for this "
        f"text.",
        reason="font_lacks_text",
    )


def _wander(count: int, deviation: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A slow random walk that stays within a few deviations of zero."""
    steps = rng.normal(0, 1, count)
    values = np.zeros(count)
    for index in range(1, count):
        values[index] = 0.85 * values[index - 1] + 0.53 * steps[index]
    return values * deviation


def _set_column(
    text: str,
    face: FontFace,
    params: CompositionParams,
    rng: np.random.Generator,
    rows: int,
    room_px: int | None,
) -> tuple[list[_Placed], int, dict[str, int]]:
    """Glyphs from the top down; how much text they used up; and what had no form."""
    em = params.character_px
    sizes = np.exp(_wander(rows + 4, params.size_rhythm, rng))
    axis = _wander(rows + 4, params.axis_drift * em, rng)
    tilt = float(rng.normal(0, params.tilt))
    placed: list[_Placed] = []
    missing: Counter[str] = Counter()
    y = 0.0
    used = 0
    # A hand squeezes in a few more than the ruled number where characters run small.
    limit = rows if params.is_grid or room_px is None else rows + 3
    for character in text:
        if len(placed) >= limit:
            break
        written = form_in(face, character)
        if written is None:
            missing[character] += 1
            used += 1
            continue
        index = len(placed)
        size = float(sizes[index]) * float(np.exp(rng.normal(0, params.size_variation)))
        glyph = _glyph(face, written, em * size, float(rng.normal(0, params.rotation_deg)))
        height, width = glyph.shape
        taken = max(float(height), params.flat_share * em)
        if params.is_grid:
            top = (index + 0.5) * em * (1 + params.gap_share) - height / 2
            top += float(rng.normal(0, 0.02)) * em
        else:
            if index:
                gap = float(rng.normal(params.gap_share, params.gap_variation))
                is_touching = rng.random() < params.touching_share
                y += em * (-float(rng.uniform(0, 0.05)) if is_touching else max(gap, 0.04))
            if room_px is not None and y + taken > room_px:
                break
            top = y + (taken - height) / 2
            y += taken
        center = float(axis[index]) + tilt * top + float(rng.normal(0, 0.015)) * em
        placed.append(
            _Placed(
                glyph=glyph,
                left=round(center - width / 2),
                top=round(top),
                written=written,
                source=character,
            )
        )
        used += 1
    return placed, used, dict(missing)


def _glyph(face: FontFace, written: str, em: float, rotation_deg: float) -> Ink:
    """A glyph turned a little, cut to its visible ink."""
    glyph = face.draw(written, max(4, round(em)))
    if abs(rotation_deg) > 0.05:
        pad = 2 + round(0.03 * max(glyph.shape))
        glyph = np.pad(glyph, pad)
        middle = (glyph.shape[1] / 2, glyph.shape[0] / 2)
        turn = cv2.getRotationMatrix2D(middle, rotation_deg, 1.0)
        size = (glyph.shape[1], glyph.shape[0])
        glyph = np.asarray(cv2.warpAffine(glyph, turn, size, flags=cv2.INTER_LINEAR), np.uint8)
    rows = np.flatnonzero(glyph.max(axis=1) >= _VISIBLE)
    columns = np.flatnonzero(glyph.max(axis=0) >= _VISIBLE)
    if not rows.size:
        return np.full((1, 1), 255, np.uint8)
    return glyph[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _draw(ink: Ink, item: _Placed, x: int, y: int, column: int) -> SetCharacter:
    """Ink a glyph onto the page and say where it is; both keep inside the page."""
    whole = item.box.moved(x, y)
    box = whole.clipped(ink.shape[1], ink.shape[0])
    if box is None:
        raise AssertionError(f"{item.written} was set outside its page: {whole}")
    window = ink[box.top : box.bottom, box.left : box.right]
    part = item.glyph[box.top - whole.top :, box.left - whole.left :]
    np.maximum(window, part[: box.height, : box.width], out=window)
    return SetCharacter(
        box=box, written=item.written, canonical=canonical(item.source), column=column
    )
