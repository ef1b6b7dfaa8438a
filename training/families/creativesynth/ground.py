"""The bare ground of a scan: its ink taken off, and what was beneath it filled in.

Light, stains and folds are what is left when the ground is blurred; under the ink they are carried
on from around it. Grain, pits and fibres are the rest; there, pieces of the same scan that hold no
ink are laid in, each chosen among many so that it continues what lies around it (after Efros and
Freeman 2001). Nothing is invented: every grain comes from the scan.

Holds: ``GroundParams``, ``bare_ground`` and ``masked_blur``.

Keeps out: what the ink looks like (``surface``), setting new ink in (``inlay``).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class GroundParams:
    """How bare ground is made; found by looking at rubbings of two steles and at woodblock pages.

    Attributes:
        light_px: Sigma of the blur that parts light and stains from grain.
        cell_px: Side of what is laid in at a time.
        around_px: How far around a cell a piece has to continue what is there.
        tries: Pieces that each cell looks at.
        good: How many of them, the best, it chooses from.
    """

    light_px: float = 14.0
    cell_px: int = 24
    around_px: int = 8
    tries: int = 60
    good: int = 25


_DEFAULT = GroundParams()


def masked_blur(values: Field, weight: Field, sigma_px: float) -> Field:
    """A blur in which places count by their weight; far from all of them, the overall mean.

    Args:
        values: (H, W, 3).
        weight: (H, W), 0 to 1.
        sigma_px: Of the blur.
    """
    # A quarter of the resolution shows the same, in a fraction of the time.
    step = 4 if sigma_px >= 8 else 1
    size = (max(1, values.shape[1] // step), max(1, values.shape[0] // step))
    some = cv2.resize(values * weight[..., None], size, interpolation=cv2.INTER_AREA)
    known = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    mean = some.reshape(-1, 3).sum(axis=0) / max(1e-6, float(known.sum()))
    near_sum = cv2.GaussianBlur(some, (0, 0), sigma_px / step, borderType=cv2.BORDER_REFLECT)
    near = cv2.GaussianBlur(known, (0, 0), sigma_px / step, borderType=cv2.BORDER_REFLECT)
    found = (near_sum + _TRUST * mean) / (near + _TRUST)[..., None]
    return np.asarray(cv2.resize(found, values.shape[1::-1]), np.float32)


_TRUST = 1e-3
"""How much the overall mean counts beside what is near."""


def bare_ground(
    scan: Field, light: Field, inked: Mask, rng: np.random.Generator,
    params: GroundParams = _DEFAULT,
) -> Field:  # fmt: skip
    """The scan as it would be if nobody had written on it.

    Args:
        scan: (H, W, 3), 0 to 255; not modified.
        light: (H, W, 3) its light and stains, from :func:`masked_blur` where neither ink nor specks
            are.
        inked: (H, W) where ink lies, with a little around it.
        rng: Which pieces are tried.
        params: The numbers.

    Returns:
        (H, W, 3); the scan itself where there is no ink.
    """
    filled = light + _laid(scan - light, inked, rng, params)
    return np.where(inked[..., None], np.clip(filled, 0, 255), scan).astype(np.float32)


def _laid(grain: Field, inked: Mask, rng: np.random.Generator, params: GroundParams) -> Field:
    """Grain for every inked place."""
    height, width = inked.shape
    side = params.cell_px + 2 * params.around_px
    places = _free(inked, side)
    filled, known = grain.copy(), ~inked
    if not len(places):
        filled[inked] = 0
        return filled
    shown = np.ascontiguousarray(grain.mean(axis=2))
    windows = np.lib.stride_tricks.sliding_window_view(shown.copy(), (side, side))
    for top in range(0, height, params.cell_px):
        for left in range(0, width, params.cell_px):
            if not inked[top : top + params.cell_px, left : left + params.cell_px].any():
                continue
            y = min(max(0, top - params.around_px), height - side)
            x = min(max(0, left - params.around_px), width - side)
            window = np.s_[y : y + side, x : x + side]
            tried = places[rng.integers(0, len(places), params.tries)]
            offered = windows[tried[:, 0], tried[:, 1]]
            wrong = ((offered - shown[window]) ** 2 * known[window]).sum(axis=(1, 2))
            # The very best would always be the smoothest: worn stone would come out polished.
            best = np.argpartition(wrong, params.good)[: params.good]
            best_y, best_x = tried[int(rng.choice(best))]
            piece = grain[best_y : best_y + side, best_x : best_x + side]
            wanted = ~known[window]
            filled[window][wanted] = piece[wanted]
            shown[window][wanted] = piece[wanted].mean(axis=1)
            known[window][wanted] = True
    return filled


def _free(inked: Mask, side: int) -> npt.NDArray[np.int64]:
    """Top left corners of all windows of that side without ink, (N, 2) as y and x."""
    height, width = inked.shape
    if height < side or width < side:
        return np.empty((0, 2), np.int64)
    total = cv2.integral(inked.astype(np.uint8))
    count = total[side:, side:] - total[:-side, side:] - total[side:, :-side]
    return np.argwhere(count + total[:-side, :-side] == 0)
