"""Keystrokes: what a column costs an annotator's hands, with a draft and without, as a model.

It counts what the handbook's way through a column takes with the keyboard alone. Each press is
one, a chord too. From the first box on, one press leads to the next; whoever corrects the last box
has passed them all. A pick is one press. To type is to open the field, empty it, write and close
it; a character is written through an input method. A missing box is drawn with the mouse, and
counted as so many presses. Without a draft every box is drawn and every character written.

It is a model, not a measurement of people: reading, thinking and mistakes are not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeystrokeParams:
    """What each step counts, in presses.

    ``typed_character`` is invented: about three letters of pinyin and one to choose.
    ``drawn_box`` stands for a drag of the mouse.
    """

    next_box: int = 1
    pick: int = 1
    open_field: int = 1
    empty_field: int = 1
    typed_character: int = 4
    close_field: int = 1
    mark: int = 1
    remove_box: int = 1
    drawn_box: int = 2
    decide: int = 1
    submit: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """What is done to one box.

    ``place`` counts from 1 in the list of boxes. ``typed`` is how many characters are written,
    ``is_empty`` whether the field was.
    """

    place: int
    is_picked: bool = False
    typed: int = 0
    is_empty: bool = False
    marks: int = 0
    is_removed: bool = False


def keystrokes(
    touches: Sequence[Touch],
    drawn: Sequence[Touch] = (),
    params: KeystrokeParams = KeystrokeParams(),
) -> int:
    """Presses for one column with its decision.

    Args:
        touches: What is done to boxes that were drafted; those left alone are not named.
        drawn: What is done to boxes that are drawn by hand; each is selected as it is drawn.
        params: What each step counts.
    """
    passed = max((touch.place for touch in touches), default=0)
    return (
        passed * params.next_box
        + sum(_inside(touch, params) for touch in touches)
        + sum(params.drawn_box + _inside(touch, params) for touch in drawn)
        + params.decide
        + params.submit
    )


def _inside(touch: Touch, params: KeystrokeParams) -> int:
    written = 0
    if touch.typed:
        written = params.open_field + touch.typed * params.typed_character + params.close_field
        written += 0 if touch.is_empty else params.empty_field
    return (
        written
        + touch.is_picked * params.pick
        + touch.marks * params.mark
        + touch.is_removed * params.remove_box
    )
