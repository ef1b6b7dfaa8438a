"""Mending what time did to the ink, and remembering where: specks, pits, cracks and flakes.

Holds: the restoration of a mask. Evidence is the component (a speck is smaller than a dot of the
brush), the width (a crack and the scraps between pits are thinner than a stroke, a flake is
broader) and the direction (a crack runs on where no stroke would). All of it is found on a copy
of bounded size; the majority vote that rebuilds weathered strokes sees every pixel.

Keeps out: rules and frames (``pipelines.imaging.lines``): they were drawn, not suffered.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.imaging.scaling import enlarged, shrink_factor, shrunk

Ink = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorationParams:
    """What damage looks like, in widths of the page's own strokes.

    Attributes:
        side_px: Longest side of the copy on which components are found.
        speck_strokes: Side of the largest speck on stone.
        dirt_strokes: Side of the largest speck on paper, where small notes have small dots.
        worn_share: Share of ink in specks from which cracks are looked for.
        weathered_share: Share of ink in specks from which strokes are rebuilt by majority, and
            pits inside them are filled.
        vote_strokes: Side of the window of that vote.
        max_vote_px: The most it may be.
        hole_strokes: Side of the largest pit inside a stroke that is filled.
        crack_strokes: Length from which a thin run is a crack.
        crack_width: Width up to which it is one.
        crack_join: Width of the strokes that it may cross on its way.
        crack_aspect: How far it may wander, across over along.
        scrap_area: Area of the largest scrap between pits, in squared widths of the middle of
            strokes.
        scrap_width: Width of its widest part, at most, in such widths.
        flake_strokes: Width from which ink on weathered stone is a place where its face is gone.
        flake_body: Share of that width down to which it goes on around such a place.
        flake_aspect: Length over width from which such a place may be a broad stroke after all.
    """

    side_px: int = 2048
    speck_strokes: float = 0.9
    dirt_strokes: float = 0.6
    worn_share: float = 0.01
    weathered_share: float = 0.05
    vote_strokes: float = 0.5
    max_vote_px: int = 9
    hole_strokes: float = 0.3
    crack_strokes: float = 16.0
    crack_width: float = 0.45
    crack_join: float = 1.3
    crack_aspect: float = 0.22
    scrap_area: float = 2.0
    scrap_width: float = 0.6
    flake_strokes: float = 3.5
    flake_body: float = 0.6
    flake_aspect: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """A mended mask.

    Attributes:
        ink: (H, W) what is left and what was filled, 255 on 0.
        damage: (H, W) 255 where ink was taken away or filled in.
        stroke_px: Width of the page's strokes.
        noise_score: Share of the first mask's pixels that were damage, in [0, 1].
    """

    ink: Ink
    damage: Ink
    stroke_px: float
    noise_score: float


_DEFAULT = RestorationParams()


def restored(
    mask: Ink, params: RestorationParams = _DEFAULT, *, is_stone: bool = True
) -> Restoration:
    """The mask without specks, scraps, cracks and flakes, the pits inside its strokes filled.

    Where specks are many, the stone is weathered: strokes are then rebuilt by a majority vote
    of each pixel's surroundings before specks are counted again.

    Args:
        mask: (H, W) 255 on 0; not modified.
        params: What damage looks like.
        is_stone: Whether the page is a rubbing. Paper has no pits: only specks are taken off it.
    """
    total = cv2.countNonZero(mask)
    if total == 0:
        return Restoration(ink=mask, damage=np.zeros_like(mask), stroke_px=0.0, noise_score=0.0)
    side = params.speck_strokes if is_stone else params.dirt_strokes
    before, specks = mask, _specks(mask, side, params)
    is_weathered = is_stone and specks.share > params.weathered_share
    if is_weathered:
        window = int(np.clip(params.vote_strokes * specks.stroke_px, 3, params.max_vote_px)) | 1
        mask = np.asarray(cv2.medianBlur(mask, window), np.uint8)
        specks = _specks(mask, side, params)
    small = np.where(specks.keep, 255, 0).astype(np.uint8)[specks.labels]
    if specks.stroke_px:
        stroke = specks.stroke_px / specks.factor
        if is_weathered:
            small = _without_scraps(small, params)
        if is_weathered or (is_stone and specks.share > params.worn_share):
            small = _without_cracks(small, stroke, params)
            small = _without_flakes(small, stroke, params)
    kept = enlarged(small, specks.factor, mask.shape)
    ink = np.asarray(cv2.bitwise_and(mask, kept, dst=None if kept is small else kept), np.uint8)
    if is_weathered and specks.stroke_px:
        _fill(ink, params.hole_strokes * specks.stroke_px, specks.factor)
    damage = np.asarray(cv2.bitwise_xor(before, ink), np.uint8)
    count = cv2.countNonZero(ink)
    return Restoration(
        ink=ink,
        damage=damage,
        stroke_px=specks.stroke_px,
        noise_score=max(0, total - count) / total,
    )


@dataclass(frozen=True, slots=True)
class _Specks:
    """Where the specks of a mask are, on a copy of bounded size."""

    labels: Labels
    keep: npt.NDArray[np.bool_]
    factor: int
    stroke_px: float
    share: float


def _specks(mask: Ink, side_strokes: float, params: RestorationParams) -> _Specks:
    """Components smaller than a dot of the brush, with the width of the page's strokes."""
    factor = shrink_factor(mask.shape, params.side_px)
    small = (shrunk(mask, factor) > 0).astype(np.uint8)
    count, found, stats, _ = cv2.connectedComponentsWithStats(small, connectivity=8)
    labels = np.asarray(found, np.int32)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    areas[0] = 0
    if count == 1:
        return _Specks(labels, np.zeros(1, np.bool_), factor, 0.0, 0.0)
    inner = cv2.erode(small, np.ones((3, 3), np.uint8))
    edges = np.bincount(labels[(small > inner)], minlength=count)
    widths = 2 * areas / np.maximum(edges, 1)
    order = np.argsort(widths)
    # The width of the component to which the middle ink pixel belongs: specks weigh little.
    middle = np.searchsorted(np.cumsum(areas[order]), areas.sum() / 2)
    stroke = float(widths[order[min(int(middle), count - 1)]])
    keep = areas > (side_strokes * stroke) ** 2
    return _Specks(labels, keep, factor, stroke * factor, float(areas[~keep].sum() / areas.sum()))


