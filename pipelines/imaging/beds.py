"""What lies around a page in the scan: the bed of the scanner, the facing page, bare paper.

Holds: finding broad areas of ink at the border of a mask.

Keeps out: uniform margins, which are stripped first (``pipelines.imaging.ground``),
and thin lines (``pipelines.imaging.lines``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Ink = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class BedParams:
    """What a scan bed looks like; measured on two steles and on the 15 CODH pages.

    Attributes:
        width: Width from which ink at the border is scan bed, as a share of the short side.
        length: Length from which it is, as a share of the side.
    """

    width: float = 0.045
    length: float = 0.15


_DEFAULT = BedParams()


def scan_beds(small: Ink, params: BedParams = _DEFAULT) -> Ink:
    """Areas broader than any stroke that touch the border.

    Args:
        small: (h, w) 0 and 1, a copy of bounded size; not modified.
        params: What a scan bed looks like.

    Returns:
        (h, w) 0 and 1.
    """
    height, width = small.shape
    side = max(5, int(min(small.shape) * params.width)) | 1
    framed = cv2.copyMakeBorder(small, side, side, side, side, cv2.BORDER_REPLICATE)
    kernel = np.ones((side, side), np.uint8)
    broad = cv2.morphologyEx(framed, cv2.MORPH_OPEN, kernel)[side:-side, side:-side]
    beds = np.zeros_like(small)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(broad, connectivity=8)
    for label in range(1, count):
        x, y, across, down = (int(v) for v in stats[label, :4])
        touches = x == 0 or y == 0 or x + across == width or y + down == height
        if touches and max(across / width, down / height) >= params.length:
            beds[labels == label] = 1
    grown = cv2.dilate(beds, np.ones((5, 5), np.uint8))
    return np.asarray(cv2.bitwise_and(grown, small), np.uint8)
