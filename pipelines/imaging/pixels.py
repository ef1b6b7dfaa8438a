"""Any kind of pixel to 8-bit grey or RGB.

Holds: the conversion of what a decoder yields (1-bit, palette, alpha, CMYK, 16-bit, float) into
the two kinds that everything else works on.

Keeps out: bytes (``pipelines.imaging.codec``).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from pipelines.errors import UnreadableImage

Gray = npt.NDArray[np.uint8]
"""(H, W), 0 black to 255 white."""

Picture = npt.NDArray[np.uint8]
"""(H, W) grey or (H, W, 3) RGB."""

_WHITE_16 = 65535


def grey_or_rgb(image: Image.Image, name: str) -> Picture:
    """A decoded image as a new contiguous array; what is transparent lies over white.

    RGB whose three channels are equal becomes grey: a third of the store for the same page.

    Raises:
        UnreadableImage: ``unsupported_format`` if the samples are measurements, not grey.
    """
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return _eight_bit(np.asarray(image), name)
    has_alpha = mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
    if mode in ("1", "L") and not has_alpha:
        return np.array(image.convert("L"), np.uint8)
    if has_alpha:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(ground, image)
    return _grey_if_equal(np.array(image.convert("RGB"), np.uint8))


def is_bilevel(image: Gray) -> bool:
    """Whether a grey picture holds only 0 and 255, as ink does."""
    return bool(((image == 0) | (image == 255)).all())


def _eight_bit(values: npt.NDArray[np.generic], name: str) -> Picture:
    """Samples of more than eight bits by their full range: 65535 is white, of floats also 1."""
    numbers = values.astype(np.float32)
    top, bottom = float(numbers.max()), float(numbers.min())
    if not (math.isfinite(top) and bottom >= 0 and top <= _WHITE_16):
        raise UnreadableImage(
            f"{name} holds measurements, not grey: values from {bottom:g} to {top:g}, where 0 "
            f"to {_WHITE_16} is expected. Save it as 8-bit or 16-bit grey.",
            reason="unsupported_format",
        )
    white = 1.0 if values.dtype.kind == "f" and top <= 1 else float(_WHITE_16)
    return np.asarray((numbers * (255 / white) + 0.5).astype(np.uint8))


def _grey_if_equal(rgb: Picture) -> Picture:
    sample = rgb[::61, ::67]  # enough to let every coloured page pass at no cost
    if (sample != sample[..., :1]).any():
        return rgb
    red, green, blue = cv2.split(rgb)
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return np.asarray(red, np.uint8)
    return rgb
