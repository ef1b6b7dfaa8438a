"""What a recipe of this family says: every number of a training from nothing, or of an adaptation.

Keeps out: the recipes themselves (``training.recipes.calliffusion``) and the doing (``learning``,
``adapting``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from training.families.calliffusion.material import DrawParams
from training.families.calliffusion.network import CalliffusionDims
from training.families.calliffusion.objective import ObjectiveParams
from training.loop import LoopParams
from training.lora import LoraParams

CONTENT_FONT = "lxgw-wenkai-tc"
"""Whose skeletons say what to write; a Kai, as in the paper."""

HANDS = (
    "ma-shan-zheng",
    "liu-jian-mao-cao",
    "long-cang",
    "yuji-mai",
    "yuji-syuku",
    "yuji-boku",
    "kouzan-regular",
    "kouzan-running",
    "kouzan-cursive",
    "aoyagi-kouzan-t",
    "arphic-ukai",
    "arphic-gkai",
    "cwtex-kai",
    "cwtex-ming",
    "cwtex-fangsong",
    "yozfont",
    "noto-serif-cjk",
    "noto-sans-cjk",
    "hanazono-a",
    "moe-clerical",
)
"""Hands to learn from. Zhi Mang Xing and Aoyagi Soseki are left out: adaptation is judged on them.
Seal script is left out too: its strokes do not follow the skeleton of a Kai."""


@dataclass(frozen=True, kw_only=True)
class CalliffusionRecipe:
    """A model from nothing.

    Attributes:
        needs_gpu: Whether a CPU would take months: the recipe is refused there.
        hands: Font ids; those that are not fetched are left out.
        starts_from_standard: Whether the index table begins as the standard font's skeletons
            (``SkeletonEncoder.start_from``); ours.
        characters_at_once: In a batch; each is computed in both modes.
    """

    name: str
    needs_gpu: bool = False
    dims: CalliffusionDims = field(default_factory=CalliffusionDims)
    content_font: str = CONTENT_FONT
    hands: tuple[str, ...] = HANDS
    starts_from_standard: bool = True
    draw: DrawParams = DrawParams()
    objective: ObjectiveParams = ObjectiveParams()
    loop: LoopParams = LoopParams(
        seconds=3600, learning_rate=2e-3, warmup_steps=40, average_decay=0.998
    )
    characters_at_once: int = 16
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class AdaptRecipe:
    """A new hand from a few characters (section 3.5).

    Attributes:
        lora: Of the corrections. Rank and alpha are ours, the paper names none.
        loop: On Aoyagi Soseki 150 steps read better than 60; more were not tried.
        draw: By their own skeletons alone (``adapting``).
        adapts: Ends of the names of the layers that get one: the projections of self- and
            cross-attention, and, ours, what time and prompt say to each residual block, which is
            all that reaches the fine strokes of a network that attends only where it is coarse.
        scale: Each time a character is shown it is this much larger or smaller, as a share.
        shift: And moved by up to this share of its cell.
        tried: How often the given characters are noised to find the known hand whose prompt the
            new one starts from.
    """

    lora: LoraParams = LoraParams(rank=4, alpha=8.0)
    adapts: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0", "time_emb_proj")
    loop: LoopParams = LoopParams(
        seconds=600, steps=150, learning_rate=1e-3, warmup_steps=10, weight_decay=0.0,
        average_decay=0.95, log_every_s=10.0,
    )  # fmt: skip
    draw: DrawParams = DrawParams(own_share=1.0, part_dropout=0.0)
    objective: ObjectiveParams = ObjectiveParams()
    characters_at_once: int = 10
    scale: float = 0.06
    shift: float = 0.03
    tried: int = 8
    seed: int = 0
