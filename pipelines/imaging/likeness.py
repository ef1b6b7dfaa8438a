"""Likeness 相似: whether two pictures show the same page, whatever their size or compression.

Holds: the difference hash of a picture (N. Krawetz, "Kind of Like That", 2013, with 16 x 16 instead
of 8 x 8 differences, because pages of one book share their layout) and the distance of two.

Keeps out: whether two files are the same byte for byte, which their scan id tells
(``pipelines.scans``).
"""

from __future__ import annotations

import cv2
import numpy as np

from pipelines.imaging.pixels import Picture

SIDE = 16
MAX_DISTANCE = 20
"""Bits of 256 up to which two pictures are alike. On 34 real pages, copies scaled down to a
quarter, saved as JPEG of quality 40 and made paler differed by at most 8 bits; the two most
similar different pages, of one stele, by 38."""

_FLAT_RANGE = 8  # grey levels between the darkest and the lightest cell of a page without a picture


def likeness(image: Picture) -> str:
    """64 hex digits that stay nearly the same when the picture is scaled or compressed.

    Args:
        image: (H, W) grey or (H, W, 3) RGB, uint8; not modified.

    Returns:
        The hash; empty if the picture is so even that any other even one would be like it.
    """
    grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    cells = cv2.resize(grey, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA).astype(np.int16)
    if int(cells.max()) - int(cells.min()) < _FLAT_RANGE:
        return ""
    return np.packbits(cells[:, 1:] > cells[:, :-1]).tobytes().hex()


def distance(one: str, other: str) -> int:
    """In how many of 256 bits two hashes differ.

    Raises:
        ValueError: If one of them is none.
    """
    if not len(one) == len(other) == SIDE * SIDE // 4:
        raise ValueError(f"Expected two hashes of {SIDE * SIDE // 4} hex digits.")
    return (int(one, 16) ^ int(other, 16)).bit_count()
