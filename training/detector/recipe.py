"""What a recipe of the detector says: every number of a training, and which hands draw its pages.

Keeps out: the recipes themselves (``training.recipes.detector``) and the doing (``fitting``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from training.detector.crops import CropParams
from training.detector.network import DetectorDims
from training.hands import REAL_HAND
from training.loop import LoopParams

CONNECTS: Mapping[str, float] = MappingProxyType(
    {
        "ma-shan-zheng": 0.1,
        "liu-jian-mao-cao": 0.7,
        "long-cang": 0.4,
        "yuji-mai": 0.4,
        "yuji-syuku": 0.1,
        "yuji-boku": 0.4,
        "yuji-hentaigana": 0.95,
        "kouzan-regular": 0.1,
        "kouzan-running": 0.6,
        "kouzan-cursive": 0.85,
        "aoyagi-soseki": 0.4,
        "aoyagi-kouzan-t": 0.5,
        "noto-serif-cjk": 0.1,
        "hanazono-a": 0.1,
        "moe-clerical": 0.0,
        "jf-zsk-seal": 0.0,
        REAL_HAND: 0.5,
    }
)
"""The hands, and on which share of their pages neighbours are joined. Zhi Mang Xing is left out:
pages are judged in it. No registry has a clerical or a seal font: the last two are of
the user's own list (``fonts.toml`` in the font folder), and are left out where it has none."""

JUDGED: Mapping[str, float] = MappingProxyType({"zhi-mang-xing": 0.5, "yuji-syuku": 0.1})
"""The hands of the pages that the curve is measured on."""


CHOSEN_BOOKS = frozenset({"200003076", "200021660", "200021802", "200021869", "brsk00000"})
"""The five CODH books on which thresholds were chosen too: only the other ten judge."""


@dataclass(frozen=True, kw_only=True)
class DetectorRecipe:
    """A detector from nothing, or from a parent.

    Attributes:
        characters: Chinese characters drawn of each hand, commonest first.
        aged_pages: Pages of ``pipelines.synthesis`` mixed in, if texts are given.
        books: CODH books mixed in, if their wheel is given; the others stay for judging.
        judged_pages: Drawn pages on which the curve's F1 is measured.
        settled_batches: Batches on which the norms are measured again in the end.
    """

    name: str
    dims: DetectorDims = field(default_factory=DetectorDims)
    loop: LoopParams = LoopParams(
        seconds=4500, learning_rate=3e-3, weight_decay=1e-4, clip_norm=5.0, log_every_s=120.0
    )
    crops: CropParams = field(default_factory=CropParams)
    characters: int = 900
    aged_pages: int = 160
    books: frozenset[str] = CHOSEN_BOOKS
    judged_pages: int = 8
    settled_batches: int = 40
    seed: int = 0
