"""New ink set into a surface, as if it had always been there.

Holds: ``inlay``. Where strokes stand is the page's and is not moved; how soft and ragged their
edges are, how dark they are and how uneven, is the surface's.

Keeps out: measuring the surface (``surface``).
"""

from __future__ import annotations

import numpy as np

from pipelines.synthesis.fields import grain, stroke_width
from training.families.creativesynth.ground import Field
from training.families.creativesynth.surface import (
    REACH_PX,
    Ink,
    Surface,
    roughness,
    signed_distance,
)

RAGGED_PX = 3.0
"""How wide the teeth of a ragged edge are."""
MOST_RAGGED_PX = 1.5
MOST_RAGGED_SHARE = 0.12
"""Further no edge is moved, in pixels and in widths of a stroke, or hairlines would break."""
SHARPEST_PX = 0.45
"""No edge is sharper: so sharp is one between two pixels."""


def inlay(
    ink: Ink, surface: Surface, rng: np.random.Generator, strength: float = 1.0
) -> tuple[Field, Field]:
    """Set ink into a surface.

    Args:
        ink: (H, W) white on black, antialiased or not; not modified.
        surface: Of the same size.
        rng: Where edges are ragged.
        strength: How much of the surface's unevenness is taken, 0 to 1: at 0 ground and ink are
            of one tone each.

    Returns:
        The picture, (H, W, 3) 0 to 255, and how much ink covers each place, (H, W) 0 to 1.
    """
    covered = coverage(ink, surface, rng, strength)
    flat = np.median(surface.ground[::4, ::4].reshape(-1, 3), axis=0).astype(np.float32)
    flat_ink = surface.ink_light.reshape(-1, 3).mean(axis=0)
    ground = flat + np.float32(strength) * (surface.ground - flat)
    full = flat_ink + np.float32(strength) * (surface.ink_light + surface.ink_grain - flat_ink)
    made = ground + covered[..., None] * (full - ground)
    return np.asarray(np.clip(made, 0, 255), np.float32), covered


def coverage(ink: Ink, surface: Surface, rng: np.random.Generator, strength: float = 1.0) -> Field:
    """How much ink covers each place, by its distance from the edge of a stroke."""
    distance = signed_distance(ink)
    # Antialiased edges say more exactly where they are than whole pixels do.
    distance = np.where(np.abs(distance) < 1, ink.astype(np.float32) / 255 - 0.5, distance)
    lacking = max(0.0, surface.roughness**2 - roughness(ink) ** 2) ** 0.5
    depth = strength * min(MOST_RAGGED_PX, min(lacking, MOST_RAGGED_SHARE) * stroke_width(ink))
    steps = np.diff(surface.cover)
    middles = np.arange(-REACH_PX, REACH_PX) + 0.5
    centre = float((steps * middles).sum() / max(steps.sum(), 1e-6))
    softness = float((steps * (middles - centre) ** 2).sum() / max(steps.sum(), 1e-6)) ** 0.5
    # The softness of the scan is of many edges at once: part of it is that they are ragged.
    sharp = max(SHARPEST_PX, (max(0.0, softness**2 - depth**2)) ** 0.5) / max(softness, 1e-6)
    if depth:
        distance = distance + np.float32(depth) * grain(
            (ink.shape[0], ink.shape[1]), RAGGED_PX, rng
        )
    places = centre + (np.arange(-REACH_PX, REACH_PX + 1) - centre) * min(1.0, sharp)
    return np.asarray(np.interp(distance, places, surface.cover), np.float32)
