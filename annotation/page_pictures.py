"""Pictures of the page view: a frame of the page with the place of each column drawn on it.

Label Studio shows a column's number only while it is selected, so that nobody could see an order at
a glance. The numbers are those of the program's draft; they stand above the columns, off the ink.

Keeps out: where pictures lie (``annotation.images``), boxes that can be moved
(``annotation.page_tasks``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from annotation.images import Derivative, Images, derivative_size
from pipelines.geometry import Box
from pipelines.ids import derive_id
from pipelines.imaging.codec import encode_jpeg
from pipelines.imaging.drawing import as_rgb
from pipelines.records import Column

VERSION = 1
"""Raised when the drawing changes, so that pictures are made anew."""

TAG_SHARE = 1 / 48
"""Height of a number's tag, in longer sides of the picture: about 16 pixels on a screen."""

TAG_COLOUR = (176, 58, 46)
"""RGB: that of columns in the interface."""

Picture = npt.NDArray[np.uint8]


def make_page_picture(
    decoded: Callable[[str], Picture],
    image_key: str,
    frame: Box,
    columns: Sequence[Column],
    *,
    images: Images,
    max_side_px: int,
) -> Derivative:
    """Cut a frame out of a page, number the columns in it, and have it served.

    Args:
        decoded: Gives the picture of a key; asked only if the frame is not served already. One
            that remembers the last picture decodes a handscroll once for all its segments.
        image_key: Of the page's picture.
        frame: In pixels of the page.
        columns: Those that stand whole in the frame.
        images: Where pictures for the browser lie.
        max_side_px: Longest side of the picture.

    Raises:
        ValueError: If ``frame`` reaches beyond the picture.
    """
    width, height = derivative_size(frame.width, frame.height, max_side_px)
    drawn = [(column.column_index, column.box) for column in columns]
    name = f"{derive_id('page', VERSION, image_key, repr(frame), repr(drawn), max_side_px)}.jpg"
    if not images.has(name):
        page = decoded(image_key)
        if frame.clipped(page.shape[1], page.shape[0]) != frame:
            raise ValueError(
                f"The picture {image_key} is {page.shape[1]} x {page.shape[0]} pixels; {frame} "
                f"reaches beyond it. The page and its picture disagree."
            )
        cut = page[frame.top : frame.bottom, frame.left : frame.right]
        small = np.asarray(cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        images.put(name, encode_jpeg(numbered(small, frame, columns)))
    return Derivative(url=images.url_of(name), width=width, height=height)


def numbered(picture: Picture, frame: Box, columns: Sequence[Column]) -> Picture:
    """A picture of a frame with the number of each column above it, as RGB.

    Args:
        picture: (H, W) grey or (H, W, 3) RGB; not modified.
        frame: What of the page it shows.
        columns: In pixels of the page.
    """
    result = as_rgb(picture)
    tag = max(12, round(max(result.shape[:2]) * TAG_SHARE))
    scale = result.shape[1] / frame.width
    for column in columns:
        box = column.box.moved(-frame.left, -frame.top).scaled(scale, scale)
        _tag(result, str(column.column_index + 1), (box.left + box.right) // 2, box.top, tag)
    return result


def _tag(picture: Picture, text: str, middle: int, bottom: int, height: int) -> None:
    """A filled tag that stands on ``bottom``, or hangs from the edge of the picture."""
    font, line = cv2.FONT_HERSHEY_SIMPLEX, max(1, height // 10)
    scale = 0.6 * height / cv2.getTextSize("0", font, 1, 1)[0][1]
    (width, inked), _ = cv2.getTextSize(text, font, scale, line)
    left = min(max(0, middle - width // 2 - height // 4), picture.shape[1] - width - height // 2)
    top = max(0, bottom - height)
    corner = (left + width + height // 2, top + height - 1)
    cv2.rectangle(picture, (left, top), corner, TAG_COLOUR, -1)
    foot = (left + height // 4, top + (height + inked) // 2)
    cv2.putText(picture, text, foot, font, scale, (255, 255, 255), line, cv2.LINE_AA)
