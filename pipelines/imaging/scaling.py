"""Copies of bounded size, on which everything is found that does not need every pixel.

Holds: shrinking by a whole number and its inverse. Whole numbers are far faster than any other
and map pixels to pixels exactly.

Keeps out: what is looked for on a copy.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box

Gray = npt.NDArray[np.uint8]


def shrink_factor(shape: tuple[int, ...], side_px: int) -> int:
    """The whole number by which to shrink a picture so that no side is longer than asked."""
    return max(1, -(-max(shape[:2]) // side_px))


def shrunk(gray: Gray, factor: int) -> Gray:
    """A copy shrunk by a whole number; rows and columns that do not fill a pixel are left out."""
    height, width = gray.shape[0] // factor, gray.shape[1] // factor
    if factor == 1 or height == 0 or width == 0:
        return gray
    view = gray[: height * factor, : width * factor]
    return np.asarray(cv2.resize(view, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(gray: Gray, factor: int, shape: tuple[int, ...]) -> Gray:
    """The inverse of :func:`shrunk`: every pixel repeated, the last ones up to the shape."""
    height, width = gray.shape
    if factor > 1 and (height, width) != shape:
        size = (width * factor, height * factor)
        gray = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    down, across = shape[0] - gray.shape[0], shape[1] - gray.shape[1]
    if down or across:
        edge = cv2.BORDER_REPLICATE
        gray = np.asarray(cv2.copyMakeBorder(gray, 0, down, 0, across, edge), np.uint8)
    return gray


def enlarged_box(box: Box, factor: int, small: tuple[int, ...], large: tuple[int, ...]) -> Box:
    """A box of a copy on the original; what touches the copy's end reaches the original's."""
    return Box(
        box.left * factor,
        box.top * factor,
        large[1] if box.right >= small[1] else box.right * factor,
        large[0] if box.bottom >= small[0] else box.bottom * factor,
    )


def cropped(gray: Gray, box: Box) -> Gray:
    """The part of a picture in a box, as a view."""
    return gray[box.top : box.bottom, box.left : box.right]
