"""Picture files made by code, whole and damaged, with known pixels."""

from __future__ import annotations

import io
import os
import struct
import zlib
from typing import Any

import cv2
import numpy as np
from PIL import Image

from pipelines.store import Store


def written_page(height: int = 240, width: int = 180, *, seed: int = 0) -> np.ndarray:
    """Grey paper with a grain, and two columns of dark strokes."""
    rng = np.random.default_rng(seed)
    page = rng.normal(225, 3, (height, width)).clip(0, 255).astype(np.uint8)
    for x in (width // 4, 3 * width // 4):
        for y in range(30, height - 30, 40):
            for _ in range(5):
                (x1, y1), (x2, y2) = rng.integers(-12, 13, (2, 2))
                cv2.line(page, (x + int(x1), y + int(y1)), (x + int(x2), y + int(y2)), 30, 4)
    return page


def colour_page(height: int = 48, width: int = 32) -> np.ndarray:
    """A picture in which every corner has its own colour, so that turning it shows."""
    page = np.zeros((height, width, 3), np.uint8)
    page[:, :, 0] = np.linspace(0, 255, height, dtype=np.uint8)[:, None]
    page[:, :, 1] = np.linspace(255, 0, width, dtype=np.uint8)[None]
    page[: height // 4, : width // 4, 2] = 200
    return page


def saved(image: np.ndarray | Image.Image, file_format: str, **options: Any) -> bytes:
    """The bytes of a picture as Pillow writes them."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def tiff_of(images: list[np.ndarray], **options: Any) -> bytes:
    """A TIFF with one frame an array."""
    first, *rest = [Image.fromarray(image) for image in images]
    return saved(first, "TIFF", save_all=True, append_images=rest, **options)


def frame_offsets(data: bytes) -> list[int]:
    """Where the directories of a little-endian TIFF lie."""
    offsets = []
    (offset,) = struct.unpack_from("<I", data, 4)
    while offset:
        offsets.append(offset)
        (count,) = struct.unpack_from("<H", data, offset)
        (offset,) = struct.unpack_from("<I", data, offset + 2 + 12 * count)
    return offsets


def tiff_entry(data: bytes, directory: int, tag: int) -> int:
    """Where the 12-byte entry of a tag lies."""
    (count,) = struct.unpack_from("<H", data, directory)
    for index in range(count):
        at = directory + 2 + 12 * index
        if struct.unpack_from("<H", data, at)[0] == tag:
            return at
    raise KeyError(tag)


def tiff_with_broken_page(images: list[np.ndarray], index: int) -> bytes:
    """A TIFF in which the pixels of one page are said to lie beyond the end of the file."""
    data = bytearray(tiff_of(images, compression="raw"))
    entry = tiff_entry(data, frame_offsets(data)[index], 273)  # StripOffsets
    struct.pack_into("<I", data, entry + 8, len(data) + 1000)
    return bytes(data)


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises any size: a decompression bomb."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


SQUARE = b"0 0 72 72 re f"


def pdf_of(
    *page_sizes_pt: tuple[float, float], drawing: bytes = SQUARE, encrypted: bool = False
) -> bytes:
    """A PDF with the same drawing on every page: a black square in the lower left corner."""
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(page_sizes_pt)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(page_sizes_pt)} >>".encode(),
        b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <"
        + b"41" * 32
        + b"> /U <"
        + b"42" * 32
        + b"> >>",
    ]
    for index, (width, height) in enumerate(page_sizes_pt):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] "
            f"/Contents {5 + 2 * index} 0 R >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing))
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for offset in offsets:
        out += b"%010d 00000 n \n" % offset
    encrypt = b"/Encrypt 3 0 R /ID [<00> <00>] " if encrypted else b""
    out += b"trailer\n<< /Size %d /Root 1 0 R %s>>\n" % (len(objects) + 1, encrypt)
    out += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def jp2_in_parts(image: np.ndarray, *, claimed_parts: int) -> bytes:
    """A JPEG 2000 file whose one tile comes in a part a resolution, six of them.

    ``claimed_parts`` is what each part says of their number; 0 means "not told", 6 is right,
    and 5 is what one widespread encoder writes.
    """
    data = saved(image, "JPEG2000", num_resolutions=6, progression="RLCP", plt=True)
    box = data.index(b"jp2c") - 4
    begin = box + 8
    start = data.index(b"\xff\x90", begin)  # SOT
    body = data.index(b"\xff\x93", start) + 2  # after SOD
    lengths = _packet_lengths(data[start + 12 : body - 2])
    assert sum(lengths) == len(data) - 2 - body
    per_part = len(lengths) // 6
    parts = bytearray()
    for index in range(6):
        size = sum(lengths[index * per_part : (index + 1) * per_part])
        parts += struct.pack(">HHHIBB", 0xFF90, 10, 0, 14 + size, index, claimed_parts)
        parts += b"\xff\x93" + data[body : body + size]
        body += size
    stream = data[begin:start] + parts + b"\xff\xd9"
    return data[:box] + struct.pack(">I4s", 8 + len(stream), b"jp2c") + stream


class DeadlyStore(Store):
    """A store whose reader dies, as a process does that is killed for want of memory."""

    def get(self, key: str) -> bytes:
        os._exit(9)


def _packet_lengths(markers: bytes) -> list[int]:
    """The lengths that PLT marker segments give, 7 bits a byte."""
    lengths, value, at = [], 0, 0
    while at < len(markers):
        marker, size = struct.unpack_from(">HH", markers, at)
        if marker == 0xFF58:
            for byte in markers[at + 5 : at + 2 + size]:
                value = value << 7 | byte & 0x7F
                if not byte & 0x80:
                    lengths.append(value)
                    value = 0
        at += 2 + size
    return lengths
