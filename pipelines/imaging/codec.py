"""Bytes to upright pixels and back.

Holds: decoding of JPEG, PNG, TIFF (many pages), JPEG 2000, WebP, PDF (many pages), GIF and BMP
into 8-bit grey or RGB, one page at a time; encoding of PNG for the store and JPEG for browsers.
Orientation is baked in; CMYK, 16-bit, palette and 1-bit are converted; what is transparent is
laid over white.

One rule for files that end early: a page is either whole in area or refused. Missing rows may
hold text, so a JPEG, PNG or TIFF page that lacks any is refused as ``truncated``. A JPEG 2000
file holds the whole page in coarse form first; if every tile is there and at least
``min_present`` of the bytes, it is decoded with less detail and the probe's note says so.

Keeps out: what the container says (``pipelines.imaging.containers``), the decoders behind it
(``pipelines.imaging.decoders``), kinds of pixels (``pipelines.imaging.pixels``), and what the
picture shows (``pipelines.imaging.ink``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

import cv2
import numpy as np

from pipelines.errors import UnreadableImage
from pipelines.imaging import containers
from pipelines.imaging.decoders import Pages, PdfPages, PillowPages, TiffPages, truncated
from pipelines.imaging.pixels import Picture, grey_or_rgb, is_bilevel

MAX_PIXELS = 150_000_000
"""Default limit of a page: an A2 sheet at 600 dpi fits. 450 MB as RGB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecParams:
    """Limits of what is decoded, against bombs and mistakes.

    Attributes:
        max_pixels: Pixels of a page, at most 178 million (Pillow's own limit).
        max_bytes: Bytes of a file.
        max_pages: Pages of a file.
        pdf_dpi: Resolution at which a page of a PDF is rendered; a page that would exceed
            ``max_pixels`` is rendered smaller.
        min_present: Share of a JPEG 2000 file that has to be there, in (0, 1].
    """

    max_pixels: int = MAX_PIXELS
    max_bytes: int = 1 << 30
    max_pages: int = 5000
    pdf_dpi: int = 300
    min_present: float = 0.9


