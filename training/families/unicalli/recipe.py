"""What a recipe of this family says: every number of a training from nothing, or of a fine-tuning.

Keeps out: the recipes themselves (``training.recipes.unicalli``) and the doing (``from_nothing``,
``fine_tuning``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pipelines.records import Script
from training.augment import AugmentParams
from training.families.unicalli.model import UniCalliDims
from training.families.unicalli.objective import TINY, ObjectiveParams
from training.loop import LoopParams
from training.lora import LoraParams

CONTENT_FONT = "lxgw-wenkai-tc"


@dataclass(frozen=True, kw_only=True)
class PretrainRecipe:
    """A model from nothing, in four stages: autoencoder, eye, brush, columns.

    ``needs_gpu`` says that a CPU would take months: the recipe is refused there.
    """

    name: str
    needs_gpu: bool = False
    dims: UniCalliDims = field(default_factory=UniCalliDims)
    vocabulary_size: int = 4500
    content_font: str = CONTENT_FONT
    autoencoder: LoopParams = LoopParams(seconds=240, learning_rate=2e-3, weight_decay=0.0)
    eye: LoopParams = LoopParams(seconds=3000, learning_rate=1.6e-3)
    brush: LoopParams = LoopParams(seconds=3000, learning_rate=2e-3)
    columns: LoopParams = LoopParams(seconds=900, learning_rate=1e-3)
    objective: ObjectiveParams = replace(TINY, read_share=0.4)
    characters_at_once: int = 192
    columns_at_once: int = 32
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class FineTuneRecipe:
    """A released model learns from what people approved.

    Attributes:
        loop: As many steps as two free cores take in two to three minutes; a busier
            machine gets more seconds, up to a bound, before it has to do with fewer steps.
        lora: Rank and weight of corrections to the transformer, with the eye and the brush frozen;
            None trains the whole network.
        sample_share: Share of batches cut from approved samples; the rest replays the hands the
            model was trained on, so that they are not forgotten.
        weak_share: Share of batches cut from columns that two readers read the same in part and
            that nobody approved; it is taken from the replay. The recipe ``unicalli.weak`` says
            what it is worth.
        synthetic_share: Share cut from what a model wrote or corpora hold, taken from the replay
            as well. The recipe ``unicalli.augmented``.
        look_balance: How far hands that look alike share their turns among the approved samples
            (``training.samples.look_weights``); 0 draws evenly over columns. The recipe
            ``unicalli.balanced``.
    """

    name: str
    loop: LoopParams = LoopParams(seconds=200, steps=140, learning_rate=6e-4, warmup_steps=20)
    objective: ObjectiveParams = replace(TINY, read_share=0.9)
    lora: LoraParams | None = None
    sample_share: float = 0.6
    weak_share: float = 0.0
    synthetic_share: float = 0.0
    look_balance: float = 0.0
    columns_at_once: int = 24
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class AncientRecipe:
    """The eye and the brush of a released model learn another script, one sign at a time.

    Attributes:
        script: Which; drawings that say they are of another one are refused.
        content_font: In it stands what each sign is named by.
        written_font: What the brush learns to draw where there are no drawings; the content font
            if it is not fetched.
        judged_fonts: Held out from the eye, as far as they are fetched.
        damage: What is done to the pictures that the eye learns from.
    """

    name: str
    script: Script
    content_font: str
    written_font: str = ""
    judged_fonts: tuple[str, ...] = ()
    eye: LoopParams
    brush: LoopParams
    damage: AugmentParams = AugmentParams()
    objective: ObjectiveParams = TINY
    characters_at_once: int = 96
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class LocateRecipe:
    """A model that reads and writes learns to locate in raw columns as well.

    Attributes:
        finder_width: Of the finder that a model without one is given.
        learning: Parts of the network that learn, by the beginnings of their names. With others
            than the finder, reading and writing change too: give both a share.
        objective: The content is not asked for: what stands in a box is read when it is found.
    """

    name: str
    loop: LoopParams = LoopParams(seconds=1800, learning_rate=2e-3, warmup_steps=20)
    finder_width: int = 32
    learning: tuple[str, ...] = ("finder.",)
    objective: ObjectiveParams = replace(
        TINY,
        read_share=0.0,
        locate_share=1.0,
        reading_flow_weight=0.0,
        retrieval_weight=0.0,
        full_noise_share=0.9,
        given_share=0.0,
    )
    columns_at_once: int = 16
    seed: int = 0