def _without_flakes(small: Ink, stroke: float, params: RestorationParams) -> Ink:
    """The mask without areas broader than any stroke: there the face of the stone is gone.

    Strokes that run into such an area end at its edge.
    """
    # Three pixels for the width of a stroke are enough for what is broader.
    factor = max(1, int(stroke / 3))
    coarse = np.where(shrunk(small, factor) > 127, np.uint8(255), np.uint8(0))
    depth = _depth(np.asarray(cv2.medianBlur(coarse, 3), np.uint8))
    radius = params.flake_strokes * _even_width(depth) / 2
    if radius < 1.5 or not (depth > radius).any():
        return small
    seeds = _opened(depth, radius)
    body = _opened(depth, max(1.5, params.flake_body * radius))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(body, connectivity=8)
    flakes = np.zeros(count, np.uint8)
    for label in np.unique(labels[seeds > 0]):
        x, y, across, down = (int(v) for v in stats[label, :4])
        points = np.argwhere(labels[y : y + down, x : x + across] == label)[:, ::-1]
        long, short = sorted(cv2.minAreaRect(points.astype(np.float32))[1], reverse=True)
        flakes[label] = 255 if long < params.flake_aspect * max(short, 1.0) else 0
    flakes[0] = 0
    # The ragged edge of a flake reaches about a stroke beyond its even middle.
    reach = max(3, round(2 * stroke / factor)) | 1
    gone = cv2.dilate(flakes[labels], np.ones((reach, reach), np.uint8))
    return np.asarray(
        cv2.subtract(small, enlarged(np.asarray(gone, np.uint8), factor, small.shape)), np.uint8
    )


