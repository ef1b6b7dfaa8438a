"""印: red seals as a layer of their own.

Holds: finding what is red on a coloured page, which of it are seals, and the grey picture in
which they no longer stand in the way: vermilion is light in the red channel and brush ink is dark
in it, so that ink under or over a seal stays.

Keeps out: reading seals. On a grey scan nothing is red; a seal there is ink.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from pipelines.imaging.scaling import Gray, cropped, enlarged_box, shrink_factor

Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealParams:
    """What a seal looks like; tried on the CODH pages and on drawn seals, fresh and faded.

    Attributes:
        side_px: Longest side of the copy on which seals are looked for.
        min_excess: Red beyond green and blue, in grey levels beyond the page's own, to be red.
        faint_excess: The same of what is red beside something red: thin lines and worn paste.
        min_core: Share of a seal's box that is plainly red.
        join: Width of the gaps inside a seal, as a share of the copy's short side.
        min_side: Shorter side of a seal, as a share of the page's short side.
        max_side: Longer side of one.
        max_aspect: Longer over shorter side, at most: three square seals in one.
        min_fill: Share of a seal's box that is red, at least; thin relief characters have least.
        max_share: Share of the page from which red is a coloured page and not a seal.
    """

    side_px: int = 768
    min_excess: int = 28
    faint_excess: int = 18
    min_core: float = 0.05
    join: float = 0.02
    min_side: float = 0.012
    max_side: float = 0.4
    max_aspect: float = 4.0
    min_fill: float = 0.15
    max_share: float = 0.3


@dataclass(frozen=True, slots=True)
class SealLayer:
    """What is red.

    Attributes:
        seals: One box for each seal, in pixels of the page.
        areas: Boxes of everything red, small marks and rules included.
        redness: How red the page is, beyond its own tint, from which a pixel counts.
    """

    seals: tuple[Box, ...]
    areas: tuple[Box, ...]
    redness: int


_NONE = SealLayer((), (), 0)
_DEFAULT = SealParams()


def find_seals(image: Rgb, params: SealParams = _DEFAULT) -> SealLayer:
    """The red of a coloured page; nothing on a grey one or on one that is red all over.

    Args:
        image: (H, W) or (H, W, 3) RGB; not modified.
        params: What a seal looks like.
    """
    if image.ndim == 2:
        return _NONE
    factor = shrink_factor(image.shape, params.side_px)
    small = np.ascontiguousarray(image[::factor, ::factor])
    excess = np.asarray(cv2.blur(_excess(small), (3, 3)), np.uint8)
    tint = int(np.median(excess))
    core = (excess >= tint + params.min_excess).astype(np.uint8)
    if not core.any() or core.mean() > params.max_share:
        return _NONE
    red = (excess >= tint + params.faint_excess).astype(np.uint8)
    side = max(3, int(min(red.shape) * params.join)) | 1
    joined = cv2.morphologyEx(red, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    short = min(red.shape)
    seals, areas = [], []
    for label in range(1, count):
        x, y, across, down, area = (int(v) for v in stats[label])
        box = Box(x, y, x + across, y + down)
        grown = box.padded(2, 2).clipped(red.shape[1], red.shape[0]) or box
        core_share = float(cropped(core, box).mean())
        if area < 9 or not core_share:
            continue
        areas.append(enlarged_box(grown, factor, red.shape, image.shape))
        is_seal = (
            core_share >= params.min_core
            and min(across, down) >= max(4, params.min_side * short)
            and max(across, down) <= params.max_side * short
            and max(across, down) <= params.max_aspect * min(across, down)
            and float(cropped(red, box).mean()) >= params.min_fill
        )
        if is_seal:
            seals.append(enlarged_box(box, factor, red.shape, image.shape))
    return SealLayer(tuple(seals), tuple(areas), tint + params.faint_excess)


def seal_mask(image: Rgb, layer: SealLayer) -> Gray:
    """(H, W) uint8: 255 where a seal's red lies, also on top of ink."""
    mask = np.zeros(image.shape[:2], np.uint8)
    for box in layer.seals:
        view = image[box.top : box.bottom, box.left : box.right]
        excess = _excess(np.ascontiguousarray(view))
        cropped(mask, box)[...] = np.where(excess >= layer.redness, 255, 0)
    return mask


def without_red(gray: Gray, image: Rgb, layer: SealLayer) -> Gray:
    """The grey page with the red channel where something is red.

    Returns:
        ``gray`` itself if nothing is red, otherwise a copy.
    """
    if not layer.areas:
        return gray
    plain = gray.copy()
    for box in layer.areas:
        view = image[box.top : box.bottom, box.left : box.right]
        excess = _excess(np.ascontiguousarray(view))
        # Around a red pixel colour is blurred by the file; the channel is taken there too.
        near = cv2.dilate((excess >= layer.redness - 8).astype(np.uint8), np.ones((5, 5)))
        target = cropped(plain, box)
        target[...] = np.where(near > 0, np.maximum(view[..., 0], target), target)
    return plain


def _excess(rgb: Rgb) -> Gray:
    """Red beyond the stronger of green and blue, 0 to 255."""
    red, green, blue = cv2.split(rgb)
    return np.asarray(cv2.subtract(red, cv2.max(green, blue)), np.uint8)
