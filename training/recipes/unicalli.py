"""How UniCalli is trained: from nothing on two cores, on approved samples, or as a smoke test.

Holds: functions that fill in what ``training.families.unicalli.recipe`` asks for. Variants replace
fields; nothing is read from the environment.

Keeps out: the doing (``training.families.unicalli``).
"""

from __future__ import annotations

from dataclasses import replace

from training.families.unicalli.model import UniCalliDims
from training.families.unicalli.recipe import FineTuneRecipe, PretrainRecipe
from training.loop import LoopParams
from training.lora import LoraParams

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


def tiny() -> PretrainRecipe:
    """Two cores, about two and a half hours."""
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
        brush=short,
        columns=replace(short, steps=6),
        characters_at_once=8,
        columns_at_once=4,
    )


def fine_tune() -> FineTuneRecipe:
    """A few minutes on approved samples."""
    return FineTuneRecipe(name="unicalli.fine_tune")


def lora() -> FineTuneRecipe:
    """The same with corrections of low rank: one per cent of the weights, little forgetting."""
    return replace(
        fine_tune(),
        name="unicalli.lora",
        lora=LoraParams(),
        loop=replace(fine_tune().loop, learning_rate=2e-3, weight_decay=0.0),
    )


def weak() -> FineTuneRecipe:
    """Approved samples, and beside them what two readers read the same on unlabelled pages."""
    return replace(fine_tune(), name="unicalli.weak", weak_share=0.2)
