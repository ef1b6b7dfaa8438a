"""Ink beside ink: our normalization and its peers on the same synthetic pages, by DIBCO measures.

Otsu, Sauvola (scikit-image), doxapy and kraken (where they are installed) know nothing of
polarity, so they are told it from the truth; ours and the released binarizer find it themselves.
"""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from skimage.filters import threshold_sauvola

from assets.resources import Project
from pipelines.imaging.binarization_scores import binarization_scores, lost_strokes
from pipelines.imaging.ink import InkParams, Profile, normalize_ink
from pipelines.synthesis.hands import load_hands
from pipelines.synthesis.pages import sample_pages
from pipelines.texts import load_texts
from tests.benchmarks.measure import table

SEED, PAGES = 20260301, 24
HEADER = ("", "F", "pF", "PSNR", "DRD", "polarity", "ms")


@dataclass(frozen=True, kw_only=True)
class TruePicture:
    """A picture (H, W, 3) RGB, its true ink (H, W) white on black, and which side is ink."""

    image: np.ndarray
    ink: np.ndarray
    is_dark_ink: bool


Binarizer = Callable[[np.ndarray], np.ndarray]
"""From grey with dark ink on a light ground to ink, 255 on 0."""


def peers() -> dict[str, Binarizer]:
    """The binarizers of others that are installed, each with its own defaults."""
    found: dict[str, Binarizer] = {"Otsu": _otsu, "Sauvola (scikit-image)": _sauvola}
    if importlib.util.find_spec("doxapy"):
        for name in ("SAUVOLA", "WOLF", "NICK", "ISAUVOLA", "SU"):
            found[f"{name.title()} (doxapy)"] = _doxa(name)
    if importlib.util.find_spec("kraken"):
        found["kraken binarize"] = _kraken
    return found


def binarization_table(pages: Iterable[TruePicture]) -> list[tuple[str, ...]]:
    """One row a method under ``HEADER``: means over the pages; polarity is the share found right.

    The last row tells what share of the true ink our restoration has taken off.
    """
    scores: dict[str, list[tuple[float, ...]]] = {}
    lost = []
    for page in pages:
        gray = cv2.cvtColor(page.image, cv2.COLOR_RGB2GRAY)
        dark = gray if page.is_dark_ink else 255 - gray
        for profile in Profile:
            start = time.process_time()
            found = normalize_ink(page.image, InkParams(profile=profile))
            seconds = time.process_time() - start
            is_right = (found.polarity.value == "dark_on_light") == page.is_dark_ink
            name = "Beitie" if profile is Profile.BEITIE else "UniCalli, released"
            scores.setdefault(name, []).append(_row(found.ink, page, seconds, float(is_right)))
            if profile is Profile.BEITIE:
                before = cv2.bitwise_xor(found.ink, found.damage)
                lost.append(lost_strokes(before, found.ink, page.ink))
        for name, binarize in peers().items():
            start = time.process_time()
            ink = binarize(dark)
            seconds = time.process_time() - start
            scores.setdefault(name, []).append(_row(ink, page, seconds, math.nan))
    rows = []
    for name, values in scores.items():
        f, pseudo, psnr, drd, milliseconds, polarity = np.mean(values, axis=0)
        told = "told" if math.isnan(polarity) else f"{polarity:.0%}"
        rows.append(
            (name, f"{f:.1f}", f"{pseudo:.1f}", f"{psnr:.1f}", f"{drd:.1f}", told,
             f"{milliseconds:.0f}")
        )  # fmt: skip
    rows.append(("strokes lost to restoration", f"{np.mean(lost):.2%}", *[""] * 5))
    return rows


def synthetic_pictures(project: Project, count: int = PAGES) -> Iterable[TruePicture]:
    """Aged pages of all kinds from a fixed seed: rubbings, paper and silk."""
    hands = load_hands(project.home / "fonts")
    texts = load_texts(project.home / "texts")
    for page in sample_pages(seed=SEED, count=count, hands=hands, texts=texts):
        yield TruePicture(
            image=page.image, ink=page.ink, is_dark_ink=not page.medium.is_light_on_dark
        )


def bench_binarization(project: Project) -> None:
    """The table on synthetic aged pages."""
    rows = binarization_table(synthetic_pictures(project))
    table(f"binarization, {PAGES} synthetic aged pages", HEADER, rows)


def _row(ink: np.ndarray, page: TruePicture, seconds: float, polarity: float) -> tuple[float, ...]:
    found = binarization_scores(ink, page.ink)
    return (
        found.f_measure,
        found.pseudo_f_measure,
        found.psnr,
        found.drd,
        1000 * seconds,
        polarity,
    )


def _otsu(gray: np.ndarray) -> np.ndarray:
    return cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[1]


def _sauvola(gray: np.ndarray) -> np.ndarray:
    return np.where(gray < threshold_sauvola(gray, window_size=25), 255, 0).astype(np.uint8)


def _doxa(name: str) -> Binarizer:
    def binarize(gray: np.ndarray) -> np.ndarray:
        import doxapy

        method = doxapy.Binarization(getattr(doxapy.Binarization.Algorithms, name))
        method.initialize(gray)
        paper = np.empty_like(gray)
        # doxapy has no defaults of its own in Python; these are those of its own examples.
        params = {"SU": {"window": 0, "minN": 0}, "NICK": {"window": 75, "k": -0.2}}
        method.to_binary(paper, params.get(name, {"window": 75, "k": 0.2}))
        return 255 - paper

    return binarize


def _kraken(gray: np.ndarray) -> np.ndarray:
    from kraken.binarization import nlbin
    from PIL import Image

    return 255 - np.asarray(nlbin(Image.fromarray(gray)).convert("L"))
