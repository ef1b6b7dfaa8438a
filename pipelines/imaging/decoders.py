"""The pages of each container as upright Pillow images, one at a time.

Holds: one class for single pictures, one for TIFF, one for PDF, all with the same three
promises (:class:`Pages`), and the translation of whatever the decoders raise into
:class:`~pipelines.errors.UnreadableImage`.

Keeps out: which container it is (``pipelines.imaging.containers``), arrays
(``pipelines.imaging.pixels``), and limits of files (``pipelines.imaging.codec``).
"""

from __future__ import annotations

import io
import math
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pypdfium2
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from pypdfium2 import raw as pdfium

from pipelines.errors import UnreadableImage
from pipelines.imaging import containers

_PLUGINS = {
    containers.JPEG: "JPEG",
    containers.PNG: "PNG",
    containers.TIFF: "TIFF",
    containers.JPEG_2000: "JPEG2000",
    containers.WEBP: "WEBP",
    containers.GIF: "GIF",
    containers.BMP: "BMP",
}

# What Pillow's parsers raise on damaged bytes, found by random corruption of real files; they
# are written for well-formed input and check little before they index, unpack and convert.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
)


def truncated(name: str, found: str) -> UnreadableImage:
    """The error for a file that ends early; ``found`` says how that shows."""
    return UnreadableImage(
        f"{name} ends early: {found}. Copy it again from where it came.", reason="truncated"
    )


class Pages:
    """What each container offers: a count, and pages by index.

    ``is_plain`` says, once the page was decoded, that the file holds just this one picture as
    JPEG or PNG, upright and in 8-bit grey or RGB.
    """

    count: int
    is_plain: bool = False

    def decode(self, index: int) -> Image.Image:
        """One page, upright, in any mode.

        Raises:
            UnreadableImage: If this page is truncated, broken or too large.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Free what the decoder holds."""
        raise NotImplementedError


