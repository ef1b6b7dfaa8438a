"""Places on a page: boxes in pixels, and the plain arithmetic on them.

Holds: ``Box`` and functions between boxes. Pixels of the Page, orientation baked in, half-open:
``left <= x < right``, ``top <= y < bottom``. The writing direction ``vertical-rl`` means columns
from right to left, characters from top to bottom.

Keeps out: how boxes are found (``pipelines.characters``), how they are ordered
(``pipelines.columns``), and Label Studio's percent (``annotation.tasks``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """An axis-aligned rectangle of at least one pixel.

    Raises:
        ValueError: If it holds no pixel.
    """

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        if self.right <= self.left or self.bottom <= self.top:
            raise ValueError(
                f"A box needs right > left and bottom > top; got "
                f"({self.left}, {self.top}, {self.right}, {self.bottom})."
            )

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.bottom - self.top

    @property
    def area(self) -> int:
        """Pixels inside."""
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        """The middle as ``(x, y)``."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def moved(self, dx: int, dy: int) -> Box:
        """A copy shifted by whole pixels; this box is not changed."""
        return Box(self.left + dx, self.top + dy, self.right + dx, self.bottom + dy)

    def padded(self, dx: int, dy: int) -> Box:
        """A copy grown by ``dx`` to the left and right and ``dy`` above and below."""
        return Box(self.left - dx, self.top - dy, self.right + dx, self.bottom + dy)

    def scaled(self, sx: float, sy: float) -> Box:
        """A copy in an image resized by ``sx`` and ``sy``, never thinner than one pixel."""
        left, top = round(self.left * sx), round(self.top * sy)
        return Box(
            left, top, max(left + 1, round(self.right * sx)), max(top + 1, round(self.bottom * sy))
        )

    def clipped(self, width: int, height: int) -> Box | None:
        """The part inside an image of that size, or None if nothing is."""
        left, top = max(0, self.left), max(0, self.top)
        right, bottom = min(width, self.right), min(height, self.bottom)
        return Box(left, top, right, bottom) if right > left and bottom > top else None


def intersection_area(a: Box, b: Box) -> int:
    """Pixels that two boxes share."""
    across = min(a.right, b.right) - max(a.left, b.left)
    down = min(a.bottom, b.bottom) - max(a.top, b.top)
    return across * down if across > 0 and down > 0 else 0


def intersection_over_union(a: Box, b: Box) -> float:
    """Shared pixels over covered pixels, in [0, 1]."""
    shared = intersection_area(a, b)
    return shared / (a.area + b.area - shared)


def union(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all of them.

    Raises:
        ValueError: If there are none.
    """
    items = list(boxes)
    if not items:
        raise ValueError("The union of no boxes is not a box.")
    return Box(
        min(b.left for b in items),
        min(b.top for b in items),
        max(b.right for b in items),
        max(b.bottom for b in items),
    )


def horizontal_overlap(a: Box, b: Box) -> float:
    """Shared width over the narrower width, in [0, 1]: how much two boxes share a column."""
    shared = min(a.right, b.right) - max(a.left, b.left)
    return max(0.0, shared / min(a.width, b.width))


def vertical_overlap(a: Box, b: Box) -> float:
    """Shared height over the lower height, in [0, 1]: how much two boxes share a row."""
    shared = min(a.bottom, b.bottom) - max(a.top, b.top)
    return max(0.0, shared / min(a.height, b.height))