def _depth(mask: Ink) -> npt.NDArray[np.float32]:
    """How far inside a mask each pixel lies."""
    return np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3), np.float32)


def _opened(depth: npt.NDArray[np.float32], radius: float) -> Ink:
    """255 on what of a mask a disc of that radius covers without leaving it, from its depth."""
    outside = np.where(depth > radius, np.uint8(0), np.uint8(255))
    return np.where(_depth(outside) < radius, np.uint8(255), np.uint8(0))


def _even_width(depth: npt.NDArray[np.float32]) -> float:
    """The width in the middle of strokes, of which half the ink is narrower.

    Pits lengthen the outline of worn strokes and make :class:`_Specks` think them thin; their
    middle keeps its distance from the ground.
    """
    ridge = (depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8))) & (depth > 0)
    widths = np.sort(2 * depth[ridge])
    if not widths.size:
        return 0.0
    areas = np.cumsum(widths**2)
    return float(widths[int(np.searchsorted(areas, areas[-1] / 2))])


def _without_scraps(small: Ink, params: RestorationParams) -> Ink:
    """The mask without small components that are nowhere as wide as a stroke.

    In a cloud of pits the vote makes scraps larger than a speck. A dot of the brush differs
    from them by its middle.
    """
    depth = _depth(np.asarray(cv2.medianBlur(small, 3), np.uint8))
    width = _even_width(depth)
    count, found, stats, _ = cv2.connectedComponentsWithStats(small, connectivity=8)
    labels, inked = np.asarray(found, np.int32), small > 0
    deepest = np.zeros(count, np.float32)
    np.maximum.at(deepest, labels[inked], depth[inked])
    is_scrap = stats[:, cv2.CC_STAT_AREA] < params.scrap_area * width**2
    is_scrap &= 2 * deepest < params.scrap_width * width
    is_scrap[0] = False
    return np.asarray(np.where(is_scrap[labels], np.uint8(0), small), np.uint8)


def _without_cracks(small: Ink, stroke: float, params: RestorationParams) -> Ink:
    """The mask without thin runs that are longer than any stroke and keep their direction."""
    side = max(3, round(params.crack_width * stroke) + 1) | 1
    core = cv2.morphologyEx(
        small, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    )
    thin = np.asarray(cv2.subtract(small, core), np.uint8)
    # A crack is cut where it crosses strokes; its pieces are joined again to be measured.
    join = max(3, round(params.crack_join * stroke)) | 1
    joined = cv2.morphologyEx(thin, cv2.MORPH_CLOSE, np.ones((join, join), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    length = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    is_crack = np.zeros(count, np.bool_)
    for label in np.flatnonzero(length[1:] >= params.crack_strokes * stroke) + 1:
        x, y, across, down = (int(v) for v in stats[label, :4])
        points = np.argwhere(labels[y : y + down, x : x + across] == label)[:, ::-1]
        long, short = sorted(cv2.minAreaRect(points.astype(np.float32))[1], reverse=True)
        is_crack[label] = short <= params.crack_aspect * long
    if not is_crack.any():
        return small
    return np.asarray(np.where(is_crack[labels] & (thin > 0), np.uint8(0), small), np.uint8)


def _fill(ink: Ink, side_px: float, factor: int) -> None:
    """Fill pits inside strokes up to that size, in place."""
    small = (shrunk(ink, factor) == 0).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(small, connectivity=4)
    is_pit = stats[:, cv2.CC_STAT_AREA] <= (side_px / factor) ** 2
    is_pit[0] = False
    if count > 1 and is_pit.any():
        ink[enlarged(is_pit.astype(np.uint8)[labels], factor, ink.shape) > 0] = 255
