"""How UniCalli is trained: from nothing on two cores or a GPU, or on approved samples.

Holds: functions that fill in what ``training.families.unicalli.recipe`` asks for. Variants replace
fields; nothing is read from the environment. ``small``, ``base`` and ``flux`` have been built and
counted, but no GPU was at hand to run them: their times are budgets, not measurements.

Keeps out: the doing (``training.families.unicalli``).
"""

from __future__ import annotations

from dataclasses import replace

from pipelines.records import Script
from training.augment import AugmentParams
from training.families.unicalli.flux.network import FluxDims
from training.families.unicalli.flux.training import FluxRecipe
from training.families.unicalli.flux.weights import FluxChoice
from training.families.unicalli.model import UniCalliDims
from training.families.unicalli.recipe import (
    CONTENT_FONT,
    AncientRecipe,
    FineTuneRecipe,
    LocateRecipe,
    PretrainRecipe,
)
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

DRAWN = AugmentParams(
    elastic_share=0.06,
    speck_probability=0.15,
    missing_probability=0.15,
    hollow_probability=0.05,
    neighbour_probability=0.0,
)
"""Copies drawn by hand vary in form more than in wear."""


def tiny() -> PretrainRecipe:
    """Two cores, about two and a half hours."""
    return PretrainRecipe(name="unicalli.tiny")


def small() -> PretrainRecipe:
    """One GPU, half an hour: 88 M parameters, four times the characters a batch."""
    loop = LoopParams(seconds=600, learning_rate=1e-3, precision="bfloat16", compiles=True)
    return PretrainRecipe(
        name="unicalli.small",
        needs_gpu=True,
        dims=UniCalliDims(width=512, heads=8, depth=8, time_width=256),
        autoencoder=LoopParams(seconds=120, learning_rate=2e-3, weight_decay=0.0),
        eye=loop,
        brush=loop,
        columns=replace(loop, learning_rate=5e-4, warmup_steps=500),
        characters_at_once=1024,
        columns_at_once=256,
    )


def base() -> PretrainRecipe:
    """One GPU, three days: 595 M parameters, cells of 64 pixels, as the bank draws them."""
    loop = LoopParams(
        seconds=6 * 3600, learning_rate=6e-4, warmup_steps=1000, precision="bfloat16", compiles=True
    )
    return PretrainRecipe(
        name="unicalli.base",
        needs_gpu=True,
        dims=UniCalliDims(
            cell_px=64, width=1024, heads=16, depth=16, time_width=512, character_width=128
        ),
        vocabulary_size=8000,
        autoencoder=LoopParams(seconds=1800, learning_rate=1e-3, weight_decay=0.0),
        eye=loop,
        brush=loop,
        columns=replace(
            loop,
            seconds=60 * 3600,
            learning_rate=2e-4,
            warmup_steps=2000,
            average_decay=0.9999,
            accumulate=2,
        ),
        characters_at_once=2048,
        columns_at_once=512,
    )


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


def flux() -> FluxRecipe:
    """One GPU of 80 GB: corrections to FLUX.1, as the paper's authors first trained it.

    The paper trains all of it for 500,000 steps on eight such GPUs. ``choice.lora`` None does so
    in one process, which takes 240 GB for float32 weights, their average, gradients and two
    moments: several processes share the work (``torchrun``) but each holds everything.
    """
    return FluxRecipe(
        name="unicalli.flux",
        dims=FluxDims(style_tokens=128),
        columns=LoopParams(
            steps=20_000,
            learning_rate=1e-4,
            floor=1.0,
            warmup_steps=10,
            weight_decay=0.01,
            betas=(0.9, 0.999),
            average_decay=0.0,
            precision="bfloat16",
        ),
    )


def flux_debug() -> FluxRecipe:
    """A few steps on a FLUX folder of any size, on a CPU: proves that it runs."""
    return replace(
        flux(),
        name="unicalli.flux_debug",
        needs_gpu=False,
        dims=FluxDims(cell_px=16, style_tokens=8),
        choice=FluxChoice(lora=LoraParams(rank=4, alpha=4.0)),
        vocabulary_size=50,
        columns=LoopParams(seconds=600, steps=4, log_every_s=0.0),
        columns_at_once=2,
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
    """Approved samples, and beside them what two readers read the same on unlabelled pages.

    Not the default: it teaches the model what the second reader knows, and people see drafts that
    heed that reader already. One hand that was never learned, 254 approved characters, 72 columns
    with 408 weak labels, 50 steps, judged on 759 characters of three other works: by itself the
    model needs 36.0 corrections per 100 characters instead of 37.7 without them (paired difference
    -1.7, 95 % interval by page -2.4 to -1.1), heeding the second reader 19.2 instead of 18.8 (+0.4,
    -0.4 to +1.1). Where the second reader is not asked, it is worth taking.
    """
    return replace(fine_tune(), name="unicalli.weak", weak_share=0.2)


def augmented() -> FineTuneRecipe:
    """Approved samples, and beside them columns that a model wrote for rare hands, or corpora.

    Not the default: 320 approved characters of a hand that was never learned, 60 steps, judged on
    three frozen works of it. What Calliffusion wrote makes the reader need 2.4 corrections per 100
    characters more (95 % interval 0.7 to 4.1), what ScriptViT wrote 0.1 more (-1.8 to +2.1), and
    4.2 more of rare ones (0.7 to 7.5); a corpus 0.0 (-1.7 to +1.7), restyled 1.1 fewer (-2.8 to
    +0.5). Of a second hand all cost two more, and what ScriptViT wrote five (3.0 to 7.0).
    """
    return replace(fine_tune(), name="unicalli.augmented", synthetic_share=0.2)


def balanced() -> FineTuneRecipe:
    """Approved samples, hands that look alike by the square root of how much there is of them.

    For projects in which one hand is approved a hundred times as often as another. Not measured:
    all trials of this recipe's kind had one hand.
    """
    return replace(fine_tune(), name="unicalli.balanced", look_balance=0.5)


def oracle_bone() -> AncientRecipe:
    """Drawings of oracle bone characters, named by their modern ones: minutes on one free core."""
    return AncientRecipe(
        name="unicalli.oracle_bone",
        script=Script.ORACLE_BONE,
        content_font=CONTENT_FONT,
        eye=replace(_SHORT, steps=600, learning_rate=1.5e-3),
        brush=replace(_SHORT, steps=600, learning_rate=2e-3),
        damage=DRAWN,
    )


def hieroglyphs() -> AncientRecipe:
    """The 1,071 signs of fonts: minutes on one free core."""
    return AncientRecipe(
        name="unicalli.hieroglyphs",
        script=Script.HIEROGLYPHS,
        content_font="noto-hieroglyphs",
        written_font="gardiner",
        judged_fonts=("aegyptus",),
        eye=replace(_SHORT, steps=400, learning_rate=1e-3),
        brush=replace(_SHORT, steps=400, learning_rate=1.5e-3),
    )


def locate() -> LocateRecipe:
    """Half an hour on one free core, from a model that reads and writes."""
    return LocateRecipe(name="unicalli.locate")


_SHORT = LoopParams(seconds=1800, warmup_steps=20, average_decay=0.99)
"""A run that starts from a model needs neither a long warm-up nor a long average. A busy machine
gets more time for the same steps, up to half an hour, before it has to do with fewer."""
