"""Which strokes of the references the model looked at: salient stroke attention.

Paper: attention is averaged over heads and layers, put back on the patches of each reference,
enlarged to the picture, kept where there is ink, and what is strongest is cut into strokes. The
thresholds are ours; the paper names none.

Holds: ``SaliencyParams``, ``SalientRegion`` and :func:`salient_regions`.

Keeps out: the networks that attend (``style_encoder``, ``generator``).

Legend: N references, P patches of a reference.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.geometry import Box
from training.families.scriptvit.conditioning import Ink
from training.families.scriptvit.dims import ScriptViTDims

Map = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SaliencyParams:
    """What counts as salient.

    Attributes:
        percentile: Of the attention inside the ink of a reference; above it is salient.
        least_px: Smaller pieces are left out.
    """

    percentile: float = 90.0
    least_px: int = 16


@dataclass(frozen=True, kw_only=True)
class SalientRegion:
    """A piece of a stroke.

    Attributes:
        reference: Which picture, from 0.
        box: In pixels of the reference as the model sees it.
        area_px: Salient pixels in it.
        weight: Its share of all attention on the ink of its reference, in [0, 1].
    """

    reference: int
    box: Box
    area_px: int
    weight: float


_DEFAULT = SaliencyParams()


def attention_maps(attention: npt.NDArray[np.float32], references: Ink, dims: ScriptViTDims) -> Map:
    """Attention on the ink of each reference: (N, height, width), zero off the ink.

    Args:
        attention: (..., N * P); all but the last axis (layers, heads, queries) are averaged.
        references: (N, height, width), white on black.
        dims: Sizes of the patches.
    """
    mean = attention.reshape(-1, attention.shape[-1]).mean(axis=0)
    rows, columns = dims.grid
    grids = mean.reshape(len(references), rows, columns).astype(np.float32)
    maps = []
    for grid, picture in zip(grids, references, strict=True):
        large = cv2.resize(grid, (dims.width_px, dims.height_px), interpolation=cv2.INTER_LINEAR)
        maps.append(large * ink_mask(picture))
    return np.stack(maps)


def salient_regions(
    attention: npt.NDArray[np.float32],
    references: Ink,
    dims: ScriptViTDims,
    params: SaliencyParams = _DEFAULT,
) -> list[SalientRegion]:
    """Pieces of strokes that were looked at most, heaviest first in each reference.

    Args:
        attention: (..., N * P) of the style vector or of the generator's queries.
        references: (N, height, width), white on black.
        dims: Sizes of the patches.
        params: What counts.
    """
    found: list[SalientRegion] = []
    for place, (looked, picture) in enumerate(
        zip(attention_maps(attention, references, dims), references, strict=True)
    ):
        mask = ink_mask(picture)
        total = float(looked.sum())
        if not mask.any() or total == 0:
            continue
        strong = (looked >= np.percentile(looked[mask], params.percentile)) & mask
        count, labels, boxes, _ = cv2.connectedComponentsWithStats(strong.astype(np.uint8))
        regions = []
        for label in range(1, count):
            left, top, width, height, area = (int(number) for number in boxes[label])
            if area >= params.least_px:
                weight = float(looked[labels == label].sum()) / total
                box = Box(left, top, left + width, top + height)
                regions.append(SalientRegion(reference=place, box=box, area_px=area, weight=weight))
        found += sorted(regions, key=lambda region: -region.weight)
    return found


def ink_mask(picture: Ink) -> npt.NDArray[np.bool_]:
    """Where Otsu's threshold sees ink; nowhere in a blank picture."""
    if picture.min() == picture.max():
        return np.zeros(picture.shape, np.bool_)
    _, mask = cv2.threshold(picture, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return mask.astype(np.bool_)
