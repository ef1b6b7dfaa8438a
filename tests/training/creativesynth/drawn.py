"""Scans and pages that are drawn: strokes of known places on a ground of known grain."""

import cv2
import numpy as np

from pipelines.geometry import Box
from pipelines.truth import TrueCharacter

SHAPE = (320, 240)


def strokes(shape=SHAPE, *, step=64, seed=0):
    """Crosses and bars in columns: (H, W) white on black, and a box around each."""
    ink, boxes = np.zeros(shape, np.uint8), []
    rng = np.random.default_rng(seed)
    for top in range(16, shape[0] - step + 8, step):
        for left in range(16, shape[1] - step + 8, step):
            dx = int(rng.integers(-4, 5))
            cv2.line(ink, (left + 4, top + 24), (left + 40, top + 24 + dx), 255, 7, cv2.LINE_AA)
            cv2.line(ink, (left + 22 + dx, top + 4), (left + 22, top + 42), 255, 7, cv2.LINE_AA)
            boxes.append(Box(left, top, left + 46, top + 48))
    return ink, boxes


def scan(shape=(400, 300), *, is_rubbing=True, seed=3, step=64):
    """A picture of a rubbing or a sheet: grain, a stain, and other strokes than the page's."""
    rng = np.random.default_rng(seed)
    ink, _ = strokes(shape, seed=seed, step=step)
    ground, full = (36, 30, 40), (226, 228, 222)
    if not is_rubbing:
        ground, full = (222, 208, 176), (40, 38, 36)
    grain = cv2.GaussianBlur(rng.normal(0, 22, shape).astype(np.float32), (0, 0), 1.0)
    share = cv2.GaussianBlur(ink, (0, 0), 0.8).astype(np.float32)[..., None] / 255
    picture = np.array(ground) + grain[..., None] + share * (np.array(full) - np.array(ground))
    picture[: shape[0] // 3] += 12
    return np.clip(picture, 0, 255).astype(np.uint8)


def blank(shape=(400, 300)):
    """A sheet nobody has written on."""
    grain = np.random.default_rng(1).normal(0, 2, shape)[..., None]
    return np.clip(np.array((222, 208, 176)) + grain, 0, 255).astype(np.uint8)


def characters(boxes, text="一"):
    """As true characters, one column."""
    return tuple(
        TrueCharacter(box=box, written=text, canonical=text, column=0, loss=0.9) for box in boxes
    )
