"""What a file says of itself before a pixel is decoded.

Holds: the media type by the first bytes, never by the name; the chain of pages of a TIFF; the
tile-parts of a JPEG 2000 codestream, from which it follows whether the file ends early, and one
narrow correction of a wrong count in them.

Keeps out: pixels (``pipelines.imaging.codec``).
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath

JPEG, PNG, TIFF = "image/jpeg", "image/png", "image/tiff"
JPEG_2000, WEBP, PDF = "image/jp2", "image/webp", "application/pdf"
GIF, BMP = "image/gif", "image/bmp"

SUFFIXES: dict[str, tuple[str, ...]] = {
    JPEG: (".jpg", ".jpeg", ".jpe", ".jfif"),
    PNG: (".png",),
    TIFF: (".tif", ".tiff"),
    JPEG_2000: (".jp2", ".j2k", ".j2c", ".jpf", ".jpx"),
    WEBP: (".webp",),
    PDF: (".pdf",),
    GIF: (".gif",),
    BMP: (".bmp",),
}
"""Media types that can be decoded, each with its usual names; the first is the store's."""

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
_PDF_HEADER_WITHIN = 1024  # readers accept rubbish of up to this many bytes before %PDF-

_KNOWN_BUT_NOT_TAKEN: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftypavis", "an AVIF sequence"),
    (4, b"ftypheic", "a HEIC picture"),
    (4, b"ftypheix", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIF picture"),
    (4, b"ftypmsf1", "a HEIF sequence"),
    (0, b"AT&TFORM", "a DjVu document"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (0, b"\xd0\xcf\x11\xe0", "an Office document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"%!PS", "a PostScript document"),
)

_REDUCED_RESOLUTION = 1  # bit of the tag NewSubfileType: a thumbnail of another page
_NEW_SUBFILE_TYPE = 254
_MOST_TIFF_FRAMES = 65536  # a chain longer than this is a loop or an attack


def sniff(data: bytes) -> str | None:
    """The media type of the bytes, or None if they are no picture that can be decoded."""
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data[:4] in _TIFF_MAGIC:
        return TIFF
    if data.startswith((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")):
        return JPEG_2000
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return BMP
    if b"%PDF-" in data[:_PDF_HEADER_WITHIN]:
        return PDF
    return None


def describe_unknown(data: bytes) -> str | None:
    """What the bytes are if they are known but not taken ("a ZIP archive"), else None."""
    for offset, magic, name in _KNOWN_BUT_NOT_TAKEN:
        if data[offset : offset + len(magic)] == magic:
            return name
    return None


def lacks_end(data: bytes, media_type: str) -> bool:
    """Whether the file has less than it announces or no end mark; says nothing of some types."""
    if media_type == WEBP:
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    if media_type == BMP:
        return int.from_bytes(data[2:6], "little") > len(data)
    if media_type == PNG:
        return b"IEND" not in data[-64:]
    if media_type == JPEG:
        return _EOI not in data[-64:]
    return False


def suffix_of(media_type: str) -> str:
    """The suffix under which the store keeps this media type, with its dot."""
    return SUFFIXES[media_type][0]


def label_note(media_type: str, file_name: str) -> str:
    """A sentence if the name says another media type than the bytes do, else nothing."""
    suffix = PurePath(file_name).suffix.lower()
    if suffix in SUFFIXES[media_type]:
        return ""
    return f"The name ends in {suffix or 'nothing'}, the content is {media_type}."


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffChain:
    """The frames of a TIFF that are pages; thumbnails of other pages are left out.

    ``is_broken`` says that the chain points outside the file or back to itself: at least one
    page that the file promises cannot be reached.
    """

    frames: tuple[int, ...]
    is_broken: bool


def tiff_chain(data: bytes) -> TiffChain:
    """Follow the directories of a TIFF or BigTIFF, without decoding anything."""
    order = "<" if data[:2] == b"II" else ">"
    is_big = data[2:4] in (b"+\0", b"\0+")
    count_format, entry_size, offset_format = ("Q", 20, "Q") if is_big else ("H", 12, "I")
    frames: list[int] = []
    seen: set[int] = set()
    try:
        (offset,) = struct.unpack_from(order + offset_format, data, 8 if is_big else 4)
        while offset:
            if offset in seen or offset > len(data) or len(seen) >= _MOST_TIFF_FRAMES:
                return TiffChain(frames=tuple(frames), is_broken=True)
            (count,) = struct.unpack_from(order + count_format, data, offset)
            entries = offset + struct.calcsize(count_format)
            after = min(entries + count * entry_size, len(data))
            (following,) = struct.unpack_from(order + offset_format, data, after)
            if not _is_thumbnail(data, order, entries, count, entry_size):
                frames.append(len(seen))
            seen.add(offset)
            offset = following
    except struct.error:
        return TiffChain(frames=tuple(frames), is_broken=True)
    return TiffChain(frames=tuple(frames), is_broken=False)


def _is_thumbnail(data: bytes, order: str, entries: int, count: int, entry_size: int) -> bool:
    for index in range(min(count, 4)):  # tags are sorted, this one is the lowest
        start = entries + index * entry_size
        tag, kind = struct.unpack_from(order + "HH", data, start)
        if tag == _NEW_SUBFILE_TYPE and kind in (3, 4):
            value_at = start + (12 if entry_size == 20 else 8)
            (value,) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, value_at)
            return bool(value & _REDUCED_RESOLUTION)
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Codestream:
    """A JPEG 2000 file as its tile-parts tell it.

    Attributes:
        data: The bytes to decode: the file itself, or a mended copy.
        present: Share of the codestream's declared bytes that is there, 1 for a whole file.
        has_every_tile: Whether each tile has at least one whole part.
        note: What was mended, or nothing.
    """

    data: bytes
    present: float
    has_every_tile: bool
    note: str


@dataclass(frozen=True, slots=True)
class _TilePart:
    start: int
    end: int
    tile: int
    index: int
    declared_count: int


_EOI = b"\xff\xd9"
_SOC, _SIZ, _SOT, _EOC = b"\xff\x4f", b"\xff\x51", b"\xff\x90", b"\xff\xd9"


def read_codestream(data: bytes) -> Codestream:
    """Walk the tile-parts of a JPEG 2000 file; mend what can be mended without guessing.

    Two things are mended. Some encoders write one part per resolution and count them from
    zero, so that the last part has the number that should be the count; strict decoders call
    this a broken stream although every byte is there. The count is then set to "not told".
    And of a file that ends early the last, unfinished part is cut off: what stays is a whole
    stream of less detail. Whether that is enough is the caller's to decide by ``present``.
    """
    begin, declared_end = _codestream_range(data)
    tile_count, parts = _tile_parts(data, begin)
    if not parts:
        return Codestream(data=data, present=0.0, has_every_tile=False, note="")
    whole = [part for part in parts if part.end <= len(data)]
    mended = bytearray(data)
    notes = []
    if any(part.declared_count and part.index >= part.declared_count for part in parts):
        for part in parts:
            mended[part.start + 11] = 0
        counts = Counter(part.tile for part in parts)
        notes.append(
            f"Its tiles claim {parts[0].declared_count} parts and have up to "
            f"{max(counts.values())}; the claim was ignored."
        )
    end = parts[-1].end
    is_cut = len(whole) < len(parts) or (end < declared_end and data[end : end + 2] != _EOC)
    present = 1.0
    if is_cut:
        there = min(len(data), declared_end) - begin
        present = min(there / max(declared_end - begin, end - begin, 1), 0.9999)
        if whole:
            mended = mended[: whole[-1].end] + _EOC
        notes.append(f"The file ends early: {present:.1%} of it is there.")
    elif data[end : end + 2] != _EOC and end >= len(data):
        mended += _EOC
    return Codestream(
        data=bytes(mended) if notes or len(mended) != len(data) else data,
        present=present,
        has_every_tile=len({part.tile for part in whole}) >= tile_count,
        note=" ".join(notes),
    )


def _codestream_range(data: bytes) -> tuple[int, int]:
    """Where the codestream begins, and where its box says that it ends."""
    if data.startswith(_SOC):
        return 0, len(data)
    offset = 0
    while offset + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, offset)
        header = 8
        if size == 1 and offset + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, offset + 8)
            header = 16
        if kind == b"jp2c":
            return offset + header, offset + size if size else len(data)
        if size < header:
            break
        offset += size
    return len(data), len(data)


def _tile_parts(data: bytes, begin: int) -> tuple[int, list[_TilePart]]:
    """How many tiles the picture has, and its parts; the last may reach beyond the file."""
    tile_count = 0
    parts: list[_TilePart] = []
    offset = begin + 2
    try:
        while data[offset : offset + 2] not in (_SOT, b""):
            if data[offset : offset + 2] == _SIZ:
                tile_count = _tile_count(data, offset)
            (length,) = struct.unpack_from(">H", data, offset + 2)
            offset += 2 + length
        while data[offset : offset + 2] == _SOT:
            tile, size, index, count = struct.unpack_from(">HIBB", data, offset + 4)
            end = offset + size if size else len(data) - 2 * data.endswith(_EOC)
            parts.append(_TilePart(offset, end, tile, index, count))
            if size < 14:  # 0 means "to the end"; shorter than its own header is nonsense
                break
            offset = end
    except struct.error:  # ends inside a marker: what was walked so far is what there is
        pass
    return tile_count, parts


def _tile_count(data: bytes, offset: int) -> int:
    numbers: tuple[int, ...] = struct.unpack_from(">8I", data, offset + 6)
    width, height, _, _, tile_width, tile_height, left, top = numbers
    if not tile_width or not tile_height:
        return 0
    return -(-(width - left) // tile_width) * -(-(height - top) // tile_height)
