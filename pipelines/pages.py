"""頁: from a scan to its pages, each upright and with its ink.

Holds: the stage that decodes a scan page by page, normalizes the ink, stores both pictures and
makes the records; on several cores if asked. Memory holds one page a worker, however many there
are.

Keeps out: decoding (``pipelines.imaging.codec``), what ink is (``pipelines.imaging.ink``),
and finding characters (``pipelines.characters``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import cv2
import numpy as np

from pipelines.errors import StoreError, UnreadableImage
from pipelines.ids import derive_id
from pipelines.imaging.codec import CodecParams, Document, encode_png, open_document
from pipelines.imaging.ink import InkParams, NormalizedInk, normalize_ink
from pipelines.imaging.pixels import Picture
from pipelines.imaging.skew import is_worth_turning, turned
from pipelines.records import Page, Rejection, Scan
from pipelines.store import Store
from pipelines.workers import Workers, map_in_order

STAGE = "pages"

_ONE = Workers()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageParams:
    """What a page needs to be taken.

    Attributes:
        min_side_px: Shorter side; below it no character can be told from dirt.
        min_ink_fraction: Share of ink; a single small character on a large sheet has more.
        max_ink_fraction: Share of ink above which nothing is written, only dark.
        codec: Limits of decoding.
        ink: Numbers of the normalization.
    """

    min_side_px: int = 16
    min_ink_fraction: float = 0.0002
    max_ink_fraction: float = 0.85
    codec: CodecParams = field(default_factory=CodecParams)
    ink: InkParams = field(default_factory=InkParams)


def page_id_of(scan_id: str, page_index: int) -> str:
    """The id of a page, from its scan and its place in it."""
    return derive_id(scan_id, "page", page_index)


def make_pages(
    scan: Scan,
    store: Store,
    params: PageParams,
    code_version: str,
    *,
    page_indices: Iterable[int] | None = None,
) -> Iterator[Page | Rejection]:
    """The pages of a scan, in order, decoded one at a time.

    Args:
        scan: As :func:`pipelines.scans.ingest` made it.
        store: Holds the scan's bytes; receives the upright page and its ink as PNG.
        params: What a page needs to be taken.
        code_version: Written into each record.
        page_indices: Only these, by default all.

    Yields:
        One Page or Rejection for each index. Reasons are those of the decoder (truncated,
        broken, too_many_pixels, ...), ``too_small``, ``no_ink``, ``only_seals``, ``only_lines``
        and ``missing_bytes``. A bad
        page does not keep the others from being taken.
    """
    indices = range(scan.page_count) if page_indices is None else page_indices
    try:
        document = open_document(store.get(scan.scan_key), scan.file_name, params.codec)
    except UnreadableImage as error:
        yield from (_reject(scan, index, error.reason, str(error)) for index in indices)
        return
    except StoreError as error:
        yield from (_reject(scan, index, "missing_bytes", str(error)) for index in indices)
        return
    with document:
        for index in indices:
            try:
                yield _make_page(document, scan, index, store, params, code_version)
            except UnreadableImage as error:
                yield _reject(scan, index, error.reason, str(error))


def _make_page(
    document: Document, scan: Scan, index: int, store: Store, params: PageParams, code_version: str
) -> Page:
    name, image = document.name_of(index), document.decode(index)
    is_as_scanned = document.is_plain
    height, width = image.shape[:2]
    if min(height, width) < params.min_side_px:
        raise UnreadableImage(
            f"{name} has {width} x {height} pixels; the shorter side needs "
            f"{params.min_side_px}. Scan it larger.",
            reason="too_small",
        )
    found = normalize_ink(image, params.ink)
    skew_deg = 0.0
    if is_worth_turning(found.skew, params.ink.skew):
        is_as_scanned, skew_deg = False, found.skew.degrees
        image = turned(image, skew_deg)
        height, width = image.shape[:2]
        found = replace(normalize_ink(image, params.ink), skew=found.skew)
    if not params.min_ink_fraction <= found.ink_fraction <= params.max_ink_fraction:
        raise _without_writing(name, image, found, params)
    return Page(
        page_id=page_id_of(scan.scan_id, index),
        scan_id=scan.scan_id,
        work=scan.work,
        page_index=index,
        width=width,
        height=height,
        # The scan is kept byte for byte anyway: encoding the same picture again would cost
        # several times its decoding.
        image_key=scan.scan_key if is_as_scanned else store.put(encode_png(image), ".png"),
        ink_key=store.put(encode_png(found.ink), ".png"),
        damage_key=store.put(encode_png(found.damage), ".png"),
        seal_key=None if found.seal is None else store.put(encode_png(found.seal), ".png"),
        polarity=found.polarity,
        polarity_confidence=found.polarity_confidence,
        dark_on_light_score=found.dark_on_light_score,
        light_on_dark_score=found.light_on_dark_score,
        polarity_regions=found.regions,
        background=found.background,
        ink_fraction=found.ink_fraction,
        noise_score=found.noise_score,
        damage_fraction=found.damage_fraction,
        line_fraction=found.line_fraction,
        seals=found.seals,
        skew_deg=skew_deg,
        skew_confidence=found.skew.confidence,
        code_version=code_version,
    )


def _without_writing(
    name: str, image: Picture, found: NormalizedInk, params: PageParams
) -> UnreadableImage:
    """The refusal of a page on which nothing is written, as precise as what was found allows."""
    # Shrunk by averaging, so that the grain of paper does not count as grey levels.
    size = (max(1, image.shape[1] // 4), max(1, image.shape[0] // 4))
    grey = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    low, high = np.percentile(grey if grey.ndim == 2 else grey.mean(axis=2), (1, 99))
    reason = "no_ink"
    if found.ink_fraction < params.min_ink_fraction and found.seals:
        reason, what = "only_seals", f"nothing but {len(found.seals)} red seal(s)"
    elif found.ink_fraction < params.min_ink_fraction < found.line_fraction:
        reason, what = "only_lines", "nothing but frames, rules or the edge of a page"
    elif high - low < 12:
        kind = "black" if high < 48 else "blank"
        what = f"it is {kind}: grey from {low:.0f} to {high:.0f} of 255"
    else:
        what = f"{found.ink_fraction:.2%} of it would be ink"
    return UnreadableImage(
        f"{name} shows no writing: {what}. Leave it out, or look whether it is the right page.",
        reason=reason,
    )


def _reject(scan: Scan, index: int, reason: str, detail: str) -> Rejection:
    return Rejection(
        item_id=page_id_of(scan.scan_id, index), stage=STAGE, reason=reason, detail=detail
    )


PAGES_PER_TASK = 8
"""Pages that a worker takes at once: enough to open a file of many pages seldom."""


def process_pages(
    scans: Iterable[Scan],
    store: Store,
    params: PageParams,
    code_version: str,
    *,
    workers: Workers = _ONE,
) -> Iterator[Page | Rejection]:
    """The pages of many scans, in the scans' order.

    Starting a worker takes about a second: worth it from some five pages on.

    Raises:
        ServiceError: If a worker is killed from outside.
    """
    tasks = (
        (scan, range(start, min(start + PAGES_PER_TASK, scan.page_count)))
        for scan in scans
        for start in range(0, scan.page_count, PAGES_PER_TASK)
    )
    return map_in_order(partial(_pages_of, store, params, code_version), tasks, workers)


def _pages_of(
    store: Store, params: PageParams, code_version: str, task: tuple[Scan, range]
) -> list[Page | Rejection]:
    scan, indices = task
    return list(make_pages(scan, store, params, code_version, page_indices=indices))
