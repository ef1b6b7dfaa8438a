"""What a recipe of this family says: every number of a training.

Holds: ``ScriptViTRecipe``.

Keeps out: the recipes themselves (``training.recipes.scriptvit``) and the doing (``stages``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from training.families.scriptvit.adversary import AdversaryParams
from training.families.scriptvit.dims import ScriptViTDims
from training.families.scriptvit.objective import HandParams
from training.families.scriptvit.staggered import StaggeredParams
from training.loop import LoopParams

CONTENT_FONT = "lxgw-wenkai-tc"


@dataclass(frozen=True, kw_only=True)
class ScriptViTRecipe:
    """A model in three stages: the style encoder, the readers, the generator.

    Attributes:
        needs_gpu: A CPU would take months: the recipe is refused there.
        is_of_words: Learns from a file of words by writer instead of from fonts.
        vocabulary_size: Characters, of which every fifth is kept to judge on.
        most_letters: Longer words are left out.
        apart: Writers of a file of words that are kept apart, the last ones by number.
        hands: The style encoder tells hands apart.
        readers: Recogniser and writer classifier learn from real pictures alone, before the
            generator is judged by them, and go on beside it (ours: on two cores there is no
            time for all to begin from nothing at once).
        shaping: The generator draws after true pictures before it is judged (ours, where there
            are any); None leaves that out.
        writing: The generator, judged; None leaves it and the readers out, and writing is refused.
    """

    name: str
    needs_gpu: bool = False
    is_of_words: bool = False
    dims: ScriptViTDims = field(default_factory=ScriptViTDims)
    content_font: str = CONTENT_FONT
    vocabulary_size: int = 600
    most_letters: int = 20
    apart: int = 8
    hands: LoopParams = LoopParams(seconds=1500, learning_rate=1.5e-3)
    hand_params: HandParams = HandParams()
    readers: LoopParams = LoopParams(seconds=300, learning_rate=2e-3)
    shaping: LoopParams | None = LoopParams(seconds=900, learning_rate=1.5e-3, weight_decay=0.0)
    writing: StaggeredParams | None = StaggeredParams(seconds=1200)
    adversary: AdversaryParams = AdversaryParams()
    seed: int = 0