class PillowPages(Pages):
    """A single picture; of an animation the first frame."""

    def __init__(self, data: bytes, file_name: str, media_type: str, max_pixels: int) -> None:
        self.file_name = self.name = file_name
        self.max_pixels = max_pixels
        self.count = 1
        self.lacks_end = containers.lacks_end(data, media_type)
        with self._errors():
            self.image = Image.open(io.BytesIO(data), formats=[_PLUGINS[media_type]])
        if media_type != containers.TIFF:  # there one huge page must not refuse the others
            self._check_size()

    def decode(self, index: int) -> Image.Image:
        """The picture; ``index`` is 0."""
        self._check_size()
        with self._errors():
            self.image.load()
        self.is_plain = self.image.format in {"JPEG", "PNG"} and self.image.mode in {"L", "RGB"}
        self.is_plain &= "transparency" not in self.image.info
        # EXIF that cannot be read says nothing: the picture counts as upright.
        with warnings.catch_warnings(), suppress(*_DECODER_ERRORS):
            warnings.simplefilter("ignore")
            self.is_plain &= self.image.getexif().get(ExifTags.Base.Orientation, 1) == 1
            ImageOps.exif_transpose(self.image, in_place=True)
        return self.image

    def close(self) -> None:
        """Free the picture."""
        self.image.close()

    def _check_size(self) -> None:
        width, height = self.image.size
        if width * height > self.max_pixels:
            raise self._too_large(f"{width} x {height} pixels")

    def _too_large(self, found: str) -> UnreadableImage:
        return UnreadableImage(
            f"{self.name} claims {found}, more than the {self.max_pixels} pixels that are "
            f"taken. If it really is that large, scale or split it, or raise max_pixels.",
            reason="too_many_pixels",
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what Pillow says and raises into one kind of error."""
        try:
            with warnings.catch_warnings():
                # Pillow warns of odd metadata in pictures that decode well, and of sizes that
                # are checked here against max_pixels.
                warnings.simplefilter("ignore")
                yield
        except Image.DecompressionBombError as error:
            claim = re.search(r"\d+ pixels", str(error))
            raise self._too_large(claim[0] if claim else "too many pixels") from None
        except _DECODER_ERRORS as error:
            text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            if isinstance(error, UnidentifiedImageError):
                text = "its header makes no sense"
            if self.lacks_end or "truncated" in text.lower():
                raise truncated(self.name, text) from None
            raise UnreadableImage(
                f"{self.name} is damaged and cannot be decoded: {text}. Copy it again from "
                f"where it came, or save it anew with another program.",
                reason="broken",
            ) from None


class TiffPages(PillowPages):
    """The frames of a TIFF that are pages, and one more where the chain of frames breaks."""

    def __init__(self, data: bytes, file_name: str, max_pixels: int) -> None:
        chain = containers.tiff_chain(data)
        if not chain.frames and chain.is_broken:
            raise truncated(file_name, "its first page lies beyond the end")
        super().__init__(data, file_name, containers.TIFF, max_pixels)
        self.frames = chain.frames
        self.count = len(chain.frames) + chain.is_broken

    def decode(self, index: int) -> Image.Image:
        """The page with this index."""
        if self.count > 1:
            self.name = f"Page {index + 1} of {self.file_name}"
        if index >= len(self.frames):
            raise truncated(self.name, "the file names the page, but it lies beyond the end")
        with self._errors():
            self.image.seek(self.frames[index])
        return super().decode(index)


class PdfPages(Pages):
    """The pages of a PDF, rendered at ``dpi``, or smaller where a page would be too large."""

    def __init__(self, data: bytes, file_name: str, max_pixels: int, dpi: int) -> None:
        self.file_name, self.max_pixels, self.dpi = file_name, max_pixels, dpi
        try:
            self.document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            raise _pdf_error(error, data, file_name) from None
        self.count = len(self.document)

    def decode(self, index: int) -> Image.Image:
        """The page with this index, over white."""
        name = f"Page {index + 1} of {self.file_name}"
        try:
            page = self.document[index]
            try:
                scale = self._scale(*page.get_size())
                bitmap = page.render(scale=scale, rev_byteorder=True)
                try:
                    return Image.Image.copy(bitmap.to_pil())
                finally:
                    bitmap.close()
            finally:
                page.close()
        except (pypdfium2.PdfiumError, ValueError, MemoryError, ArithmeticError) as error:
            raise UnreadableImage(
                f"{name} cannot be rendered: {error} Save the PDF anew with another program.",
                reason="broken",
            ) from None

    def close(self) -> None:
        """Free the document."""
        self.document.close()

    def _scale(self, width_pt: float, height_pt: float) -> float:
        """Pixels a point."""
        if not (0 < width_pt < math.inf and 0 < height_pt < math.inf):
            raise ValueError(f"its size is {width_pt} x {height_pt} points.")
        largest = math.sqrt(self.max_pixels / (width_pt * height_pt)) * 0.999
        return min(self.dpi / 72, largest)


def _pdf_error(error: pypdfium2.PdfiumError, data: bytes, file_name: str) -> UnreadableImage:
    # A document without pages opens well and sets no error: the binding then reports the error
    # of whatever file failed before it. So it is asked again, and only then believed.
    handle = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    if handle:
        pdfium.FPDF_CloseDocument(handle)
        return UnreadableImage(
            f"{file_name} is a PDF without pages. Check that it is the right file.",
            reason="no_pages",
        )
    if pdfium.FPDF_GetLastError() in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
        return UnreadableImage(
            f"{file_name} is encrypted and asks for a password. Save it without one.",
            reason="encrypted",
        )
    if b"%%EOF" not in data[-1024:]:
        return truncated(file_name, "it has no end mark and PDFium cannot open it")
    return UnreadableImage(
        f"{file_name} is a PDF that is damaged: {error} Copy it again from where it came, or "
        f"save it anew with another program.",
        reason="broken",
    )
