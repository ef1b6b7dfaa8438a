"""Small pictures for the event log: what a stage made, at a glance.

Keeps out: how boxes and sheets are drawn (``pipelines.imaging.drawing``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from assets.resources import Project
from pipelines.imaging.codec import decode_picture, decode_png, encode_jpeg
from pipelines.imaging.drawing import draw_boxes
from pipelines.records import Column, Page, Sample

Picture = npt.NDArray[np.uint8]

PAGES_SHOWN = 2
SAMPLES_SHOWN = 12
MAX_SIDE_PX = 1100
QUALITY = 55


def ink_sheet(project: Project, batch: str) -> bytes | None:
    """The first pages of a batch, each beside its ink; None if there is no page."""
    keys = [k for page in _first_pages(project, batch) for k in (page.image_key, page.ink_key)]
    return in_a_row([decode_picture(project.store.get(key)) for key in keys])


def ordered_boxes(project: Project, batch: str) -> bytes | None:
    """The first pages of a batch with boxes and reading order; None if there is no page."""
    columns = [c for group in project.tables.iterate("columns", batch, Column) for c in group]
    return in_a_row(
        [
            draw_boxes(
                decode_picture(project.store.get(page.image_key)),
                [column for column in columns if column.page_id == page.page_id],
            )
            for page in _first_pages(project, batch)
        ]
    )


def sample_sheet(project: Project, samples: Sequence[Sample]) -> bytes | None:
    """The ink of a few samples side by side; None if there is none."""
    shown = samples[:SAMPLES_SHOWN]
    return in_a_row([decode_png(project.store.get(sample.ink_key)) for sample in shown])


def _first_pages(project: Project, batch: str) -> list[Page]:
    pages = (page for group in project.tables.iterate("pages", batch, Page) for page in group)
    return list(islice(pages, PAGES_SHOWN))


def in_a_row(images: Sequence[Picture]) -> bytes | None:
    """Pictures side by side on grey, from the right as they are read, as a small JPEG."""
    if not images:
        return None
    height = max(image.shape[0] for image in images)
    width = sum(image.shape[1] for image in images)
    sheet = np.full((height, width, 3), 128, np.uint8)
    right = width
    for image in images:
        rows, columns = image.shape[:2]
        rgb = image if image.ndim == 3 else image[:, :, None]
        sheet[:rows, right - columns : right] = rgb
        right -= columns
    return encode_jpeg(sheet, quality=QUALITY, max_side_px=MAX_SIDE_PX)
