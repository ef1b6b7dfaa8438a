"""Whether what was set into a surface can still be read: its ink is looked for and compared.

Holds: ``LegibilityParams``, ``Legibility``, :func:`judge_ink` and :func:`require_legible`.

Keeps out: reading it (``training.restyling`` asks a ``Recogniser``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.errors import MaterialError
from pipelines.imaging.ink import normalize_ink
from pipelines.records import Polarity

Ink = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class LegibilityParams:
    """What a restyled page must keep. Ours.

    Attributes:
        min_ink_iou: Ink found on it and ink set into it, shared over covered pixels. Specks of
            worn stone count against it, as they do against a reader.
        max_accuracy_loss: Share of the characters that a reader may lose by the restyling.
    """

    min_ink_iou: float = 0.5
    max_accuracy_loss: float = 0.15


@dataclass(frozen=True, kw_only=True)
class Legibility:
    """What was found of the ink; shares in [0, 1].

    Attributes:
        ink_iou: Shared pixels over covered pixels.
        ink_found: Share of the ink set in that was found.
        ink_true: Share of the ink found that was set in.
        polarity: What the normalization took it for.
        ink: (H, W) white on black, what it found.
    """

    ink_iou: float
    ink_found: float
    ink_true: float
    polarity: Polarity
    ink: Ink


_DEFAULT = LegibilityParams()


def judge_ink(picture: npt.NDArray[np.uint8], truth: Ink) -> Legibility:
    """Look for the ink of a page as the pipeline does, and compare.

    Raises:
        ValueError: If page and truth differ in size: boxes would no longer fit.
    """
    if picture.shape[:2] != truth.shape:
        raise ValueError(
            f"A restyled page of {picture.shape[:2]} is compared with ink of {truth.shape}; "
            f"restyling must not change the size."
        )
    normalized = normalize_ink(picture)
    found, true = normalized.ink > 127, truth > 127
    shared = int((found & true).sum())
    return Legibility(
        ink_iou=shared / max(1, int((found | true).sum())),
        ink_found=shared / max(1, int(true.sum())),
        ink_true=shared / max(1, int(found.sum())),
        polarity=normalized.polarity,
        ink=normalized.ink,
    )


def require_legible(
    found: Legibility, wanted: Polarity, name: str, params: LegibilityParams = _DEFAULT
) -> None:
    """Refuse a page whose ink was not found again.

    Raises:
        MaterialError: With ``reason`` illegible.
    """
    if found.polarity is not wanted:
        raise MaterialError(
            f"{name} came out {found.polarity} where the scan is {wanted}. Take another scan, or "
            f"a lower --strength.",
            reason="illegible",
        )
    if found.ink_iou < params.min_ink_iou:
        raise MaterialError(
            f"{name} is not legible enough on this surface: ink found and ink set in share "
            f"{found.ink_iou:.2f} of their pixels, at least {params.min_ink_iou:.2f} is asked "
            f"for. Take a less worn scan, larger characters, or a lower --strength.",
            reason="illegible",
        )
