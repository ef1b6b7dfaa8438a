"""A surface with ink on it, as it lies before the scanner: what ``stone`` and ``sheet`` make.

Holds: ``Surface``.

Keeps out: how it came about (``stone``, ``sheet``), the picture of it (``scanning``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.synthesis.fields import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A surface with what it carries.

    Attributes:
        light: (3, H, W) grey levels of red, green and blue, float32, before the scanner; colour by
            colour, which is twice as fast to work on as pixel by pixel.
        ink: (H, W) strokes as brush or chisel left them, white on black: spread and frayed as in
            the picture, without what age took from them or put beside them.
        damage: (H, W) 255 where age changed what is seen: on the ground or in a stroke.
        loss: (H, W) 255 where a stroke cannot be told from its ground any more.
    """

    light: Field
    ink: npt.NDArray[np.uint8]
    damage: npt.NDArray[np.uint8]
    loss: npt.NDArray[np.uint8]
