"""How ScriptViT is trained: on two cores, on words, as a smoke test, or at the paper's size.

Holds: functions that fill in what ``training.families.scriptvit.recipe`` asks for. ``paper`` has
been built and counted; no GPU was at hand to run it.

Keeps out: the doing (``training.families.scriptvit``).
"""

from __future__ import annotations

from training.families.scriptvit.adversary import AdversaryParams
from training.families.scriptvit.dims import PAPER, TINY_WORDS, ScriptViTDims
from training.families.scriptvit.objective import HandParams, Variation
from training.families.scriptvit.recipe import ScriptViTRecipe
from training.families.scriptvit.staggered import StaggeredParams
from training.loop import LoopParams

KNOWN_HANDS = (
    "lxgw-wenkai-tc",
    "ma-shan-zheng",
    "liu-jian-mao-cao",
    "yuji-mai",
    "yuji-syuku",
    "yuji-boku",
    "kouzan-regular",
    "kouzan-running",
    "kouzan-cursive",
    "aoyagi-kouzan-t",
    "arphic-ukai",
    "cwtex-kai",
    "cwtex-ming",
    "cwtex-fangsong",
    "arphic-uming",
    "noto-serif-cjk",
    "noto-sans-cjk",
    "hanazono-a",
    "jf-zsk-seal",
)
"""Fonts that are learned from, those of them that are fetched."""

STRANGE_HANDS = (
    "zhi-mang-xing",
    "aoyagi-soseki",
    "long-cang",
    "moe-clerical",
    "yozfont",
    "arphic-gkai",
)
"""Fonts that nothing is learned from: "none of the known hands" is judged on them."""


def tiny() -> ScriptViTRecipe:
    """Chinese characters on one free core, about 45 minutes."""
    return ScriptViTRecipe(name="scriptvit.tiny")


def words() -> ScriptViTRecipe:
    """Words of letters by writer on one free core, about 70 minutes: ``--words FILE``.

    Nobody writes a word twice alike: the true picture of it counts as a blur.
    """
    return ScriptViTRecipe(
        name="scriptvit.words",
        is_of_words=True,
        dims=TINY_WORDS,
        hands=LoopParams(seconds=900, learning_rate=1.5e-3),
        hand_params=HandParams(variations=(Variation(),)),
        readers=LoopParams(seconds=800, learning_rate=2e-3),
        shaping=LoopParams(seconds=700, learning_rate=1.5e-3, weight_decay=0.0),
        writing=StaggeredParams(seconds=1800),
        adversary=AdversaryParams(shape_share=0.3),
    )


def debug() -> ScriptViTRecipe:
    """Every stage in a few steps: proves that a run works, not that it learns."""
    short = LoopParams(seconds=600, steps=3, log_every_s=0.0)
    return ScriptViTRecipe(
        name="scriptvit.debug",
        dims=ScriptViTDims(
            stem_widths=(8, 8, 8),
            width=32,
            heads=8,
            style_width=16,
            synthesis_widths=(16, 8, 8),
            reader_widths=(8, 8, 16),
            writer_widths=(8, 8, 8),
            discriminator_widths=(8, 8, 8),
        ),
        vocabulary_size=100,
        hands=short,
        hand_params=HandParams(pictures_at_once=15),
        readers=short,
        shaping=short,
        writing=StaggeredParams(seconds=600, iterations=4, log_every_s=0.0),
        adversary=AdversaryParams(pictures_at_once=4),
    )


def paper() -> ScriptViTRecipe:
    """One GPU, a week: the paper's width, heads and references, for Chinese characters.

    Learning rates, schedule and balance are HWT's, as far as the paper follows it. The bank's
    characters of 64 pixels are enlarged to the paper's 224.
    """
    return ScriptViTRecipe(
        name="scriptvit.paper",
        needs_gpu=True,
        dims=PAPER,
        vocabulary_size=4500,
        hands=LoopParams(seconds=24 * 3600, learning_rate=2e-4, warmup_steps=2000),
        readers=LoopParams(seconds=3600, learning_rate=5e-4),
        shaping=None,
        writing=StaggeredParams(
            seconds=6 * 24 * 3600, learning_rate=5e-5, generator_rate=5e-5, average_decay=0.9999
        ),
        adversary=AdversaryParams(
            pictures_at_once=32, set_sizes=(5,), shape_share=0.0, encoder_learns=True
        ),
    )
