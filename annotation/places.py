"""Label Studio's percent, here and nowhere else: from pixels of the page and back, exactly.

A task shows a crop of the page, or with a guide to its right the *frame*, which is as high as the
crop and begins where it does. Percent are of the whole picture; boxes are cut to the crop.

Keeps out: what stands in the guide (``annotation.guide``), what a task holds
(``annotation.tasks``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pipelines.geometry import Box


def clip(box: Box, frame: Box) -> Box | None:
    """The part of a box that lies in a frame, both in pixels of the page; None if there is none."""
    clipped = box.moved(-frame.left, -frame.top).clipped(frame.width, frame.height)
    return clipped.moved(frame.left, frame.top) if clipped else None


def shown_of(data: Mapping[str, Any]) -> tuple[Box, Box]:
    """The crop of a task and the frame its percent are of, from the task's data.

    Tasks made before there was a guide have no frame: their picture is the crop.
    """
    crop = Box(*(int(value) for value in data["crop"]))
    return crop, Box(*(int(value) for value in data["frame"])) if "frame" in data else crop


def place_of(box: Box, crop: Box, frame: Box | None = None) -> dict[str, float]:
    """A box (pixels of the page) as Label Studio's percent of the frame, cut to the crop.

    Raises:
        ValueError: If the box lies outside the crop.
    """
    inside, whole = clip(box, crop), frame or crop
    if inside is None:
        raise ValueError(f"{box} lies outside the crop {crop} it should be shown in.")
    return {
        "x": 100 * (inside.left - whole.left) / whole.width,
        "y": 100 * (inside.top - whole.top) / whole.height,
        "width": 100 * inside.width / whole.width,
        "height": 100 * inside.height / whole.height,
        "rotation": 0,
    }


def box_of(value: Mapping[str, Any], crop: Box, frame: Box | None = None) -> Box:
    """Label Studio's percent of the frame as a box in pixels of the page, cut to the crop.

    It has at least one pixel.

    Raises:
        ValueError: If the place is missing, not finite, rotated, empty, outside the picture, or
            more in the guide than on the ink.
    """
    try:
        x, y, width, height = (float(value[key]) for key in ("x", "y", "width", "height"))
        rotation = float(value.get("rotation") or 0)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"A place needs x, y, width and height; got {dict(value)}.") from error
    if not all(math.isfinite(number) for number in (x, y, width, height, rotation)):
        raise ValueError(f"A place needs finite numbers; got {dict(value)}.")
    if rotation % 360:
        raise ValueError(f"A box is turned by {rotation} degrees; draw it upright.")
    if width <= 0 or height <= 0:
        raise ValueError(f"A box of {width} by {height} percent holds nothing; delete it.")
    whole = frame or crop
    left, top = round(x * whole.width / 100), round(y * whole.height / 100)
    right = max(left + 1, round((x + width) * whole.width / 100))
    bottom = max(top + 1, round((y + height) * whole.height / 100))
    inside = Box(left, top, right, bottom).clipped(whole.width, whole.height)
    if inside is None:
        raise ValueError(f"A box at {x:.1f}, {y:.1f} percent lies outside its picture.")
    on_ink = inside.clipped(crop.width, crop.height)
    if on_ink is None or 2 * on_ink.width < inside.width:
        raise ValueError(
            f"A box at {x:.1f}, {y:.1f} percent lies in the guide beside the ink; draw it on the "
            f"ink, or delete it."
        )
    return on_ink.moved(crop.left, crop.top)
