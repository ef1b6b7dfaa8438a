"""How UniCalli is trained: from nothing on two cores, on approved samples, or as a smoke test.

Holds: ``PretrainRecipe`` and ``FineTuneRecipe`` and the functions that fill them in. Variants
replace fields; nothing is read from the environment.

Keeps out: the doing (``training.families.unicalli.pretraining`` and ``fine_tuning``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from training.families.unicalli.model import UniCalliDims
from training.families.unicalli.objective import TINY, ObjectiveParams
from training.loop import LoopParams

CONTENT_FONT = "lxgw-wenkai-tc"

NPM_HANDS = (
    "ma-shan-zheng",
    "liu-jian-mao-cao",
    "long-cang",
    "yuji-mai",
    "yuji-syuku",
    "yuji-boku",
)
"""Brush hands that any machine can fetch. Zhi Mang Xing is left out: it is the unseen hand that
the demonstration is judged on."""


@dataclass(frozen=True, kw_only=True)
class PretrainRecipe:
    """A model from nothing, in three stages: autoencoder, eye, columns."""

    name: str
    dims: UniCalliDims = field(default_factory=UniCalliDims)
    vocabulary_size: int = 4500
    content_font: str = CONTENT_FONT
    autoencoder: LoopParams = LoopParams(seconds=240, learning_rate=2e-3, weight_decay=0.0)
    eye: LoopParams = LoopParams(seconds=3000, learning_rate=1.6e-3)
    columns: LoopParams = LoopParams(seconds=900, learning_rate=1e-3)
    objective: ObjectiveParams = replace(TINY, read_share=0.4)
    characters_at_once: int = 192
    columns_at_once: int = 32
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class FineTuneRecipe:
    """A released model learns from what people approved.

    Attributes:
        sample_share: Share of batches cut from approved samples; the rest replays the hands the
            model was trained on, so that they are not forgotten.
    """

    name: str
    loop: LoopParams = LoopParams(seconds=180, learning_rate=6e-4, warmup_steps=20)
    objective: ObjectiveParams = replace(TINY, read_share=0.9)
    sample_share: float = 0.6
    columns_at_once: int = 24
    seed: int = 0


def tiny() -> PretrainRecipe:
    """Two cores, about an hour and a half."""
    return PretrainRecipe(name="unicalli.tiny")


def debug() -> PretrainRecipe:
    """Every stage in a few steps: proves that a run works, not that it learns."""
    short = LoopParams(seconds=600, steps=4, log_every_s=0.0)
    return PretrainRecipe(
        name="unicalli.debug",
        dims=UniCalliDims(width=64, heads=2, depth=1, rope_axes=(16, 16), time_width=32),
        vocabulary_size=50,
        autoencoder=short,
        eye=short,
        columns=replace(short, steps=6),
        characters_at_once=8,
        columns_at_once=4,
    )


def fine_tune() -> FineTuneRecipe:
    """A few minutes on approved samples."""
    return FineTuneRecipe(name="unicalli.fine_tune")
