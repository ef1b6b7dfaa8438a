"""The border between ink and ground: three candidate thresholds, the better one taken.

Holds: Otsu's threshold on the levelled page, Sauvola's and the adaptive Gaussian one, each as a
surface of grey levels on a copy of bounded size; their appendix C.1 scores; and the comparison of
the page with the chosen surface, the only step that sees every pixel.

The score prefers whatever inks a fifth of the page, and a local threshold that follows the grain
does. Between methods it decides only where Otsu's threshold on the levelled page has plainly
failed, that is where its ink is more than the paper's range allows; elsewhere that one was the
best of the three on every synthetic page tried.

Keeps out: which polarity is ink (``pipelines.imaging.polarity``), and what is taken off the mask
afterwards (``pipelines.imaging.lines``, ``pipelines.imaging.restoration``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.imaging.polarity import PolarityParams, ink_edges, scored
from pipelines.imaging.scaling import Gray

Ink = npt.NDArray[np.uint8]


class Method(StrEnum):
    """How a threshold was found."""

    OTSU = "otsu"
    SAUVOLA = "sauvola"
    ADAPTIVE = "adaptive"


@dataclass(frozen=True, slots=True, kw_only=True)
class BinarizationParams:
    """The numbers of the candidates.

    Attributes:
        window: Side of the window of the local methods, as a share of the copy's short side.
        sauvola_k: Weight of the local deviation (Sauvola and Pietikainen 2000).
        sauvola_range: Largest deviation of a grey picture.
        adaptive_offset: Grey levels below the local mean, as in the released code.
    """

    window: float = 0.12
    sauvola_k: float = 0.2
    sauvola_range: float = 128.0
    adaptive_offset: float = 10.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """A surface of grey levels, ``bound``, at any size: what is darker than it is dark ink."""

    bound: Gray
    method: Method


_DEFAULT = BinarizationParams()


def otsu_level(level: Gray) -> tuple[int, float]:
    """Otsu's threshold of a levelled page and the contrast it parts, in its grey levels."""
    threshold = int(cv2.threshold(level, 0, 255, cv2.THRESH_OTSU)[0])
    histogram = np.bincount(level.ravel(), minlength=256).astype(np.float64)
    values = np.arange(256)
    low, high = histogram[: threshold + 1], histogram[threshold + 1 :]
    if low.sum() == 0 or high.sum() == 0:
        return threshold, 0.0
    dark = (low * values[: threshold + 1]).sum() / low.sum()
    light = (high * values[threshold + 1 :]).sum() / high.sum()
    return threshold, float(light - dark)


def best_threshold(
    gray: Gray,
    ground: Gray,
    otsu: int,
    *,
    is_dark_ink: bool,
    polarity: PolarityParams,
    params: BinarizationParams = _DEFAULT,
) -> Threshold:
    """The threshold whose mask scores best.

    Args:
        gray: (h, w) the copy; not modified.
        ground: The light of its ground, at any smaller size.
        otsu: Threshold of the levelled copy, from :func:`otsu_level`.
        is_dark_ink: Which side of the threshold is ink.
        polarity: The numbers of the score.
        params: The numbers of the candidates.
    """
    bound = np.clip(ground.astype(np.int16) + 2 * (otsu - 128), 0, 255).astype(np.uint8)
    size = (gray.shape[1], gray.shape[0])
    plain = np.asarray(cv2.resize(bound, size), np.uint8)
    mask = _side(gray, plain, is_dark_ink)
    if mask.mean() <= polarity.max_foreground:
        # The plain surface stays small: it is as smooth as the ground.
        return Threshold(bound, Method.OTSU)
    edges = ink_edges(gray, polarity)
    best, method, score = bound, Method.OTSU, scored(edges, mask, polarity)
    for other in (Method.SAUVOLA, Method.ADAPTIVE):
        candidate = _local(gray, other, is_dark_ink, params)
        other_score = scored(edges, _side(gray, candidate, is_dark_ink), polarity)
        if other_score > score:
            best, method, score = candidate, other, other_score
    return Threshold(best, method)


def _side(gray: Gray, bound: Gray, is_dark_ink: bool) -> npt.NDArray[np.bool_]:
    return np.asarray(gray <= bound if is_dark_ink else gray > bound)


def _local(gray: Gray, method: Method, is_dark_ink: bool, params: BinarizationParams) -> Gray:
    """A local threshold for dark ink; light ink is dark ink of the negative."""
    picture = (gray if is_dark_ink else 255 - gray).astype(np.float32)
    side = max(3, int(min(gray.shape) * params.window)) | 1
    mean = cv2.boxFilter(picture, -1, (side, side))
    if method is Method.SAUVOLA:
        square = cv2.sqrBoxFilter(picture, -1, (side, side))
        deviation = np.sqrt(np.maximum(square - mean * mean, 0))
        bound = mean * (1 + params.sauvola_k * (deviation / params.sauvola_range - 1))
    else:
        bound = cv2.GaussianBlur(picture, (0, 0), side / 6) - params.adaptive_offset
    bound = np.clip(bound, 0, 255).astype(np.uint8)
    return np.asarray(bound if is_dark_ink else 255 - bound, np.uint8)


def ink_mask(gray: Gray, threshold: Threshold, *, is_dark_ink: bool) -> Ink:
    """The mask of ink at full size, 255 on 0.

    Args:
        gray: (H, W) the page; not modified.
        threshold: From :func:`best_threshold` on a copy of it.
        is_dark_ink: Which side of the threshold is ink.
    """
    size = (gray.shape[1], gray.shape[0])
    full = np.asarray(cv2.resize(threshold.bound, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    if full is threshold.bound:
        full = full.copy()
    # Into the same memory: fresh pages of memory cost more than the comparison.
    cv2.compare(gray, full, cv2.CMP_LE if is_dark_ink else cv2.CMP_GT, dst=full)
    return full