_DEFAULT = CodecParams()


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What is known of a file without decoding a page.

    ``note`` is a sentence for people: a wrong suffix, an early end, a mended stream.
    """

    media_type: str
    page_count: int
    note: str


class Document:
    """An open file whose pages are decoded one at a time; nothing decoded is kept.

    Use :func:`open_document`. ``decode(index)`` may fail for one page and work for the next.
    """

    def __init__(self, probe: Probe, file_name: str, pages: Pages) -> None:
        self.probe, self.file_name = probe, file_name
        self._pages = pages

    def decode(self, page_index: int) -> Picture:
        """One upright page, (H, W) grey or (H, W, 3) RGB, contiguous.

        Raises:
            UnreadableImage: If the page is truncated, broken or too large.
            IndexError: If the file has no such page.
        """
        if not 0 <= page_index < self.probe.page_count:
            raise IndexError(f"No page {page_index} among {self.probe.page_count}.")
        return grey_or_rgb(self._pages.decode(page_index), self.name_of(page_index))

    @property
    def is_plain(self) -> bool:
        """Whether :func:`decode_picture` makes the page that was decoded of the file's own bytes.

        Then nothing need be encoded anew. False until a page was decoded.
        """
        return self.probe.page_count == 1 and self._pages.is_plain

    def name_of(self, page_index: int) -> str:
        """How messages call a page."""
        if self.probe.page_count == 1:
            return self.file_name
        return f"Page {page_index + 1} of {self.file_name}"

    def close(self) -> None:
        """Free what the decoder holds."""
        self._pages.close()

    def __enter__(self) -> Document:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_document(data: bytes, file_name: str, params: CodecParams = _DEFAULT) -> Document:
    """Open a file by its content.

    Args:
        data: The whole file.
        file_name: For messages, and for a note where its suffix misleads.
        params: Limits.

    Raises:
        UnreadableImage: With ``reason`` empty, too_many_bytes, not_an_image,
            unsupported_format, truncated, too_many_pixels, too_many_pages, no_pages,
            encrypted or broken.
    """
    if not data:
        raise UnreadableImage(
            f"{file_name} is empty: 0 bytes. Copy it again from where it came.", reason="empty"
        )
    if len(data) > params.max_bytes:
        raise UnreadableImage(
            f"{file_name} has {len(data)} bytes, more than the {params.max_bytes} that are "
            f"taken. Split it, or raise max_bytes.",
            reason="too_many_bytes",
        )
    media_type = containers.sniff(data)
    if media_type is None:
        raise _not_decodable(data, file_name)
    note = containers.label_note(media_type, file_name)
    pages: Pages
    if media_type == containers.PDF:
        pages = PdfPages(data, file_name, params.max_pixels, params.pdf_dpi)
    elif media_type == containers.TIFF:
        pages = TiffPages(data, file_name, params.max_pixels)
    elif media_type == containers.JPEG_2000:
        stream = _whole_enough(data, file_name, params)
        note = " ".join(filter(None, (note, stream.note)))
        pages = PillowPages(stream.data, file_name, media_type, params.max_pixels)
    else:
        pages = PillowPages(data, file_name, media_type, params.max_pixels)
    if not 1 <= pages.count <= params.max_pages:
        pages.close()
        raise UnreadableImage(
            f"{file_name} has {pages.count} pages; from 1 to {params.max_pages} are taken. "
            f"Split it, or raise max_pages.",
            reason="too_many_pages" if pages.count else "no_pages",
        )
    found = Probe(media_type=media_type, page_count=pages.count, note=note)
    return Document(found, file_name, pages)


def probe(data: bytes, file_name: str, params: CodecParams = _DEFAULT) -> Probe:
    """What a file is, without decoding a page. Raises as :func:`open_document` does."""
    with open_document(data, file_name, params) as document:
        return document.probe


def decode_pages(data: bytes, file_name: str, params: CodecParams = _DEFAULT) -> Iterator[Picture]:
    """All pages of a file, one at a time; the first bad page ends it.

    For files in which one page may be bad and the others wanted, use :func:`open_document`.

    Raises:
        UnreadableImage: As :func:`open_document` and :meth:`Document.decode`.
    """
    with open_document(data, file_name, params) as document:
        for index in range(document.probe.page_count):
            yield document.decode(index)


def _not_decodable(data: bytes, file_name: str) -> UnreadableImage:
    taken = "JPEG, PNG, TIFF, JPEG 2000, WebP, PDF, GIF and BMP"
    known = containers.describe_unknown(data)
    if known is not None:
        return UnreadableImage(
            f"{file_name} is {known}, which is not taken. Convert it to one of {taken}.",
            reason="unsupported_format",
        )
    return UnreadableImage(
        f"{file_name} is no picture: it begins with {data[:8]!r}. {taken} are taken, whatever "
        f"the name says. Check where the file came from.",
        reason="not_an_image",
    )


def _whole_enough(data: bytes, file_name: str, params: CodecParams) -> containers.Codestream:
    stream = containers.read_codestream(data)
    if stream.present == 1:
        return stream
    if stream.present < params.min_present:
        raise truncated(
            file_name,
            f"{stream.present:.0%} of its codestream is there, where {params.min_present:.0%} is "
            f"the least that shows a page well enough",
        )
    if not stream.has_every_tile:
        raise truncated(file_name, "not every tile of the picture has a whole part")
    return stream


def encode_png(image: Picture) -> bytes:
    """A picture without loss. Grey of only 0 and 255, as ink is, takes one bit a pixel.

    The fastest setting that still halves a page: on the CODH pages filter "up" at level 1
    takes 0.5 s for 7 megapixels of RGB, two thirds of Pillow's time for the same size.
    """
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    if image.ndim == 2 and is_bilevel(image):
        options += [cv2.IMWRITE_PNG_BILEVEL, 1]
    else:
        options += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
    return _encode(".png", image, options)


def encode_jpeg(image: Picture, *, quality: int = 85, max_side_px: int | None = None) -> bytes:
    """A picture for browsers: lossy, small, optionally scaled down to a longest side."""
    if max_side_px is not None and max(image.shape[:2]) > max_side_px:
        scale = max_side_px / max(image.shape[:2])
        size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return _encode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])


def decode_png(data: bytes) -> Picture:
    """A picture that :func:`encode_png` wrote: (H, W) or (H, W, 3) RGB.

    Raises:
        UnreadableImage: If the bytes are no PNG of this project.
    """
    return _decode(data, {containers.PNG})


def decode_picture(data: bytes) -> Picture:
    """A picture of the store, PNG or JPEG of 8-bit grey or RGB: (H, W) or (H, W, 3) RGB.

    Raises:
        UnreadableImage: If the bytes are no such picture.
    """
    return _decode(data, {containers.PNG, containers.JPEG})


def _decode(data: bytes, known: set[str]) -> Picture:
    image = None
    if containers.sniff(data) in known:
        flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if image is None or image.dtype != np.uint8 or image.ndim == 3 and image.shape[2] != 3:
        kinds = " or ".join(sorted(kind.removeprefix("image/").upper() for kind in known))
        raise UnreadableImage(
            f"A picture from the store is no {kinds} of 8-bit grey or RGB; it begins with "
            f"{data[:8]!r}. Materialize the stage that wrote it again.",
            reason="broken",
        )
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return np.asarray(image, np.uint8)


def _encode(suffix: str, image: Picture, options: list[int]) -> bytes:
    if image.dtype != np.uint8 or image.size == 0 or image.ndim not in (2, 3):
        raise ValueError(
            f"A picture to encode is uint8 of shape (H, W) or (H, W, 3); got {image.dtype} of "
            f"shape {image.shape}."
        )
    if image.ndim == 3:
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)
    return cv2.imencode(suffix, image, options)[1].tobytes()
