"""Pictures of any size in bytes, made from nothing but a generator."""

import struct

import numpy as np


def noise_bmp(rng: np.random.Generator, size: int) -> bytes:
    """A BMP of about ``size`` bytes whose pixels are noise: cheap to make, impossible to guess."""
    width = max(2, int((max(size - 54, 12) / 3) ** 0.5) // 4 * 4)
    height = max(2, (size - 54) // (width * 3))
    pixels = rng.bytes(width * height * 3 + height * (-(width * 3) % 4))
    header = struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54)
    header += struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    return header + pixels
